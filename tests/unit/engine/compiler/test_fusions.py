"""Passes that fold and fuse: affines, activations, padding, shortcuts, prologues. Each on a tiny graph."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto

from networks import draw, floats, in_planes, make_model, node
from webipred.engine.compiler.compilation import PASSES
from webipred.engine.compiler.concatenation import Place, plan_places, resolve_place, share_prefixes
from webipred.engine.compiler.graph import Graph
from webipred.engine.compiler.reading import read_graph


def run_passes(nodes: Sequence[NodeProto], shape: Sequence[int], constants: Mapping[str, Any], until: str) -> Graph:
    """Return the graph after the first pass of this name; PASSES may hold a pass twice."""
    graph = read_graph(make_model(nodes, shape, constants))
    for step in PASSES:
        graph = step(graph)
        if step.__name__ == until:
            return graph
    raise AssertionError(until)


def compile_passes(nodes: Sequence[NodeProto], shape: Sequence[int], constants: Mapping[str, Any]) -> Graph:
    graph = read_graph(make_model(nodes, shape, constants))
    for step in PASSES:
        graph = step(graph)
    return graph


def operators(graph: Graph) -> list[str]:
    return [item.op for item in graph.nodes]


BN = ("gamma", "beta", "mean", "variance")


def bn_constants(channels: int) -> dict[str, Any]:
    return {name: np.abs(draw(index, channels)) + floats(0.5) for index, name in enumerate(BN)}


def test_batch_normalisation_goes_into_the_convolution_in_front() -> None:
    nodes = in_planes([node("Conv", ["x", "w"], "c"), node("BatchNormalization", ["c", *BN], "y")])
    graph = run_passes(nodes, (1, 4, 4, 3), {"w": draw(9, 5, 3, 1, 1), **bn_constants(5)}, "fold_affines")
    assert ["Conv"] == operators(graph)
    assert np.float64 == graph.constants[graph.nodes[0].inputs[1]].dtype


def test_batch_normalisation_behind_a_value_read_twice_stays() -> None:
    nodes = in_planes(
        [node("Conv", ["x", "w"], "c"), node("BatchNormalization", ["c", *BN], "b"), node("Add", ["b", "c"], "y")]
    )
    graph = run_passes(nodes, (1, 4, 4, 3), {"w": draw(9, 5, 3, 1, 1), **bn_constants(5)}, "fold_affines")
    assert ["Conv", "Affine", "Add"] == operators(graph)


def test_neighbouring_affines_become_one() -> None:
    nodes = [node("Add", ["input", "a"], "b"), node("Mul", ["b", "c"], "d"), node("Sub", ["d", "a"], "output")]
    graph = run_passes(nodes, (1, 3), {"a": draw(1, 3), "c": draw(2, 3)}, "fold_affines")
    assert ["Affine"] == operators(graph)


def test_an_affine_that_changes_nothing_is_dropped() -> None:
    nodes = [node("Relu", ["input"], "r"), node("Mul", ["r", "one"], "m"), node("Tanh", ["m"], "output")]
    assert ["Unary", "Unary"] == operators(run_passes(nodes, (1, 3), {"one": floats([1])}, "drop_neutral"))


def spell_swish(x: str) -> list[NodeProto]:
    return [node("Sigmoid", [x], "g"), node("Mul", [x, "g"], "y")]


def spell_hard_swish(x: str) -> list[NodeProto]:
    return [
        node("Add", [x, "three"], "a"),
        node("Clip", ["a", "zero", "six"], "b"),
        node("Mul", ["b", "sixth"], "g"),
        node("Mul", [x, "g"], "y"),
    ]


def spell_gelu(x: str) -> list[NodeProto]:
    return [
        node("Div", [x, "root"], "a"),
        node("Erf", ["a"], "b"),
        node("Add", ["b", "one"], "e"),
        node("Mul", [x, "e"], "d"),
        node("Mul", ["d", "half"], "y"),
    ]


def spell_gelu_otherwise(x: str) -> list[NodeProto]:
    return [
        node("Mul", [x, "rsqrt"], "a"),
        node("Erf", ["a"], "b"),
        node("Add", ["one", "b"], "e"),
        node("Mul", ["half", x], "d"),
        node("Mul", ["d", "e"], "y"),
    ]


NUMBERS = {"three": 3, "zero": 0, "six": 6, "sixth": 1 / 6, "root": 2**0.5, "rsqrt": 0.5**0.5, "one": 1, "half": 0.5}


@pytest.mark.parametrize(
    ("spell", "kind"),
    [(spell_swish, "swish"), (spell_hard_swish, "hard_swish"), (spell_gelu, "gelu"), (spell_gelu_otherwise, "gelu")],
)
def test_spelled_out_activations_are_fused_into_the_convolution(spell: Any, kind: str) -> None:
    constants = {name: floats(value) for name, value in NUMBERS.items()} | {"w": draw(1, 5, 3, 1, 1)}
    graph = compile_passes(in_planes([node("Conv", ["x", "w"], "c"), *spell("c")]), (1, 4, 4, 3), constants)
    assert [("Conv", kind)] == [(item.op, item.text("activation")) for item in graph.nodes]


def test_a_gate_by_another_value_is_no_swish() -> None:
    nodes = [node("Sigmoid", ["input"], "g"), node("Tanh", ["input"], "t"), node("Mul", ["t", "g"], "output")]
    assert ["Unary", "Unary", "Mul"] == operators(compile_passes(nodes, (1, 4), {}))


PADS = np.array([0, 0, 1, 1, 0, 0, 1, 1])


@pytest.mark.parametrize(
    ("nodes", "merged"),
    [
        ([node("Pad", ["x", "p"], "q"), node("Conv", ["q", "w"], "y")], True),
        (
            [node("Relu", ["x"], "r"), node("Pad", ["r", "p"], "q"), node("MaxPool", ["q"], "y", kernel_shape=[3, 3])],
            True,
        ),
        ([node("Pad", ["x", "p"], "q"), node("MaxPool", ["q"], "y", kernel_shape=[3, 3])], False),
        (
            [node("Relu", ["x"], "r"), node("Pad", ["r", "p"], "q"), node("MaxPool", ["q"], "y", kernel_shape=[1, 1])],
            False,
        ),
        ([node("Pad", ["x", "p"], "q"), node("AveragePool", ["q"], "y", kernel_shape=[3, 3])], True),
        (
            [node("Pad", ["x", "p"], "q"), node("AveragePool", ["q"], "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])],
            False,
        ),
        ([node("Pad", ["x", "p", "v"], "q"), node("Conv", ["q", "w"], "y")], False),
    ],
)
def test_padding_merges_only_where_it_means_the_same(nodes: list[NodeProto], merged: bool) -> None:
    constants = {"w": draw(1, 4, 3, 3, 3), "p": PADS, "v": floats(1)}
    graph = run_passes(in_planes(nodes), (1, 6, 6, 3), constants, "merge_pads")
    assert merged == ("Pad" not in operators(graph))


def test_a_shortcut_is_added_by_the_convolution() -> None:
    nodes = in_planes([node("Conv", ["x", "w"], "c"), node("Add", ["x", "c"], "s"), node("Relu", ["s"], "y")])
    graph = compile_passes(nodes, (1, 4, 4, 3), {"w": draw(1, 3, 3, 1, 1)})
    assert [("Conv", "clamp", "input")] == [(item.op, item.text("activation"), item.input(3)) for item in graph.nodes]


def test_an_activation_before_the_sum_keeps_the_shortcut_apart() -> None:
    nodes = in_planes([node("Conv", ["x", "w"], "c"), node("Relu", ["c"], "r"), node("Add", ["x", "r"], "y")])
    assert ["Conv", "Add"] == operators(compile_passes(nodes, (1, 4, 4, 3), {"w": draw(1, 3, 3, 1, 1)}))


def test_an_affine_with_relu_goes_into_the_pointwise_convolution_behind() -> None:
    constants = {"w": draw(1, 4, 3, 1, 1), **bn_constants(3)}
    nodes = in_planes(
        [node("BatchNormalization", ["x", *BN], "b"), node("Relu", ["b"], "r"), node("Conv", ["r", "w"], "y")]
    )
    graph = compile_passes(nodes, (1, 4, 4, 3), constants)
    assert ["Conv"] == operators(graph)
    assert 0 == graph.nodes[0].number("prologue_low", -1.0)


def test_an_affine_before_a_padded_kernel_stays() -> None:
    constants = {"w": draw(1, 4, 3, 3, 3), **bn_constants(3)}
    nodes = in_planes([node("BatchNormalization", ["x", *BN], "b"), node("Conv", ["b", "w"], "y", pads=[1, 1, 1, 1])])
    assert ["Affine", "Conv"] == operators(compile_passes(nodes, (1, 4, 4, 3), constants))


def test_averages_come_before_a_pointwise_convolution() -> None:
    nodes = [node("Conv", ["x", "w"], "c"), node("AveragePool", ["c"], "y", kernel_shape=[2, 2], strides=[2, 2])]
    graph = compile_passes(in_planes(nodes), (1, 4, 4, 3), {"w": draw(1, 4, 3, 1, 1)})
    assert [("AveragePool", (1, 2, 2, 3)), ("Conv", (1, 2, 2, 4))] == [
        (item.op, graph.shapes[item.output]) for item in graph.nodes
    ]


@pytest.mark.parametrize("attributes", [{"pads": [1, 1, 1, 1]}, {"strides": [1, 1], "auto_pad": "SAME_UPPER"}])
def test_averages_with_padding_stay_behind_the_convolution(attributes: dict[str, Any]) -> None:
    pool = node("AveragePool", ["c"], "y", kernel_shape=[2, 2], **attributes)
    graph = compile_passes(in_planes([node("Conv", ["x", "w"], "c"), pool]), (1, 4, 4, 3), {"w": draw(1, 4, 3, 1, 1)})
    assert ["Conv", "AveragePool"] == operators(graph)


def test_concatenations_share_their_beginning() -> None:
    nodes = [node("Relu", ["input"], "a"), node("Tanh", ["input"], "b"), node("Concat", ["a", "b"], "ab", axis=1),
             node("Sigmoid", ["ab"], "c"), node("Concat", ["a", "b", "c"], "output", axis=1)]  # fmt: skip
    graph = share_prefixes(read_graph(make_model(nodes, (1, 4))))
    assert ("ab", "c") == graph.nodes[-1].inputs


def test_parts_lie_inside_the_outermost_concatenation() -> None:
    nodes = [node("Relu", ["input"], "a"), node("Relu", ["input"], "b"), node("Concat", ["a", "b"], "ab", axis=1),
             node("Relu", ["ab"], "c"), node("Concat", ["c", "ab"], "output", axis=1)]  # fmt: skip
    graph = compile_passes(nodes, (1, 4), {})
    places = plan_places(graph)
    inner, outer = (item for item in graph.nodes if item.op == "Concat")
    assert Place(whole=outer.output, offset=12) == resolve_place(places, inner.inputs[1])
    assert Place(whole=outer.output, offset=0) == resolve_place(places, outer.inputs[0])


def test_the_input_is_never_placed_inside_a_concatenation() -> None:
    graph = read_graph(make_model([node("Concat", ["input", "input"], "output", axis=1)], (1, 4)))
    assert {} == plan_places(graph)
