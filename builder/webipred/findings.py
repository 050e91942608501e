"""Findings: what a stage has to say about its input, as data."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem or remark: where it is, what it is and what to do about it.

    `code` is stable and listed in docs/findings.md; it starts with E-, W- or N- after its severity.
    `where` names a file, line, entry and field, as far as they are known. `fix` may be empty for a note.
    """

    code: str
    where: str
    what: str
    fix: str = ""

    def __post_init__(self) -> None:
        if self.code[:2] not in _SEVERITIES:
            raise ValueError(f"finding code {self.code!r} must start with E-, W- or N-")

    @property
    def severity(self) -> Severity:
        return _SEVERITIES[self.code[:2]]

    def __str__(self) -> str:
        fix = f" {self.fix}" if self.fix else ""
        return f"{self.where}: {self.what}{fix} [{self.code}]"


_SEVERITIES: dict[str, Severity] = {"E-": "error", "W-": "warning", "N-": "note"}


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether at least one finding is an error."""
    return any(finding.severity == "error" for finding in findings)
