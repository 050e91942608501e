"""Files that Keras 3, tf_keras and the TensorFlow.js converter wrote: same numbers, or a refusal that names why."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from conversions import convert_here, make_target, run_network, write_zip
from webipred.errors import FindingsError

FOLDER = Path(__file__).parents[2] / "data" / "keras"
ROWS: list[dict[str, str]] = json.loads((FOLDER / "index.json").read_text())
TOLERANCE = 1e-6  # small nets: onnxruntime and TensorFlow differ by 3e-7 at most here
REFUSED_SHAPES = {"attention": (4, 4, 8), "channels_first": (3, 8, 8)}
SENTENCES = {
    "lambda": "layer 'double' (Lambda): a Lambda layer holds Python code in the file; "
    "code from a model is never run here, by design.",
    "custom": "'demo>Doubling' is a custom class; its code is not in the file and is never run.",
    "two_outputs": "the model has two outputs, one list of class scores is needed.",
    "two_inputs": "the model has two inputs, one image is all it may take.",
    "attention": "layer 'attention' (MultiHeadAttention): this layer class is not converted.",
    "channels_first": "layer 'planes' (Conv2D): data_format is 'channels_first', only 'channels_last' is converted.",
}


def copy_model(row: dict[str, str], folder: Path) -> Path:
    source = FOLDER / row["file"]
    if source.is_dir():
        return write_zip(folder / "archive", {file.name: file.read_bytes() for file in sorted(source.iterdir())})
    shutil.copy(source, folder / "archive")
    return folder / "archive"


@pytest.mark.parametrize("row", [row for row in ROWS if "reference" in row], ids=lambda row: row["file"])
def test_a_file_gives_the_numbers_of_its_framework(row: dict[str, str], tmp_path: Path) -> None:
    reference = np.load(FOLDER / row["reference"])
    images, expected = reference["input"], reference["output"]
    network = convert_here(copy_model(row, tmp_path), make_target(row["format"], images.shape[1:], expected.shape[1]))
    assert np.abs(expected - run_network(network, images)).max() <= TOLERANCE


@pytest.mark.parametrize("row", [row for row in ROWS if "refused" in row], ids=lambda row: row["file"])
def test_a_file_is_refused_with_the_reason(row: dict[str, str], tmp_path: Path) -> None:
    kind = Path(row["file"]).stem.partition("_")[2]
    target = make_target(row["format"], REFUSED_SHAPES.get(kind, (4, 4, 3)))
    path = copy_model(row, tmp_path)
    with pytest.raises(FindingsError) as caught:
        convert_here(path, target)
    assert SENTENCES[kind] in str(caught.value)
    assert row["refused"] in str(caught.value)
