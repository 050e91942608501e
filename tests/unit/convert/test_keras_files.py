"""Files that Keras 3, tf_keras and the TensorFlow.js converter wrote: same numbers, or a refusal that names why."""

import copy
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversions import convert_here, make_target, run_network, write_zip
from webipred.errors import FindingsError

FOLDER = Path(__file__).parents[2] / "data" / "keras"
ROWS: list[dict[str, str]] = json.loads((FOLDER / "index.json").read_text())
TOLERANCE = 1e-6  # small nets: onnxruntime and TensorFlow differ by 3e-7 at most here
ODD_VALUES: Final[list[Any]] = [
    None, True, 0, -1, 3, 10**30, 1.5, 1e308, "", "relu", "Sequential", "InputLayer", "channels_first", [], [[]], {},
    [1, 2], [[1, 2], [3, 4]], ["image", 0, 0], {"class_name": "ReLU", "config": {}}, {"class_name": [], "config": 3},
]  # fmt: skip
SENTENCES = {
    "lambda": "layer 'double' (Lambda): a Lambda layer holds Python code in the file; "
    "code from a model is never run here, by design.",
    "custom": "'demo>Doubling' is a custom class; its code is not in the file and is never run.",
    "two_outputs": "the model has two outputs, one list of class scores is needed.",
    "two_inputs": "the model has two inputs, one image is all it may take. 'metadata' takes 5 numbers about the "
    "patient beside it (metadata, as AUCMEDI's heads do); the page asks for images only, and invented numbers "
    "would change every prediction.",
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
    target = make_target(row["format"], (4, 4, 3))
    path = copy_model(row, tmp_path)
    with pytest.raises(FindingsError) as caught:
        convert_here(path, target)
    assert SENTENCES[kind] in str(caught.value)
    assert row["refused"] in str(caught.value)


@pytest.mark.parametrize("file", ["keras3_two_outputs.keras", "tfkeras_two_outputs.h5"])
def test_the_entry_chooses_one_of_several_outputs(file: str, tmp_path: Path) -> None:
    row = {"file": file, "format": "keras-v3" if file.endswith("keras") else "keras-h5"}
    path, target = copy_model(row, tmp_path), make_target(row["format"], (4, 4, 3))
    networks = [convert_here(path, replace(target, output_name=name)) for name in ("first", "second")]
    images = np.ones((1, 4, 4, 3), np.float32)
    first, second = (run_network(network, images) for network in networks)
    assert first.shape == second.shape == (1, 2)
    assert np.abs(first - second).max() > 1e-3


def test_an_output_that_is_not_there_is_refused(tmp_path: Path) -> None:
    row = {"file": "tfkeras_two_outputs.h5", "format": "keras-h5"}
    target = replace(make_target("keras-h5", (4, 4, 3)), output_name="third")
    with pytest.raises(FindingsError, match=r"output.name is 'third', which is not one output .* 'first', 'second'"):
        convert_here(copy_model(row, tmp_path), target)


def test_a_keras_file_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = copy_model({"file": "keras3_sequential.keras"}, tmp_path)
    convert_here(path, make_target("keras-v3", (16, 16, 3), 3))
    assert [path] == list(tmp_path.iterdir())


def list_places(value: object, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place inside a JSON value."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [place] * bool(place) + [found for key, item in items for found in list_places(item, (*place, key))]


def change_document(document: Any, random: Random) -> None:
    """Delete one thing in a JSON document, or put an odd one in its place."""
    *parents, last = random.choice(list_places(document))
    holder = document
    for key in parents:
        holder = holder[key]
    if random.random() < 0.25:
        del holder[last]
    else:
        holder[last] = copy.deepcopy(random.choice(ODD_VALUES))


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 32), row=st.sampled_from([row for row in ROWS if row["format"] != "keras-h5"]))
def test_a_changed_topology_is_converted_or_refused(
    tmp_path_factory: pytest.TempPathFactory, seed: int, row: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    with zipfile.ZipFile(copy_model(row, folder)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    topology = "model.json" if row["format"] == "tfjs-layers" else "config.json"
    document = json.loads(members[topology])
    change_document(document, Random(seed))
    images = np.load(FOLDER / row["reference"])["input"] if "reference" in row else np.zeros((1, 4, 4, 3))
    path = write_zip(folder / "changed", members | {topology: json.dumps(document).encode()})
    try:
        convert_here(path, make_target(row["format"], images.shape[1:], 3))
    except FindingsError as error:
        assert error.findings  # noqa: PT017 - either outcome is right
