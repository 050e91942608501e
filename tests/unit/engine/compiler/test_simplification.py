"""ONNX's spellings become few operators."""

from typing import Any

import numpy as np
import pytest

from networks import draw, floats, make_model, node
from webipred.engine.compiler.graph import Graph, UnsupportedOperator
from webipred.engine.compiler.reading import read_graph
from webipred.engine.compiler.simplification import simplify


def read(nodes: list[Any], shape: tuple[int, ...], constants: dict[str, Any] | None = None) -> Graph:
    return simplify(read_graph(make_model(nodes, shape, constants)))


def operators(graph: Graph) -> list[str]:
    return [item.op for item in graph.nodes]


@pytest.mark.parametrize(
    ("op", "constants"),
    [
        ("Flatten", {}),
        ("Squeeze", {"c": np.array([1])}),
        ("Unsqueeze", {"c": np.array([2])}),
        ("Reshape", {"c": np.array([1, 12])}),
    ],
)
def test_changes_of_shape_are_reshapes(op: str, constants: dict[str, Any]) -> None:
    assert ["Reshape"] == operators(read([node(op, ["input", *constants], "output")], (1, 1, 12), constants))


def test_relu_and_clip_are_clamps() -> None:
    constants = {"low": floats(0), "high": floats(6)}
    graph = read([node("Relu", ["input"], "r"), node("Clip", ["r", "low", "high"], "output")], (1, 4), constants)
    assert [("clamp", 0, float("inf")), ("clamp", 0, 6)] == [
        (item.text("kind"), item.number("a"), item.number("b")) for item in graph.nodes
    ]


def test_batch_normalisation_is_a_product_and_a_sum() -> None:
    names = ("gamma", "beta", "mean", "variance")
    constants = {name: np.abs(draw(index, 3)) + floats(0.5) for index, name in enumerate(names)}
    graph = read([node("BatchNormalization", ["input", *names], "output", epsilon=1e-3)], (1, 3, 4, 4), constants)
    assert ["Mul", "Add"] == operators(graph)
    scale = constants["gamma"] / np.sqrt(constants["variance"].astype(np.float64) + floats(1e-3))
    folded = graph.constants[graph.nodes[0].inputs[1]].reshape(-1).astype(np.float64)
    assert np.abs(folded / scale - 1).max() <= 1e-12  # float64 throughout


def test_a_gemm_with_constants_is_a_dense_product_and_a_sum() -> None:
    constants = {"w": draw(1, 5, 4), "b": draw(2, 5)}
    graph = read([node("Gemm", ["input", "w", "b"], "output", transB=1, alpha=2.0)], (1, 4), constants)
    assert ["Dense", "Add"] == operators(graph)
    np.testing.assert_array_equal(2 * constants["w"].T, graph.constants[graph.nodes[0].inputs[1]])


def test_a_product_of_computed_matrices_stays_one() -> None:
    graph = read(
        [node("Transpose", ["input"], "t", perm=[0, 2, 1]), node("MatMul", ["input", "t"], "output")], (1, 3, 4)
    )
    assert ["Transpose", "MatMul"] == operators(graph)


def test_a_global_average_is_a_mean_over_the_image() -> None:
    graph = read([node("GlobalAveragePool", ["input"], "output")], (1, 3, 4, 5))
    assert (2, 3) == graph.nodes[0].integers("axes")


def test_the_mean_of_single_elements_is_no_mean() -> None:
    assert (
        []
        == operators(read([node("GlobalAveragePool", ["input"], "p"), node("Relu", ["p"], "output")], (1, 3, 1, 1)))[2:]
    )
    assert "Mean" not in operators(
        read([node("GlobalAveragePool", ["input"], "p"), node("Relu", ["p"], "output")], (1, 3, 1, 1))
    )


def test_a_slice_has_its_start_and_step_on_every_axis() -> None:
    constants = {"s": np.array([-3]), "e": np.array([100]), "a": np.array([2]), "t": np.array([2])}
    graph = read([node("Slice", ["input", "s", "e", "a", "t"], "output")], (1, 4, 8), constants)
    assert ((0, 0, 5), (1, 1, 2)) == (graph.nodes[0].integers("starts"), graph.nodes[0].integers("steps"))


@pytest.mark.parametrize(
    ("item", "constants", "why"),
    [
        (node("Slice", ["input", "s", "e", "a", "t"], "output"), {"s": np.array([3]), "e": np.array([0]),
        "a": np.array([1]), "t": np.array([-1])}, "backwards"),
        (node("Pad", ["input", "p"], "output", mode="reflect"), {"p": np.array([0, 1, 0, 1])}, "constant padding"),
        (node("Gather", ["input", "i"], "output", axis=1), {"i": np.array([0, 4])}, "lies outside"),
        (node("Pow", ["input", "p"], "output"), {"p": floats([3, 2, 1, 0])}, "one constant number"),
    ],
)  # fmt: skip
def test_what_has_no_kernel_is_refused_with_the_reason(item: Any, constants: dict[str, Any], why: str) -> None:
    with pytest.raises(UnsupportedOperator, match=why):
        read([item], (1, 4), constants)


def test_a_cast_to_integers_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="casts to float32"):
        read([node("Cast", ["input"], "whole", to=7), node("Cast", ["whole"], "output", to=1)], (1, 4))
