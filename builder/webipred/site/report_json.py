"""Reports of a build as JSON."""

import json
from collections.abc import Iterable
from typing import TypedDict

from webipred.findings import Finding
from webipred.site.outcomes import EntryOutcome
from webipred.validate.report import Check


class FindingRecord(TypedDict):
    """One finding."""

    code: str
    severity: str
    where: str
    what: str
    fix: str


class CheckRecord(TypedDict):
    """One check with its findings."""

    name: str
    outcome: str
    detail: str
    findings: list[FindingRecord]


class OutcomeRecord(TypedDict):
    """One entry; `findings` are all of the entry's, those of the checks among them."""

    id: str
    version: str
    status: str
    reason: str
    checks: list[CheckRecord]
    findings: list[FindingRecord]


def render_report_json(outcome: EntryOutcome) -> str:
    """Return the report of one entry as indented JSON with sorted keys and a final line feed."""
    return _write_json(record_outcome(outcome))


def render_reports_json(outcomes: Iterable[EntryOutcome]) -> str:
    """Return the reports of several entries as one JSON object with the list `entries`."""
    return _write_json({"entries": [record_outcome(outcome) for outcome in outcomes]})


def record_outcome(outcome: EntryOutcome) -> OutcomeRecord:
    """Return an outcome as plain JSON values."""
    return OutcomeRecord(
        id=outcome.entry.id,
        version=outcome.entry.version,
        status=outcome.status,
        reason=outcome.reason,
        checks=[_record_check(check) for check in outcome.checks],
        findings=[_record_finding(finding) for finding in outcome.findings],
    )


def _record_check(check: Check) -> CheckRecord:
    return CheckRecord(
        name=check.name,
        outcome=check.outcome,
        detail=check.detail,
        findings=[_record_finding(finding) for finding in check.findings],
    )


def _record_finding(finding: Finding) -> FindingRecord:
    return FindingRecord(
        code=finding.code, severity=finding.severity, where=finding.where, what=finding.what, fix=finding.fix
    )


def _write_json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
