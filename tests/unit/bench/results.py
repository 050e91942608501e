"""Fixed series for the tests of summary and table: round numbers that can be checked by eye."""

from webipred.bench.contestants import NATIVE, WEB, Opening
from webipred.bench.report import BenchReport, MachineRecord, SizeRecord
from webipred.bench.runs import Series
from webipred.bench.subjects import Origin, Subject
from webipred.bench.summary import describe_subject, take_means

ANSWER = (0.25, 0.75)


def make_subject(name: str = "Net", origin: Origin = "reference", plan: bytes | None = b"plan") -> Subject:
    obstacle = "" if plan is not None else "operator Loop is not known"
    return Subject(name=name, origin=origin, shape=(1, 8, 8, 3), model=b"model", plan=plan, obstacle=obstacle)


def make_series(
    name: str, threads: int, rounds_ms: tuple[float, ...], ready_ms: float = 1.0, values: tuple[float, ...] = ANSWER
) -> Series:
    opening = Opening(ready_ms=ready_ms, first_ms=2 * rounds_ms[0], threads=threads, values=values)
    return Series(name=name, threads=threads, openings=(opening,), times_ms=rounds_ms, rounds_ms=rounds_ms)


def make_all_series(factor: float = 1.0) -> list[Series]:
    """Native 10 ms, onnxruntime-web 50, plain 20 × factor with one thread, 12 × factor with two."""
    return [
        make_series(NATIVE, 1, (10.0, 10.0, 30.0), ready_ms=50.0),
        make_series(WEB, 1, (50.0, 50.0, 150.0), ready_ms=1000.0),
        make_series("plain", 1, (20.0 * factor, 20.0 * factor, 60.0 * factor), ready_ms=10.0),
        make_series(NATIVE, 2, (6.0, 6.0, 6.0), ready_ms=50.0),
        make_series("plain", 2, (12.0 * factor, 12.0 * factor, 36.0 * factor), ready_ms=20.0),
    ]


def make_report() -> BenchReport:
    records = [
        describe_subject(make_subject("One"), make_all_series()),
        describe_subject(make_subject("Two"), make_all_series(4.0)),
    ]
    machine = MachineRecord(
        processor="Abacus", processors=2, system="Linux x86_64", browser="Chromium 1", native="onnxruntime 1",
        load_before=0.5, load_after=None,
    )  # fmt: skip
    return BenchReport(
        report_version=1,
        generator="webipred 0",
        machine=machine,
        rounds=3,
        cold=1,
        sizes=[SizeRecord(name="plain", raw=140_700, gzip=42_400, brotli=None)],
        subjects=records,
        means=take_means(records),
        remarks=["relaxed: left out"],
    )
