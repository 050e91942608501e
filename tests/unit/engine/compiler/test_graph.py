"""Rewriting graphs node by node."""

import numpy as np
import pytest

from networks import make_model, node
from webipred.engine.compiler.graph import Rewriter, UnsupportedOperator, count_uses, remove_dead
from webipred.engine.compiler.reading import read_graph


def test_unread_nodes_and_constants_are_removed() -> None:
    nodes = [node("Relu", ["input"], "output"), node("Add", ["input", "c"], "unread")]
    graph = read_graph(make_model(nodes, (1, 4), {"c": np.zeros(4, np.float32)}))
    assert ["Relu"] == [item.op for item in remove_dead(graph).nodes]
    assert {} == graph.constants


def test_an_output_counts_as_a_reader() -> None:
    graph = read_graph(
        make_model([node("Relu", ["input"], "output"), node("Tanh", ["output"], "t")], (1, 4), outputs=("output", "t"))
    )
    assert {"input": 1, "output": 2, "t": 1} == dict(count_uses(graph))


def test_a_value_read_twice_has_no_sole_reader() -> None:
    nodes = [node("Relu", ["input"], "a"), node("Add", ["a", "a"], "output")]
    rewriter = Rewriter(read_graph(make_model(nodes, (1, 4))))
    for item in rewriter.graph.nodes:
        rewriter.keep(item)
    assert rewriter.sole("a") is None


def test_a_value_cannot_stand_for_itself() -> None:
    rewriter = Rewriter(read_graph(make_model([node("Relu", ["input"], "output")], (1, 4))))
    rewriter.rename("input", "output")
    with pytest.raises(ValueError, match="cannot stand for itself"):
        rewriter.rename("output", "input")


def test_a_refusal_names_operator_node_and_reason() -> None:
    refusal = UnsupportedOperator("LRN", "norm1", "there is no kernel")
    assert ("LRN", "norm1") == (refusal.operator, refusal.node)
    assert "no LRN as node 'norm1' wants it: there is no kernel" in str(refusal)
    assert "E-ENGINE-OPERATOR" == refusal.findings[0].code
