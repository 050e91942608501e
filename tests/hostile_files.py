"""Hostile archives and models, made on the spot: small files that ordinary libraries would obey."""

import io
import json
import marshal
import os
import pickle
import struct
import tarfile
import warnings
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from conversions import Layer, layer, make_head, make_manifest, sequential

Member = tuple[str | zipfile.ZipInfo, bytes]
SHARD = "group1-shard1of1.bin"


def make_small_model() -> tuple[Layer, Mapping[str, Any]]:
    """Return a topology and its weights: 8 × 8 × 3 in, two classes out."""
    layers, weights = make_head(3)
    return sequential(*layers), weights


def describe_tfjs(**changes: object) -> dict[str, Any]:
    """Return a right model.json as a dictionary, changed at the top level."""
    model, weights = make_small_model()
    manifest, _ = make_manifest(weights)
    topology = {"keras_version": "2.8.0", "backend": "tensorflow", "model_config": model}
    return {"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest, **changes}


def list_tfjs(**changes: object) -> list[Member]:
    """Return the members of a right TF.js Layers archive, model.json changed at its top level."""
    _, shard = make_manifest(make_small_model()[1])
    return [("model.json", json.dumps(describe_tfjs(**changes)).encode()), (SHARD, shard)]


def pack(members: Sequence[Member], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of the members; names stay as they are, double ones too."""
    stream = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members:  # zipfile warns of double names
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo("placeholder")
            if isinstance(name, str):
                info.filename = name
            info.compress_type = method
            archive.writestr(info, data)
    return stream.getvalue()


def add(*members: Member) -> bytes:
    """Return a right TF.js archive with further members."""
    return pack([*list_tfjs(), *members])


def make_special(name: str, kind: int) -> zipfile.ZipInfo:
    """Return a member of a Unix kind such as a link or a device."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    return info


def make_tar(kind: bytes) -> bytes:
    """Return a tar with one link or device."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        info = tarfile.TarInfo("model.json")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    return stream.getvalue()


def patch_sizes(data: bytes, claimed: int) -> bytes:
    """Return an archive whose headers claim another unpacked size for the first member."""
    changed = bytearray(data)
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<I", changed, data.index(b"PK\x03\x04") + 22, claimed)
    struct.pack_into("<I", changed, central + 24, claimed)
    return bytes(changed)


def break_byte(data: bytes, marker: bytes) -> bytes:
    """Return the archive with one bit of a member's content turned, so that its checksum is wrong."""
    at = data.index(marker)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def encrypt(data: bytes) -> bytes:
    """Return the archive with the flag of encryption on every member."""
    changed = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            changed[at + offset] |= 1
            at = data.find(signature, at + 4)
    return bytes(changed)


def nest(levels: int) -> bytes:
    """Return a zip in a zip in a zip."""
    data = pack(list_tfjs())
    for _ in range(levels):
        data = pack([("inner.zip", data)])
    return data


def make_h5(change: Callable[[h5py.File], object]) -> bytes:
    """Return a right Keras HDF5 file after `change`."""
    model, weights = make_small_model()
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["keras_version"] = "2.8.0"
        file.attrs["model_config"] = json.dumps(model)
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [b"pool", b"scores"]
        root.create_group("pool").attrs["weight_names"] = np.array([], "float64")
        group = root.create_group("scores")
        group.attrs["weight_names"] = [name.encode() + b":0" for name in weights]
        for name, value in weights.items():
            group.create_dataset(f"{name}:0", data=value)
        change(file)
    return stream.getvalue()


def steal_by_storage(path: str) -> Callable[[h5py.File], object]:
    """Replace the kernel by the bytes of another file."""

    def change(file: h5py.File) -> None:
        del file["model_weights/scores/scores/kernel:0"]
        file.create_dataset("model_weights/scores/scores/kernel:0", (3, 2), "f4", external=[(path, 0, 24)])

    return change


def steal_by_view(path: str) -> Callable[[h5py.File], object]:
    """Replace the kernel by a virtual dataset."""

    def change(file: h5py.File) -> None:
        del file["model_weights/scores/scores/kernel:0"]
        layout = h5py.VirtualLayout((3, 2), "f4")
        layout[:] = h5py.VirtualSource(path, "secret", (3, 2))
        file.create_virtual_dataset("model_weights/scores/scores/kernel:0", layout)

    return change


def set_link(name: str, link: object) -> Callable[[h5py.File], object]:
    """Add a link."""

    def change(file: h5py.File) -> None:
        file[name] = link

    return change


def change_topology(change: Callable[[Layer], object]) -> bytes:
    """Return a TF.js archive whose topology was changed."""
    model, _ = make_small_model()
    change(model)
    topology = {"keras_version": "2.8.0", "backend": "tensorflow", "model_config": model}
    return pack(list_tfjs(modelTopology=topology))


def append_layer(*added: Layer) -> bytes:
    """Return a TF.js archive with further layers at its end."""
    return change_topology(lambda model: model["config"]["layers"].extend(added))


def make_lambda(mark: Path) -> Layer:
    """Return a Lambda layer with marshalled code that would write a file."""
    code = marshal.dumps(compile(f"lambda x: open({str(mark)!r}, 'w')", "<hostile>", "eval"))
    function = [b64encode(code).decode(), None, None]
    return layer("Lambda", "harmless", function=function, function_type="lambda", module="__main__")


def make_keras(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a `.keras` archive of Keras 3 whose config.json was changed."""
    model, weights = make_small_model()
    start, pool, scores = model["config"]["layers"]
    start["config"]["batch_shape"] = start["config"].pop("batch_input_shape")
    config = {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": model["config"]}
    for item, name in ((start, "InputLayer"), (pool, "GlobalAveragePooling2D"), (scores, "Dense")):
        item.update(module="keras.layers", registered_name=None, class_name=name)
    change(config)
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for number, value in enumerate(weights.values()):
            file[f"layers/dense/vars/{number}"] = value
    metadata = json.dumps({"keras_version": "3.10.0"}).encode()
    members = [("metadata.json", metadata), ("config.json", json.dumps(config).encode())]
    return pack([*members, ("model.weights.h5", stream.getvalue())])


def name_module(module: str, class_name: str) -> Callable[[dict[str, Any]], object]:
    """Let the last layer be a class or function of another module."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][-1].update(module=module, class_name=class_name)

    return change


def name_function(module: str, function: str) -> Callable[[dict[str, Any]], object]:
    """Let the activation of the last layer be a function of another module."""

    def change(config: dict[str, Any]) -> None:
        named = {"module": module, "class_name": "function", "config": function, "registered_name": function}
        config["config"]["layers"][-1]["config"]["activation"] = named

    return change


def register(name: str) -> Callable[[dict[str, Any]], object]:
    """Give the last layer a registered name."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][-1].update(module="builtins", class_name="Twice", registered_name=name)

    return change


def widen(config: dict[str, Any]) -> None:
    """Let the topology have more units than the weights."""
    config["config"]["layers"][-1]["config"]["units"] = 3


class Bomb:
    """What a pickle can do: call anything when it is loaded."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, (self._command,)


def make_pickle(mark: Path, protocol: int = 2) -> bytes:
    """Return a pickle that would write a file when it is loaded."""
    return pickle.dumps({"weights": Bomb(f"touch {mark}")}, protocol)


def make_torch_zip(data: bytes) -> bytes:
    """Return a zip as torch.save writes it, with this pickle."""
    return pack([("archive/data.pkl", data), ("archive/data/0", bytes(24)), ("archive/version", b"3\n")])


def make_objects(mark: Path) -> bytes:
    """Return a .npy file of an object array."""
    stream = io.BytesIO()
    np.save(stream, np.array([Bomb(f"touch {mark}")], object), allow_pickle=True)
    return stream.getvalue()


def make_joblib(mark: Path) -> bytes:
    """Return a pickle as joblib compresses it."""
    return zlib.compress(make_pickle(mark))


def make_onnx(
    nodes: Sequence[onnx.NodeProto] = (), *, ending: str = "image", change: Callable[[onnx.ModelProto], object] = id
) -> bytes:
    """Return an ONNX classifier of 8 × 8 × 3 with `nodes` in front, whose last result is `ending`, after `change`."""
    kernel = np.random.default_rng(1).normal(size=(3, 2)).astype(np.float32)
    axes = numpy_helper.from_array(np.array([1, 2], np.int64), "axes")
    head = [
        helper.make_node("ReduceMean", [ending, "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "kernel"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=-1),
    ]
    graph = helper.make_graph(
        [*nodes, *head],
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 8, 8, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 2])],
        [axes, numpy_helper.from_array(kernel, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    change(model)
    data: bytes = model.SerializeToString()
    return data


def keep_outside(location: str, offset: str = "0", length: str = "24") -> Callable[[onnx.ModelProto], object]:
    """Let the kernel lie in another file."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[1]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=value)

    return change


def fill(count: int) -> list[onnx.NodeProto]:
    """Return nodes that make a square of `count` × `count` numbers out of nothing."""
    shape = numpy_helper.from_array(np.array([count, count], np.int64))
    return [
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("ConstantOfShape", ["shape"], ["bomb"]),
        helper.make_node("ReduceMax", ["bomb"], ["one"], keepdims=0),
        helper.make_node("Add", ["image", "one"], ["x"]),
    ]


def enlarge(factor: float) -> list[onnx.NodeProto]:
    """Return nodes that enlarge the image."""
    scales = numpy_helper.from_array(np.array([1, factor, factor, 1], np.float32))
    return [
        helper.make_node("Constant", [], ["scales"], value=scales),
        helper.make_node("Resize", ["image", "", "scales"], ["x"], mode="nearest"),
    ]


def loop(count: int) -> list[onnx.NodeProto]:
    """Return a Loop of `count` turns."""
    body = helper.make_graph([], "body", [], [])
    turns = numpy_helper.from_array(np.array(count, np.int64))
    return [
        helper.make_node("Constant", [], ["turns"], value=turns),
        helper.make_node("Loop", ["turns", "", "image"], ["x"], body=body),
    ]


def make_deep_onnx(depth: int) -> bytes:
    """Return If inside of If inside of If, written by hand because the library refuses to."""
    graph = b""
    for _ in range(depth):
        attribute = _field(1, b"then_branch") + _field(6, graph) + b"\xa0\x01\x05"
        graph = _field(1, _field(4, b"If") + _field(5, attribute))
    return b"\x08\x0a" + _field(7, graph) + _field(8, b"\x10\x15")


def make_wide_onnx(count: int) -> bytes:
    """Return a file of `count` equal nodes."""
    node = _field(1, _field(1, b"image") + _field(2, b"x") + _field(4, b"Relu"))
    return b"\x08\x0a" + _field(7, node * count) + _field(8, b"\x10\x15")


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def make_graph_def(*operators: str, texts: Sequence[bytes] = ()) -> bytes:
    """Return a TensorFlow GraphDef with one node per operator; `texts` go into a constant of strings."""
    named = [(f"n{number}".encode(), name.encode()) for number, name in enumerate(operators)]
    nodes = [_field(1, _field(1, node) + _field(2, operator)) for node, operator in named]
    tensor = b"\x08\x07" + b"".join(_field(8, text) for text in texts)
    constant = _field(5, _field(1, b"value") + _field(2, _field(8, tensor)))
    nodes += [_field(1, _field(1, b"c") + _field(2, b"Const") + constant)] if texts else []
    return b"".join(nodes)


def make_function(operator: str) -> bytes:
    """Return a library with one function of one node."""
    node = _field(3, _field(1, b"inner") + _field(2, operator.encode()))
    return _field(2, _field(1, node))


def make_saved_model(graph: bytes) -> bytes:
    """Return saved_model.pb around a GraphDef."""
    return b"\x08\x01" + _field(2, _field(2, graph))


def make_tflite(
    *, custom: bytes | None = None, root: int | None = None, count: int | None = None, copies: int = 1
) -> bytes:
    """Return a flatbuffer with one operator code, listed `copies` times, and no subgraph, written by hand."""
    data = bytearray(b"\x00" * 8)
    data[4:8] = b"TFL3"
    vtable = len(data)
    data += struct.pack("<HHHH", 8, 8, 0, 4)  # model: field 1, operator codes, at +4
    model = len(data)
    data += struct.pack("<iI", model - vtable, 4)  # the vector follows right behind
    vector = len(data)
    data += struct.pack("<I", copies if count is None else count) + bytes(4 * copies)
    inner = len(data)
    data += struct.pack("<HHHH", 8, 12, 8, 4 if custom is not None else 0)  # operator code: builtin at +8, custom at +4
    code = len(data)
    data += struct.pack("<iIbbbb", code - inner, 8, 0 if custom is None else 32, 0, 0, 0)
    for slot in range(vector + 4, vector + 4 + 4 * copies, 4):
        struct.pack_into("<I", data, slot, code - slot)
    if custom is not None:
        data += struct.pack("<I", len(custom)) + custom + b"\0"
    struct.pack_into("<I", data, 0, model if root is None else root)
    return bytes(data)
