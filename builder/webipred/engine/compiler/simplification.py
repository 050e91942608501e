"""Rewrite ONNX's many spellings into the few operators that the later passes know.

Reshape (Flatten, Squeeze, Unsqueeze), Box (Slice, Split, Gather of one index), Dense (MatMul and Gemm with a constant
matrix), Mean (ReduceMean, GlobalAveragePool), Unary (all functions of one value, Relu and Clip as clamp), and Mul and
Add of constants for BatchNormalization. Inputs that ONNX gives as constant tensors become attributes.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from onnx import TensorProto

from webipred.engine.compiler import convolutions, normalizations, products, rearrangements, reductions
from webipred.engine.compiler.graph import Graph, Node, Rewriter
from webipred.engine.compiler.operands import (
    axes_of,
    constant_of,
    integers_of,
    scalar_of,
    shape_of,
    to_reshape,
    unary,
)

INFINITY: Final = float("inf")
UNARY: Final = {"Sigmoid": "sigmoid", "Tanh": "tanh", "Erf": "erf", "Exp": "exp", "Sqrt": "sqrt", "Abs": "abs",
"Softsign": "softsign",
                "Reciprocal": "reciprocal", "HardSwish": "hard_swish", "Silu": "swish",
    "Softplus": "softplus", "Mish": "mish", "Log": "log"}  # fmt: skip


def simplify(graph: Graph) -> Graph:
    """Return the graph in the reduced vocabulary."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        rule = RULES.get(node.op)
        if rule is None:
            rewriter.keep(node)
        else:
            result = rule(rewriter, node)
            if result != node.output:
                rewriter.rename(node.output, result)
    return rewriter.finish()


def drop(rewriter: Rewriter, node: Node) -> str:
    """Let the input stand for the output."""
    return node.inputs[0]


def cast(rewriter: Rewriter, node: Node) -> str:
    """Cast to float32: every computed value is float32 already."""
    if node.integer("to") != TensorProto.FLOAT:
        raise node.refuse("only casts to float32 are there")
    return node.inputs[0]


def to_clamp(low: float, high: float) -> Callable[[Rewriter, Node], str]:
    """Return a rule for an activation with fixed bounds."""

    def rule(rewriter: Rewriter, node: Node) -> str:
        return unary(rewriter, node, "clamp", low, high)

    return rule


def clip(rewriter: Rewriter, node: Node) -> str:
    """Clip with attributes or inputs as bounds."""
    low = scalar_of(rewriter, node, 1, "min", -INFINITY)
    return unary(rewriter, node, "clamp", low, scalar_of(rewriter, node, 2, "max", INFINITY))


def to_unary(rewriter: Rewriter, node: Node) -> str:
    """Functions whose parameters are fixed or attributes."""
    match node.op:
        case "HardSigmoid":
            return unary(rewriter, node, "hard_sigmoid", node.number("alpha", 0.2), node.number("beta", 0.5))
        case "HardSwish":
            return unary(rewriter, node, "hard_swish", 1 / 6, 0.5)
        case "Elu":
            return unary(rewriter, node, "elu", node.number("alpha", 1.0))
        case "LeakyRelu":
            return unary(rewriter, node, "leaky_relu", node.number("alpha", 0.01))
        case "Selu":
            return unary(rewriter, node, "selu", node.number("alpha", 1.67326319), node.number("gamma", 1.05070102))
        case "Gelu":
            return unary(rewriter, node, "gelu_tanh" if node.text("approximate", "none") == "tanh" else "gelu")
        case _:
            return unary(rewriter, node, UNARY[node.op])


def negate(rewriter: Rewriter, node: Node) -> str:
    """−x as a product with −1, which is exact."""
    minus = rewriter.constant(np.array([-1.0], np.float32), "minus_one")
    return rewriter.emit("Mul", [node.inputs[0], minus], shape_of(rewriter, node), node.output)


def batch_normalization(rewriter: Rewriter, node: Node) -> str:
    """x · scale + shift per channel (axis 1); scale and shift are computed in double precision.

    scale = γ / √(variance + ε), shift = β − mean · scale (Ioffe & Szegedy 2015, inference form).
    """
    gamma, beta, mean, variance = (np.asarray(constant_of(rewriter, node, index), np.float64) for index in range(1, 5))
    scale = gamma / np.sqrt(variance + node.number("epsilon", 1e-5))
    shape = shape_of(rewriter, node)
    channel = (-1, *(1,) * (len(shape) - 2))
    factor = rewriter.constant(scale.reshape(channel), f"{node.output}.scale")
    offset = rewriter.constant((beta - mean * scale).reshape(channel), f"{node.output}.shift")
    product = rewriter.emit("Mul", [node.inputs[0], factor], shape, f"{node.output}.scaled")
    return rewriter.emit("Add", [product, offset], shape, node.output)


def mean(rewriter: Rewriter, node: Node) -> str:
    """ReduceMean and GlobalAveragePool as Mean with kept axes, then a Reshape."""
    shape = rewriter.shapes[node.inputs[0]]
    axes = tuple(range(2, len(shape))) if node.op == "GlobalAveragePool" else axes_of(rewriter, node)
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    if kept == shape:  # the mean of single elements
        return to_reshape(rewriter, node)
    result = rewriter.emit("Mean", node.inputs[:1], kept, f"{node.output}.kept", axes=axes)
    return rewriter.emit("Reshape", [result], shape_of(rewriter, node), node.output)


def global_max(rewriter: Rewriter, node: Node) -> str:
    """GlobalMaxPool as a pool as large as the image."""
    height, width = rewriter.shapes[node.inputs[0]][2:]
    attributes = {"kernel_shape": (height, width), "strides": (1, 1)}
    return rewriter.emit("MaxPool", node.inputs, shape_of(rewriter, node), node.output, **attributes)


