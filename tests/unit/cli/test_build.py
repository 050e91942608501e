"""`build` as a person runs it: what is published, what is left out, what stays untouched, and the exit code."""

import json
from pathlib import Path

import pytest
import yaml
from pydantic import JsonValue

from command_line import run_command
from entries import make_entry_data
from tiny_models import make_colour_network


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


def test_an_unknown_report_ending_is_a_usage_error(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    code, _, errors = build(tmp_path, "--report", "report.txt")
    assert 2 == code
    assert "the ending must be one of .json, .md, .html" in errors


def test_an_unknown_entry_names_those_that_exist(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    code, _, errors = build(tmp_path, "--only", "red-or-blu")
    assert 1 == code
    assert "there is no entry 'red-or-blu'. The catalog has red-or-blue." in errors


def test_a_wrong_flag_is_a_usage_error(tmp_path: Path) -> None:
    assert 2 == build(tmp_path, "--no-such-flag")[0]


def test_flags_have_twins_in_the_environment(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    run_command("build", cwd=tmp_path, environment={"WEBIPRED_OUT": "site", "WEBIPRED_CACHE_DIR": "cache"})
    assert (tmp_path / "site/index.html").is_file()
