"""Rules for normalisations, and the pass that recognises a layer normalisation that a graph spells out."""

from collections.abc import Callable
from typing import Final

import numpy as np

from webipred.engine.compiler.activations import is_unary
from webipred.engine.compiler.graph import Array, Graph, Node, Rewriter, size_of
from webipred.engine.compiler.operands import constant_of, reshaped, shape_of

RANK: Final = 4


def instance_norm(rewriter: Rewriter, node: Node) -> str:
    """InstanceNormalization: one group a channel; of a Reshape to (1, groups, rest) it is PyTorch's group norm."""
    shape = rewriter.shapes[node.inputs[0]]
    scale, shift = table_of(rewriter, node, 1), table_of(rewriter, node, 2)
    before = rewriter.producer(node.inputs[0])
    if len(shape) == RANK - 1 and before is not None and before.op == "Reshape":
        image = rewriter.shapes[before.inputs[0]]
        if len(image) == RANK and image[0] == shape[0] == 1 and image[1] % shape[1] == 0:
            repeats = image[1] // shape[1]
            made = emit_group_norm(
                rewriter, node, before.inputs[0], shape[1], np.repeat(scale, repeats), np.repeat(shift, repeats)
            )
            return reshaped(rewriter, made, shape_of(rewriter, node), node.output)
    if len(shape) == RANK - 1:
        image_name = reshaped(rewriter, node.inputs[0], (*shape, 1))
        made = emit_group_norm(rewriter, node, image_name, shape[1], scale, shift)
        return reshaped(rewriter, made, shape_of(rewriter, node), node.output)
    return emit_group_norm(rewriter, node, node.inputs[0], shape[1], scale, shift)


