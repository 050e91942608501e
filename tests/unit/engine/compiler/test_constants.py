"""Folding constants."""

import numpy as np

from networks import floats, make_model, node
from webipred.engine.compiler.constants import fold_constants
from webipred.engine.compiler.reading import read_graph


def test_nodes_of_constants_are_evaluated() -> None:
    constants = {"a": floats([1, 2, 3, 4]), "b": floats([2])}
    nodes = [node("Mul", ["a", "b"], "c"), node("Sqrt", ["c"], "d"), node("Add", ["input", "d"], "output")]
    graph = fold_constants(read_graph(make_model(nodes, (1, 4), constants)))
    assert ["Add"] == [item.op for item in graph.nodes]
    assert np.abs(graph.constants["d"].astype(np.float64) - np.sqrt([2, 4, 6, 8])).max() <= 1e-6  # float32 rounding


def test_the_shape_of_a_value_is_a_constant() -> None:
    nodes = [
        node("Shape", ["input"], "shape"),
        node("Gather", ["shape", "one"], "height"),
        node("Concat", ["height", "minus"], "target", axis=0),
        node("Reshape", ["input", "target"], "output"),
    ]
    constants = {"one": np.array([1]), "minus": np.array([-1])}
    graph = fold_constants(read_graph(make_model(nodes, (1, 6, 5, 4), constants)))
    assert ["Reshape"] == [item.op for item in graph.nodes]
    assert [6, -1] == graph.constants["target"].tolist()
