"""`lock`: what is pinned, what is kept, and the exit code."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from pydantic import JsonValue

from command_line import run_command, run_inside
from entries import make_entry_data
from fake_zenodo import FakeZenodo, Fault
from unit.cli.test_build import write_catalog
from webipred.catalog.entry import CatalogEntry
from webipred.catalog.lock import LockedFile
from webipred.catalog.locking import read_lock
from webipred.sources.fetch import lock_source


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


def lock_inside(folder: Path, zenodo: FakeZenodo, *arguments: str) -> Result:
    places = ("--catalog", folder / "model_catalog.yaml", "--cache-dir", folder / "cache")
    return run_inside("lock", "--zenodo", zenodo.base_url, *places, *arguments)


def list_pins(folder: Path) -> list[str]:
    return list(read_lock(folder / "model_catalog.lock").models)


@pytest.fixture
def zenodo(tmp_path: Path) -> Iterator[FakeZenodo]:
    """Two records, and a catalog that wants them."""
    write_catalog(tmp_path, make_remote(tmp_path, "one", 11), make_remote(tmp_path, "two", 22))
    with FakeZenodo() as server:
        for number in (11, 22):
            server.add_record(number, {"a.onnx": (tmp_path / "colour.onnx").read_bytes()}, license_id="cc0-1.0")
        yield server


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(kind="bytes", body=b'{"id": 22, "files": [{"key": "\\ud800.onnx", "size": 1}]}'), 1),
        (Fault(kind="redirect", location="http://xn--a/"), 3),
    ],
)
def test_a_hostile_answer_costs_its_own_entry_only(tmp_path: Path, zenodo: FakeZenodo, fault: Fault, code: int) -> None:
    zenodo.add_fault("/records/22", fault)
    assert (code, ["one"]) == (lock_inside(tmp_path, zenodo).exit_code, list_pins(tmp_path))


def test_a_date_beyond_the_calendar_is_waited_for_as_no_date(tmp_path: Path, zenodo: FakeZenodo) -> None:
    headers = {"Retry-After": "Thu, 01 Jan 99999 00:00:00 GMT"}
    zenodo.add_fault("/records/22", Fault(kind="status", status=429, headers=headers))
    assert (0, ["one", "two"]) == (lock_inside(tmp_path, zenodo).exit_code, list_pins(tmp_path))


def test_a_name_that_would_spoil_the_lock_costs_its_own_entry_only(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.add_record(11, {"a\u202eb.onnx": (tmp_path / "colour.onnx").read_bytes()})
    assert (1, ["two"]) == (lock_inside(tmp_path, zenodo).exit_code, list_pins(tmp_path))


@pytest.mark.parametrize(("failure", "codes"), [(RuntimeError, (1, "E-INTERNAL")), (KeyboardInterrupt, (1, "Aborted"))])
def test_what_worked_is_written_whatever_happens_later(
    tmp_path: Path,
    zenodo: FakeZenodo,
    monkeypatch: pytest.MonkeyPatch,
    failure: type[BaseException],
    codes: tuple[int, str],
) -> None:
    def fail_second(entry: CatalogEntry, *arguments: object) -> LockedFile:
        if entry.id == "two":
            raise failure
        return lock_source(entry, *arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(sys.modules["webipred.cli.lock"], "lock_source", fail_second)
    result = lock_inside(tmp_path, zenodo)
    assert ["one"] == list_pins(tmp_path)
    assert (codes[0], True) == (result.exit_code, codes[1] in result.stderr)


def test_the_failed_transfer_is_not_called_fetched(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.add_fault("/22/files/", Fault(kind="status", status=404))
    errors = lock_inside(tmp_path, zenodo).stderr
    assert [1, 1] == [errors.count("\nfetched a.onnx") + errors.startswith("fetched a.onnx"), errors.count("could not")]


def test_lock_says_that_it_needs_a_network(tmp_path: Path, zenodo: FakeZenodo) -> None:
    environment = {"WEBIPRED_OFFLINE": "1", "WEBIPRED_ZENODO": zenodo.base_url}
    result = run_command("lock", cwd=tmp_path, environment=environment)
    assert (2, []) == (result.returncode, zenodo.requests)
    assert "lock needs a network" in result.stderr


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--strict",), 1)])
def test_strict_makes_remarks_of_the_archive_errors_but_keeps_the_pins(
    tmp_path: Path, zenodo: FakeZenodo, flags: tuple[str, ...], code: int
) -> None:
    zenodo.add_record(11, {"a.onnx": (tmp_path / "colour.onnx").read_bytes()}, license_id="cc-by-nc-4.0")
    assert (code, ["one", "two"]) == (lock_inside(tmp_path, zenodo, *flags).exit_code, list_pins(tmp_path))
