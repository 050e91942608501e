"""What is compared: a runtime with a number of threads that can open a network from cold and run it."""

from dataclasses import dataclass
from typing import Final, Protocol

from webipred.errors import refuse

NATIVE: Final = "native"
WEB: Final = "onnxruntime-web"
TICK_MS: Final = 0.005
"""What clocks of isolated pages resolve; nothing is shorter, so that ratios exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A cold start: times in ms, the threads that the runtime really has, and its answer to the given image."""

    ready_ms: float
    first_ms: float
    threads: int
    values: tuple[float, ...]


class Contestant(Protocol):
    """One runtime with one network. Nothing of it runs between calls."""

    @property
    def name(self) -> str:
        """NATIVE, WEB, or the name of a variant of the engine."""

    @property
    def threads(self) -> int:
        """Threads that it is asked to use."""

    def open(self) -> Opening:
        """Start afresh in a process of its own; what was open before is closed. Raises FindingsError."""

    def run(self, count: int) -> list[float]:
        """Run the image `count` times; one time each, in ms. Raises FindingsError."""

    def close(self) -> None:
        """Free everything; the contestant can be opened again."""


def read_opening(reply: dict[str, object], name: str) -> Opening:
    """Return the opening that a worker sent. Raises FindingsError if it is none."""
    ready, first, threads, values = (reply.get(key) for key in ("ready_ms", "first_ms", "threads", "values"))
    if (
        isinstance(ready, int | float)
        and isinstance(first, int | float)
        and isinstance(threads, int)
        and isinstance(values, list)
    ):
        return Opening(ready_ms=ready, first_ms=first, threads=threads, values=tuple(float(value) for value in values))
    code, detail = reply.get("code", "no answer"), reply.get("detail", "")
    raise refuse("E-BENCH-RUN", name, f"cannot open the network: {code} {detail}".rstrip() + ".", "Report this.")


def read_times(reply: dict[str, object], name: str) -> list[float]:
    """Return the times that a worker sent. Raises FindingsError if there are none."""
    times = reply.get("times_ms")
    if isinstance(times, list):
        return [max(float(value), TICK_MS) for value in times]
    code, detail = reply.get("code", "no answer"), reply.get("detail", "")
    raise refuse("E-BENCH-RUN", name, f"cannot run the network: {code} {detail}".rstrip() + ".", "Report this.")
