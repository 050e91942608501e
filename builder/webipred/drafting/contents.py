"""What a model file is, from its bytes: never from its name alone, and without running or unpickling anything."""

import re
import zipfile
from pathlib import Path
from typing import Final

from webipred.convert.json_text import JsonValue, parse_json
from webipred.convert.limits import ConversionLimits
from webipred.convert.tflite_file import read_graph
from webipred.drafting.facts import ModelFacts
from webipred.errors import FindingsError

HEAD_BYTES: Final = 4096
SEARCHED_BYTES: Final = 64 << 20
JSON_BYTES: Final = 32 << 20
_SHAPE: Final = re.compile(rb'"batch_(?:input_)?shape": ?\[null, ?(\d{1,5}|null), ?(\d{1,5}|null), ?(\d{1,2})\]')
_UNITS: Final = re.compile(rb'"units": ?(\d{1,5})\b')
_ACTIVATION: Final = re.compile(rb'"activation": ?"([a-z_]{1,30})"')
# conv4 of DenseNet has 24, 32 or 48 blocks; the names are those of keras.applications.
_BLOCKS: Final = (
    (b"conv4_block48_", "DenseNet201"),
    (b"conv4_block32_", "DenseNet169"),
    (b"conv4_block24_", "DenseNet121"),
)
_NAMES: Final = (
    (b"mixed10", "InceptionV3"),
    (b"block17_20_", "InceptionResNetV2"),
    (b"block14_sepconv2", "Xception"),
    (b"block5_conv4", "VGG19"),
    (b"block5_conv3", "VGG16"),
    (b"convnext_tiny", "ConvNeXtTiny"),
    (b"conv_pw_13", "MobileNet"),
    (b"Conv_1_bn", "MobileNetV2"),
    (b"conv5_block3_preact", "ResNet50V2"),
    (b"conv5_block3_", "ResNet50"),
)


def read_model_facts(path: Path, name: str) -> ModelFacts:
    """Return what the file says; a file of no known form gives a fact without format."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _search_topology("keras-h5", _read_start(path))
    if head[4:8] == b"TFL3":
        return _read_tflite(path)
    if head.startswith(b"PK"):
        return _read_zip(path)
    if name.casefold().endswith(".onnx") or (
        head[:1] == b"\x08" and re.search(rb"pytorch|tf2onnx|keras2onnx|onnx", head)
    ):
        return ModelFacts(format="onnx")
    return ModelFacts()


def _read_start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(SEARCHED_BYTES)


def _read_tflite(path: Path) -> ModelFacts:
    try:
        graph = read_graph(path, path.name, ConversionLimits())
    except FindingsError:
        return ModelFacts(format="tflite")
    tensor = graph.tensors[graph.inputs[0]] if len(graph.inputs) == 1 else None
    units = graph.tensors[graph.outputs[0]].shape[-1:] if len(graph.outputs) == 1 else ()
    ends = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}
    sides = tensor.shape[1:] if tensor is not None and len(tensor.shape) == 4 else (None, None, None)
    return ModelFacts(
        format="tflite",
        height=sides[0],
        width=sides[1],
        channels=sides[2],
        units=units[0] if units else None,
        activation=ends.get(graph.operators[-1].name) if graph.operators else None,
    )


def _read_zip(path: Path) -> ModelFacts:
    """Judge a zip by the names of its members; only JSON below a size is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.rsplit("/", 1)[-1]: info for info in archive.infolist()}
            names = set(members)
            if {"config.json", "model.weights.h5"} <= names:
                return _search_topology("keras-v3", _read_member(archive, members["config.json"]))
            if "model.json" in names:
                text = _read_member(archive, members["model.json"])
                return _search_topology("tfjs-graph" if _is_graph(text) else "tfjs-layers", text)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ModelFacts()
    if "saved_model.pb" in names:
        return ModelFacts(format="saved-model")
    if "serialized_exported_program.json" in names or "archive_format" in names:
        return ModelFacts(format="torch-export")
    return ModelFacts(format="torchscript" if "constants.pkl" in names else None)


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > JSON_BYTES:
        raise ValueError(info.file_size)
    with archive.open(info) as stream:
        return stream.read(JSON_BYTES)


def _is_graph(text: bytes) -> bool:
    try:
        document: JsonValue = parse_json(text, "model.json", JSON_BYTES)
    except FindingsError:
        return False
    return isinstance(document, dict) and document.get("format") == "graph-model"


def _search_topology(file_format: str, text: bytes) -> ModelFacts:
    """Find the input, the last dense layer and the last activation in the JSON of a topology.

    The topology of an HDF5 file is searched as bytes: the HDF5 library parses untrusted files in a jail only.
    """
    shape = _SHAPE.search(text)
    sides = [int(side) if side != b"null" else None for side in shape.groups()] if shape else [None, None, None]
    units, activations = _UNITS.findall(text), _ACTIVATION.findall(text)
    last = activations[-1].decode() if activations else None
    return ModelFacts(
        format=file_format,
        height=sides[0],
        width=sides[1],
        channels=sides[2],
        units=int(units[-1]) if units else None,
        activation=last if last in ("softmax", "sigmoid", "linear") else None,
        architecture=next((name for mark, name in (*_BLOCKS, *_NAMES) if mark in text), None),
    )
