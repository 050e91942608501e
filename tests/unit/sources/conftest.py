"""A Zenodo on the loopback, options that never sleep, and one archive."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_zenodo import FakeZenodo
from source_cases import ARCHIVE, NAME, RECORD, Patience
from webipred.findings import Finding
from webipred.sources.options import FetchOptions


@pytest.fixture
def patience() -> Patience:
    return Patience()


@pytest.fixture
def notices() -> list[Finding]:
    return []


@pytest.fixture
def zenodo() -> Iterator[FakeZenodo]:
    with FakeZenodo() as server:
        server.add_record(RECORD, {NAME: ARCHIVE, "257299_model.h5": b"h5", "readme with space/a.txt": b"text"})
        yield server


@pytest.fixture
def options(zenodo: FakeZenodo, tmp_path: Path, patience: Patience, notices: list[Finding]) -> FetchOptions:
    return FetchOptions(
        cache_dir=tmp_path / "cache",
        zenodo_base=zenodo.base_url,
        huggingface_base=zenodo.base_url,
        sleep=patience.sleep,
        clock=patience.now,
        timeout_s=5.0,
        notice=notices.append,
    )
