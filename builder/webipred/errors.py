"""The error tree; `cli` turns each branch into its own exit code.

WebipredError            (never raised itself)
├── FindingsError        exit 1: the input has problems, each a Finding with a stable code
├── UsageError           exit 2: the command was called in a way that cannot work
└── NetworkError         exit 3: a server did not deliver, or a socket was needed while offline
"""

from collections.abc import Iterable
from typing import ClassVar

from webipred.findings import Finding


class WebipredError(Exception):
    """Root of everything that webipred raises on purpose."""

    exit_code: ClassVar[int]


class FindingsError(WebipredError):
    """A stage refuses its input; `findings` holds every reason, at least one of them an error."""

    exit_code = 1

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class UsageError(WebipredError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class NetworkError(WebipredError):
    """Bytes could not be fetched; carries a finding so that reports can show it."""

    exit_code = 3

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(str(finding))


def refuse(code: str, where: str, what: str, fix: str = "") -> FindingsError:
    """Return a FindingsError with the one finding, ready to be raised."""
    return FindingsError([Finding(code=code, where=where, what=what, fix=fix)])
