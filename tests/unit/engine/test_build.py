"""Building the engine: the same bytes in every folder, and the package carries the build of these sources."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from webipred.assets import read_asset


@pytest.fixture(scope="module")
def engine_build(repository: Path) -> ModuleType:
    """builder/engine_build.py, loaded by its path as the build hook does."""
    pytest.importorskip("ziglang", reason="the C compiler (PyPI ziglang) is a build requirement, not installed here")
    spec = importlib.util.spec_from_file_location("engine_build", repository / "builder/engine_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_builds_in_different_folders_are_the_asset(
    engine_build: ModuleType, repository: Path, tmp_path: Path
) -> None:
    sources = tmp_path / "elsewhere" / "c sources"
    shutil.copytree(repository / "builder/engine", sources)
    engine_build.build_engine(tmp_path / "one" / "engine.wasm")
    engine_build.build_engine(tmp_path / "two.wasm", sources)
    assert (tmp_path / "one/engine.wasm").read_bytes() == (tmp_path / "two.wasm").read_bytes()
    assert read_asset("engine.wasm") == (tmp_path / "two.wasm").read_bytes(), "rebuild: python builder/hatch_build.py"


def test_sources_that_do_not_compile_are_named(engine_build: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "wrong.c").write_text("int wrong(void) { return nothing; }\n")
    with pytest.raises(engine_build.EngineBuildError, match="nothing"):
        engine_build.build_engine(tmp_path / "engine.wasm", tmp_path)
    assert not (tmp_path / "engine.wasm").exists()
