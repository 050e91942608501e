"""The report as Markdown: ratios first, absolute times last."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from webipred.bench.contestants import NATIVE, WEB
from webipred.bench.report import BenchReport, ContestantRecord, MeanRecord, RatioRecord, SubjectRecord

Key = tuple[str, int]
MISSING: Final = "–"
MEAN_LABELS: Final = {"reference": "geometric mean, reference", "catalog": "geometric mean, catalog"}
SPREAD: Final = 0.1
"""Rounds that differ by more than this from their median are worth a remark."""


def render_report(report: BenchReport) -> str:
    """Return the whole text; every table is Markdown that can be read as it is."""
    parts = [
        "# Ratios (only these mean anything on another machine)",
        "Time / time with equal threads; smaller is better. Steady: median over the rounds, both of the same round.",
        *_render_ratios(report),
        "# Download of the runtime",
        "Script and module; model and preprocessing come on top.",
        _render_sizes(report),
        "Weights: " + "; ".join(map(_describe_weights, report.subjects)) + ".",
        "# Agreement",
        _render_agreement(report),
        "# Times on this machine",
        *_render_times(report),
        "# Machine",
        _describe_machine(report),
    ]
    remarks = [*report.remarks, *_remark_on_noise(report)]
    if remarks:
        parts += ["# Remarks", "\n".join(f"- {remark}" for remark in remarks)]
    return "\n\n".join(parts) + "\n"


def render_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with columns of equal width; all but the first are aligned to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def write(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    return "\n".join([write(lines[0]), write(rule), *map(write, lines[1:])])


def _render_ratios(report: BenchReport) -> Iterable[str]:
    keys = list_keys(report.subjects)
    own = [key for key in keys if key[0] not in (NATIVE, WEB)]
    several = [key for key in keys if key[1] > 1]
    others = [key for key in keys if key[0] != NATIVE]
    for of_best, words in ((False, "Steady inference"), (True, "Fastest round")):
        yield f"{words} / {NATIVE} onnxruntime:"
        yield _render_ratio_table(report, others, lambda ratios: ratios.to_native, of_best=of_best)
        if own:
            yield f"{words} / {WEB}:"
            yield _render_ratio_table(report, own, lambda ratios: ratios.to_web, of_best=of_best)
        if several and any(key[1] == 1 for key in keys):
            yield f"{words} / the same with one thread:"
            yield _render_ratio_table(report, several, lambda ratios: ratios.to_one, of_best=of_best)
    if own:
        yield f"Cold start, module and weights in memory until ready / {WEB}:"
        yield _render_own(report, own, lambda record: record.ready_ratio_to_web)
        yield f"Cold start and first inference together / {WEB}:"
        yield _render_own(report, own, lambda record: record.start_ratio_to_web)


def _render_ratio_table(
    report: BenchReport, keys: Sequence[Key], take: Callable[[RatioRecord], float | None], *, of_best: bool
) -> str:
    def take_from(record: ContestantRecord | MeanRecord) -> float | None:
        return take(record.best_ratios if of_best else record.ratios)

    rows = [_make_row(subject, keys, take_from) for subject in report.subjects]
    for origin, label in MEAN_LABELS.items():
        means = {(mean.name, mean.threads): mean for mean in report.means if mean.origin == origin}
        if means:
            rows.append([label, *(_write_ratio(take_from(means[key]) if key in means else None) for key in keys)])
    return render_table(["network", *map(name_key, keys)], rows)


def _render_own(report: BenchReport, keys: Sequence[Key], take: Callable[[ContestantRecord], float | None]) -> str:
    return render_table(["network", *map(name_key, keys)], [_make_row(one, keys, take) for one in report.subjects])


def _make_row(
    subject: SubjectRecord, keys: Sequence[Key], take: Callable[[ContestantRecord], float | None]
) -> list[str]:
    known = {(record.name, record.threads): record for record in subject.contestants}
    return [subject.name, *(_write_ratio(take(known[key]) if key in known else None) for key in keys)]


def list_keys(subjects: Iterable[SubjectRecord]) -> list[Key]:
    """Return contestants with their threads, in the order in which they first stand."""
    return list(dict.fromkeys((one.name, one.threads) for subject in subjects for one in subject.contestants))


def name_key(key: Key) -> str:
    """Return the head of a column."""
    return f"{key[0]} {key[1]}t"


def _render_sizes(report: BenchReport) -> str:
    rows = [
        [
            size.name,
            *(MISSING if value is None else f"{value / 1e3:,.1f}" for value in (size.raw, size.gzip, size.brotli)),
        ]
        for size in report.sizes
    ]
    return render_table(["runtime, kB", "raw", "gzip", "brotli"], rows)


def _describe_weights(subject: SubjectRecord) -> str:
    plan = MISSING if subject.plan_bytes is None else f"{subject.plan_bytes / 1e6:.1f}"
    return f"{subject.name} {plan} MB as plan, {subject.model_bytes / 1e6:.1f} MB as ONNX"


def _render_agreement(report: BenchReport) -> str:
    keys = [key for key in list_keys(report.subjects) if key != (NATIVE, 1)]
    rows = []
    for subject in report.subjects:
        known = {(record.name, record.threads): record for record in subject.contestants}
        rows.append([subject.name, *(_write_difference(known[key]) if key in known else MISSING for key in keys)])
    caption = f"Largest difference of a probability from {NATIVE} onnxruntime:\n\n"
    return caption + render_table(["network", *map(name_key, keys)], rows)


def _render_times(report: BenchReport) -> Iterable[str]:
    rows = [
        [subject.name, name_key((one.name, one.threads)), *map(_write_ms, (one.ready_ms, one.first_ms)),
         *map(_write_ms, (one.steady_ms, one.p90_ms, one.best_ms))]
        for subject in report.subjects
        for one in subject.contestants
    ]  # fmt: skip
    yield f"In ms. Medians of {report.cold} cold starts and of {report.rounds} rounds; p90 of all runs; fastest round."
    yield render_table(["network", "runtime", "ready", "first", "steady", "p90", "fastest"], rows)


def _describe_machine(report: BenchReport) -> str:
    one = report.machine
    loads = [MISSING if load is None else f"{load:.2f}" for load in (one.load_before, one.load_after)]
    parts = (one.processor, f"processors: {one.processors}", one.system, one.browser, one.native, report.generator)
    return f"{'; '.join(parts)}. Load before {loads[0]}, at the end {loads[1]} (the contestants among it)."


def _remark_on_noise(report: BenchReport) -> list[str]:
    """Name who varied: the median distance of a round from the median round."""
    remarks = []
    for subject in report.subjects:
        for one in subject.contestants:
            distances = sorted(abs(value / one.steady_ms - 1) for value in one.rounds_ms)
            spread = distances[len(distances) // 2]
            if spread > SPREAD:
                name = name_key((one.name, one.threads))
                remarks.append(f"{subject.name}, {name}: half of the rounds are {spread:.0%} or more from the median")
    return remarks


def _write_ratio(ratio: float | None) -> str:
    return MISSING if ratio is None else f"{ratio:.2f}"


def _write_ms(value: float) -> str:
    return f"{value:.1f}"


def _write_difference(record: ContestantRecord) -> str:
    return MISSING if record.difference is None else f"{record.difference:.1e}"
