"""Two builds of the default catalog in different surroundings are the same bytes with the same modes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

BUILD = (sys.executable, "-c", "from webipred.cli import main; main()", "build", "--offline")


def use_one_core() -> None:
    """Let the process see a single core, as on another machine."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def build(
    folder: Path, environment: Mapping[str, str], umask: int, jobs: int, prepare: Callable[[], None] | None
) -> Path:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WEBIPRED_", "LC_", "LANG"))}
    subprocess.run(
        [*BUILD, "--jobs", str(jobs), "--cache-dir", "cache"],
        cwd=folder,
        env={**kept, **environment},
        umask=umask,
        preexec_fn=prepare,  # the test runs no other thread that could be in the way
        capture_output=True,
        check=True,
        timeout=600,
    )
    return folder / "dist"


def copy_catalog(repository: Path, folder: Path) -> Path:
    for name in ("model_catalog.yaml", "model_catalog.lock"):
        (folder / name).write_bytes((repository / name).read_bytes())
    shutil.copytree(repository / "demo_models", folder / "demo_models")
    return folder


@pytest.fixture(scope="module")
def builds(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    first = copy_catalog(repository, tmp_path_factory.mktemp("first"))
    second = copy_catalog(repository, tmp_path_factory.mktemp("a longer name of a folder"))
    here = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    elsewhere = {"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONHASHSEED": "4711", "HOME": str(second), "USER": "dr"}
    return build(first, here, 0o022, 4, None), build(second, elsewhere, 0o077, 1, use_one_core)


def list_modes(site: Path) -> dict[str, int]:
    return {path.relative_to(site).as_posix(): path.stat().st_mode for path in site.rglob("*")}


def test_no_byte_differs(builds: tuple[Path, Path]) -> None:
    first, second = builds
    found = subprocess.run(["diff", "-r", first, second], capture_output=True, text=True, check=False)  # noqa: S607
    assert (0, "") == (found.returncode, found.stdout)


def test_modes_do_not_depend_on_the_umask(builds: tuple[Path, Path]) -> None:
    assert list_modes(builds[0]) == list_modes(builds[1])


def test_a_difference_would_be_seen(builds: tuple[Path, Path], tmp_path: Path) -> None:
    changed = Path(shutil.copytree(builds[0], tmp_path / "changed"))
    (changed / "assets/one-more.bin").write_bytes(b"")
    found = subprocess.run(["diff", "-r", builds[0], changed], capture_output=True, check=False)  # noqa: S607
    assert 1 == found.returncode
