"""The cheap tier of the proof: site, planted leaks and detectors still fit together."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import run_command
from proof.chromium import find_chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo_site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proof")
    options = ("--offline", "--out", folder / "dist", "--cache-dir", folder / "cache")
    built = run_command("build", *options, cwd=repository)
    assert built.returncode == 0, built.stderr
    return folder / "dist"


def run_proof(repository: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "proof", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=repository, check=False)


def test_the_cheap_tier_passes_and_is_no_proof(repository: Path, demo_site: Path, tmp_path: Path) -> None:
    if find_chromium(os.environ) is None:
        pytest.skip("no Chromium is installed; `make test` installs one, or set WEBIPRED_CHROMIUM")
    done = run_proof(repository, "--cheap", "--site", demo_site, "--out", tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert 0 == done.returncode, done.stdout + done.stderr
    assert ("incomplete", ["passed"]) == (report["outcome"], [tier["state"] for tier in report["tiers"]])
    assert "This report is no proof" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_folder_without_a_site_is_named(repository: Path, tmp_path: Path) -> None:
    done = run_proof(repository, "--cheap", "--site", tmp_path, "--out", tmp_path)
    assert 2 == done.returncode
    assert "make site" in done.stdout
