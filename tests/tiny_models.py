"""Tiny canonical networks, made with onnx.helper: their right answers can be told by looking at the image."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from webipred.convert.model import INPUT_NAME, OPSET, OUTPUT_NAME, OnnxModel
from webipred.digests import hash_bytes


def make_colour_network(size: int = 8, gain: float = 8.0, *, softmax: bool = True) -> bytes:
    """Return a network (1, size, size, 3) → (1, 2) that tells red (class 0) from blue (class 1) images."""
    kernel = np.array([[gain, -gain], [0, 0], [-gain, gain]], np.float32)
    nodes = [
        helper.make_node("ReduceMean", [INPUT_NAME, "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "kernel"], ["logits" if softmax else OUTPUT_NAME]),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["logits"], [OUTPUT_NAME], axis=-1))
    graph = helper.make_graph(
        nodes,
        "colour",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, [1, size, size, 3])],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, [1, 2])],
        [
            numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
            numpy_helper.from_array(kernel, "kernel"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def make_foreign_network() -> bytes:
    """Return the colour network with an LpNormalization, which onnxruntime has and the compiled engine lacks."""
    model = onnx.load_from_string(make_colour_network())
    softmax = model.graph.node.pop()
    softmax.input[0] = "normed"
    model.graph.node.extend([helper.make_node("LpNormalization", ["logits"], ["normed"], axis=-1, p=2), softmax])
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def make_colour_model(size: int = 8, *, softmax: bool = True) -> OnnxModel:
    """Return the colour network as a converted model."""
    data = make_colour_network(size, softmax=softmax)
    operators = {"ReduceMean": 1, "MatMul": 1} | ({"Softmax": 1} if softmax else {})
    return OnnxModel(
        entry_id="red-or-blue",
        data=data,
        sha256=hash_bytes(data),
        height=size,
        width=size,
        channels=3,
        classes=2,
        operators=operators,
        parameters=6,
        converter="onnx 1",
    )
