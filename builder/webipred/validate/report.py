"""Report: what was checked about one entry and what came out, as data."""

from dataclasses import dataclass
from typing import Literal

from webipred.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One named check: what was compared, the outcome in a sentence, and its findings."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    detail: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The checks of one entry in the order they ran."""

    entry_id: str
    version: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> bool:
        return any(check.outcome == "failed" for check in self.checks)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for check in self.checks for finding in check.findings)
