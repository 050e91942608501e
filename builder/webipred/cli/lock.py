"""webipred-build lock: look at every remote source once and pin its bytes."""

import logging
from collections.abc import Callable
from pathlib import Path

import click

from webipred.catalog.entry import CatalogEntry
from webipred.catalog.loading import LoadedCatalog, load_catalog
from webipred.catalog.lock import Lock, LockedFile
from webipred.catalog.locking import encode_lock, needs_lock, read_lock, write_lock
from webipred.cli import options
from webipred.cli.output import ConsoleProgress, exit_for, print_findings, start_logging
from webipred.errors import FindingsError, NetworkError, UsageError
from webipred.findings import Finding
from webipred.pipeline import describe_defect, select_entries
from webipred.sources.fetch import FetchOptions, lock_source

log = logging.getLogger(__name__)


@click.command()
@options.CATALOG
@options.ONLY
@options.OFFLINE
@options.STRICT
@options.CACHE
@options.ZENODO
def lock(catalog_path: Path, only: tuple[str, ...], offline: bool, strict: bool, cache_dir: Path, zenodo: str) -> None:
    """Download every remote file of the catalog, check it, and pin it in the lock.

    Entries that cannot be locked keep their earlier pin; the others are written. It asks servers in any case, so
    with --offline it ends at once.

    \b
    Example: webipred-build lock --only cxr-pneumonia
    """
    if offline:
        raise UsageError(
            "lock needs a network: it asks servers which bytes are meant. "
            "Run it without --offline, on a connected machine, and without WEBIPRED_OFFLINE in the environment."
        )
    start_logging()
    loaded = load_catalog(catalog_path)
    lock_path = catalog_path.with_suffix(".lock")
    pins = dict(read_lock(lock_path).models)
    entries = [entry for entry in select_entries(loaded, only) if needs_lock(entry) and entry.status != "withdrawn"]
    found: list[Finding] = []

    def report(finding: Finding) -> None:
        print_findings([finding])
        found.append(finding)

    fetch = FetchOptions(cache_dir=cache_dir, zenodo_base=zenodo, notice=report)
    try:
        for entry in entries:
            pin = _pin_entry(entry, loaded, fetch, report)
            if pin is not None:
                pins[entry.id] = pin
                click.echo(f"locked {entry.id}: {pin.file}, sha256 {pin.sha256}")
    finally:  # also after Ctrl-C: what was asked for and verified is kept
        write_lock(lock_path, Lock(models=_keep_known(pins, loaded.catalog.models)))
    exit_for(found, strict=strict)


def _pin_entry(
    entry: CatalogEntry, loaded: LoadedCatalog, fetch: FetchOptions, report: Callable[[Finding], None]
) -> LockedFile | None:
    """Return the pin of one entry, None if it has none; the boundary at which a failure becomes findings."""
    try:
        pin = lock_source(entry, loaded.folder, fetch, ConsoleProgress())
        encode_lock(Lock(models={entry.id: pin}), entry.id)  # refuse here what would spoil the lock of all
    except FindingsError as error:
        for finding in error.findings:
            report(finding)
    except NetworkError as error:
        report(error.finding)
    except Exception as error:
        log.exception("%s: unexpected failure", entry.id)
        report(describe_defect(entry, error))
    else:
        return pin
    return None


def _keep_known(pinned: dict[str, LockedFile], entries: list[CatalogEntry]) -> dict[str, LockedFile]:
    known = {entry.id for entry in entries}
    return {entry_id: pin for entry_id, pin in pinned.items() if entry_id in known}
