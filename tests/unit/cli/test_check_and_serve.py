"""`check` tells every problem with its place; `serve` shows a built site."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import Result
from pydantic import JsonValue

from command_line import run_command, run_inside
from entries import make_entry_data
from unit.cli.test_build import build, make_unlocked, write_catalog

# No model can take this: the mode needs the three channels that were just given away.
GRAY_STEPS: list[JsonValue] = [
    {"op": "resize", "method": "bilinear"},
    {"op": "to_channels", "channels": "gray"},
    {"op": "standardize", "mode": "torch"},
]


def test_a_sound_catalog_passes(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path, cite=[{"text": "Nobody 2026, Colours"}]))
    result = run_command("check", cwd=tmp_path)
    assert (0, "model_catalog.yaml: 1 entries, no errors, 0 warnings\n") == (result.returncode, result.stdout)


def test_problems_come_with_line_entry_and_field_all_at_once(tmp_path: Path) -> None:
    wrong = make_entry_data(tmp_path, version="1")
    wrong["clases"] = wrong.pop("classes")
    write_catalog(tmp_path, wrong)
    result = run_command("check", cwd=tmp_path)
    assert 1 == result.returncode
    assert "red-or-blue.clases" in result.stderr
    assert "red-or-blue.version" in result.stderr
    assert "did you mean" in result.stderr.lower()


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--strict",), 1)])
def test_strict_makes_warnings_errors(tmp_path: Path, flags: tuple[str, ...], code: int) -> None:
    write_catalog(tmp_path, make_unlocked(tmp_path))
    assert code == run_command("check", *flags, cwd=tmp_path).returncode


def check_inside(folder: Path, *arguments: str | Path) -> Result:
    return run_inside("check", "--catalog", folder / "model_catalog.yaml", *arguments)


def test_check_refuses_what_build_would_refuse(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path, preprocessing=GRAY_STEPS))
    result = check_inside(tmp_path)
    assert (1, True) == (result.exit_code, "[E-PREPROCESS-CHANNELS]" in result.stderr)


@pytest.mark.parametrize(("entry", "code"), [("red-or-blue", 0), ("other", 1)])
def test_only_checks_the_named_entry(tmp_path: Path, entry: str, code: int) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path), make_entry_data(tmp_path, id="other", preprocessing=GRAY_STEPS))
    assert code == check_inside(tmp_path, "--only", entry).exit_code


@pytest.mark.parametrize("ending", [".json", ".md", ".html"])
def test_the_findings_are_written_as_a_report(tmp_path: Path, ending: str) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path, preprocessing=GRAY_STEPS))
    check_inside(tmp_path, "--report", tmp_path / f"report{ending}")
    assert "E-PREPROCESS-CHANNELS" in (tmp_path / f"report{ending}").read_text(encoding="utf-8").replace("\\", "")


def test_serve_answers_below_its_prefix(tmp_path: Path) -> None:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    build(tmp_path)
    command = [sys.executable, "-u", "-c", "from webipred.cli import main; main()", "serve", "--port", "0"]
    with subprocess.Popen([*command, "--prefix", "/a/b"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        with urllib.request.urlopen(f"{address}/") as answer:  # noqa: S310  the address is our own server's
            page = answer.read()
        server.terminate()
    assert b"<title>" in page
