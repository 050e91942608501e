"""`build` as a person runs it: what is published, what is left out, what stays untouched, and the exit code."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from pydantic import JsonValue

from command_line import run_command, run_inside
from entries import make_entry_data
from tiny_models import make_colour_network
from webipred.catalog.entry import CatalogEntry
from webipred.catalog.lock import Lock, LockedFile
from webipred.catalog.locking import describe_source, write_lock


def write_catalog(folder: Path, *entries: dict[str, JsonValue]) -> None:
    (folder / "colour.onnx").write_bytes(make_colour_network())
    catalog = {
        "catalog_version": 1,
        "site": {"title": "Test", "operator": "Tests", "languages": ["en"]},
        "policy": {"licenses": {"allow": ["CC0-1.0"]}},
        "models": list(entries),
    }
    (folder / "model_catalog.yaml").write_text(yaml.safe_dump(catalog, sort_keys=False), encoding="utf-8")


def make_swapped(folder: Path) -> dict[str, JsonValue]:
    return make_entry_data(folder, id="swapped", classes=[{"id": "blue"}, {"id": "red"}])


def make_unlocked(folder: Path) -> dict[str, JsonValue]:
    source: JsonValue = {"type": "zenodo", "record": 1, "file": "a.zip"}
    return make_entry_data(folder, id="unlocked", source=source, format="tfjs-layers")


def build(folder: Path, *arguments: str) -> tuple[int, str, str]:
    result = run_command("build", "--cache-dir", "cache", *arguments, cwd=folder)
    return result.returncode, result.stdout, result.stderr


def list_published(folder: Path) -> list[str]:
    manifest = json.loads((folder / "dist/manifest.json").read_text(encoding="utf-8"))
    return [model["id"] for model in manifest["site"]["models"]]


def test_a_right_entry_is_published(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    code, out, _ = build(tmp_path)
    assert (0, ["red-or-blue"]) == (code, list_published(tmp_path))
    assert "1 of 1 entries published" in out


def test_a_failing_entry_is_left_out_and_the_others_are_published(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_swapped(tmp_path), make_entry_data(tmp_path))
    code, _, errors = build(tmp_path)
    assert (1, ["red-or-blue"]) == (code, list_published(tmp_path))
    assert "E-CLASS-ORDER" in errors


def test_an_unlocked_entry_is_skipped_with_the_command_that_locks_it(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_unlocked(tmp_path), make_entry_data(tmp_path))
    code, _, errors = build(tmp_path)
    assert (0, ["red-or-blue"]) == (code, list_published(tmp_path))
    assert "Run `webipred-build lock --only unlocked`" in errors


def test_strict_makes_a_skipped_entry_an_error(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_unlocked(tmp_path), make_entry_data(tmp_path))
    assert 1 == build(tmp_path, "--strict")[0]


def test_a_build_that_publishes_nothing_leaves_the_old_site_alone(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    build(tmp_path)
    before = (tmp_path / "dist/SHA256SUMS").read_bytes()
    write_catalog(tmp_path, make_swapped(tmp_path))
    code, _, errors = build(tmp_path)
    assert (1, before) == (code, (tmp_path / "dist/SHA256SUMS").read_bytes())
    assert "E-BUILD-EMPTY" in errors


def test_nothing_but_the_site_and_the_cache_is_left_behind(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_swapped(tmp_path), make_entry_data(tmp_path))
    before = {path.name for path in tmp_path.iterdir()}
    build(tmp_path)
    assert {"dist", "cache"} == {path.name for path in tmp_path.iterdir()} - before


def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    build(tmp_path)
    build(tmp_path, "--out", "again")
    assert (tmp_path / "dist/SHA256SUMS").read_bytes() == (tmp_path / "again/SHA256SUMS").read_bytes()


@pytest.mark.parametrize(
    ("name", "mark"), [("r.json", '"red-or-blue"'), ("r.md", "red-or-blue"), ("r.html", "<!doctype")]
)
def test_the_report_is_written_in_the_form_of_its_ending(tmp_path: Path, name: str, mark: str) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    build(tmp_path, "--report", name)
    assert mark in (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        ("report.txt", "report.txt: the ending must be one of .json, .md, .html."),
        ("no/such/x.json", "no/such/x.json: the folder no/such does not exist; make it first."),
    ],
)
def test_a_report_that_cannot_be_written_is_a_usage_error_before_any_work(
    tmp_path: Path, report: str, sentence: str
) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    code, _, errors = build(tmp_path, "--report", report)
    assert (2, False) == (code, (tmp_path / "dist").exists() or (tmp_path / "cache").exists())
    assert sentence in errors


def test_a_report_that_fails_in_the_end_is_a_finding_and_the_site_is_written(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    (tmp_path / "x.json").symlink_to("gone/x.json")
    code, _, errors = build(tmp_path, "--report", "x.json")
    assert (1, ["red-or-blue"]) == (code, list_published(tmp_path))
    assert "x.json: the report cannot be written (No such file or directory)." in errors


def build_inside(folder: Path, *arguments: str) -> Result:
    places = ("--catalog", folder / "model_catalog.yaml", "--cache-dir", folder / "cache", "--out", folder / "dist")
    return run_inside("build", *places, *arguments)


def lock_without_network(folder: Path, entry: CatalogEntry) -> None:
    pin = LockedFile(
        source=describe_source(entry.source), url="https://zenodo.org/a", file="a", size_bytes=1, sha256="0" * 64
    )
    write_lock(folder / "model_catalog.lock", Lock(models={entry.id: pin}))


@pytest.mark.parametrize(
    ("others", "code"), [((), 3), ((make_entry_data,), 3), ((make_swapped,), 1), ((make_swapped, make_entry_data), 1)]
)
def test_the_exit_code_tells_whether_only_the_network_failed(
    tmp_path: Path, others: tuple[Callable[[Path], dict[str, JsonValue]], ...], code: int
) -> None:
    write_catalog(tmp_path, make_unlocked(tmp_path), *(make(tmp_path) for make in others))
    lock_without_network(tmp_path, CatalogEntry.model_validate(make_unlocked(tmp_path)))
    result = build_inside(tmp_path, "--offline")
    assert "[E-OFFLINE-CACHE]" in result.stderr
    assert code == result.exit_code


def test_entries_that_were_not_asked_for_are_not_told(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_swapped(tmp_path), make_entry_data(tmp_path))
    result = build_inside(tmp_path, "--only", "red-or-blue")
    assert (0, False) == (result.exit_code, "swapped" in result.output)
    assert "1 of 1 entries published" in result.stdout


def test_steps_that_can_never_work_are_told_with_their_line(tmp_path: Path) -> None:
    names: list[JsonValue] = [{"op": "to_channels", "channels": "gray"}, {"op": "resize"}]
    steps: JsonValue = [*names, {"op": "standardize", "mode": "torch"}]
    write_catalog(tmp_path, make_entry_data(tmp_path, preprocessing=steps))
    assert re.search(r"model_catalog\.yaml:\d+ red-or-blue\.preprocessing\[2\]: ", build_inside(tmp_path).stderr)


def test_an_untranslated_language_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    text = (tmp_path / "model_catalog.yaml").read_text(encoding="utf-8")
    (tmp_path / "model_catalog.yaml").write_text(text.replace("- en\n", "- fr\n"), encoding="utf-8")
    assert "the pages are not translated into 'fr'" in str(build_inside(tmp_path).exception)
    assert not (tmp_path / "cache").exists()


def test_an_unknown_entry_names_those_that_exist(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    code, _, errors = build(tmp_path, "--only", "red-or-blu")
    assert 1 == code
    assert "there is no entry 'red-or-blu'. The catalog has red-or-blue." in errors


def test_a_wrong_flag_is_a_usage_error() -> None:
    assert 2 == run_inside("build", "--no-such-flag").exit_code


def test_flags_have_twins_in_the_environment(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    run_command("build", cwd=tmp_path, environment={"WEBIPRED_OUT": "site", "WEBIPRED_CACHE_DIR": "cache"})
    assert (tmp_path / "site/index.html").is_file()
