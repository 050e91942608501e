"""From a catalog entry to its verified archive, whatever the type of its source."""

from pathlib import Path
from typing import assert_never

from webipred.catalog.entry import CatalogEntry
from webipred.catalog.lock import LockedFile
from webipred.catalog.locking import describe_source, is_stale
from webipred.catalog.source import FolderSource, HuggingfaceSource, UrlSource, ZenodoSource
from webipred.errors import UsageError, refuse
from webipred.progress import Progress, SilentProgress
from webipred.sources.archive import SourceArchive
from webipred.sources.cache import Cache
from webipred.sources.connection import Connection, fail
from webipred.sources.download import RemoteFile, download
from webipred.sources.evidence import compare_class_order
from webipred.sources.folder import store_folder
from webipred.sources.huggingface import resolve_huggingface
from webipred.sources.options import FetchOptions
from webipred.sources.url import resolve_url
from webipred.sources.zenodo import find_remarks, resolve_zenodo

__all__ = ["FetchOptions", "fetch_archive", "is_stale", "lock_source"]

_SILENT = SilentProgress()


def lock_source(
    entry: CatalogEntry, catalog_folder: Path, options: FetchOptions, progress: Progress = _SILENT
) -> LockedFile:
    """Ask the origin which file the source means now, download it into the cache, and return what pins it.

    Remarks (newer version, licence, class order) go to `options.notice`. Raises UsageError for a folder, which needs
    no lock; NetworkError when a server does not deliver; FindingsError when what it delivers is not usable.
    """
    source, where = entry.source, f"{entry.id}.source"
    if isinstance(source, FolderSource):
        raise UsageError(f"{where}: a folder lies beside the catalog and needs no lock.")
    with Connection(options, _find_base(source, options), where) as connection:
        remote = _resolve(connection, entry, source, options)
        cached = download(connection, remote, Cache(options.cache_dir), progress)
    return LockedFile(
        source=describe_source(source),
        url=remote.url,
        record=remote.record,
        file=remote.file,
        size_bytes=cached.size_bytes,
        md5=remote.md5,
        sha256=cached.sha256,
    )


def fetch_archive(
    entry: CatalogEntry,
    catalog_folder: Path,
    locked: LockedFile | None,
    options: FetchOptions,
    progress: Progress = _SILENT,
) -> SourceArchive:
    """Return the archive of an entry: from beside the catalog, from the cache, or from the locked address.

    Raises FindingsError E-LOCK-MISSING, E-LOCK-STALE, E-SOURCE-…; NetworkError E-OFFLINE-CACHE when the bytes are
    not in the cache while offline, and what `download` raises.
    """
    cache = Cache(options.cache_dir)
    where = f"{entry.id}.source"
    if isinstance(entry.source, FolderSource):
        stored = store_folder(entry.source, catalog_folder, cache, options.max_bytes, where)
        name = entry.source.path.rstrip("/").rsplit("/", 1)[-1]
        file = f"{name}.zip" if (catalog_folder / entry.source.path).is_dir() else name
        return _make_archive(entry, stored.path, file, stored.size_bytes, stored.sha256, entry.source.path)
    if locked is None:
        what = "the source is not locked, so nobody has said which bytes are meant."
        raise refuse("E-LOCK-MISSING", where, what, f"Run `webipred-build lock --only {entry.id}`.")
    if is_stale(entry, locked):
        what = f"the source was changed after it was locked (the lock knows {locked.file!r} from {locked.url!r})."
        raise refuse("E-LOCK-STALE", where, what, f"Run `webipred-build lock --only {entry.id}`.")
    path = cache.find(locked.sha256) or _fetch_locked(entry.source, locked, cache, options, where, progress)
    return _make_archive(entry, path, locked.file, locked.size_bytes, locked.sha256, locked.url)


def _fetch_locked(
    source: ZenodoSource | HuggingfaceSource | UrlSource,
    locked: LockedFile,
    cache: Cache,
    options: FetchOptions,
    where: str,
    progress: Progress,
) -> Path:
    if options.offline:
        what = f"{locked.file!r} ({locked.size_bytes} bytes, sha256 {locked.sha256}) is not in the cache."
        fix = "Run `webipred-build build` once without --offline, or copy the cache folder from a machine that has it."
        raise fail("E-OFFLINE-CACHE", where, what, fix)
    remote = RemoteFile(
        url=locked.url, file=locked.file, size_bytes=locked.size_bytes, md5=locked.md5, sha256=locked.sha256
    )
    with Connection(options, _find_base(source, options), where) as connection:
        return download(connection, remote, cache, progress).path


def _resolve(
    connection: Connection,
    entry: CatalogEntry,
    source: ZenodoSource | HuggingfaceSource | UrlSource,
    options: FetchOptions,
) -> RemoteFile:
    match source:
        case ZenodoSource():
            base = _find_base(source, options)
            remote, record = resolve_zenodo(connection, base, source)
            for finding in find_remarks(record, base, entry.license.weights, entry.id):
                options.notice(finding)
            for finding in compare_class_order(connection, record, entry):
                options.notice(finding)
            return remote
        case HuggingfaceSource():
            return resolve_huggingface(_find_base(source, options), source)
        case UrlSource():
            return resolve_url(source)
        case _:
            assert_never(source)


def _find_base(source: ZenodoSource | HuggingfaceSource | UrlSource, options: FetchOptions) -> str:
    match source:
        case ZenodoSource():
            return options.zenodo_base.rstrip("/")
        case HuggingfaceSource():
            return options.huggingface_base.rstrip("/")
        case UrlSource():
            return source.url
        case _:
            assert_never(source)


def _make_archive(
    entry: CatalogEntry, path: Path, file: str, size_bytes: int, sha256: str, origin: str
) -> SourceArchive:
    return SourceArchive(entry_id=entry.id, path=path, file=file, size_bytes=size_bytes, sha256=sha256, origin=origin)
