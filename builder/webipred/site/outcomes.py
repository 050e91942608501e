"""EntryOutcome: what became of one catalog entry in a build, as data for pages and reports."""

from dataclasses import dataclass
from typing import Literal

from webipred.catalog.entry import CatalogEntry
from webipred.findings import Finding
from webipred.validate.bundle import ModelBundle
from webipred.validate.report import Check, Report

OutcomeStatus = Literal["published", "failed", "skipped", "draft", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpublished:
    """An entry that is not in the site: why not, and its report if it came as far as validation."""

    entry: CatalogEntry
    findings: tuple[Finding, ...]
    report: Report | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryOutcome:
    """One entry of a build: published, or why not.

    `failed` has at least one error; `skipped` was not tried, for instance because it is not in the lock. `findings`
    are all of the entry's; those of the checks are among them.
    """

    entry: CatalogEntry
    status: OutcomeStatus
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]

    @property
    def passed_checks(self) -> int:
        return sum(check.outcome == "passed" for check in self.checks)

    @property
    def reason(self) -> str:
        """Why the entry is not published, in one line; empty for a published one."""
        if self.status == "published":
            return ""
        if self.entry.status != "published":
            return self.entry.status_reason or ""
        ranked = sorted(self.findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))
        return f"{ranked[0].what} {ranked[0].fix}".strip() if ranked else ""


def describe_bundle(bundle: ModelBundle) -> EntryOutcome:
    """Return the outcome of a published entry."""
    report = bundle.report
    return EntryOutcome(entry=bundle.entry, status="published", checks=report.checks, findings=report.findings)


def describe_unpublished(unpublished: Unpublished) -> EntryOutcome:
    """Return the outcome of an entry that is not in the site."""
    checks = unpublished.report.checks if unpublished.report is not None else ()
    return EntryOutcome(
        entry=unpublished.entry, status=_judge(unpublished), checks=checks, findings=unpublished.findings
    )


def _judge(unpublished: Unpublished) -> OutcomeStatus:
    if unpublished.entry.status != "published":
        return unpublished.entry.status
    failed = unpublished.report is not None and unpublished.report.failed
    if failed or any(finding.severity == "error" for finding in unpublished.findings):
        return "failed"
    return "skipped"
