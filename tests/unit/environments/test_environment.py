"""Environments of frameworks: found only when complete, refused with the command, removed without touching others."""

import re
from pathlib import Path

import pytest
from click.testing import Result

from command_line import run_inside
from conversions import make_archive
from entries import make_entry_data
from webipred.catalog.entry import CatalogEntry
from webipred.convert.conversion import convert_archive
from webipred.environments.environment import FOLDER, MARK, NAMES, find_environment, read_lock_text
from webipred.errors import FindingsError


def env(folder: Path, *arguments: str) -> Result:
    return run_inside("env", *arguments, "--cache-dir", folder)


def make_folder(cache: Path, name: str, *, complete: bool) -> Path:
    place = cache / FOLDER / name
    place.mkdir(parents=True)
    if complete:
        (place / MARK).touch()
    return place


@pytest.mark.parametrize("name", NAMES)
def test_every_requirement_of_a_lock_is_pinned_with_a_digest(name: str) -> None:
    text = re.sub(r" \\\n\s+", " ", read_lock_text(name))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(lines) > 15
    assert [] == [
        line for line in lines if not re.match(r"[a-z0-9.-]+==\S+( ; [^#]+?)?( --hash=sha256:[0-9a-f]{64})+$", line)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_names_no_server(name: str) -> None:
    assert "://" not in read_lock_text(name)


def test_an_environment_counts_only_when_it_is_complete(tmp_path: Path) -> None:
    assert find_environment("torch", tmp_path) is None
    make_folder(tmp_path, "torch-py3.11-0123456789ab", complete=False)
    assert "torch-py3.11-0123456789ab: incomplete in" in env(tmp_path, "list").output


def test_no_environments_are_listed_as_such(tmp_path: Path) -> None:
    assert "no environments\n" == env(tmp_path, "list").output


def test_removing_leaves_other_environments(tmp_path: Path) -> None:
    other = make_folder(tmp_path, "tensorflow-py3.11-0123456789ab", complete=True)
    gone = make_folder(tmp_path, "torch-py3.11-0123456789ab", complete=True)
    assert f"removed {gone}\n" == env(tmp_path, "remove", "torch").output
    assert (True, False) == (other.is_dir(), gone.is_dir())


def test_an_unknown_environment_is_a_wrong_call(tmp_path: Path) -> None:
    assert 2 == env(tmp_path, "create", "jax").exit_code


@pytest.mark.parametrize(
    ("file_format", "name"), [("saved-model", "tensorflow"), ("torchscript", "torch"), ("torch-export", "torch")]
)
def test_a_format_without_its_environment_names_the_command(file_format: str, name: str, tmp_path: Path) -> None:
    entry = CatalogEntry.model_validate(make_entry_data(tmp_path, format=file_format))
    (tmp_path / "model").write_bytes(b"PK")
    archive = make_archive(tmp_path / "model")
    with pytest.raises(FindingsError, match=rf"Run `webipred-build env create {name}`. \[E-ENVIRONMENT-MISSING\]"):
        convert_archive(archive, entry, cache_dir=tmp_path / "cache")
