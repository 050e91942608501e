"""Arithmetic on times: medians, spread, ratios within rounds, geometric means."""

import math
import statistics
from collections.abc import Iterable, Sequence

NINETY = 0.9


def take_median(values: Sequence[float]) -> float:
    """Return the median. Raises ValueError for no values."""
    if not values:
        raise ValueError("no values")
    return statistics.median(values)


def take_ninetieth(values: Sequence[float]) -> float:
    """Return the smallest value that at least nine in ten do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[math.ceil(NINETY * len(values)) - 1]


def compare_rounds(values: Sequence[float], base: Sequence[float]) -> float:
    """Return the median over the rounds of value / base.

    Both sides of each ratio were measured within a second or so, so load that comes and goes hits them alike.
    """
    return take_median([value / other for value, other in zip(values, base, strict=True)])


def take_geometric_mean(ratios: Iterable[float]) -> float | None:
    """Return the geometric mean, None for no ratios."""
    known = list(ratios)
    return statistics.geometric_mean(known) if known else None


def find_difference(values: Sequence[float], expected: Sequence[float]) -> float:
    """Return the largest absolute difference; infinite for other lengths and for anything that is no number."""
    if len(values) != len(expected) or not all(math.isfinite(value) for value in (*values, *expected)):
        return math.inf
    return max((abs(value - other) for value, other in zip(values, expected, strict=True)), default=0.0)
