"""The order of measuring, with contestants that note when they were asked."""

from collections import Counter

import pytest

from webipred.bench.contestants import Opening
from webipred.bench.runs import MAX_TURN_RUNS, Schedule, measure


class Noting:
    """A contestant that takes as long as it is told and writes everything into a common list."""

    def __init__(self, name: str, notes: list[str], run_ms: float = 400.0) -> None:
        self.name, self.threads = name, 1
        self._notes, self._run_ms = notes, run_ms
        self.runs = 0

    def open(self) -> Opening:
        self._notes.append(f"open {self.name}")
        return Opening(ready_ms=1.0, first_ms=2.0, threads=1, values=(1.0,))

    def run(self, count: int) -> list[float]:
        self._notes.append(f"run {self.name}")
        self.runs += count
        return [self._run_ms] * count

    def close(self) -> None:
        self._notes.append(f"close {self.name}")


def measure_both(rounds: int = 3, cold: int = 2, **times: float) -> tuple[list[str], list[int]]:
    notes: list[str] = []
    contestants = [Noting(name, notes, times.get(name, 400.0)) for name in ("a", "b")]
    measure(contestants, Schedule(rounds=rounds, cold=cold), lambda step: notes.append(f"- {step}"))
    return notes, [contestant.runs for contestant in contestants]


def test_every_contestant_starts_cold_in_turn() -> None:
    notes, _ = measure_both(cold=2)
    assert ["- cold starts", "open a", "open b", "open a", "open b"] == notes[:5]


def test_each_round_takes_everyone_once_and_begins_with_another() -> None:
    notes, _ = measure_both(rounds=2)
    start = notes.index("- round 1 of 2")
    assert ["run a", "run b", "- round 2 of 2", "run b", "run a"] == notes[start + 1 : start + 6]


def test_in_three_rounds_nobody_always_follows_the_same_one() -> None:
    notes: list[str] = []
    contestants = [Noting(name, notes) for name in "abc"]
    measure(contestants, Schedule(rounds=2, cold=1), lambda step: notes.append(step))
    rounds = "".join(note.removeprefix("run ") for note in notes[notes.index("round 1 of 2") :] if "run" in note)
    assert "abc" == rounds[:3]
    assert "bac" == rounds[3:]


def test_a_turn_of_a_slow_network_is_one_run_behind_an_unmeasured_one() -> None:
    _, before = measure_both(rounds=1)
    _, runs = measure_both(rounds=4)
    assert [3 * 2] * 2 == [more - less for more, less in zip(runs, before, strict=True)]


def test_a_turn_of_a_fast_network_is_several_runs() -> None:
    notes: list[str] = []
    fast = Noting("fast", notes, 1.0)
    series = measure([fast], Schedule(rounds=2, cold=1), notes.append)
    assert 2 * MAX_TURN_RUNS == len(series[0].times_ms)
    assert (1.0, 1.0) == series[0].rounds_ms


def test_everyone_is_closed_when_one_fails() -> None:
    class Failing(Noting):
        def run(self, count: int) -> list[float]:
            raise RuntimeError(f"no run of {count}")

    notes: list[str] = []
    with pytest.raises(RuntimeError):
        measure([Noting("a", notes), Failing("b", notes)], Schedule(rounds=1, cold=1), notes.append)
    assert {"close a": 1, "close b": 1} == {note: n for note, n in Counter(notes).items() if note.startswith("close")}
