"""webipred-build lock: look at every remote source once and pin its bytes."""

from pathlib import Path

import click

from webipred.catalog.entry import CatalogEntry
from webipred.catalog.loading import load_catalog
from webipred.catalog.lock import Lock, LockedFile
from webipred.catalog.locking import read_lock, write_lock
from webipred.cli import options
from webipred.cli.output import ConsoleProgress, print_findings
from webipred.errors import FindingsError, NetworkError, WebipredError
from webipred.pipeline import select_entries
from webipred.sources.fetch import FetchOptions, lock_source


@click.command()
@options.CATALOG
@options.ONLY
@options.CACHE
@options.ZENODO
def lock(catalog_path: Path, only: tuple[str, ...], cache_dir: Path, zenodo: str) -> None:
    """Download every remote file of the catalog, check it, and pin it in the lock.

    Entries that cannot be locked keep their earlier pin; the others are written.

    \b
    Example: webipred-build lock --only cxr-pneumonia
    """
    loaded = load_catalog(catalog_path)
    lock_path = catalog_path.with_suffix(".lock")
    pinned = dict(read_lock(lock_path).models)
    fetch = FetchOptions(cache_dir=cache_dir, zenodo_base=zenodo, notice=lambda finding: print_findings([finding]))
    failures: list[WebipredError] = []
    for entry in select_entries(loaded, only):
        if entry.source.type == "folder" or entry.status == "withdrawn":
            continue
        try:
            pinned[entry.id] = lock_source(entry, loaded.folder, fetch, ConsoleProgress())
        except (FindingsError, NetworkError) as error:
            print_findings(error.findings if isinstance(error, FindingsError) else [error.finding])
            failures.append(error)
            continue
        click.echo(f"locked {entry.id}: {pinned[entry.id].file}, sha256 {pinned[entry.id].sha256}")
    write_lock(lock_path, Lock(models=_keep_known(pinned, loaded.catalog.models)))
    if failures:
        raise click.exceptions.Exit(min(failure.exit_code for failure in failures))


def _keep_known(pinned: dict[str, LockedFile], entries: list[CatalogEntry]) -> dict[str, LockedFile]:
    known = {entry.id for entry in entries}
    return {entry_id: pin for entry_id, pin in pinned.items() if entry_id in known}
