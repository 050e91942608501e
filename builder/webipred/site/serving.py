"""The files that depend on all others: the service worker with its list of digests, and the server configurations."""

from collections.abc import Callable, Iterator
from typing import Final, Literal

from webipred.digests import hash_bytes, hash_json
from webipred.site.headers import WORKER_PATH, ServingPolicy, classify, find_media_type, read_serving_policy
from webipred.site.manifest import EngineRef, FileRef, SiteManifest
from webipred.site.servers import render_server_files
from webipred.site.table import FileTable
from webipred.site.workspace import fill_names

WORKER_ASSET: Final = "sw.js"
_TABLE_NAME: Final = "__WEBIPRED_WORKER_TABLE__"
_REPORT: Final = "report.html"

Keeping = Literal["install", "model", "use"]
"""When the browser keeps a file: at once, when its model is loaded, or when somebody looks at it."""


def add_serving_files(table: FileTable, manifest: SiteManifest, read_asset: Callable[[str], bytes]) -> FileTable:
    """Return `table` with policies/ and sw.js; both follow from the files that are there already.

    Raises ValueError if the policy of a page would open it, or if sw.js lacks the place of its table.
    """
    policy = read_serving_policy(table)
    served = FileTable([*table, *render_server_files(policy)])
    return FileTable([*served, (WORKER_PATH, render_service_worker(served, manifest, policy, read_asset))])


def render_service_worker(
    table: FileTable, manifest: SiteManifest, policy: ServingPolicy, read_asset: Callable[[str], bytes]
) -> bytes:
    """Return sw.js with the digest, headers and keeping of every file of `table` written into it.

    `version` is a digest over code and table: another byte anywhere makes another set of files, which the browser
    installs as a whole.
    """
    script = read_asset(WORKER_ASSET).decode()
    keeping = {file.path: "model" for file in _list_model_files(manifest)}
    content: dict[str, object] = {
        "build_id": manifest.build_id,
        "headers": {name: policy.list_class_headers(name) for name in ("page", "workspace", "data")},
        "files": {
            path: {
                "sha256": hash_bytes(data),
                "size_bytes": len(data),
                "headers": classify(path),
                "type": find_media_type(path),
                "keep": keeping.get(path) or _choose_keeping(path, manifest.engine),
            }
            for path, data in table
        },
    }
    version = hash_json({"script": hash_bytes(script.encode()), "table": content})
    return fill_names(WORKER_ASSET, script, {_TABLE_NAME: {"version": version[:16], **content}}).encode()


def _choose_keeping(path: str, engine: EngineRef) -> Keeping:
    """Pages, and the engine that nearly all models run on, are kept at once: they are small and work without network.

    Reports, sample images and licences only when somebody has looked at them.
    """
    is_engine = path in {file.path for file in (engine.script, engine.preprocess, *engine.networks.list_builds())}
    is_page = path.endswith(".html") and not path.endswith((_REPORT, "404.html"))
    return "install" if is_engine or is_page or path.endswith(".svg") else "use"


def _list_model_files(manifest: SiteManifest) -> Iterator[FileRef]:
    """Yield what is loaded with one model: weights, golden images, and onnxruntime-web, which is large."""
    for model in manifest.models:
        yield from model.weights_parts
        yield from (golden.image for golden in model.goldens)
    if manifest.engine.fallback is not None:
        yield from (manifest.engine.fallback.script, manifest.engine.fallback.runtime)
