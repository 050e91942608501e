"""The script of bench/: the engine's files and the models that run on it, written in before it is hashed.

The TypeScript twin is site_templates/app/bench/contents.ts.
"""

from collections.abc import Callable, Sequence
from typing import Final

from webipred.site.bundles import BundleFiles
from webipred.site.manifest import BundleManifest, EngineRef
from webipred.site.table import describe_file, place_asset
from webipred.site.workspace import fill_names

SCRIPT: Final = "bench.js"
WORKER: Final = "bench-engine.js"
CHANNEL_COUNTS: Final = {"rgb": 3, "gray": 1}
_CONTENTS_NAME: Final = "__WEBIPRED_BENCH__"


def list_measured(published: Sequence[BundleFiles]) -> list[BundleManifest]:
    """Return the models that run on the compiled engine; only these can be measured."""
    return [files.manifest for files in published if files.manifest.runtime == "compiled"]


def place_worker(assets: Callable[[str], bytes]) -> tuple[str, bytes]:
    """Return the file of the script that measures, which runs as a worker."""
    return place_asset(assets(WORKER), "js")


def render_bench_script(
    models: Sequence[BundleManifest], engine: EngineRef, build_id: str, assets: Callable[[str], bytes]
) -> str | None:
    """Return the page's script, None without a model to measure."""
    if not models:
        return None
    contents: dict[str, object] = {
        "build_id": build_id,
        "script": describe_file(*place_worker(assets)).model_dump(mode="json"),
        "networks": engine.networks.model_dump(mode="json"),
        "models": [_describe_model(model) for model in models],
    }
    return fill_names(SCRIPT, assets(SCRIPT).decode(), {_CONTENTS_NAME: contents})


def _describe_model(model: BundleManifest) -> dict[str, object]:
    return {
        "id": model.id,
        "shape": [1, model.input.height, model.input.width, CHANNEL_COUNTS[model.input.channels]],
        "weights": model.weights.model_dump(mode="json"),
        "weights_parts": [part.model_dump(mode="json") for part in model.weights_parts],
    }
