"""Read what ONNX gives a node as attribute or as constant input."""

import numpy as np

from webipred.engine.compiler.graph import Array, Node, Rewriter, Shape


def constant_of(rewriter: Rewriter, node: Node, index: int) -> Array | None:
    """Return a constant input, None where it is absent; refuses computed ones."""
    name = node.input(index)
    if not name:
        return None
    if name not in rewriter.constants:
        raise node.refuse(f"its input {index} is computed, not constant")
    return rewriter.constants[name]


def integers_of(rewriter: Rewriter, node: Node, index: int, attribute: str) -> tuple[int, ...] | None:
    """Return a list of integers that older opsets give as attribute and newer ones as input."""
    value = constant_of(rewriter, node, index)
    if value is not None:
        return tuple(int(item) for item in np.asarray(value).reshape(-1))
    return node.integers(attribute) if attribute in node.attributes else None


def scalar_of(rewriter: Rewriter, node: Node, index: int, attribute: str, default: float) -> float:
    """Return a number that is an attribute or a constant input."""
    value = constant_of(rewriter, node, index)
    if value is None:
        return node.number(attribute, default)
    if value.size != 1:
        raise node.refuse(f"its input {index} is not a single number")
    return float(value.reshape(-1)[0])


def shape_of(rewriter: Rewriter, node: Node) -> Shape:
    """Return the shape of the node's output."""
    return rewriter.shapes[node.output]


def axes_of(rewriter: Rewriter, node: Node) -> tuple[int, ...]:
    """Return the axes of a reduction, counted from the front; all of them where none are named."""
    rank = len(rewriter.shapes[node.inputs[0]])
    axes = integers_of(rewriter, node, 1, "axes")
    if not axes:
        axes = () if node.integer("noop_with_empty_axes") else tuple(range(rank))
    return tuple(sorted({axis % rank for axis in axes}))


def to_reshape(rewriter: Rewriter, node: Node) -> str:
    """Keep the elements, change the shape."""
    return rewriter.emit("Reshape", node.inputs[:1], shape_of(rewriter, node), node.output)


def transposed(rewriter: Rewriter, name: str, order: tuple[int, ...]) -> str:
    """Emit another order of axes."""
    shape = tuple(rewriter.shapes[name][axis] for axis in order)
    return rewriter.emit("Transpose", [name], shape, f"{name}.t", perm=order)


def reshaped(rewriter: Rewriter, name: str, shape: Shape, wish: str = "") -> str:
    """Emit another shape, nothing where it is right already; constants are reshaped on the spot."""
    if rewriter.shapes[name] == tuple(shape):
        return name
    if name in rewriter.constants:
        return rewriter.constant(rewriter.constants[name].reshape(shape), f"{name}.r")
    return rewriter.emit("Reshape", [name], shape, wish or f"{name}.r")


def unary(rewriter: Rewriter, node: Node, kind: str, a: float = 0.0, b: float = 0.0) -> str:
    """Emit an elementwise function of one input."""
    return rewriter.emit("Unary", node.inputs[:1], shape_of(rewriter, node), node.output, kind=kind, a=a, b=b)
