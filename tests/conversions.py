"""Converting without a process of its own, running the result, and writing small TF.js Layers archives."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from webipred.convert.limits import ConversionLimits
from webipred.convert.target import Activation, ConversionTarget
from webipred.convert.worker import load_stages
from webipred.digests import hash_file
from webipred.sources.archive import SourceArchive

Layer = dict[str, Any]
Weights = Mapping[str, NDArray[Any]]


def make_target(
    file_format: str,
    shape: Sequence[int] = (8, 8, 3),
    classes: int = 2,
    *,
    activation: Activation = "none",
    file: str = "model.bin",
    limits: ConversionLimits | None = None,
) -> ConversionTarget:
    """Return a target for images of `shape` (height, width, channels)."""
    height, width, channels = shape
    return ConversionTarget(
        entry_id="model", file=file, format=file_format, height=height, width=width, channels=channels,
        classes=classes, activation=activation, limits=limits or ConversionLimits(),
    )  # fmt: skip


def make_archive(path: Path) -> SourceArchive:
    """Return a verified archive of a local file."""
    return SourceArchive(
        entry_id="model",
        path=path,
        file=path.name,
        size_bytes=path.stat().st_size,
        sha256=hash_file(path),
        origin="test",
    )


def convert_here(path: Path, target: ConversionTarget) -> bytes:
    """Convert in this process, as the converter process does it."""
    return load_stages(target.format).run(path, target)


def run_network(network: bytes, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probabilities of every image, (image, class), from native onnxruntime."""
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"input": image[np.newaxis]})[0] for image in images])


def make_onnx(
    nodes: Sequence[onnx.NodeProto],
    constants: Weights,
    *,
    shape: Sequence[int | str] = ("N", 3, 8, 8),
    classes: int = 2,
    opset: int = 17,
) -> onnx.ModelProto:
    """Return a model from `image` to `scores`."""
    graph = onnx.helper.make_graph(
        list(nodes), "graph", [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, list(shape))],
        [onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["N", classes])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    version = onnx.helper.make_opsetid("", opset)
    return onnx.helper.make_model(graph, opset_imports=[version], ir_version=8 if opset > 9 else 4)


def run_planes(model: onnx.ModelProto, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what native onnxruntime gives for a model as it is, which takes (1, channel, height, width)."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    planes = images.transpose(0, 3, 1, 2)
    return np.concatenate([session.run(None, {"image": image[np.newaxis]})[0].reshape(1, -1) for image in planes])


def layer(class_name: str, name: str, inbound: Sequence[str] | None = None, **config: object) -> Layer:
    """Return one Keras 2 layer; `inbound` names the layers that feed it in a Functional model."""
    node: Layer = {"class_name": class_name, "config": {"name": name, **config}, "name": name}
    if inbound is not None:
        node["inbound_nodes"] = [[[source, 0, 0, {}] for source in inbound]] if inbound else []
    return node


def sequential(*layers: Layer, shape: Sequence[int | None] = (8, 8, 3), name: str = "sequential") -> Layer:
    """Return a Sequential model that starts with an input of `shape`."""
    start = layer(
        "InputLayer", "input_1", batch_input_shape=[None, *shape], dtype="float32", sparse=False, ragged=False
    )
    return {"class_name": "Sequential", "config": {"name": name, "layers": [start, *layers]}}


def functional(*layers: Layer, inputs: Sequence[str], outputs: Sequence[str]) -> Layer:
    """Return a Functional model."""
    ends = {
        key: [[name, 0, 0] for name in names] for key, names in (("input_layers", inputs), ("output_layers", outputs))
    }
    return {"class_name": "Functional", "config": {"name": "functional", "layers": list(layers), **ends}}


def make_head(channels: int, classes: int = 2, seed: int = 0) -> tuple[list[Layer], dict[str, NDArray[np.float32]]]:
    """Return average pooling and a softmax classifier behind `channels` feature maps, with its weights."""
    random = np.random.default_rng(seed)
    layers = [layer("GlobalAveragePooling2D", "pool"), layer("Dense", "scores", units=classes, activation="softmax")]
    kernel = random.normal(size=(channels, classes)).astype(np.float32)
    return layers, {"scores/kernel": kernel, "scores/bias": np.zeros(classes, np.float32)}


def make_manifest(weights: Weights) -> tuple[list[dict[str, Any]], bytes]:
    """Return a weightsManifest of one shard and the shard."""
    entries = [{"name": name, "shape": list(value.shape), "dtype": value.dtype.name} for name, value in weights.items()]
    data = b"".join(value.astype(value.dtype.newbyteorder("<")).tobytes() for value in weights.values())
    return [{"paths": ["group1-shard1of1.bin"], "weights": entries}], data


def write_tfjs(path: Path, model: Layer, weights: Weights, *, keras_version: str | None = "2.8.0") -> Path:
    """Write a TF.js Layers zip."""
    manifest, shard = make_manifest(weights)
    topology = {"keras_version": keras_version, "backend": "tensorflow", "model_config": model}
    document = {"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest}
    return write_zip(path, {"model.json": json.dumps(document).encode(), "group1-shard1of1.bin": shard})


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write a stored zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    path.write_bytes(stream.getvalue())
    return path


def make_image(shape: Sequence[int] = (8, 8, 3), seed: int = 1, count: int = 2) -> NDArray[np.float32]:
    """Return seeded images in −1…1."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float32)
