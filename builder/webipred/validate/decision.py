"""From probabilities to a decision, in one place for builder and page (twin: app/shared/decision.ts)."""

from collections.abc import Sequence
from typing import Protocol


class Decidable(Protocol):
    """A class with an id and perhaps an operating point: of the catalog or of a manifest."""

    @property
    def id(self) -> str: ...

    @property
    def threshold(self) -> float | None: ...


def decide(probabilities: Sequence[float], classes: Sequence[Decidable], *, multi_label: bool) -> tuple[str, ...]:
    """Return the ids of the reported classes.

    Multi-label: every class at or above its threshold, in class order, possibly none.
    Classification: a class with a threshold is reported as soon as its probability reaches it (the one with the
    largest excess if several do); otherwise the most probable of the remaining classes; ties go to the first.
    """
    if multi_label:
        return tuple(
            c.id for c, p in zip(classes, probabilities, strict=True) if c.threshold is not None and p >= c.threshold
        )
    pairs = list(zip(classes, probabilities, strict=True))
    reached = [(p - c.threshold, c.id) for c, p in pairs if c.threshold is not None and p >= c.threshold]
    if reached:
        return (max(reached, key=lambda pair: pair[0])[1],)
    remaining = [(p, c.id) for c, p in pairs if c.threshold is None] or [(p, c.id) for c, p in pairs]
    return (max(remaining, key=lambda pair: pair[0])[1],)
