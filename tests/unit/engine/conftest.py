"""The engine as the package carries it."""

import pytest

from webipred.assets import read_asset
from webipred.engine.preprocessor import Preprocessor


@pytest.fixture(scope="session")
def preprocessor() -> Preprocessor:
    """The compiled engine, shared: every run has its own instance."""
    return Preprocessor(read_asset("engine.wasm"))
