"""Rules for reductions: Reduce with kept axes and a kind, then a Reshape; and for what is made of them."""

from collections.abc import Callable
from typing import Final

import numpy as np

from webipred.engine.compiler.graph import Node, Rewriter, Shape
from webipred.engine.compiler.operands import axes_of, reshaped, shape_of, unary

BEFORE: Final = {"ReduceL1": "abs", "ReduceL2": "square", "ReduceSumSquare": "square"}


def reduce(rewriter: Rewriter, node: Node) -> str:
    """Sum, product, extremes and norms over any axes."""
    name, kind = node.inputs[0], node.op
    axes = axes_of(rewriter, node)
    if kind in BEFORE:
        shape = rewriter.shapes[name]
        name = rewriter.emit("Unary", [name], shape, f"{node.output}.each", kind=BEFORE[kind], a=0.0, b=0.0)
        kind = "ReduceSum"
    total = emit_reduction(rewriter, kind, name, axes, f"{node.output}.kept")
    if node.op == "ReduceL2":
        total = rewriter.emit(
            "Unary", [total], rewriter.shapes[total], f"{node.output}.root", kind="sqrt", a=0.0, b=0.0
        )
    return reshaped(rewriter, total, shape_of(rewriter, node), node.output)


def emit_reduction(rewriter: Rewriter, kind: str, name: str, axes: tuple[int, ...], wish: str) -> str:
    """Emit one reduction that keeps its axes; of single elements it is nothing."""
    shape = rewriter.shapes[name]
    kept = keep_axes(shape, axes)
    return name if kept == shape else rewriter.emit("Reduce", [name], kept, wish, kind=kind, axes=axes)


def keep_axes(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """Return the shape with the reduced axes as 1."""
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))


def log_softmax(rewriter: Rewriter, node: Node) -> str:
    """x − max x − log Σ exp(x − max x): the logarithm never sees a zero."""
    shape = shape_of(rewriter, node)
    axes = (node.integer("axis", -1) % len(shape),)
    top = emit_reduction(rewriter, "ReduceMax", node.inputs[0], axes, f"{node.output}.top")
    shifted = rewriter.emit("Sub", [node.inputs[0], top], shape, f"{node.output}.shifted")
    powers = rewriter.emit("Unary", [shifted], shape, f"{node.output}.exp", kind="exp", a=0.0, b=0.0)
    total = emit_reduction(rewriter, "ReduceSum", powers, axes, f"{node.output}.sum")
    log = rewriter.emit("Unary", [total], rewriter.shapes[total], f"{node.output}.log", kind="log", a=0.0, b=0.0)
    return rewriter.emit("Sub", [shifted, log], shape, node.output)


def mean_of_values(rewriter: Rewriter, node: Node) -> str:
    """ONNX's Mean: the sum of its inputs by their number."""
    result = node.inputs[0]
    for name in node.inputs[1:]:
        shape = np.broadcast_shapes(rewriter.shapes[result], rewriter.shapes[name])
        result = rewriter.emit("Add", [result, name], shape, f"{node.output}.sum")
    share = rewriter.constant(np.array([1 / len(node.inputs)]), f"{node.output}.share")
    return rewriter.emit("Mul", [result, share], shape_of(rewriter, node), node.output)


def power(rewriter: Rewriter, node: Node) -> str:
    """Pow with one constant exponent; 2, 3 and ½ without logarithms."""
    constant = rewriter.constants.get(node.inputs[1])
    if constant is None or constant.size != 1 or not np.isfinite(constant).all():
        raise node.refuse("its exponent is not one constant number")
    exponent = float(constant.reshape(-1)[0])
    match exponent:
        case 1.0:
            return node.inputs[0]
        case 2.0:
            return unary(rewriter, node, "square")
        case 0.5:
            return unary(rewriter, node, "sqrt")
        case -1.0:
            return unary(rewriter, node, "reciprocal")
        case 3.0:
            shape = rewriter.shapes[node.inputs[0]]
            square = rewriter.emit(
                "Unary", node.inputs[:1], shape, f"{node.output}.square", kind="square", a=0.0, b=0.0
            )
            return rewriter.emit("Mul", [square, node.inputs[0]], shape_of(rewriter, node), node.output)
        case _:
            return unary(rewriter, node, "power", exponent)


RULES: Final[dict[str, Callable[[Rewriter, Node], str]]] = {
    **dict.fromkeys(("ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", *BEFORE), reduce),
    "LogSoftmax": log_softmax, "Mean": mean_of_values, "Pow": power,
}  # fmt: skip
