"""The check that names what surrounded a conversion."""

import pytest

from webipred.convert.jail.record import JailRecord
from webipred.validate.jail import check_jail

WHOLE = JailRecord(held=("landlock", "namespaces", "rlimits", "seccomp"))
PART = JailRecord(held=("landlock", "rlimits", "seccomp"), missing=("namespaces",), reasons=("unshare: denied",))
WAIVED = JailRecord(held=("rlimits",), waived=True)


@pytest.mark.parametrize(
    ("record", "outcome", "detail", "codes"),
    [
        (WHOLE, "passed", "landlock, namespaces, rlimits, seccomp", []),
        (PART, "passed", "landlock, rlimits, seccomp; not namespaces", ["W-JAIL-PARTIAL"]),
        (WAIVED, "skipped", "--no-jail, rlimits", ["W-JAIL-WAIVED"]),
        (JailRecord(), "skipped", "not converted in a process", []),
    ],
)
def test_layers_are_named(record: JailRecord, outcome: str, detail: str, codes: list[str]) -> None:
    check = check_jail(record, "model")
    assert (outcome, detail, codes) == (check.outcome, check.detail, [finding.code for finding in check.findings])


def test_a_missing_layer_is_told_with_what_stood_open_and_why() -> None:
    what = check_jail(PART, "model").findings[0].what
    assert "it had no network of its own (namespaces: unshare: denied)" in what
