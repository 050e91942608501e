"""The models of the default catalog and the converters' Keras fixtures run on the engine as on onnxruntime."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from conversions import convert_here, make_target
from networks import difference

KERAS = Path(__file__).parents[2] / "data/keras"
TOLERANCE = 1e-5  # of a probability; see test_network_architectures.py


@pytest.mark.parametrize(
    ("file", "file_format", "size"),
    [
        ("malaria-thin-smear/malaria_thinsmear_44.onnx", "onnx", 44),
        ("pneumonia-cxr-demo/pneumonia_cxr_demo_model_converted.zip", "tfjs-layers", 224),
    ],
)
def test_the_embedded_models_agree(
    net_wasm: bytes, repository: Path, tmp_path: Path, file: str, file_format: str, size: int
) -> None:
    path = shutil.copy(repository / "demo_models" / file, tmp_path)
    model = convert_here(Path(path), make_target(file_format, (size, size, 3), 2))
    image = np.random.default_rng(1).random((1, size, size, 3), np.float32)
    assert difference(net_wasm, model, image) <= TOLERANCE


def list_keras_files() -> list[tuple[str, str, str]]:
    """Return (file, format, reference) of every single-file fixture that converts."""
    entries = json.loads((KERAS / "index.json").read_text(encoding="utf-8"))
    files = (item for item in entries if item.get("reference") and (KERAS / item["file"]).is_file())
    return [(item["file"], item["format"], item["reference"]) for item in files]


@pytest.mark.parametrize(("file", "file_format", "reference"), list_keras_files())
def test_keras_fixtures_agree(net_wasm: bytes, tmp_path: Path, file: str, file_format: str, reference: str) -> None:
    arrays = np.load(KERAS / reference)
    image, output = (
        next(arrays[key] for key in arrays if key.startswith(start)) for start in (("input", "x"), ("output", "y"))
    )
    shutil.copy(KERAS / file, tmp_path)  # the converter unpacks beside the file
    model = convert_here(tmp_path / file, make_target(file_format, image.shape[1:], output.shape[1]))
    assert difference(net_wasm, model, image[:1].astype(np.float32)) <= TOLERANCE
