"""The order of measuring: every contestant cold, then all warm, then round by round, one at a time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from webipred.bench.contestants import Contestant, Opening
from webipred.bench.figures import take_median

WARM_UP_MS: Final = 1000.0
"""The optimising compiler of a browser works beside the first runs; after this it has done."""
MIN_WARM_RUNS: Final = 3
MAX_WARM_RUNS: Final = 2000
TURN_MS: Final = 150.0
"""A turn is as many runs as fit into this, so that fast networks are not measured by single runs."""
MAX_TURN_RUNS: Final = 20
PAUSE_S: Final = 0.05
"""Between turns: threads that spin for a while after their work are asleep when the next contestant starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often: rounds of turns, and cold starts of each contestant."""

    rounds: int
    cold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What one contestant did: its cold starts, every single time, and the median of each round, in ms."""

    name: str
    threads: int
    openings: tuple[Opening, ...]
    times_ms: tuple[float, ...]
    rounds_ms: tuple[float, ...]


def measure(contestants: Sequence[Contestant], schedule: Schedule, report: Callable[[str], None]) -> list[Series]:
    """Measure all contestants on their network; nothing else of ours runs meanwhile. Raises FindingsError.

    Each round takes them in another order, so that none always follows the same one.
    """
    try:
        report("cold starts")
        openings: list[list[Opening]] = [[] for _ in contestants]
        for _ in range(schedule.cold):
            for contestant, found in zip(contestants, openings, strict=True):
                time.sleep(PAUSE_S)
                found.append(contestant.open())
        report("warming up")
        counts = [_warm_up(contestant) for contestant in contestants]
        times: list[list[list[float]]] = [[] for _ in contestants]
        for number in range(schedule.rounds):
            report(f"round {number + 1} of {schedule.rounds}")
            for position in _arrange(len(contestants), number):
                times[position].append(_take_turn(contestants[position], counts[position]))
    finally:
        for contestant in contestants:
            contestant.close()
    return [_sum_up(*parts) for parts in zip(contestants, openings, times, strict=True)]


def _warm_up(contestant: Contestant) -> int:
    """Run until warm; returns how many runs make a turn."""
    times: list[float] = []
    while len(times) < MIN_WARM_RUNS or (sum(times) < WARM_UP_MS and len(times) < MAX_WARM_RUNS):
        times += contestant.run(max(1, len(times)))  # twice as many each time, for the very fast ones
    return max(1, min(MAX_TURN_RUNS, round(TURN_MS / take_median(times[-MIN_WARM_RUNS:]))))


def _take_turn(contestant: Contestant, count: int) -> list[float]:
    """One run brings weights and threads back, `count` runs are measured."""
    time.sleep(PAUSE_S)
    return contestant.run(1 + count)[1:]


def _arrange(size: int, number: int) -> list[int]:
    """Start with another contestant each round and turn the direction each time."""
    step = 1 if number % 2 == 0 else -1
    return [(number + step * position) % size for position in range(size)]


def _sum_up(contestant: Contestant, openings: Sequence[Opening], times: Sequence[Sequence[float]]) -> Series:
    return Series(
        name=contestant.name,
        threads=contestant.threads,
        openings=tuple(openings),
        times_ms=tuple(value for turn in times for value in turn),
        rounds_ms=tuple(take_median(turn) for turn in times),
    )
