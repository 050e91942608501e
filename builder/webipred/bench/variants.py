"""The builds of the engine that are compared, and the files that each contestant consists of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from webipred.bench.contestants import WEB
from webipred.bench.web import WebRuntime

ENGINE_SCRIPT: Final = "engine.js"
WEB_FILES: Final = ("engine-ort.js", "ort.wasm")
WEB_RUNTIME: Final = WebRuntime(name=WEB, script="bench-ort.js", wasm="ort.wasm")
TEAM_LIMIT: Final = 16
"""Threads that a build with threads can use (builder/engine/net/team.h)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One build of the network engine: an asset, and the largest number of threads it can use."""

    name: str
    asset: str
    max_threads: int

    @property
    def label(self) -> str:
        """The name, and whether it is a build of its own for threads."""
        return self.name if self.max_threads == 1 else f"{self.name}, threads"

    @property
    def runtime(self) -> WebRuntime:
        return WebRuntime(name=self.name, script="bench-engine.js", wasm=self.asset)


VARIANTS: Final = (
    Variant(name="plain", asset="net.wasm", max_threads=1),
    Variant(name="plain", asset="net-threads.wasm", max_threads=TEAM_LIMIT),
    Variant(name="relaxed", asset="net-relaxed.wasm", max_threads=1),
    Variant(name="relaxed", asset="net-relaxed-threads.wasm", max_threads=TEAM_LIMIT),
)
"""In the order of the tables. Several may share a name if their numbers of threads differ."""


def select_variants(variants: Iterable[Variant], threads: int) -> list[Variant]:
    """Return, of each name, the smallest build that can use so many threads."""
    known = list(variants)
    chosen: dict[str, Variant] = {}
    for variant in sorted(known, key=lambda one: one.max_threads):
        if variant.max_threads >= threads:
            chosen.setdefault(variant.name, variant)
    return [variant for variant in known if variant in chosen.values()]
