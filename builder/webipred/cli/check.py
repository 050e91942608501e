"""webipred-build check: lint the catalog, without network."""

from pathlib import Path

import click

from webipred.catalog.loading import load_catalog
from webipred.catalog.locking import read_lock
from webipred.checking import check_catalog
from webipred.cli import options
from webipred.cli.output import exit_for, print_findings
from webipred.cli.reports import render_findings, write_report
from webipred.pipeline import select_entries


@click.command()
@options.CATALOG
@options.ONLY
@options.STRICT
@options.REPORT
def check(catalog_path: Path, only: tuple[str, ...], strict: bool, report_path: Path | None) -> None:
    """Check the catalog and its lock; opens no socket.

    It tells what `build` would refuse without looking at weights, and what else is worth a remark.

    \b
    Example: webipred-build check --catalog model_catalog.yaml --strict
    """
    loaded = load_catalog(catalog_path)
    entries = select_entries(loaded, only)
    findings = check_catalog(loaded, read_lock(catalog_path.with_suffix(".lock")), only)
    print_findings(findings)
    if report_path is not None:
        write_report(report_path, render_findings(findings, report_path.suffix))
    exit_for(findings, strict=strict)
    warnings = sum(finding.severity == "warning" for finding in findings)
    click.echo(f"{catalog_path}: {len(entries)} entries, no errors, {warnings} warnings")