def group_norm(rewriter: Rewriter, node: Node) -> str:
    """GroupNormalization with a scale per channel (opset 21) or per group (opset 18)."""
    channels, groups = rewriter.shapes[node.inputs[0]][1], node.integer("num_groups")
    scale, shift = table_of(rewriter, node, 1), table_of(rewriter, node, 2)
    if scale.size == groups != channels:
        scale, shift = (np.repeat(value, channels // groups) for value in (scale, shift))
    return emit_group_norm(rewriter, node, node.inputs[0], groups, scale, shift)


def table_of(rewriter: Rewriter, node: Node, index: int) -> Array:
    """Return a constant scale or shift, flat."""
    value = constant_of(rewriter, node, index)
    if value is None:
        raise node.refuse(f"its input {index} is missing")
    return np.asarray(value).reshape(-1)


def emit_group_norm(rewriter: Rewriter, node: Node, name: str, groups: int, scale: Array, shift: Array) -> str:
    """Emit GroupNorm over an image; the batch is 1."""
    shape = rewriter.shapes[name]
    if len(shape) != RANK or shape[0] != 1 or groups < 1 or shape[1] % groups or scale.size != shape[1] != shift.size:
        raise node.refuse(f"{groups} groups of {shape}")
    inputs = [
        name,
        *(rewriter.constant(value, f"{node.output}.{part}") for value, part in ((scale, "scale"), (shift, "shift"))),
    ]
    epsilon = node.number("epsilon", 1e-5)
    return rewriter.emit("GroupNorm", inputs, shape, f"{node.output}.normed", groups=groups, epsilon=epsilon)


def local_response(rewriter: Rewriter, node: Node) -> str:
    """LRN across channels."""
    attributes = {
        "size": node.integer("size"),
        "alpha": node.number("alpha", 1e-4),
        "beta": node.number("beta", 0.75),
        "bias": node.number("bias", 1.0),
    }
    return rewriter.emit("Response", node.inputs[:1], shape_of(rewriter, node), node.output, **attributes)


def layer_norm(rewriter: Rewriter, node: Node) -> str:
    """LayerNormalization over several last axes: over one, between two Reshapes."""
    shape = shape_of(rewriter, node)
    axis = node.integer("axis", -1) % len(shape)
    if axis == len(shape) - 1:
        return rewriter.keep(node)
    rows = (size_of(shape[:axis]), size_of(shape[axis:]))
    tables = [reshaped(rewriter, name, rows[1:]) if name else "" for name in node.inputs[1:]]
    if any(name and name not in rewriter.constants for name in tables):
        raise node.refuse("its scale is computed")
    image = reshaped(rewriter, node.inputs[0], rows)
    epsilon = node.number("epsilon", 1e-5)
    made = rewriter.emit("LayerNormalization", [image, *tables], rows, f"{node.output}.rows", axis=1, epsilon=epsilon)
    return reshaped(rewriter, made, shape, node.output)


RULES: Final[dict[str, Callable[[Rewriter, Node], str]]] = {
    "InstanceNormalization": instance_norm, "GroupNormalization": group_norm, "LRN": local_response,
    "LayerNormalization": layer_norm,
}  # fmt: skip


def recognise_norms(graph: Graph) -> Graph:
    """Return the graph with (x − mean) / √(variance + ε) over the last axis, and the Affine behind it, as one node."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        found = read_layer_norm(rewriter, node)
        if found is not None:
            name, epsilon = found
            rewriter.keep(layer_norm_node(rewriter, node, name, epsilon, np.ones(1), np.zeros(1)))
        elif not join_affine(rewriter, node):
            rewriter.keep(node)
    return rewriter.finish()


def layer_norm_node(rewriter: Rewriter, node: Node, name: str, epsilon: float, scale: Array, shift: Array) -> Node:
    """Return a LayerNormalization in the place of a node."""
    width = rewriter.shapes[name][-1]
    tables = ((np.broadcast_to(scale, (width,)), "scale"), (np.broadcast_to(shift, (width,)), "shift"))
    inputs = (name, *(rewriter.constant(value, f"{node.output}.{part}") for value, part in tables))
    return Node(op="LayerNormalization", inputs=inputs, output=node.output, attributes={"epsilon": epsilon, "axis": -1})


def join_affine(rewriter: Rewriter, node: Node) -> bool:
    """Put an Affine into the scale and shift of the normalisation that it alone reads."""
    before = rewriter.sole(node.inputs[0]) if node.op == "Affine" else None
    if before is None or before.op != "LayerNormalization" or "activation" in node.attributes:
        return False
    if node.inputs[1] not in rewriter.constants or any(name not in rewriter.constants for name in before.inputs[1:]):
        return False
    width = rewriter.shapes[node.output][-1]
    scale, shift = (rewriter.constants[name].astype(np.float64).reshape(-1) for name in node.inputs[1:3])
    old_scale = rewriter.constants[before.inputs[1]].astype(np.float64).reshape(-1)
    old_shift = rewriter.constants[before.inputs[2]].astype(np.float64).reshape(-1) if before.input(2) else np.zeros(1)
    joined = (old_scale * scale, old_shift * scale + shift)
    names = [rewriter.constant(np.broadcast_to(value, (width,)), f"{node.output}.table") for value in joined]
    rewriter.change(before, output=node.output, inputs=(before.inputs[0], *names))
    return True


def read_layer_norm(rewriter: Rewriter, node: Node) -> tuple[str, float] | None:
    """Return (x, ε) where a node is the quotient of a layer normalisation without scale."""
    distance = read_quotient(rewriter, node)
    if distance is None:
        return None
    name, root = distance
    made = rewriter.producer(name)
    epsilon, variance = read_root(rewriter, root)
    if made is None or made.op != "Sub" or variance is None or "activation" in made.attributes:
        return None
    x, mean = made.inputs
    squares = read_mean(rewriter, variance)
    if read_mean(rewriter, mean) != x or squares is None or not is_square(rewriter, squares, name):
        return None
    return (x, epsilon) if rewriter.shapes[x] == rewriter.shapes[node.output] else None


def read_quotient(rewriter: Rewriter, node: Node) -> tuple[str, str] | None:
    """Return (numerator, root) of d / root, or of d · (1 / root)."""
    if node.op == "Div" and "activation" not in node.attributes:
        return node.inputs[0], node.inputs[1]
    if node.op != "Mul" or "activation" in node.attributes:
        return None
    for name, other in (node.inputs, node.inputs[::-1]):
        inverse = rewriter.producer(other)
        if inverse is not None and is_unary(inverse, "reciprocal"):
            return name, inverse.inputs[0]
    return None


def read_root(rewriter: Rewriter, name: str) -> tuple[float, str | None]:
    """Return (ε, variance) where a value is √(variance + ε)."""
    root = rewriter.producer(name)
    inner = rewriter.producer(root.inputs[0]) if root is not None and is_unary(root, "sqrt") else None
    if inner is None or inner.op != "Affine" or "activation" in inner.attributes:
        return 0.0, None
    scale, shift = (rewriter.constants.get(item) for item in inner.inputs[1:3])
    if scale is None or shift is None or scale.size != 1 or shift.size != 1 or scale.item() != 1 or shift.item() < 0:
        return 0.0, None
    return float(shift.item()), inner.inputs[0]


def read_mean(rewriter: Rewriter, name: str) -> str | None:
    """Return what a value is the mean of along the last axis."""
    node = rewriter.producer(name)
    if node is None or node.op != "Mean":
        return None
    last = len(rewriter.shapes[node.inputs[0]]) - 1
    return node.inputs[0] if node.integers("axes") == (last,) else None


def is_square(rewriter: Rewriter, name: str, of: str) -> bool:
    """Whether a value is the square of another."""
    node = rewriter.producer(name)
    if node is None or "activation" in node.attributes:
        return False
    return (is_unary(node, "square") and node.inputs[0] == of) or (node.op == "Mul" and node.inputs == (of, of))