def box(rewriter: Rewriter, node: Node) -> str:
    """Slice with constant bounds and positive steps."""
    shape = rewriter.shapes[node.inputs[0]]
    starts, ends = integers_of(rewriter, node, 1, "starts"), integers_of(rewriter, node, 2, "ends")
    if starts is None or ends is None:
        raise node.refuse("its bounds are missing")
    axes = integers_of(rewriter, node, 3, "axes") or tuple(range(len(starts)))
    steps = integers_of(rewriter, node, 4, "steps") or (1,) * len(starts)
    if min(steps) < 1:
        raise node.refuse("it walks backwards")
    all_starts, all_steps = [0] * len(shape), [1] * len(shape)
    for axis, start, step in zip(axes, starts, steps, strict=True):
        size = shape[axis]
        all_starts[axis] = max(0, start + size) if start < 0 else min(start, size)
        all_steps[axis] = step
    attributes = {"starts": tuple(all_starts), "steps": tuple(all_steps)}
    return rewriter.emit("Box", node.inputs[:1], shape_of(rewriter, node), node.output, **attributes)


def pad(rewriter: Rewriter, node: Node) -> str:
    """Constant padding by non-negative amounts."""
    amounts = integers_of(rewriter, node, 1, "pads") or ()
    rank = len(rewriter.shapes[node.inputs[0]])
    axes = integers_of(rewriter, node, 3, "axes") or tuple(range(rank))
    if node.text("mode", "constant") != "constant" or min(amounts, default=0) < 0:
        raise node.refuse("only constant padding by positive amounts is there")
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = amounts[place], amounts[place + len(axes)]
    value = scalar_of(rewriter, node, 2, "value", 0.0)
    attributes: dict[str, tuple[int, ...] | float] = {"before": tuple(before), "after": tuple(after), "value": value}
    return rewriter.emit("Pad", node.inputs[:1], shape_of(rewriter, node), node.output, **attributes)


def subtract(rewriter: Rewriter, node: Node) -> str:
    """x − constant as x + (−constant), which is exact."""
    right = rewriter.constants.get(node.inputs[1])
    if right is None:
        return rewriter.emit("Sub", node.inputs, shape_of(rewriter, node), node.output)
    minus = rewriter.constant(np.negative(right), f"{node.output}.minus")
    return rewriter.emit("Add", [node.inputs[0], minus], shape_of(rewriter, node), node.output)


def divide(rewriter: Rewriter, node: Node) -> str:
    """x / constant as x · (1 / constant), kept in double precision until it is folded."""
    right = rewriter.constants.get(node.inputs[1])
    if right is None or not np.all(right):
        return rewriter.emit("Div", node.inputs, shape_of(rewriter, node), node.output)
    inverse = rewriter.constant(1.0 / right.astype(np.float64), f"{node.output}.inverse")
    return rewriter.emit("Mul", [node.inputs[0], inverse], shape_of(rewriter, node), node.output)


def chain(op: str) -> Callable[[Rewriter, Node], str]:
    """Return a rule that applies a variadic operator pair by pair."""

    def rule(rewriter: Rewriter, node: Node) -> str:
        result = node.inputs[0]
        for name in node.inputs[1:]:
            shape = np.broadcast_shapes(rewriter.shapes[result], rewriter.shapes[name])
            result = rewriter.emit(op, [result, name], shape, node.output)
        return result

    return rule


def expand(rewriter: Rewriter, node: Node) -> str:
    """Expand: the broadcast is made where it is read if it changes nothing, else by a copy."""
    if rewriter.shapes[node.inputs[0]] == shape_of(rewriter, node):
        return node.inputs[0]
    return rewriter.emit("Expand", node.inputs[:1], shape_of(rewriter, node), node.output)


def resize(rewriter: Rewriter, node: Node) -> str:
    """Resize: only its modes and the two shapes matter later."""
    names = ("mode", "coordinate_transformation_mode", "nearest_mode", "antialias", "exclude_outside")
    attributes = {name: node.attributes[name] for name in names if name in node.attributes}
    scales = constant_of(rewriter, node, 2) if node.input(2) else None
    if scales is not None and scales.size:
        attributes["scales"] = tuple(float(value) for value in scales.reshape(-1))
    return rewriter.emit("Resize", node.inputs[:1], shape_of(rewriter, node), node.output, **attributes)


RULES: Final[dict[str, Callable[[Rewriter, Node], str]]] = {
    "Identity": drop, "Dropout": drop, "Cast": cast, "Flatten": to_reshape, "Reshape": to_reshape,
    "Squeeze": to_reshape,
    "Unsqueeze": to_reshape, "Relu": to_clamp(0.0, INFINITY), "Clip": clip, "HardSigmoid": to_unary,
    "HardSwish": to_unary,
    "Elu": to_unary, "LeakyRelu": to_unary, "Selu": to_unary, "Gelu": to_unary, **dict.fromkeys(UNARY, to_unary),
    "Neg": negate,
    "BatchNormalization": batch_normalization, "ReduceMean": mean, "GlobalAveragePool": mean,
    "GlobalMaxPool": global_max, "Slice": box, "Pad": pad, "Sub": subtract,
    "Div": divide,
    "Sum": chain("Add"), "Max": chain("Max"), "Min": chain("Min"), "Expand": expand, "Resize": resize,
    "Upsample": resize,
    **convolutions.RULES, **normalizations.RULES, **products.RULES, **rearrangements.RULES, **reductions.RULES,
}  # fmt: skip
