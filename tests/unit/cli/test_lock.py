"""`lock`: what is pinned, what is kept, and the exit code."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from command_line import run_command
from entries import make_entry_data
from fake_zenodo import FakeZenodo
from unit.cli.test_build import write_catalog
from webipred.catalog.locking import read_lock


def make_remote(folder: Path, entry_id: str, record: int) -> dict[str, JsonValue]:
    source: JsonValue = {"type": "zenodo", "record": record, "file": "*.onnx"}
    return make_entry_data(folder, id=entry_id, source=source)


def lock(folder: Path, zenodo: FakeZenodo, *arguments: str) -> tuple[int, str]:
    result = run_command("lock", "--zenodo", zenodo.base_url, "--cache-dir", "cache", *arguments, cwd=folder)
    return result.returncode, result.stderr


def test_every_remote_entry_is_pinned(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_remote(tmp_path, "one", 11), make_entry_data(tmp_path))
    with FakeZenodo() as zenodo:
        zenodo.add_record(11, {"a.onnx": (tmp_path / "colour.onnx").read_bytes()})
        code, _ = lock(tmp_path, zenodo)
    assert (0, ["one"]) == (code, list(read_lock(tmp_path / "model_catalog.lock").models))


def test_what_was_locked_is_published_without_a_network(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_remote(tmp_path, "one", 11))
    with FakeZenodo() as zenodo:
        zenodo.add_record(11, {"a.onnx": (tmp_path / "colour.onnx").read_bytes()})
        lock(tmp_path, zenodo)
    built = run_command("build", "--offline", "--strict", "--cache-dir", "cache", cwd=tmp_path)
    assert 0 == built.returncode, built.stderr


@pytest.mark.parametrize(("access", "code"), [("restricted", 1), ("open", 0)])
def test_an_entry_that_cannot_be_locked_does_not_stop_the_others(tmp_path: Path, access: str, code: int) -> None:
    write_catalog(tmp_path, make_remote(tmp_path, "one", 11), make_remote(tmp_path, "two", 22))
    weights = (tmp_path / "colour.onnx").read_bytes()
    with FakeZenodo() as zenodo:
        zenodo.add_record(11, {"a.onnx": weights}, access=access)
        zenodo.add_record(22, {"a.onnx": weights})
        actual, _ = lock(tmp_path, zenodo)
    assert code == actual
    assert "two" in read_lock(tmp_path / "model_catalog.lock").models


def test_a_server_that_is_not_there_is_a_network_error(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_remote(tmp_path, "one", 11))
    with FakeZenodo() as zenodo:
        zenodo.add_record(11, {"a.onnx": b""})
    source: JsonValue = {"type": "url", "url": f"{zenodo.base_url}/a.onnx"}
    write_catalog(tmp_path, make_entry_data(tmp_path, source=source))
    result = run_command("lock", "--cache-dir", "cache", cwd=tmp_path)
    assert 3 == result.returncode, result.stderr
