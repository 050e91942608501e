"""A verification as JSON and as lines of text."""

import dataclasses
import json

from webipred.findings import Finding
from webipred.verify.verification import Verification

REPORT_VERSION = 1


def render_verification_json(verification: Verification, checked_at: str | None, *, strict: bool) -> str:
    """Return the report as JSON with sorted keys; `checked_at` is a time in ISO 8601, or None where none may stand."""
    differences = verification.differences
    record = {
        "report_version": REPORT_VERSION,
        "checked_at": checked_at,
        "verifier": verification.verifier,
        "where": verification.where,
        "kind": verification.kind,
        "passed": verification.judge(strict=strict),
        "strict": strict,
        "generator": verification.generator,
        "build_id": verification.build_id,
        "sums_sha256": verification.sums_sha256,
        "pin": dataclasses.asdict(verification.pin),
        "listed_files": verification.listed_files,
        "read_bytes": verification.read_bytes,
        "changed": list(differences.changed),
        "missing": list(differences.missing),
        "extra": list(differences.extra),
        "unread": list(differences.unread),
        "checks": [
            {
                "name": check.name,
                "outcome": check.outcome,
                "detail": check.detail,
                "findings": [_describe(finding) for finding in check.findings],
            }
            for check in verification.checks
        ],
    }
    return json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def render_verification_text(verification: Verification, checked_at: str | None, *, strict: bool) -> str:
    """Return the report as lines of text with a final line feed."""
    lines = [
        *summarise(verification, strict=strict),
        *([f"checked at {checked_at}"] if checked_at else []),
        *(f"{finding.severity}: {finding}" for finding in verification.findings),
    ]
    return "\n".join(lines) + "\n"


def summarise(verification: Verification, *, strict: bool) -> list[str]:
    """Return the result, what was checked and the outcome of every check, one line each."""
    result = "PASSED" if verification.judge(strict=strict) else "FAILED"
    if result == "PASSED" and verification.pin.kind == "none":
        result = "PASSED, compared with its own list only"
    return [
        f"{result}: {verification.where}",
        f"build {verification.build_id} by {verification.generator}, checked by {verification.verifier}",
        f"SHA256SUMS has the sha256 {verification.sums_sha256}",
        *(f"  {check.outcome:<8}{check.name:<9} {check.detail}" for check in verification.checks),
    ]


def _describe(finding: Finding) -> dict[str, str]:
    return {"severity": finding.severity, **dataclasses.asdict(finding)}
