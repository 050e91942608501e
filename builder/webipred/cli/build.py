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
from webipred.site.reports import render_build_html, render_build_json, render_build_markdown
from webipred.site.writing import write_site
from webipred.sources.fetch import FetchOptions


@click.command()
@options.catalog_option()
@options.out_option("Folder of the site; replaced as a whole.")
@options.only_option()
@options.offline_option()
@options.strict_option()
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=lambda: os.cpu_count() or 1,
    show_default="number of processors",
    envvar="WEBIPRED_JOBS",
    help="Entries built at the same time.",
)
@options.cache_option()
@options.report_option()
@options.zenodo_option()
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
    findings = [finding for entry in site.unpublished for finding in entry.findings]
    print_findings(findings)
    if not site.bundles:
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
    for bundle in site.bundles:
        passed = len(bundle.report.checks)
        size = f"{len(bundle.model.data) / 1e6:.1f} MB"
        click.echo(f"published  {bundle.entry.id:32} {size:>9}  {bundle.model.sha256[:16]}  {passed} checks passed")
    for entry in site.unpublished:
        click.echo(f"left out   {entry.entry.id:32} {entry.findings[0].code}")
    click.echo(
        f"{out}: {len(site.bundles)} published, {len(site.unpublished)} left out, build {site.manifest.build_id}"
    )


def _write_report(site: Site, path: Path) -> None:
    renderers = {".json": render_build_json, ".md": render_build_markdown, ".html": render_build_html}
    renderer = renderers.get(path.suffix)
    if renderer is None:
        raise UsageError(f"--report {path}: the ending must be one of {', '.join(renderers)}")
    path.write_text(renderer(site), encoding="utf-8")
