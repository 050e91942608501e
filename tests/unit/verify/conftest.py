"""A small built site, fresh for every test."""

import shutil
from pathlib import Path

import pytest

from site_copies import write_small_site


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as it was built; tests do not touch it."""
    return write_small_site(tmp_path_factory.mktemp("built"))


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(built, tmp_path / "copy"))
