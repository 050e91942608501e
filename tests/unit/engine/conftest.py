"""The engine as the package carries it."""

import pytest

from network_engine import build_network_engine
from webipred.assets import read_asset
from webipred.engine.preprocessor import Preprocessor


@pytest.fixture(scope="session")
def preprocessor() -> Preprocessor:
    """The compiled engine, shared: every run has its own instance."""
    return Preprocessor(read_asset("engine.wasm"))


@pytest.fixture(scope="session")
def net_wasm() -> bytes:
    """The network engine, plain build."""
    return build_network_engine()


@pytest.fixture(scope="session")
def relaxed_wasm() -> bytes:
    """The network engine, relaxed build."""
    return build_network_engine(relaxed=True)
