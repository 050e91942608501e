"""The one-way story: Catalog → SourceArchive → OnnxModel → ModelBundle → Site → dist/."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from webipred.assets import read_asset
from webipred.catalog.entry import CatalogEntry
from webipred.catalog.loading import LoadedCatalog
from webipred.catalog.lock import Lock
from webipred.checking import find_obstacles, refuse_languages
from webipred.convert.conversion import ConversionLimits, convert_archive
from webipred.errors import FindingsError, NetworkError
from webipred.findings import Finding
from webipred.progress import Progress
from webipred.site.assembly import Site, Unpublished, assemble_site
from webipred.site.proof import ProofReport
from webipred.sources.fetch import FetchOptions, fetch_archive, is_stale
from webipred.validate.bundle import ModelBundle
from webipred.validate.report import Report
from webipred.validate.runtime import EngineBuilds
from webipred.validate.validation import Rules, validate_model

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """How to build: which entries (empty: all), how many at once, how to fetch, and the limits of a conversion.

    `jailed=False` converts without the jail, which the reports of all models then say; `proof` is shown on the privacy
    page.
    """

    only: tuple[str, ...]
    jobs: int
    fetch: FetchOptions
    limits: ConversionLimits
    jailed: bool = True
    proof: ProofReport | None = None


def build_site(loaded: LoadedCatalog, lock: Lock, options: BuildOptions, progress: Progress) -> Site:
    """Build every selected entry and assemble the site; entries that fail are left out and listed with reasons.

    Raises FindingsError at once for an unknown entry and for a language without page texts.
    """
    refuse_languages(loaded)
    rules = Rules(
        policy=loaded.catalog.policy,
        folder=loaded.folder,
        engine_wasm=read_asset("engine.wasm"),
        networks=EngineBuilds(plain=read_asset("net.wasm"), relaxed=read_asset("net-relaxed.wasm")),
    )
    entries = select_entries(loaded, options.only)
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda entry: _publish(entry, loaded, lock, options, rules, progress), entries))
    bundles = [outcome for outcome in outcomes if isinstance(outcome, ModelBundle)]
    unpublished = [outcome for outcome in outcomes if isinstance(outcome, Unpublished)]
    return assemble_site(loaded.catalog, bundles, unpublished, proof=options.proof)


def select_entries(loaded: LoadedCatalog, only: Iterable[str]) -> list[CatalogEntry]:
    """Return the entries named in `only`, or all; raises FindingsError for names that the catalog lacks."""
    wanted = tuple(only)
    known = {entry.id for entry in loaded.catalog.models}
    unknown = [
        Finding(
            code="E-ENTRY-UNKNOWN",
            where=str(loaded.path),
            what=f"there is no entry {entry_id!r}.",
            fix=f"The catalog has {', '.join(sorted(known))}.",
        )
        for entry_id in wanted
        if entry_id not in known
    ]
    if unknown:
        raise FindingsError(unknown)
    return [entry for entry in loaded.catalog.models if not wanted or entry.id in wanted]


def _publish(
    entry: CatalogEntry, loaded: LoadedCatalog, lock: Lock, options: BuildOptions, rules: Rules, progress: Progress
) -> ModelBundle | Unpublished:
    """Take one entry through every stage; the boundary at which a failure becomes findings."""
    skipped = _explain_skip(entry, lock)
    if skipped is not None:
        return Unpublished(entry=entry, findings=(skipped,), report=None)
    obstacles = find_obstacles(loaded, entry)
    if obstacles:  # told before anything is downloaded
        return Unpublished(entry=entry, findings=obstacles, report=None)
    try:
        archive = fetch_archive(entry, rules.folder, lock.models.get(entry.id), options.fetch, progress)
        cache = options.fetch.cache_dir
        model = convert_archive(archive, entry, options.limits, jailed=options.jailed, cache_dir=cache)
        outcome = validate_model(archive, model, entry, rules)
    except FindingsError as error:
        return Unpublished(entry=entry, findings=error.findings, report=None)
    except NetworkError as error:
        return Unpublished(entry=entry, findings=(error.finding,), report=None)
    except Exception as error:
        log.exception("%s: unexpected failure", entry.id)
        return Unpublished(entry=entry, findings=(describe_defect(entry, error),), report=None)
    if isinstance(outcome, Report):
        return Unpublished(entry=entry, findings=outcome.findings, report=outcome)
    return outcome


def _explain_skip(entry: CatalogEntry, lock: Lock) -> Finding | None:
    if entry.status != "published":
        code = "N-ENTRY-DRAFT" if entry.status == "draft" else "N-ENTRY-WITHDRAWN"
        return Finding(code=code, where=entry.id, what=f"{entry.status}: {entry.status_reason}")
    if entry.source.type == "folder":
        return None
    locked = lock.models.get(entry.id)
    if locked is not None and not is_stale(entry, locked):
        return None
    reason = "is not in the lock." if locked is None else "has another source than the lock."
    return Finding(
        code="W-LOCK-MISSING" if locked is None else "W-LOCK-STALE",
        where=entry.id,
        what=reason,
        fix=f"Run `webipred-build lock --only {entry.id}` on a machine with network, then build again.",
    )


def describe_defect(entry: CatalogEntry, error: Exception) -> Finding:
    """Return the finding about a failure of webipred itself at one entry."""
    return Finding(
        code="E-INTERNAL",
        where=entry.id,
        what=f"webipred itself failed: {type(error).__name__}.",
        fix="Please report this with the log; the other entries are not affected.",
    )
