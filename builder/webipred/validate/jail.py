"""The check that says what surrounded the conversion of a model."""

from typing import Final

from webipred.convert.jail.record import ISOLATION, JailRecord
from webipred.findings import Finding
from webipred.validate.report import Check

CHECK_NAME: Final = "jail"
OPEN: Final = {
    "landlock": "files outside of its work folder were not closed",
    "seccomp": "other programs and processes were not closed",
    "namespaces": "it had no network of its own",
    "rlimits": "memory and processor time were not limited",
}


def check_jail(record: JailRecord, entry_id: str) -> Check:
    """Name the layers that held; a missing one is a warning, and so is a jail that the builder waived."""
    detail = str(record)
    if record.waived:
        finding = _describe(
            "W-JAIL-WAIVED",
            entry_id,
            "the model was converted without a jail, because --no-jail was given.",
            "Build on Linux 5.13 or newer without that flag before you publish.",
        )
        return Check(name=CHECK_NAME, outcome="skipped", detail=detail, findings=(finding,))
    if not record.held:
        return Check(name=CHECK_NAME, outcome="skipped", detail="not converted in a process")
    missing = [layer for layer in (*ISOLATION, "rlimits") if layer in record.missing]
    if not missing:
        return Check(name=CHECK_NAME, outcome="passed", detail=detail)
    reasons = dict(zip(record.missing, record.reasons, strict=False))
    told = "; ".join(f"{OPEN[layer]} ({layer}: {reasons.get(layer, 'no reason')})" for layer in missing)
    what = f"the converter ran with a part of the jail only: {told}."
    finding = _describe("W-JAIL-PARTIAL", entry_id, what, "Build on Linux 5.13 or newer, outside of a tight container.")
    return Check(name=CHECK_NAME, outcome="passed", detail=f"{detail}; not {', '.join(missing)}", findings=(finding,))


def _describe(code: str, entry_id: str, what: str, fix: str) -> Finding:
    return Finding(code=code, where=f"{entry_id}.source", what=what, fix=fix)
