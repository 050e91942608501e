"""Fold nodes whose inputs are all constant, and shapes, which are static."""

from collections.abc import Mapping

import numpy as np
from onnx import helper
from onnx.reference import ReferenceEvaluator

from webipred.engine.compiler.graph import Array, Graph, Node, Rewriter, Shape

LIMIT_BYTES = 1 << 26


def fold_constants(graph: Graph) -> Graph:
    """Return the graph with constant nodes evaluated by onnx's own reference implementation."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        value = evaluate(node, rewriter.constants, rewriter.shapes)
        if value is None:
            rewriter.keep(node)
        else:
            rewriter.constants[node.output] = value
            rewriter.shapes[node.output] = value.shape
    return rewriter.finish()


def evaluate(node: Node, constants: Mapping[str, Array], shapes: Mapping[str, Shape]) -> Array | None:
    """Return the constant value of a node, None where it is not constant."""
    if node.op == "Shape":
        shape = shapes.get(node.inputs[0])
        return None if shape is None else np.array(shape, np.int64)[node.integer("start") : end_of(node)]
    values = [constants.get(name) for name in node.inputs if name]
    if not values or any(value is None for value in values) or node.op == "Box":
        return None
    if sum(value.nbytes for value in values if value is not None) > LIMIT_BYTES:
        return None
    proto = helper.make_node(node.op, list(node.inputs), [node.output])
    given = {name: item for name, item in node.attributes.items() if item is not None}
    proto.attribute.extend(helper.make_attribute(name, item) for name, item in given.items())
    graph = helper.make_graph([proto], "constant", [], [helper.make_empty_tensor_value_info(node.output)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    # initializers as inputs: the evaluator takes arrays of any type without a protobuf round trip
    model.graph.input.extend(helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(node.inputs) if name)
    feeds = {name: constants[name] for name in node.inputs if name}
    (result,) = list(ReferenceEvaluator(model).run(None, feeds))
    return np.asarray(result)


def end_of(node: Node) -> int | None:
    """Return the end attribute of a Shape node."""
    return node.integer("end") if "end" in node.attributes else None
