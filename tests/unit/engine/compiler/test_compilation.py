"""From ONNX bytes to a plan: what is refused, what shares memory."""

from itertools import pairwise

import numpy as np
import pytest

from networks import draw, in_planes, make_model, node
from webipred.engine.compiler.compilation import compile_network
from webipred.engine.compiler.graph import UnsupportedOperator


@pytest.mark.parametrize(("op", "attributes"), [("LpNormalization", {"axis": 1}), ("Ceil", {})])
def test_an_operator_without_a_kernel_is_refused_by_name(op: str, attributes: dict[str, int]) -> None:
    with pytest.raises(UnsupportedOperator, match=op):
        compile_network(make_model(in_planes([node(op, ["x"], "y", **attributes)]), (1, 4, 4, 3)))


def test_a_weight_that_is_not_finite_is_refused() -> None:
    weights = draw(1, 4, 3, 1, 1)
    weights[0, 0] = np.nan
    with pytest.raises(UnsupportedOperator, match="not finite"):
        compile_network(make_model(in_planes([node("Conv", ["x", "w"], "y")]), (1, 4, 4, 3), {"w": weights}))


def test_a_constant_output_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="an output is constant"):
        compile_network(
            make_model([node("Relu", ["c"], "output"), node("Relu", ["input"], "x")], (1, 4), {"c": draw(1, 4)})
        )


def test_a_chain_of_functions_needs_input_and_output_only() -> None:
    names = ["input", *(f"v{index}" for index in range(5)), "output"]
    nodes = [node("Tanh", [a], b) for a, b in pairwise(names)]
    assert 2 * 64 * 4 >= compile_network(make_model(nodes, (1, 64))).arena_bytes


def test_the_plan_names_what_each_kernel_computes() -> None:
    compiled = compile_network(
        make_model(in_planes([node("Conv", ["x", "w"], "y")]), (1, 4, 4, 3), {"w": draw(1, 4, 3, 1, 1)})
    )
    assert ["CONVOLUTION"] == [code.name for code in compiled.codes]
    assert len(compiled.names) == len(compiled.codes)
