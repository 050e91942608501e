"""What is run: the reference architectures, and the catalog's own models with the plans of the built site."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from webipred.bench.architectures import ARCHITECTURES, SIDE
from webipred.bench.draft import CHANNELS
from webipred.catalog.entry import CatalogEntry
from webipred.catalog.loading import LoadedCatalog
from webipred.catalog.lock import Lock
from webipred.convert.conversion import ConversionLimits, convert_archive
from webipred.engine.compiler.compilation import CompilerError, compile_network
from webipred.engine.compiler.graph import UnsupportedOperator
from webipred.errors import FindingsError, NetworkError, UsageError
from webipred.findings import Finding
from webipred.progress import Progress
from webipred.site.reading import BuiltSite
from webipred.sources.fetch import FetchOptions, fetch_archive

Origin = Literal["reference", "catalog"]

SEED: Final = 11
CHANNEL_COUNTS: Final = {"rgb": 3, "gray": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A network as ONNX in canonical form and as plan; without a plan, `obstacle` says why. `shape` is NHWC."""

    name: str
    origin: Origin
    shape: tuple[int, ...]
    model: bytes
    plan: bytes | None
    obstacle: str

    def make_image(self) -> NDArray[np.float32]:
        """Return the tensor that every contestant gets: noise in −1 … 1."""
        return np.random.default_rng(SEED).random(self.shape, np.float32) * 2 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Where the models of a catalog come from; `site` is the built one, whose plans are then the published bytes."""

    loaded: LoadedCatalog
    lock: Lock
    fetch: FetchOptions
    site: BuiltSite | None
    progress: Progress


def select_architectures(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names as ARCHITECTURES has them, whatever their case. Raises UsageError for an unknown one."""
    known = {name.casefold(): name for name in ARCHITECTURES}
    unknown = [name for name in names if name.casefold() not in known]
    if unknown:
        raise UsageError(f"there is no reference architecture {unknown[0]!r}; there are {', '.join(ARCHITECTURES)}.")
    return tuple(known[name.casefold()] for name in names)


def draw_references(names: Iterable[str]) -> Iterator[Subject]:
    """Yield the named architectures; each is drawn only when it is asked for."""
    for name in names:
        yield _make_subject(name, "reference", (1, SIDE, SIDE, CHANNELS), ARCHITECTURES[name]())


def convert_entries(entries: Iterable[CatalogEntry], supply: Supply) -> Iterator[Subject | tuple[Finding, ...]]:
    """Yield each entry's network, or the findings that say why it has none."""
    for entry in entries:
        try:
            yield _convert_entry(entry, supply)
        except FindingsError as error:
            yield error.findings
        except NetworkError as error:
            yield (error.finding,)


def _convert_entry(entry: CatalogEntry, supply: Supply) -> Subject:
    locked = supply.lock.models.get(entry.id)
    archive = fetch_archive(entry, supply.loaded.folder, locked, supply.fetch, supply.progress)
    model = convert_archive(archive, entry, ConversionLimits())
    shape = (1, entry.input.height, entry.input.width, CHANNEL_COUNTS[entry.input.channels])
    published = _read_plan(supply.site, entry) if supply.site is not None else None
    return _make_subject(entry.id, "catalog", shape, model.data, published)


def _read_plan(site: BuiltSite, entry: CatalogEntry) -> bytes | None:
    """Return the published plan of this version of an entry, if the site has it."""
    for model in site.manifest.models:
        if (model.id, model.version, model.runtime) == (entry.id, entry.version, "compiled"):
            return site.read_weights(model)
    return None


def _make_subject(
    name: str, origin: Origin, shape: tuple[int, ...], model: bytes, published: bytes | None = None
) -> Subject:
    plan, obstacle = published, ""
    if plan is None:
        try:
            plan = compile_network(model).data
        except (UnsupportedOperator, CompilerError) as error:
            obstacle = str(error)
    return Subject(name=name, origin=origin, shape=shape, model=model, plan=plan, obstacle=obstacle)
