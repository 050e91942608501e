"""How a stage tells that it advances, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """Receives the steps of one transfer at a time: start, any number of advance, finish."""

    def start(self, what: str, total_bytes: int | None) -> None:
        """Begin; `what` is a short name for people, `total_bytes` the expected size where it is known."""

    def advance(self, size_bytes: int) -> None:
        """Count `size_bytes` more."""

    def finish(self) -> None:
        """End, also after a failure."""


class SilentProgress:
    """A listener that says nothing."""

    def start(self, what: str, total_bytes: int | None) -> None:
        """Do nothing."""

    def advance(self, size_bytes: int) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""
