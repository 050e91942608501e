"""The builds of the engine that are compared, and the files that each contestant consists of."""

from dataclasses import dataclass
from typing import Final

from webipred.bench.contestants import WEB
from webipred.bench.web import WebRuntime

ENGINE_SCRIPT: Final = "engine.js"
WEB_FILES: Final = ("engine-ort.js", "ort.wasm")
WEB_RUNTIME: Final = WebRuntime(name=WEB, script="bench-ort.js", wasm="ort.wasm")
MANY: Final = 64
"""More threads than anybody asks for."""


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


VARIANTS: Final = (Variant(name="plain", asset="net.wasm", max_threads=1),)
"""In the order of the tables. Several may share a name if their numbers of threads differ."""
