"""One run: the files on a local server, a browser, and every network measured by all contestants."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from webipred import __version__
from webipred.assets import read_asset
from webipred.bench import machine
from webipred.bench.contestants import Contestant
from webipred.bench.native import NativeContestant
from webipred.bench.report import REPORT_VERSION, BenchReport, MachineRecord, SizeRecord
from webipred.bench.runs import Schedule, Series, measure
from webipred.bench.sizes import weigh
from webipred.bench.subjects import Subject
from webipred.bench.summary import describe_subject, take_means
from webipred.bench.variants import ENGINE_SCRIPT, VARIANTS, WEB_FILES, WEB_RUNTIME, Variant, select_variants
from webipred.bench.web import Stage, WebContestant, WebRuntime, open_stage
from webipred.errors import refuse

MODEL, PLAN, IMAGE = "model.onnx", "network.plan", "image.f32"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """How to measure: thread counts, rounds, cold starts, and the browser (None: the first that is found)."""

    threads: tuple[int, ...]
    schedule: Schedule
    browser: Path | None


def run_bench(
    subjects: Iterable[Subject], options: BenchOptions, report: Callable[[str], None], remarks: Sequence[str] = ()
) -> BenchReport:
    """Measure every subject and return the report; `report` is told each step.

    Raises UsageError without browser; FindingsError E-BENCH-RUN, E-BENCH-THREADS, and E-BENCH-EMPTY for no subject.
    """
    load_before = machine.read_load()
    with tempfile.TemporaryDirectory(prefix="webipred-bench-") as name:
        folder = Path(name)
        for asset in _list_assets():
            (folder / asset).write_bytes(read_asset(asset))
        with open_stage(folder, options.browser) as stage:
            variants = [variant for variant in VARIANTS if stage.accepts(variant.asset)]
            bench = Bench(stage, folder, variants, options)
            records = [describe_subject(subject, bench.measure(subject, report)) for subject in subjects]
            browser = stage.version
    if not records:
        raise refuse("E-BENCH-EMPTY", "bench", "there is no network to measure.", "Name some with --models or --only.")
    refused = [f"{variant.name} ({variant.asset}): {browser} has not what it needs" for variant in VARIANTS
               if variant not in variants]  # fmt: skip
    obstacles = [f"{record.name}: {record.obstacle}" for record in records if record.obstacle]
    return BenchReport(
        report_version=REPORT_VERSION,
        generator=f"webipred {__version__}",
        machine=_describe_machine(browser, load_before),
        rounds=options.schedule.rounds,
        cold=options.schedule.cold,
        sizes=list(_weigh_runtimes(variants)),
        subjects=records,
        means=take_means(records),
        remarks=[*remarks, *refused, *obstacles],
    )


class Bench:
    """Where and with what a run measures."""

    def __init__(self, stage: Stage, folder: Path, variants: Sequence[Variant], options: BenchOptions) -> None:
        self._stage, self._folder, self._variants, self._options = stage, folder, variants, options

    def measure(self, subject: Subject, report: Callable[[str], None]) -> list[Series]:
        """Measure one network by everyone who can run it."""
        (self._folder / MODEL).write_bytes(subject.model)
        (self._folder / PLAN).write_bytes(subject.plan or b"")
        (self._folder / IMAGE).write_bytes(subject.make_image().astype("<f4").tobytes())
        contestants = [one for threads in self._options.threads for one in self._list_contestants(subject, threads)]
        series = measure(contestants, self._options.schedule, lambda step: report(f"{subject.name}: {step}"))
        _check_threads(series)
        return series

    def _list_contestants(self, subject: Subject, threads: int) -> Iterator[Contestant]:
        yield NativeContestant(
            model=self._folder / MODEL, image=self._folder / IMAGE, shape=subject.shape, threads=threads
        )
        yield self._open_web(WEB_RUNTIME, MODEL, subject, threads)
        for variant in select_variants(self._variants, threads) if subject.plan is not None else ():
            yield self._open_web(variant.runtime, PLAN, subject, threads)

    def _open_web(self, runtime: WebRuntime, weights: str, subject: Subject, threads: int) -> Contestant:
        return WebContestant(self._stage, runtime, weights=weights, image=IMAGE, shape=subject.shape, threads=threads)


def _check_threads(series: Iterable[Series]) -> None:
    for one in series:
        used = {opening.threads for opening in one.openings}
        if used != {one.threads}:
            what = f"was to use {one.threads} threads and used {', '.join(map(str, sorted(used)))}."
            raise refuse("E-BENCH-THREADS", one.name, what, "Use another browser, or --threads 1.")


def _list_assets() -> list[str]:
    runtimes = [WEB_RUNTIME, *(variant.runtime for variant in VARIANTS)]
    names = [name for one in runtimes for name in (one.script, one.wasm, *(part for _, part in one.parts))]
    return sorted(set(names))


def _weigh_runtimes(variants: Iterable[Variant]) -> Iterator[SizeRecord]:
    """Weigh what a site ships: the script of the workspace's engine and the module."""
    files = {WEB_RUNTIME.name: WEB_FILES}
    files |= {variant.label: (ENGINE_SCRIPT, variant.asset) for variant in variants}
    for name, assets in files.items():
        size = weigh(read_asset(asset) for asset in assets)
        yield SizeRecord(name=name, raw=size.raw, gzip=size.gzip, brotli=size.brotli)


def _describe_machine(browser: str, load_before: float | None) -> MachineRecord:
    return MachineRecord(
        processor=machine.name_processor(),
        processors=machine.count_processors(),
        system=machine.name_system(),
        browser=browser,
        native=machine.name_native(),
        load_before=load_before,
        load_after=machine.read_load(),
    )
