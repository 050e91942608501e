"""Reading ONNX bytes into a graph."""

from typing import Any

import numpy as np
import pytest
from onnx import helper

from networks import difference, draw, make_model, node
from webipred.engine.compiler.graph import UnsupportedOperator
from webipred.engine.compiler.reading import read_graph


def test_a_free_batch_becomes_one() -> None:
    model = helper.make_model(
        helper.make_graph(
            [node("Relu", ["input"], "output")],
            "free",
            [helper.make_tensor_value_info("input", 1, ["N", 4, 4, 3])],
            [helper.make_tensor_value_info("output", 1, None)],
        ),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    assert (1, 4, 4, 3) == read_graph(model.SerializeToString()).shapes["output"]


def test_a_free_height_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="not static"):
        read_graph(make_model([node("Relu", ["input"], "output")], (1, 0, 4, 3)))


def test_a_foreign_domain_is_refused_by_name() -> None:
    foreign = node("Thing", ["input"], "output", domain="com.example")
    with pytest.raises(UnsupportedOperator, match=r"com\.example\.Thing"):
        read_graph(make_model([foreign], (1, 4)))


def test_constants_of_nodes_and_initializers_are_alike() -> None:
    value = np.arange(4, dtype=np.float32)
    constant = helper.make_node("Constant", [], ["c"], value=helper.make_tensor("c", 1, [4], value))
    graph = read_graph(
        make_model(
            [constant, node("Add", ["input", "c"], "s"), node("Add", ["s", "d"], "output")], (1, 4), {"d": value}
        )
    )
    np.testing.assert_array_equal(graph.constants["c"], graph.constants["d"])


def test_large_weights_are_not_copied_for_shapes() -> None:
    weights = np.zeros((8, 3, 9, 9), np.float32)
    nodes = [node("Transpose", ["input"], "x", perm=[0, 3, 1, 2]), node("Conv", ["x", "w"], "output")]
    graph = read_graph(make_model(nodes, (1, 12, 10, 3), {"w": weights}))
    assert (1, 8, 4, 2) == graph.shapes["output"]


def test_shapes_behind_computed_shapes_are_found(net_wasm: bytes) -> None:
    """A class token as PyTorch exports `expand`: onnx's own inference stops at Where."""
    constants: dict[str, Any] = {
        "token": draw(1, 1, 1, 6), "minus": np.array([-1, -1, -1]), "ones": np.array([1, 1, 1]),
        "zero": np.array([0]), "one": np.array([1]), "minus2": np.array([-1, -1]),
    }  # fmt: skip
    nodes = [
        node("Shape", ["input"], "shape"),
        node("Slice", ["shape", "zero", "one"], "batch"),
        node("Concat", ["batch", "minus2"], "wanted", axis=0),
        node("Equal", ["wanted", "minus"], "free"),
        node("Where", ["free", "ones", "wanted"], "sizes"),
        node("Expand", ["token", "sizes"], "tokens"),
        node("Concat", ["tokens", "input"], "output", axis=1),
    ]
    model = make_model(nodes, (1, 4, 6), constants)
    assert (1, 5, 6) == read_graph(model).shapes["output"]
    assert difference(net_wasm, model, draw(2, 1, 4, 6)) == 0
