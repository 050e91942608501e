"""webipred-build bench: this engine, onnxruntime-web and native onnxruntime side by side."""

from collections.abc import Iterator
from pathlib import Path

import click

from webipred.bench.architectures import ARCHITECTURES
from webipred.bench.comparison import BenchOptions, run_bench
from webipred.bench.report import BenchReport
from webipred.bench.runs import Schedule
from webipred.bench.subjects import Subject, Supply, convert_entries, draw_references, select_architectures
from webipred.bench.summary import find_disagreements
from webipred.bench.table import render_report
from webipred.catalog.loading import load_catalog
from webipred.catalog.locking import read_lock
from webipred.cli import options
from webipred.cli.output import ConsoleProgress, exit_for, print_findings, start_logging
from webipred.errors import UsageError, refuse
from webipred.pipeline import select_entries
from webipred.site.listing import MANIFEST_PATH
from webipred.site.reading import read_site
from webipred.sources.fetch import FetchOptions

NONE = "none"
STDOUT = Path("-")


def read_threads(context: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    """Return the thread counts of a list such as 1,2; click calls this."""
    try:
        counts = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        counts = ()
    if not counts or not all(1 <= count <= 64 for count in counts):
        raise click.BadParameter(f"{text!r} is no list of numbers from 1 to 64, such as 1,2.", context, option)
    return counts


def read_names(context: click.Context, option: click.Parameter, text: str) -> tuple[str, ...]:
    """Return the reference architectures of a list; click calls this."""
    try:
        return () if text == NONE else select_architectures([part.strip() for part in text.split(",")])
    except UsageError as error:
        raise click.BadParameter(str(error), context, option) from error


@click.command()
@options.CATALOG
@options.OUT
@options.ONLY
@options.OFFLINE
@options.CACHE
@click.option(
    "--models",
    callback=read_names,
    default=",".join(ARCHITECTURES),
    show_default=True,
    envvar="WEBIPRED_MODELS",
    help=f"Reference architectures, separated by commas, or {NONE}.",
)
@click.option(
    "--no-catalog",
    "skip_catalog",
    is_flag=True,
    envvar="WEBIPRED_NO_CATALOG",
    help="Leave out the models of the catalog.",
)
@click.option(
    "--threads",
    callback=read_threads,
    default="1,2",
    show_default=True,
    envvar="WEBIPRED_THREADS",
    help="Numbers of threads, separated by commas.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=15,
    show_default=True,
    envvar="WEBIPRED_ROUNDS",
    help="Rounds, each with a turn of every runtime.",
)
@click.option(
    "--cold",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    envvar="WEBIPRED_COLD",
    help="Cold starts of every runtime.",
)
@click.option(
    "--browser",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    envvar="WEBIPRED_CHROMIUM",
    help="Chromium or Chrome to use; default: the first that is found.",
)
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    envvar="WEBIPRED_JSON",
    help="Also write everything as JSON to this file; - prints it in place of the tables.",
)
def bench(
    catalog_path: Path,
    out: Path,
    only: tuple[str, ...],
    offline: bool,
    cache_dir: Path,
    models: tuple[str, ...],
    skip_catalog: bool,
    threads: tuple[int, ...],
    rounds: int,
    cold: int,
    browser: Path | None,
    json_path: Path | None,
) -> None:
    """Compare this engine with onnxruntime-web in a browser and with native onnxruntime, on this machine.

    One runtime works at a time, in turns. It runs four reference architectures with made-up weights and the published
    models of the catalog; of the site in --out it takes the published plans. Only ratios mean anything. It needs the
    extra `webipred[bench]` and a Chromium. A runtime with other probabilities ends it with exit code 1.

    \b
    Example: webipred-build bench --no-catalog --models MobileNetV2 --rounds 5
    """
    start_logging()
    remarks: list[str] = []
    supply = None if skip_catalog else _find_supply(catalog_path, out, offline, cache_dir, remarks)
    subjects = _list_subjects(models, only, supply, remarks)
    settings = BenchOptions(threads=threads, schedule=Schedule(rounds=rounds, cold=cold), browser=browser)
    report = run_bench(subjects, settings, lambda step: click.echo(step, err=True), remarks)
    click.echo(_write_json(report) if json_path == STDOUT else render_report(report), nl=False)
    if json_path is not None and json_path != STDOUT:
        _save(json_path, _write_json(report))
    findings = [finding for subject in report.subjects for finding in find_disagreements(subject)]
    print_findings(findings)
    exit_for(findings, strict=False)


def _find_supply(catalog_path: Path, out: Path, offline: bool, cache_dir: Path, remarks: list[str]) -> Supply | None:
    """Return where the catalog's models come from, None where there is no catalog and none was asked for."""
    if not catalog_path.is_file() and catalog_path == Path("model_catalog.yaml"):
        remarks.append("no model_catalog.yaml in this folder: reference architectures only")
        return None
    return Supply(
        loaded=load_catalog(catalog_path),
        lock=read_lock(catalog_path.with_suffix(".lock")),
        fetch=FetchOptions(cache_dir=cache_dir, offline=offline),
        site=read_site(out) if (out / MANIFEST_PATH).is_file() else None,
        progress=ConsoleProgress(),
    )


def _list_subjects(
    models: tuple[str, ...], only: tuple[str, ...], supply: Supply | None, remarks: list[str]
) -> Iterator[Subject]:
    yield from draw_references(models)
    if supply is None:
        return
    entries = [entry for entry in select_entries(supply.loaded, only) if only or entry.status == "published"]
    for item in convert_entries(entries, supply):
        if isinstance(item, Subject):
            yield item
        else:
            remarks.extend(str(finding) for finding in item)


def _write_json(report: BenchReport) -> str:
    return report.model_dump_json(indent=1) + "\n"


def _save(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        what = f"the report cannot be written ({error.strerror or error})."
        raise refuse("E-REPORT-WRITE", str(path), what, "Make room, or name another file with --json.") from error
