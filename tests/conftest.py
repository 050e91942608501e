"""Fixtures for every test: the large shared data where it is there, and the repository's root."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of large test data; skips where it is absent."""
    path = Path(os.environ.get("WEBIPRED_SHARED", ROOT.parent / "shared")) / "data"
    if not path.is_dir():
        pytest.skip(f"the large shared data is not at {path}; set WEBIPRED_SHARED to its folder")
    return path
