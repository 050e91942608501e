"""Read ONNX bytes into a graph with static shapes."""

from typing import Final

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, NodeProto, helper, numpy_helper, shape_inference

from webipred.engine.compiler.constants import evaluate
from webipred.engine.compiler.graph import Array, Attribute, Graph, Node, Shape, UnsupportedOperator, remove_dead

SMALL_BYTES: Final = 4096
NUMBERS: Final = {
    "value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64,
}  # fmt: skip


def read_graph(data: bytes, input_shape: Shape | None = None) -> Graph:
    """Read a model whose single input gets `input_shape`, or its own shape with a batch of 1.

    Raises UnsupportedOperator for foreign operator domains, several used outputs of one node, and shapes that are not
    static.
    """
    model = onnx.load_model_from_string(data)
    for proto in model.graph.node:
        if proto.domain not in ("", "ai.onnx"):
            raise UnsupportedOperator(f"{proto.domain}.{proto.op_type}", proto.output[0], "foreign operator domain")
    names = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in names]
    if len(inputs) != 1:
        raise UnsupportedOperator("Input", "input", f"the model has {len(inputs)} inputs, not one")
    fix_input(model, inputs[0].name, input_shape)
    shapes = infer_shapes(model)
    constants: dict[str, Array] = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    nodes = read_nodes(model, constants, shapes)
    shapes.update({name: value.shape for name, value in constants.items()})
    missing = [node for node in nodes if node.output not in shapes]
    if missing:
        raise missing[0].refuse("its shape is not static")
    outputs = tuple(item.name for item in model.graph.output)
    return remove_dead(
        Graph(nodes=tuple(nodes), constants=constants, shapes=shapes, input=inputs[0].name, outputs=outputs)
    )


def fix_input(model: ModelProto, name: str, shape: Shape | None) -> None:
    """Write the shape into the freshly parsed model: `shape`, or the model's own with batch 1."""
    for item in model.graph.input:
        if item.name != name:
            continue
        dims = item.type.tensor_type.shape.dim
        if shape is None:
            shape = tuple(1 if index == 0 else dim.dim_value for index, dim in enumerate(dims))
        if len(shape) != len(dims) or 0 in shape:
            raise UnsupportedOperator("Input", name, f"its shape {tuple(dim.dim_value for dim in dims)} is not static")
        for dim, size in zip(dims, shape, strict=True):
            dim.dim_value = size
    for item in model.graph.output:
        item.type.tensor_type.ClearField("shape")


def infer_shapes(model: ModelProto) -> dict[str, Shape]:
    """Return every shape that can be told to be static.

    onnx follows most chains of Shape, Gather and Concat by itself. Where it gives up, what is constant by now is
    evaluated and it tries again.
    """
    bare = ModelProto()
    bare.CopyFrom(model)
    for tensor in bare.graph.initializer:
        if len(tensor.raw_data) > SMALL_BYTES:  # large weights matter for shapes by their sizes only
            tensor.ClearField("raw_data")
    for node in bare.graph.node:
        if node.op_type == "GroupNormalization":  # onnx infers nothing for it; its result is shaped like its input
            node.CopyFrom(helper.make_node("Identity", node.input[:1], node.output))
    shapes = infer_once(bare)
    while any(name not in shapes for node in bare.graph.node for name in node.output if name) and fold_known(
        bare, shapes
    ):
        shapes.update(infer_once(bare))
    return shapes


def infer_once(model: ModelProto) -> dict[str, Shape]:
    """Return the shapes that onnx tells."""
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    shapes: dict[str, Shape] = {}
    for item in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        dims = item.type.tensor_type.shape.dim
        if item.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            shapes[item.name] = tuple(dim.dim_value for dim in dims)
    return shapes


def fold_known(model: ModelProto, shapes: dict[str, Shape]) -> bool:
    """Replace nodes of known value by initializers; return whether there were any."""
    constants: dict[str, Array] = {
        item.name: numpy_helper.to_array(item)
        for item in model.graph.initializer
        if len(item.raw_data) or not item.dims
    }
    kept: list[NodeProto] = []
    for proto in model.graph.node:
        if proto.op_type == "Constant":
            constants[proto.output[0]] = read_constant(proto)
            kept.append(proto)
            continue
        node = Node(
            op=proto.op_type,
            inputs=tuple(proto.input),
            output=proto.output[0],
            attributes={item.name: read_attribute(item) for item in proto.attribute},
        )
        value = evaluate(node, constants, shapes) if len(proto.output) == 1 else None
        if value is None:
            kept.append(proto)
            continue
        constants[node.output] = value
        shapes[node.output] = value.shape
        model.graph.initializer.append(numpy_helper.from_array(value, node.output))
    folded = len(kept) < len(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return folded


def read_nodes(model: ModelProto, constants: dict[str, Array], shapes: dict[str, Shape]) -> list[Node]:
    """Convert the nodes; Constant nodes go into `constants`, Split becomes one Slice per part."""
    used = {name for node in model.graph.node for name in node.input} | {item.name for item in model.graph.output}
    nodes: list[Node] = []
    for proto in model.graph.node:
        if proto.op_type == "Constant":
            constants[proto.output[0]] = read_constant(proto)
            continue
        attributes = {item.name: read_attribute(item) for item in proto.attribute}
        if proto.op_type == "Split":
            nodes += read_split(proto, attributes, shapes)
            continue
        if any(name in used for name in proto.output[1:] if name):
            raise UnsupportedOperator(proto.op_type, proto.output[0], "more than one of its outputs is used")
        nodes.append(Node(op=proto.op_type, inputs=tuple(proto.input), output=proto.output[0], attributes=attributes))
    return nodes


def read_split(proto: NodeProto, attributes: dict[str, Attribute], shapes: dict[str, Shape]) -> list[Node]:
    """Return the slices that a Split stands for."""
    axis, start, parts = attributes.get("axis", 0), 0, []
    for output in proto.output:
        if output not in shapes or proto.input[0] not in shapes or not isinstance(axis, int):
            raise UnsupportedOperator("Split", output, "its shape is not static")
        rank = len(shapes[output])
        size = shapes[output][axis]
        starts = tuple(start if index == axis % rank else 0 for index in range(rank))
        parts.append(
            Node(op="Box", inputs=(proto.input[0],), output=output, attributes={"starts": starts, "steps": (1,) * rank})
        )
        start += size
    return parts


def read_constant(proto: NodeProto) -> Array:
    """Return the value of a Constant node."""
    for item in proto.attribute:
        if item.name == "value":
            return numpy_helper.to_array(item.t)
        if item.name in NUMBERS:
            return np.array(read_attribute(item), NUMBERS[item.name])
    raise UnsupportedOperator("Constant", proto.output[0], "it has no tensor value")


def read_attribute(item: AttributeProto) -> Attribute:
    """Return an attribute as a plain value; subgraphs and the like become None."""
    match item.type:
        case AttributeProto.INT:
            return int(item.i)
        case AttributeProto.FLOAT:
            return float(item.f)
        case AttributeProto.STRING:
            return item.s.decode("utf-8", "replace")
        case AttributeProto.INTS:
            return tuple(int(value) for value in item.ints)
        case AttributeProto.FLOATS:
            return tuple(float(value) for value in item.floats)
        case AttributeProto.TENSOR:
            return numpy_helper.to_array(item.t)
        case _:
            return None
