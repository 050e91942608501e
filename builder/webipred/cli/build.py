"""webipred-build build: catalog and lock → dist/."""

import os
from pathlib import Path

import click

from webipred.catalog.loading import load_catalog
from webipred.catalog.locking import read_lock
from webipred.cli import options
from webipred.cli.output import ConsoleProgress, fail_on, print_findings, start_logging
from webipred.convert.conversion import ConversionLimits
from webipred.errors import FindingsError, UsageError
from webipred.findings import Finding
from webipred.pipeline import BuildOptions, build_site
from webipred.site.assembly import Site
from webipred.site.report_json import render_reports_json
from webipred.site.report_text import render_reports_markdown
from webipred.site.writing import write_site
from webipred.sources.fetch import FetchOptions

REPORT_PAGE = "build/index.html"


@click.command()
@options.CATALOG
@options.OUT
@options.ONLY
@options.OFFLINE
@options.STRICT
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=lambda: os.cpu_count() or 1,
    show_default="number of processors",
    envvar="WEBIPRED_JOBS",
    help="Entries built at the same time.",
)
@options.CACHE
@options.REPORT
@options.ZENODO
def build(
    catalog_path: Path,
    out: Path,
    only: tuple[str, ...],
    offline: bool,
    strict: bool,
    jobs: int,
    cache_dir: Path,
    report_path: Path | None,
    zenodo: str,
) -> None:
    """Build the site: fetch, convert and validate every locked entry, and write the folder.

    Entries that fail are left out, the others are published; the exit code tells.

    \b
    Example: webipred-build build --only malaria-thin-smear --out dist
    """
    start_logging()
    loaded = load_catalog(catalog_path)
    lock = read_lock(catalog_path.with_suffix(".lock"))
    fetch = FetchOptions(cache_dir=cache_dir, offline=offline, zenodo_base=zenodo)
    build_options = BuildOptions(only=only, jobs=jobs, fetch=fetch, limits=ConversionLimits())
    site = build_site(loaded, lock, build_options, ConsoleProgress())
    if report_path is not None:
        _write_report(site, report_path)
    findings = [finding for outcome in site.outcomes for finding in outcome.findings]
    print_findings(findings)
    if not site.manifest.models:
        raise FindingsError([_explain_empty(catalog_path)])
    write_site(site, out)
    _print_summary(site, out)
    fail_on(findings, strict=strict)


def _explain_empty(catalog_path: Path) -> Finding:
    return Finding(
        code="E-BUILD-EMPTY",
        where=str(catalog_path),
        what="no entry can be published, so no site was written; what stood there is untouched.",
        fix="Mend the findings above, or run `webipred-build lock` where entries are not locked.",
    )


def _print_summary(site: Site, out: Path) -> None:
    models = {model.id: model for model in site.manifest.models}
    for outcome in site.outcomes:
        model = models.get(outcome.entry.id)
        if model is None:
            click.echo(f"{outcome.status:10} {outcome.entry.id:32} {outcome.findings[0].code}")
            continue
        size = f"{model.weights.size_bytes / 1e6:.1f} MB"
        digest = model.weights.sha256[:16]
        click.echo(f"{'published':10} {model.id:32} {size:>9}  {digest}  {outcome.passed_checks} checks passed")
    click.echo(f"{out}: {len(models)} of {len(site.outcomes)} entries published, build {site.build_id}")


def _write_report(site: Site, path: Path) -> None:
    match path.suffix:
        case ".json":
            data = render_reports_json(site.outcomes).encode()
        case ".md":
            data = render_reports_markdown(site.outcomes).encode()
        case ".html":
            data = site.table.read(REPORT_PAGE)
        case _:
            raise UsageError(f"--report {path}: the ending must be one of .json, .md, .html")
    path.write_bytes(data)
