"""Transpositions sink and cancel."""

from typing import Any

import numpy as np
import pytest

from networks import draw, in_planes, make_model, node
from webipred.engine.compiler.graph import Graph
from webipred.engine.compiler.layout import merge_axes, sink_transposes, wrap_spatial
from webipred.engine.compiler.reading import read_graph
from webipred.engine.compiler.simplification import simplify


def sink(nodes: list[Any], shape: tuple[int, ...], constants: dict[str, Any] | None = None) -> Graph:
    return sink_transposes(wrap_spatial(simplify(read_graph(make_model(nodes, shape, constants)))))


def operators(graph: Graph) -> list[str]:
    return [item.op for item in graph.nodes]


def test_a_network_of_images_has_no_transposition_left() -> None:
    nodes = in_planes([
        node("Conv", ["x", "w"], "c"), node("Relu", ["c"], "r"), node("MaxPool", ["r"], "p", kernel_shape=[2, 2]),
        node("Concat", ["p", "p"], "cc", axis=1), node("Add", ["cc", "bias"], "y"),
    ])  # fmt: skip
    graph = sink(nodes, (1, 8, 8, 3), {"w": draw(1, 4, 3, 3, 3), "bias": draw(2, 8, 1, 1)})
    assert ["Conv", "Unary", "MaxPool", "Concat", "Add"] == operators(graph)
    assert 3 == graph.nodes[3].integer("axis")
    assert (1, 1, 1, 8) == graph.constants[graph.nodes[4].inputs[1]].shape


def test_a_gate_of_single_pixels_is_reshaped_not_moved() -> None:
    nodes = in_planes([
        node("GlobalAveragePool", ["x"], "g"), node("Conv", ["g", "w"], "c"), node("Sigmoid", ["c"], "s"),
        node("Mul", ["x", "s"], "y"),
    ])  # fmt: skip
    assert ["Mean", "Conv", "Unary", "Mul"] == operators(sink(nodes, (1, 5, 6, 4), {"w": draw(1, 4, 4, 1, 1)}))


def test_two_transpositions_are_one() -> None:
    nodes = [
        node("Transpose", ["input"], "a", perm=[0, 2, 1, 3]),
        node("Transpose", ["a"], "output", perm=[0, 1, 3, 2]),
    ]
    graph = sink(nodes, (1, 2, 3, 4))
    assert ["Transpose"] == operators(graph)
    assert (0, 2, 3, 1) == graph.nodes[0].integers("perm")


def test_merging_axes_passes_a_transposition() -> None:
    nodes = [
        node("Transpose", ["input"], "t", perm=[0, 3, 1, 2]),
        node("Reshape", ["t", "s"], "r"),
        node("Transpose", ["r"], "output", perm=[0, 2, 1]),
    ]
    graph = sink(nodes, (1, 4, 5, 3), {"s": np.array([1, 3, 20])})
    assert ["Reshape"] == operators(graph)


def test_a_flattened_image_keeps_its_order_of_channels_first() -> None:
    nodes = [node("Transpose", ["input"], "t", perm=[0, 3, 1, 2]), node("Flatten", ["t"], "output")]
    assert ["Transpose", "Reshape"] == operators(sink(nodes, (1, 4, 5, 3)))


@pytest.mark.parametrize(
    ("old", "new", "groups"),
    [
        ((1, 3, 4, 5), (1, 3, 20), [[], [0, 1], [2, 3]]),
        ((1, 3, 4, 5), (1, 60), [[], [0, 1, 2, 3]]),
        ((1, 6, 4), (1, 2, 3, 4), None),
    ],
)
def test_merged_axes_are_found(old: tuple[int, ...], new: tuple[int, ...], groups: list[list[int]] | None) -> None:
    assert groups == merge_axes(old, new)
