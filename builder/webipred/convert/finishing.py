"""The last steps that all formats share: probabilities, canonical names, folding, checks, bytes."""

from collections.abc import Sequence
from typing import Final

import onnx
from onnx import TensorProto, checker, helper, numpy_helper, shape_inference

from webipred.convert.activation import apply_activation, read_tail
from webipred.convert.compute import check_compute
from webipred.convert.folding import fold_normalizations
from webipred.convert.graph import GraphBuilder, Node, Value
from webipred.convert.model import INPUT_NAME, OPSET, OUTPUT_NAME
from webipred.convert.quoting import quote_error
from webipred.convert.target import ConversionTarget
from webipred.errors import refuse

IR_VERSION: Final = 10  # the version that came with opset 21
PRODUCER: Final = "webipred"


def finish_network(graph: GraphBuilder, result: Value, target: ConversionTarget) -> bytes:
    """Return the ONNX bytes of a network, the same for the same network. Raises FindingsError."""
    result = _flatten_result(graph, result)
    units = result.shape[0]
    tail = read_tail(graph, result, target)
    _check_units(units, target)
    result = apply_activation(graph, result, tail, target)
    if units == 1:
        result = _split_unit(graph, result)
    fold_normalizations(graph, result.name)
    return serialize_network(graph, result, target)


def _flatten_result(graph: GraphBuilder, result: Value) -> Value:
    if len(result.shape) > 1 and all(side == 1 for side in result.shape[:-1]):
        return graph.emit("Flatten", [result], (result.shape[-1],), wish="scores", attributes={"axis": 1})
    if len(result.shape) != 1:
        shown = " × ".join(map(str, result.shape))
        what = f"the network gives {shown} numbers, a list of class scores is needed."
        raise refuse("E-CONVERT-OUTPUT", graph.where, what, "Only image classifiers can be published.")
    return result


def _check_units(units: int, target: ConversionTarget) -> None:
    if units == target.classes or (units == 1 and target.classes == 2):
        return
    raise refuse(
        "E-CONVERT-CLASSES",
        target.where,
        f"the network has {units} outputs, the entry lists {target.classes} classes.",
        "List the classes of the entry in the order of the outputs, all of them.",
    )


def _split_unit(graph: GraphBuilder, result: Value) -> Value:
    """One unit p becomes [1 − p, p]."""
    one = graph.scalar("number.1", 1.0)
    other = graph.emit("Sub", [one, result], (1,), wish="complement")
    return graph.emit("Concat", [other, result], (2,), wish="both", attributes={"axis": 1})


def serialize_network(graph: GraphBuilder, result: Value, target: ConversionTarget) -> bytes:
    """Return checked ONNX bytes with the input and output named as OnnxModel says."""
    nodes = _prune(graph.nodes, result.name)
    used = {name for node in nodes for name in node.inputs}
    proto = helper.make_graph(
        [_node_proto(node, result.name) for node in nodes],
        PRODUCER,
        [_tensor_info(INPUT_NAME, (1, target.height, target.width, target.channels))],
        [_tensor_info(OUTPUT_NAME, (1, target.classes))],
        [numpy_helper.from_array(value, name) for name, value in graph.constants.items() if name in used],
    )
    model = helper.make_model(
        proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name=PRODUCER
    )
    try:
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise refuse(
            "E-CONVERT-ONNX",
            target.where,
            f"the converted network is not valid ONNX: {quote_error(error)}.",
            "Please report this model; the converter made a mistake.",
        ) from error
    check_compute(model, target)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _prune(nodes: Sequence[Node], result: str) -> list[Node]:
    """Keep what the result needs, in the order in which it was emitted."""
    needed, kept = {result}, []
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _node_proto(node: Node, result: str) -> onnx.NodeProto:
    outputs = [OUTPUT_NAME if name == result else name for name in node.outputs]
    proto = helper.make_node(node.op, list(node.inputs), outputs, name=outputs[0])
    proto.attribute.extend(helper.make_attribute(name, value) for name, value in sorted(node.attributes.items()))
    return proto


def _tensor_info(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
