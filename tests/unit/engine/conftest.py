"""The engine as the package carries it."""

import pytest

from webipred.assets import read_asset
from webipred.engine.preprocessor import Preprocessor


@pytest.fixture(scope="session")
def preprocessor() -> Preprocessor:
    """The compiled engine, shared: every run has its own instance."""
    return Preprocessor(read_asset("engine.wasm"))


@pytest.fixture(scope="session")
def net_wasm() -> bytes:
    """The network engine, plain build, as the package carries it."""
    return read_asset("net.wasm")


@pytest.fixture(scope="session")
def relaxed_wasm() -> bytes:
    """The network engine, relaxed build, as the package carries it."""
    return read_asset("net-relaxed.wasm")
