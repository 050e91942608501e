"""How a stage tells that it advances, without knowing who listens."""

from typing import Protocol


class Transfer(Protocol):
    """One transfer that somebody may watch; several run at the same time, each with an object of its own."""

    def reach(self, size_bytes: int) -> None:
        """Say that `size_bytes` have arrived by now; fewer than before when the transfer had to start over."""

    def finish(self, *, complete: bool) -> None:
        """End, also after a failure; `complete` tells whether the file arrived and is the expected one."""


class Progress(Protocol):
    """Watches transfers; may be called from several threads."""

    def start(self, what: str, total_bytes: int | None) -> Transfer:
        """Begin a transfer; `what` is a short name for people, `total_bytes` the expected size where it is known."""


class _SilentTransfer:
    def reach(self, size_bytes: int) -> None:
        """Do nothing."""

    def finish(self, *, complete: bool) -> None:
        """Do nothing."""


class SilentProgress:
    """A listener that says nothing."""

    def start(self, what: str, total_bytes: int | None) -> Transfer:
        """Return a transfer that nobody watches."""
        return _SilentTransfer()
