"""Small ONNX networks, and running them on the compiled engine and on native onnxruntime."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from webipred.engine.compiler.compilation import Storage, compile_network
from webipred.engine.network import Network

Floats: TypeAlias = NDArray[np.float32]


def node(op: str, inputs: Sequence[str], output: str, **attributes: Any) -> NodeProto:
    """Return a node with one output."""
    return helper.make_node(op, list(inputs), [output], **attributes)


def make_model(
    nodes: Sequence[NodeProto],
    shape: Sequence[int],
    constants: Mapping[str, NDArray[Any]] | None = None,
    outputs: Sequence[str] = ("output",),
    opset: int = 21,
) -> bytes:
    """Return a model with the float32 input `input` of `shape`."""
    graph = helper.make_graph(
        list(nodes),
        "network",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    data: bytes = model.SerializeToString()
    return data


def in_planes(nodes: Sequence[NodeProto], last: str = "y") -> list[NodeProto]:
    """Return nodes from `x` to `last`, both (batch, channel, height, width), between two Transposes."""
    before = node("Transpose", ["input"], "x", perm=[0, 3, 1, 2])
    return [before, *nodes, node("Transpose", [last], "output", perm=[0, 2, 3, 1])]


def floats(values: object) -> Floats:
    """Return numbers as a float32 array."""
    return np.array(values, np.float32)


def draw(seed: int, *shape: int, scale: float = 1.0) -> Floats:
    """Return normal numbers."""
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def run_engine(wasm: bytes, model: bytes, image: Floats, storage: Storage = "float32") -> tuple[Floats, ...]:
    """Compile and run a model on the engine."""
    return Network(wasm, compile_network(model, storage).data).run(image)


def run_reference(model: bytes, image: Floats) -> list[Floats]:
    """Run a model on native onnxruntime, one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    outputs: list[Floats] = session.run(None, {"input": image})
    return outputs


def difference(wasm: bytes, model: bytes, image: Floats) -> float:
    """Return the largest difference between engine and onnxruntime, relative to values above 1."""
    expected = run_reference(model, image)
    actual = run_engine(wasm, model, image)
    assert [value.shape for value in expected] == [value.shape for value in actual]
    pairs = zip(expected, actual, strict=True)
    return max(float((np.abs(a - b) / np.maximum(1.0, np.abs(a))).max()) for a, b in pairs)
