"""From measured series to records: medians, ratios with the same threads, geometric means, agreement."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Final

from webipred.bench.contestants import NATIVE, WEB
from webipred.bench.figures import (
    compare_rounds,
    find_difference,
    take_geometric_mean,
    take_median,
    take_ninetieth,
)
from webipred.bench.report import ContestantRecord, MeanRecord, RatioRecord, SubjectRecord
from webipred.bench.runs import Series
from webipred.bench.subjects import Origin, Subject
from webipred.findings import Finding

TOLERANCE: Final = 1e-5
"""Correct float32 runtimes differ by the order of their sums, by up to 5.5e-6 in a probability (docs/engine.md)."""
ORIGINS: Final[tuple[Origin, ...]] = ("reference", "catalog")


def describe_subject(subject: Subject, series: Sequence[Series]) -> SubjectRecord:
    """Return the record of one network."""
    return SubjectRecord(
        name=subject.name,
        origin=subject.origin,
        shape=list(subject.shape),
        model_bytes=len(subject.model),
        plan_bytes=len(subject.plan) if subject.plan is not None else None,
        obstacle=subject.obstacle,
        contestants=[_describe_contestant(own, series) for own in series],
    )


def _describe_contestant(own: Series, series: Sequence[Series]) -> ContestantRecord:
    native, web = _find(series, NATIVE, own.threads), _find(series, WEB, own.threads)
    single = _find(series, own.name, 1) if own.threads > 1 else None
    ready = _take_ready(own)
    return ContestantRecord(
        name=own.name,
        threads=own.threads,
        ready_ms=ready,
        first_ms=take_median([opening.first_ms for opening in own.openings]),
        steady_ms=take_median(own.rounds_ms),
        p90_ms=take_ninetieth(own.times_ms),
        rounds_ms=list(own.rounds_ms),
        best_ms=min(own.rounds_ms),
        ratios=RatioRecord(to_native=_compare(own, native), to_web=_compare(own, web), to_one=_compare(own, single)),
        best_ratios=RatioRecord(
            to_native=_compare_best(own, native), to_web=_compare_best(own, web), to_one=_compare_best(own, single)
        ),
        ready_ratio_to_web=ready / _take_ready(web) if web is not None else None,
        start_ratio_to_web=_take_start(own) / _take_start(web) if web is not None else None,
        difference=_find_difference(own, series),
    )


def _find(series: Iterable[Series], name: str, threads: int) -> Series | None:
    return next((other for other in series if (other.name, other.threads) == (name, threads)), None)


def _take_ready(series: Series) -> float:
    return take_median([opening.ready_ms for opening in series.openings])


def _take_start(series: Series) -> float:
    return take_median([opening.ready_ms + opening.first_ms for opening in series.openings])


def _compare(own: Series, base: Series | None) -> float | None:
    return compare_rounds(own.rounds_ms, base.rounds_ms) if base is not None else None


def _compare_best(own: Series, base: Series | None) -> float | None:
    return min(own.rounds_ms) / min(base.rounds_ms) if base is not None else None


def _find_difference(own: Series, series: Sequence[Series]) -> float | None:
    """Compare every cold start's answer with the first native one."""
    native = next((other for other in series if other.name == NATIVE), None)
    if native is None:
        return None
    expected = native.openings[0].values
    largest = max(find_difference(opening.values, expected) for opening in own.openings)
    return largest if isfinite(largest) else None


def find_disagreements(subject: SubjectRecord) -> list[Finding]:
    """Return a finding for each contestant whose answer is not native onnxruntime's: its times mean nothing."""
    if not any(contestant.name == NATIVE for contestant in subject.contestants):
        return []
    return [
        Finding(
            code="E-BENCH-DISAGREES",
            where=f"{subject.name}: {contestant.name}, threads: {contestant.threads}",
            what=f"the probabilities differ from native onnxruntime's by {_write(contestant.difference)}, "
            f"more than {TOLERANCE:g}.",
            fix="Its times mean nothing. If the site is current, please report this with the model.",
        )
        for contestant in subject.contestants
        if contestant.difference is None or contestant.difference > TOLERANCE
    ]


def _write(difference: float | None) -> str:
    return "what no number tells" if difference is None else f"{difference:.1e}"


def take_means(subjects: Sequence[SubjectRecord]) -> list[MeanRecord]:
    """Return the geometric means of every contestant, for each origin that has more than one network."""
    means = []
    for origin in ORIGINS:
        records = [subject.contestants for subject in subjects if subject.origin == origin]
        if len(records) > 1:
            keys = dict.fromkeys((record.name, record.threads) for group in records for record in group)
            means += [_take_mean(origin, records, name, threads) for name, threads in keys]
    return means


def _take_mean(origin: Origin, groups: Sequence[Sequence[ContestantRecord]], name: str, threads: int) -> MeanRecord:
    own = [record for group in groups for record in group if (record.name, record.threads) == (name, threads)]
    complete = len(own) == len(groups)

    return MeanRecord(
        name=name,
        threads=threads,
        origin=origin,
        ratios=_average([record.ratios for record in own] if complete else []),
        best_ratios=_average([record.best_ratios for record in own] if complete else []),
    )


def _average(ratios: Sequence[RatioRecord]) -> RatioRecord:
    def take(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return take_geometric_mean(known) if len(known) == len(values) else None

    return RatioRecord(
        to_native=take([one.to_native for one in ratios]),
        to_web=take([one.to_web for one in ratios]),
        to_one=take([one.to_one for one in ratios]),
    )
