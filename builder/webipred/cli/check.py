"""webipred-build check: lint the catalog, without network."""

from pathlib import Path

import click

from webipred.catalog.linting import lint_catalog
from webipred.catalog.loading import load_catalog
from webipred.catalog.locking import read_lock
from webipred.cli import options
from webipred.cli.output import fail_on, print_findings


@click.command()
@options.CATALOG
@options.STRICT
def check(catalog_path: Path, strict: bool) -> None:
    """Check the catalog and its lock; opens no socket.

    \b
    Example: webipred-build check --catalog model_catalog.yaml --strict
    """
    loaded = load_catalog(catalog_path)
    findings = lint_catalog(loaded, read_lock(catalog_path.with_suffix(".lock")))
    print_findings(findings)
    fail_on(findings, strict=strict)
    warnings = sum(finding.severity == "warning" for finding in findings)
    click.echo(f"{catalog_path}: {len(loaded.catalog.models)} entries, no errors, {warnings} warnings")
