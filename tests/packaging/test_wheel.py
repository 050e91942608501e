"""The package as people install it: wheel from sdist from tree, used from an empty folder."""

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from entries import make_entry_data
from tiny_models import make_colour_network


def pack(source: Path, target: str, out: Path) -> Path:
    """Build an sdist or a wheel of `source` with hatchling; neither node nor compiler is on the path."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    environment = {**os.environ, "PATH": str(out), "SOURCE_DATE_EPOCH": "1767225600"}
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
    (made,) = [path for path in out.iterdir() if path.suffix == {"sdist": ".gz", "wheel": ".whl"}[target]]
    return made


@pytest.fixture(scope="module")
def sdist(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive of this checkout."""
    return pack(repository, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made from the unpacked source archive."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return pack(source, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which the unpacked wheel comes before the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)  # noqa: S202  our own wheel
    return {**os.environ, "PYTHONPATH": str(folder)}


def run(environment: Mapping[str, str], folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, env=dict(environment), capture_output=True, text=True, check=False)


def test_the_wheel_made_from_the_sdist_is_that_of_the_tree(wheel: Path, repository: Path, tmp_path: Path) -> None:
    assert pack(repository, "wheel", tmp_path).read_bytes() == wheel.read_bytes()


def test_the_wheel_is_for_every_platform(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


def test_the_wheel_carries_assets_templates_and_licences(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"webipred/_assets/engine.wasm", "webipred/_assets/vault.js", "webipred/_templates/pages/base.html.jinja"}
    assert set() == wanted - names
    assert any(name.endswith("licenses/THIRD_PARTY_NOTICES.md") for name in names)


def test_a_site_is_built_by_the_wheel_from_an_empty_folder(installed: Mapping[str, str], tmp_path: Path) -> None:
    place = run(installed, tmp_path, "import webipred; print(webipred.__file__)")
    assert place.stdout.startswith(installed["PYTHONPATH"])
    (tmp_path / "colour.onnx").write_bytes(make_colour_network())
    catalog = {
        "catalog_version": 1,
        "site": {"title": "Test", "operator": "Tests"},
        "policy": {"licenses": {"allow": ["CC0-1.0"]}},
        "models": [make_entry_data(tmp_path)],
    }
    (tmp_path / "model_catalog.yaml").write_text(yaml.safe_dump(catalog), encoding="utf-8")
    arguments = ("build", "--offline", "--cache-dir", "cache")
    built = run(installed, tmp_path, "from webipred.cli import main; main()", *arguments)
    assert 0 == built.returncode, built.stderr
    assert (tmp_path / "dist/predict/index.html").is_file()
