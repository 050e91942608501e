"""Conversion from end to end, in its own process: archive in, checked network out, nothing left behind."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from conversions import (
    convert_here,
    layer,
    make_archive,
    make_head,
    make_image,
    make_target,
    run_network,
    sequential,
    write_tfjs,
)
from webipred.catalog.entry import CatalogEntry
from webipred.convert.conversion import (
    ConversionLimits,
    convert_archive,
    describe_target,
    read_outcome,
    run_converter,
)
from webipred.convert.network_check import check_network
from webipred.convert.worker import CONVERTERS, NETWORK, RESULT
from webipred.errors import FindingsError

MALARIA = Path(__file__).parents[3] / "demo_models/malaria-thin-smear/malaria_thinsmear_44.onnx"
DENSENET_REFERENCES = {
    "black": (0.7803768, 0.2196232),
    "white": (0.0483721, 0.9516279),
    "gradient": (0.4915806, 0.5084193),
}  # tf_keras, from the README of the shared data


@pytest.fixture
def work_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for temporary files, so that leftovers are seen."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def make_entry(file_format: str, side: int, **changes: object) -> CatalogEntry:
    fields = {
        "id": "model", "version": "1.0.0", "status": "draft", "status_reason": "test", "name": "Model",
        "summary": "A model.", "task": "classification", "discipline": "Radiology", "modality": ["DX"],
        "body_part": "chest", "source": {"type": "folder", "path": "model"}, "format": file_format,
        "input": {"width": side, "height": side}, "preprocessing": [{"op": "resize"}],
        "classes": [{"id": "A"}, {"id": "B"}], "license": {"weights": "CC0-1.0"},
    }  # fmt: skip
    return CatalogEntry.model_validate(fields | changes)


def write_small(path: Path) -> Path:
    layers, weights = make_head(3)
    return write_tfjs(path, sequential(layer("ReLU", "relu"), *layers), weights)


def test_the_malaria_network_keeps_its_probabilities(work_place: Path) -> None:
    model = convert_archive(make_archive(MALARIA), make_entry("onnx", 44))
    images = make_image((44, 44, 3))
    session_input = images.transpose(0, 3, 1, 2)
    original = onnx.load(MALARIA)
    assert [1, 3, 44, 44] == [side.dim_value for side in original.graph.input[0].type.tensor_type.shape.dim]
    expected = _run_original(MALARIA, session_input)
    assert np.abs(expected - run_network(model.data, images)).max() <= 1e-6  # the same operators, another opset
    assert (44, 44, 3, 2, "onnx/1") == (model.height, model.width, model.channels, model.classes, model.converter)
    assert [] == list(work_place.iterdir())


def _run_original(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: image[np.newaxis]})[0] for image in images])


def test_two_conversions_give_the_same_bytes(tmp_path: Path, work_place: Path) -> None:
    archive = make_archive(write_small(tmp_path / "model.zip"))
    entry = make_entry("tfjs-layers", 8)
    assert convert_archive(archive, entry) == convert_archive(archive, entry)


def test_the_process_gives_what_the_converter_gives(tmp_path: Path, work_place: Path) -> None:
    path = write_small(tmp_path / "model.zip")
    expected = convert_here(path, make_target("tfjs-layers"))
    assert expected == convert_archive(make_archive(path), make_entry("tfjs-layers", 8)).data


def test_findings_of_the_process_arrive_and_nothing_stays(tmp_path: Path, work_place: Path) -> None:
    path = write_tfjs(tmp_path / "model.zip", sequential(layer("Lambda", "double")), {})
    with pytest.raises(FindingsError) as caught:
        convert_archive(make_archive(path), make_entry("tfjs-layers", 8))
    assert ["E-CONVERT-LAYER"] == [finding.code for finding in caught.value.findings]
    assert "model model.zip layer 'double' (Lambda)" == caught.value.findings[0].where
    assert [] == list(work_place.iterdir())


def test_a_conversion_that_takes_too_long_is_stopped_and_nothing_stays(tmp_path: Path, work_place: Path) -> None:
    archive = make_archive(write_small(tmp_path / "model.zip"))
    with pytest.raises(FindingsError, match=r"took more than 0\.01 s and was stopped"):
        convert_archive(archive, make_entry("tfjs-layers", 8), ConversionLimits(wall_s=0.01))
    assert [] == list(work_place.iterdir())


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="RLIMIT_DATA counts memory on Linux only")
def test_a_conversion_that_needs_too_much_memory_is_stopped(tmp_path: Path, work_place: Path) -> None:
    weights = {"scores/kernel": np.ones((48, 400_000), np.float32), "scores/bias": np.ones(400_000, np.float32)}
    model = sequential(layer("Flatten", "flat"), layer("Dense", "scores", units=400_000), shape=(4, 4, 3))
    path = write_tfjs(tmp_path / "model.zip", model, weights)
    limits = ConversionLimits(memory_bytes=120 << 20)
    with pytest.raises(FindingsError) as caught:
        run_converter(make_archive(path), make_target("tfjs-layers", (4, 4, 3), 400_000, limits=limits))
    assert ["E-CONVERT-MEMORY"] == [finding.code for finding in caught.value.findings]
    assert [] == list(work_place.iterdir())


def test_a_file_that_changed_since_it_was_verified_is_refused(tmp_path: Path, work_place: Path) -> None:
    archive = make_archive(write_small(tmp_path / "model.zip"))
    archive.path.write_bytes(archive.path.read_bytes() + b" ")
    with pytest.raises(FindingsError, match="the file changed on disk"):
        convert_archive(archive, make_entry("tfjs-layers", 8))
    assert [] == list(work_place.iterdir())


def test_a_file_of_another_format_than_the_declared_one_is_refused(tmp_path: Path) -> None:
    archive = make_archive(write_small(tmp_path / "model.zip"))
    with pytest.raises(FindingsError, match=r"format is 'tflite', but the file is of the kind tfjs"):
        convert_archive(archive, make_entry("tflite", 8))


def test_the_target_says_what_the_entry_says() -> None:
    entry = make_entry(
        "onnx", 44, input={"width": 44, "height": 44, "channels": "gray"}, output={"activation": "softmax"}
    )
    target = describe_target(entry, "file.onnx", ConversionLimits())
    assert (44, 44, 1, 2, "softmax") == (
        target.height,
        target.width,
        target.channels,
        target.classes,
        target.activation,
    )


@pytest.mark.parametrize(
    "result",
    [b"", b"[]", b'{"converter": 1}', b'{"converter": "x", "peak_bytes": 1, "findings": [{"code": "no code"}]}', None],
)
def test_a_broken_result_is_not_believed(result: bytes | None, tmp_path: Path) -> None:
    if result is None:
        (tmp_path / RESULT).symlink_to("/etc/hostname")
    else:
        (tmp_path / RESULT).write_bytes(result)
    with pytest.raises(FindingsError):
        read_outcome(tmp_path, make_target("onnx"))


def test_findings_of_the_process_are_made_printable(tmp_path: Path) -> None:
    finding = {"code": "E-CONVERT-LAYER", "where": "a\x1b[31m", "what": "b\u202e", "fix": ""}
    (tmp_path / RESULT).write_text(json.dumps({"converter": "x", "peak_bytes": 1, "findings": [finding]}))
    with pytest.raises(FindingsError) as caught:
        read_outcome(tmp_path, make_target("onnx"))
    assert ("a�[31m", "b�") == (caught.value.findings[0].where, caught.value.findings[0].what)


def test_a_result_without_network_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / RESULT).write_text(json.dumps({"converter": "x", "peak_bytes": 1, "findings": []}))
    assert not (tmp_path / NETWORK).exists()
    with pytest.raises(FindingsError, match="ended without a readable result"):
        read_outcome(tmp_path, make_target("onnx"))


@pytest.mark.parametrize(
    ("shape", "classes", "reason"),
    [((8, 8, 1), 2, "where"), ((8, 8, 3), 3, "where"), ((16, 8, 3), 2, "where")],
)
def test_a_network_that_is_not_the_entrys_is_refused(
    shape: tuple[int, int, int], classes: int, reason: str, tmp_path: Path
) -> None:
    network = convert_here(write_small(tmp_path / "model.zip"), make_target("tfjs-layers"))
    with pytest.raises(FindingsError, match=reason):
        check_network(network, make_target("tfjs-layers", shape, classes), "test/1")


def test_free_text_in_a_network_is_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(convert_here(write_small(tmp_path / "model.zip"), make_target("tfjs-layers")))
    model.doc_string = "<script>"
    with pytest.raises(FindingsError, match="it carries free text"):
        check_network(model.SerializeToString(), make_target("tfjs-layers"), "test/1")


def test_every_format_with_a_converter_is_one_of_the_catalog() -> None:
    schema = CatalogEntry.model_json_schema()
    assert set(CONVERTERS) <= set(schema["properties"]["format"]["enum"])


@pytest.mark.shared_data
def test_the_webipred_artefact_converts_within_its_memory(shared_data: Path, tmp_path: Path) -> None:
    path = _synthesize_densenet(shared_data / "webipred16", tmp_path / "model.zip")
    target = make_target("tfjs-layers", (224, 224, 3), 2)
    outcome = run_converter(make_archive(path), target)
    model = check_network(outcome.network, target, outcome.converter)
    rows, columns = np.mgrid[0:224, 0:224]
    pixels = np.stack(
        [np.zeros((224, 224, 3)), np.full((224, 224, 3), 255), np.stack([columns, rows, (columns + rows) // 2], -1)]
    ).astype(np.float32)
    images = (pixels / 255 - np.array([0.485, 0.456, 0.406], np.float32)) / np.array([0.229, 0.224, 0.225], np.float32)
    found = run_network(model.data, images.astype(np.float32))
    assert np.abs(np.array(list(DENSENET_REFERENCES.values())) - found).max() <= 1e-5
    assert outcome.peak_bytes <= 500 << 20


def _synthesize_densenet(folder: Path, path: Path) -> Path:
    subprocess.run([sys.executable, folder / "synth_tfjs.py", folder / "model.json", path], check=True)
    return path
