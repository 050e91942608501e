"""Formats that only their framework reads: a real network comes through with the framework's own numbers.

Needs the environments of `webipred-build env create`; `make test-frameworks` makes them and runs this.
"""

import os
import subprocess
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from conversions import make_archive, run_network
from entries import make_entry_data
from webipred.catalog.entry import CatalogEntry
from webipred.convert.conversion import convert_archive
from webipred.convert.framework_route import ENVIRONMENTS
from webipred.environments.environment import find_environment

pytestmark = pytest.mark.frameworks
MAKER = Path(__file__).with_name("make_networks.py")
TOLERANCE = 1e-5  # the order of sums differs between the framework's kernels and onnxruntime's


@pytest.mark.parametrize("file_format", sorted(ENVIRONMENTS))
def test_a_network_gives_the_numbers_of_its_framework(file_format: str, tmp_path: Path) -> None:
    cache = Path(os.environ.get("WEBIPRED_CACHE_DIR") or platformdirs.user_cache_dir("webipred"))
    environment = find_environment(ENVIRONMENTS[file_format], cache)
    if environment is None:
        pytest.skip(f"the {ENVIRONMENTS[file_format]} environment is not in {cache}; run make test-frameworks")
    subprocess.run([environment.python, MAKER, file_format, tmp_path], check=True, capture_output=True, timeout=600)
    reference = np.load(tmp_path / "reference.npz")
    entry = CatalogEntry.model_validate(
        make_entry_data(
            tmp_path,
            format=file_format,
            input={"width": 64, "height": 64, "channels": "rgb"},
            classes=[{"id": name} for name in ("a", "b", "c")],
            samples=[],
        )
    )
    model = convert_archive(make_archive(tmp_path / "model"), entry, cache_dir=cache)
    assert np.abs(reference["output"] - run_network(model.data, reference["input"])).max() <= TOLERANCE
    assert model.converter.startswith(file_format)
