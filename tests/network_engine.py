"""The network engine for tests: compiled from the sources of this checkout, once per session and build."""

import importlib.util
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

BUILDER = Path(__file__).parents[1] / "builder"


@cache
def build_network_engine(*, relaxed: bool = False) -> bytes:
    """Return the module's bytes; skips where the C compiler is not installed."""
    pytest.importorskip("ziglang", reason="the C compiler (PyPI ziglang) is a build requirement, not installed here")
    spec = importlib.util.spec_from_file_location("engine_build", BUILDER / "engine_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with TemporaryDirectory() as folder:
        path = Path(folder, "net.wasm")
        module.build_network_engine(path, relaxed=relaxed)
        return path.read_bytes()
