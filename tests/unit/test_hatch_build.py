"""The build hook puts its files in place so that who reads meanwhile never misses one."""

import importlib.util
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def hook(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The hook with an empty folder for its assets."""
    spec = importlib.util.spec_from_file_location("hatch_build_alone", repository / "builder/hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr(module, "LOCK", tmp_path / "assets/assets.lock.json")
    (tmp_path / "assets").mkdir()
    return module


def make_output(hook: ModuleType, folder: Path, mark: str) -> Path:
    folder.mkdir()
    for name in hook.NAMES:
        (folder / name).write_text(f"{name} {mark}")
    return folder


def test_installed_assets_are_current(hook: ModuleType, tmp_path: Path) -> None:
    hook._install(make_output(hook, tmp_path / "out", "1"), "digest")
    assert (True, False) == (hook.is_current("digest"), hook.is_current("other"))
    assert {*hook.NAMES, "assets.lock.json"} == {path.name for path in hook.ASSETS.iterdir()}


def test_an_open_or_linked_file_keeps_its_bytes_when_it_is_replaced(hook: ModuleType, tmp_path: Path) -> None:
    hook._install(make_output(hook, tmp_path / "one", "1"), "digest")
    for name in hook.NAMES:
        (tmp_path / name).hardlink_to(hook.ASSETS / name)
    hook._install(make_output(hook, tmp_path / "two", "2"), "other")
    assert {f"{name} 1" for name in hook.NAMES} == {(tmp_path / name).read_text() for name in hook.NAMES}


def test_no_file_is_ever_missing_while_others_are_put_in_place(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook._install(make_output(hook, tmp_path / "one", "1"), "digest")
    expected = {*hook.NAMES, "assets.lock.json"}
    missing: list[set[str]] = []
    replace = Path.replace

    def watch(source: Path, target: Path) -> Path:
        missing.append(expected - {path.name for path in hook.ASSETS.iterdir()})
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", watch)
    hook._install(make_output(hook, tmp_path / "two", "2"), "other")
    assert [set()] * len(expected) == missing


def test_an_interrupted_build_counts_as_none(hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook._install(make_output(hook, tmp_path / "one", "1"), "digest")

    def interrupt(source: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            hook._install(make_output(hook, tmp_path / "two", "2"), "other")
    assert (True, False) == (hook.is_current("digest"), hook.is_current("other"))
    hook._install(tmp_path / "two", "other")
    assert [] == list(hook.ASSETS.glob("*.new"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")
def test_builds_take_turns(hook: ModuleType) -> None:
    order: list[str] = []

    def build() -> None:
        with hook._wait_for_turn():
            order.append("second")

    other = threading.Thread(target=build)
    with hook._wait_for_turn():
        other.start()
        other.join(0.05)  # long enough to get in if nothing keeps it out
        order.append("first")
    other.join()
    assert ["first", "second"] == order
