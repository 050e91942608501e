"""webipred-build build: catalog and lock → dist/."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from webipred.catalog.loading import load_catalog
from webipred.catalog.locking import read_lock
from webipred.cli import options
from webipred.cli.output import ConsoleProgress, judge_exit, print_findings, start_logging
from webipred.cli.reports import write_report
from webipred.convert.conversion import ConversionLimits
from webipred.digests import hash_bytes
from webipred.errors import FindingsError
from webipred.findings import Finding
from webipred.pipeline import BuildOptions, build_site
from webipred.site.assembly import Site
from webipred.site.listing import SUMS_PATH
from webipred.site.outcomes import EntryOutcome
from webipred.site.proof import read_proof
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
@options.NO_JAIL
@click.option(
    "--proof-report",
    "proof_path",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    envvar="WEBIPRED_PROOF_REPORT",
    help="JSON report of `make prove`, to be shown on the privacy page.",
)
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
    no_jail: bool,
    proof_path: Path | None,
) -> None:
    """Build the site: fetch, convert and validate every locked entry, and write the folder.

    Entries that fail are left out, the others are published; the exit code tells: 1, or 3 if nothing but the
    network failed.

    \b
    Example: webipred-build build --only malaria-thin-smear --out dist
    """
    start_logging()
    loaded = load_catalog(catalog_path)
    lock = read_lock(catalog_path.with_suffix(".lock"))
    fetch = FetchOptions(cache_dir=cache_dir, offline=offline, zenodo_base=zenodo)
    proof = read_proof(proof_path) if proof_path else None
    build_options = BuildOptions(
        only=only, jobs=jobs, fetch=fetch, limits=ConversionLimits(), jailed=not no_jail, proof=proof
    )
    site = build_site(loaded, lock, build_options, ConsoleProgress())
    outcomes = [outcome for outcome in site.outcomes if not only or outcome.entry.id in only]
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    print_findings(findings)
    code = judge_exit(findings, strict=strict)
    if site.manifest.models:
        write_site(site, out)
        _print_summary(site, outcomes, out)
    else:
        print_findings([_explain_empty(catalog_path)])
        code = code or FindingsError.exit_code
    if report_path is not None:
        write_report(report_path, _render_report(site, report_path.suffix))
    if code:
        raise click.exceptions.Exit(code)


def _explain_empty(catalog_path: Path) -> Finding:
    return Finding(
        code="E-BUILD-EMPTY",
        where=str(catalog_path),
        what="no entry can be published, so no site was written; what stood there is untouched.",
        fix="Mend the findings above, or run `webipred-build lock` where entries are not locked.",
    )


def _print_summary(site: Site, outcomes: Sequence[EntryOutcome], out: Path) -> None:
    models = {model.id: model for model in site.manifest.models}
    for outcome in outcomes:
        model = models.get(outcome.entry.id)
        if model is None:
            click.echo(f"{outcome.status:10} {outcome.entry.id:32} {outcome.findings[0].code}")
            continue
        size = f"{model.weights.size_bytes / 1e6:.1f} MB"
        digest = model.weights.sha256[:16]
        click.echo(f"{'published':10} {model.id:32} {size:>9}  {digest}  {outcome.passed_checks} checks passed")
    click.echo(f"{out}: {len(models)} of {len(outcomes)} entries published, build {site.build_id}")
    click.echo(f"SHA256SUMS has the sha256 {hash_bytes(site.table.read(SUMS_PATH))}; publish it for `verify --digest`")


def _render_report(site: Site, form: str) -> str:
    if form == ".json":
        return render_reports_json(site.outcomes)
    if form == ".md":
        return render_reports_markdown(site.outcomes)
    return site.table.read(REPORT_PAGE).decode()
