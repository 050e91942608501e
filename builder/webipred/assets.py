"""The built browser files that the package carries, each checked against the asset lock before it is used."""

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from webipred.digests import hash_bytes
from webipred.errors import refuse

LOCK_NAME = "assets.lock.json"
_REBUILD = "In a checkout run `python builder/hatch_build.py`; otherwise install webipred again."


def read_asset(name: str) -> bytes:
    """Return the bytes of a built file such as engine.wasm.

    Raises FindingsError with E-ASSET-MISSING or E-ASSET-DIGEST.
    """
    expected = _read_digests().get(name)
    item = _find_assets() / name
    if expected is None or not item.is_file():
        raise refuse("E-ASSET-MISSING", f"webipred: {name}", "the built file is not in the package.", _REBUILD)
    data = item.read_bytes()
    if hash_bytes(data) != expected:
        raise refuse(
            "E-ASSET-DIGEST",
            f"webipred: {name}",
            f"sha256 is {hash_bytes(data)}, {LOCK_NAME} says {expected}.",
            _REBUILD,
        )
    return data


def _find_assets() -> Traversable:
    return files("webipred") / "_assets"


@cache
def _read_digests() -> dict[str, str]:
    lock = _find_assets() / LOCK_NAME
    if not lock.is_file():
        raise refuse("E-ASSET-MISSING", "webipred", "the package has no built browser files.", _REBUILD)
    digests: dict[str, str] = json.loads(lock.read_text(encoding="utf-8"))["files"]
    return digests
