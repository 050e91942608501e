"""Channels last everywhere: wrap the spatial operators in transpositions, then push these down until they cancel.

ONNX computes images as (batch, channel, height, width); the kernels want (batch, height, width, channel). Each spatial
node becomes Transpose → node → Transpose. A Transpose then sinks through every node that does not care about the order
of axes, meets its inverse and disappears. What remains is real work and is done by a copy.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from webipred.engine.compiler.graph import Graph, Node, Rewriter, Shape, size_of

TO_LAST: Final = (0, 2, 3, 1)
TO_FIRST: Final = (0, 3, 1, 2)
SPATIAL: Final = ("Conv", "MaxPool", "AveragePool", "Resize", "GroupNorm", "Response")
ELEMENTWISE: Final = ("Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu")


def wrap_spatial(graph: Graph) -> Graph:
    """Return the graph with spatial nodes that read and write channels last."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        if node.op not in SPATIAL:
            rewriter.keep(node)
            continue
        shape = rewriter.shapes[node.output]
        if len(shape) != 4:
            raise node.refuse(f"only images of (batch, channel, height, width) are there, not {shape}")
        image = transpose(rewriter, node.inputs[0], TO_LAST)
        inside = rewriter.claim(f"{node.output}.last")
        rewriter.shapes[inside] = permute(shape, TO_LAST)
        attributes = dict(node.attributes)
        if "scales" in attributes:
            attributes["scales"] = permute(attributes["scales"], TO_LAST)  # type: ignore[arg-type]  # numbers
        rewriter.keep(replace(node, inputs=(image, *node.inputs[1:]), output=inside, attributes=attributes))
        rewriter.rename(node.output, transpose(rewriter, inside, TO_FIRST))
    return rewriter.finish()


def sink_transposes(graph: Graph) -> Graph:
    """Return the graph with transpositions moved towards the outputs, composed and cancelled."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        rule = RULES.get(node.op)
        result = rule(rewriter, node) if rule else None
        if result is None:
            rewriter.keep(node)
        else:
            rewriter.rename(node.output, result)
    return rewriter.finish()


def permute(values: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    """Return the values in another order of axes."""
    return tuple(values[axis] for axis in order)


def invert(order: Sequence[int]) -> tuple[int, ...]:
    """Return the inverse permutation."""
    return tuple(int(axis) for axis in np.argsort(order))


def keeps_order(shape: Shape, order: Sequence[int]) -> bool:
    """Whether a transposition moves axes of size 1 only: then it is a Reshape."""
    real = [axis for axis in order if shape[axis] != 1]
    return real == sorted(real)


def transpose(rewriter: Rewriter, name: str, order: Sequence[int]) -> str:
    """Return the transposed value: composed with what made it, a Reshape, a constant, or a new Transpose."""
    node = rewriter.producer(name)
    if node is not None and node.op == "Transpose":
        return transpose(rewriter, node.inputs[0], permute(node.integers("perm"), order))
    if tuple(order) == tuple(range(len(order))):
        return name
    if name in rewriter.constants:
        return rewriter.constant(rewriter.constants[name].transpose(order), f"{name}.t")
    shape = rewriter.shapes[name]
    if keeps_order(shape, order):
        return reshape(rewriter, name, permute(shape, order))
    return rewriter.emit("Transpose", [name], permute(shape, order), f"{name}.t", perm=tuple(order))


def reshape(rewriter: Rewriter, name: str, shape: Shape) -> str:
    """Return the reshaped value: merged with an earlier Reshape, or nothing where the shape is right already."""
    node = rewriter.producer(name)
    while node is not None and node.op == "Reshape":
        name = node.inputs[0]
        node = rewriter.producer(name)
    if rewriter.shapes[name] == shape:
        return name
    if name in rewriter.constants:
        return rewriter.constant(rewriter.constants[name].reshape(shape), f"{name}.r")
    return rewriter.emit("Reshape", [name], shape, f"{name}.r")


def order_of(rewriter: Rewriter, name: str) -> tuple[int, ...] | None:
    """Return the permutation that made a value, None where it is no transposition."""
    node = rewriter.producer(name)
    return node.integers("perm") if node is not None and node.op == "Transpose" else None


def source(rewriter: Rewriter, name: str) -> str:
    """Return what a transposition reads."""
    node = rewriter.producer(name)
    assert node is not None  # noqa: S101  # order_of() told that there is one
    return node.inputs[0]


def below(rewriter: Rewriter, node: Node, inputs: Sequence[str], order: Sequence[int], **changes: object) -> str:
    """Emit the node on the untransposed inputs and transpose its result."""
    shape = permute(rewriter.shapes[node.output], invert(order))
    attributes = {**node.attributes, **changes}
    result = rewriter.emit(node.op, inputs, shape, node.output, **attributes)  # type: ignore[arg-type]
    return transpose(rewriter, result, order)


def sink_one(rewriter: Rewriter, node: Node) -> str | None:
    """Functions of single elements: reshaping can wait as well."""
    order = order_of(rewriter, node.inputs[0])
    if order is None:
        return sink_reshaped(rewriter, node)
    return below(rewriter, node, [source(rewriter, node.inputs[0])], order)


def sink_elementwise(rewriter: Rewriter, node: Node) -> str | None:
    """Elementwise functions of two values: the other side is transposed back where that is free."""
    reshaped = sink_reshaped(rewriter, node)
    if reshaped is not None:
        return reshaped
    orders = [order_of(rewriter, name) for name in node.inputs]
    order = next((item for item in orders if item is not None), None)
    rank = len(rewriter.shapes[node.output])
    if order is None or any(
        len(rewriter.shapes[name]) == rank and not is_free(rewriter, name, order) for name in node.inputs
    ):
        return None
    if len(order) != rank or any(
        len(rewriter.shapes[name]) < rank and order_of(rewriter, name) is not None for name in node.inputs
    ):
        return None
    inputs = [transpose(rewriter, align(rewriter, name, rank), invert(order)) for name in node.inputs]
    return below(rewriter, node, inputs, order)


def sink_reshaped(rewriter: Rewriter, node: Node) -> str | None:
    """Elementwise functions of values reshaped from one shape and fitting constants: reshape the result instead."""
    shape = rewriter.shapes[node.output]
    makers = [rewriter.producer(name) for name in node.inputs]
    reshaped = [
        maker is not None and maker.op == "Reshape" and rewriter.shapes[maker.output] == shape for maker in makers
    ]
    origins = {
        rewriter.shapes[maker.inputs[0]]
        for maker, is_reshaped in zip(makers, reshaped, strict=True)
        if maker and is_reshaped
    }
    if len(origins) != 1:
        return None
    origin = origins.pop()
    inputs: list[str] = []
    for name, maker, is_reshaped in zip(node.inputs, makers, reshaped, strict=True):
        constant = rewriter.constants.get(name)
        if maker is not None and is_reshaped:
            inputs.append(maker.inputs[0])
        elif constant is not None and constant.size in (1, size_of(shape)):
            inputs.append(rewriter.constant(constant.reshape(1 if constant.size == 1 else origin), f"{name}.r"))
        else:
            return None
    result = rewriter.emit(node.op, inputs, origin, node.output, **node.attributes)
    return reshape(rewriter, result, shape)


def is_free(rewriter: Rewriter, name: str, order: tuple[int, ...]) -> bool:
    """Whether undoing `order` on a value costs nothing."""
    if name in rewriter.constants or order_of(rewriter, name) == order:
        return True
    return order_of(rewriter, name) is None and keeps_order(rewriter.shapes[name], invert(order))


def align(rewriter: Rewriter, name: str, rank: int) -> str:
    """Return the value with leading axes of size 1 up to `rank`."""
    shape = rewriter.shapes[name]
    return name if len(shape) == rank else reshape(rewriter, name, (1,) * (rank - len(shape)) + shape)


def sink_concat(rewriter: Rewriter, node: Node) -> str | None:
    """Concat of values that all have the same transposition."""
    order = next((item for item in (order_of(rewriter, name) for name in node.inputs) if item is not None), None)
    if order is None or not all(is_free(rewriter, name, order) for name in node.inputs):
        return None
    axis = node.integer("axis") % len(order)
    return below(
        rewriter, node, [transpose(rewriter, name, invert(order)) for name in node.inputs], order, axis=order[axis]
    )


def sink_lists(*names: str) -> Callable[[Rewriter, Node], str | None]:
    """Return a rule for nodes whose attributes have one entry per axis."""

    def rule(rewriter: Rewriter, node: Node) -> str | None:
        order = order_of(rewriter, node.inputs[0])
        if order is None:
            return None
        changes = {name: permute(node.integers(name), invert(order)) for name in names}
        return below(rewriter, node, [source(rewriter, node.inputs[0])], order, **changes)

    return rule


def sink_mean(rewriter: Rewriter, node: Node) -> str | None:
    """Mean over other axes; the transposition of what is left is often a Reshape."""
    order = order_of(rewriter, node.inputs[0])
    if order is None:
        return None
    axes = tuple(sorted(order[axis] for axis in node.integers("axes")))
    return below(rewriter, node, [source(rewriter, node.inputs[0])], order, axes=axes)


def sink_softmax(rewriter: Rewriter, node: Node) -> str | None:
    """Softmax along another axis."""
    order = order_of(rewriter, node.inputs[0])
    if order is None:
        return None
    return below(
        rewriter, node, [source(rewriter, node.inputs[0])], order, axis=order[node.integer("axis", -1) % len(order)]
    )


def sink_last(rewriter: Rewriter, node: Node) -> str | None:
    """Operators along the last axis: only a transposition that leaves it alone may pass."""
    order = order_of(rewriter, node.inputs[0])
    if order is None or order[-1] != len(order) - 1:
        return None
    return below(rewriter, node, [source(rewriter, node.inputs[0]), *node.inputs[1:]], order)


def compose(rewriter: Rewriter, node: Node) -> str:
    """Transpose of a Transpose."""
    rank = len(rewriter.shapes[node.inputs[0]])
    return transpose(rewriter, node.inputs[0], node.integers("perm", tuple(reversed(range(rank)))))


def sink_reshape(rewriter: Rewriter, node: Node) -> str | None:
    """Reshape of a Reshape, or of a Transpose whose moved axes it only merges."""
    name, shape = node.inputs[0], rewriter.shapes[node.output]
    order = order_of(rewriter, name)
    if order is None:
        return reshape(rewriter, name, shape)
    groups = merge_axes(rewriter.shapes[name], shape)
    if groups is None:
        return None
    origins = [[order[axis] for axis in group if rewriter.shapes[name][axis] != 1] for group in groups]
    if any(group != list(range(group[0], group[-1] + 1)) for group in origins if group):
        return None
    # groups in the order of the source; empty groups (size 1) keep their place at the front
    ranks = sorted(range(len(groups)), key=lambda index: origins[index][0] if origins[index] else -1)
    merged = reshape(rewriter, source(rewriter, name), permute(shape, ranks))
    return transpose(rewriter, merged, invert(ranks))


def merge_axes(old: Shape, new: Shape) -> list[list[int]] | None:
    """Return for every new axis the old axes that it merges, None where axes are split."""
    groups: list[list[int]] = []
    place = 0
    for size in new:
        group, product = [], 1
        while place < len(old) and (product < size or (old[place] == 1 and size != 1)):
            product *= old[place]
            group.append(place)
            place += 1
        if product != size:
            return None
        groups.append(group)
    return groups if all(old[axis] == 1 for axis in range(place, len(old))) else None


RULES: Final[dict[str, Callable[[Rewriter, Node], str | None]]] = {
    "Transpose": compose, "Reshape": sink_reshape, "Unary": sink_one, "Concat": sink_concat,
    "Box": sink_lists("starts", "steps"),
    "Pad": sink_lists("before", "after"), "Mean": sink_mean, "Softmax": sink_softmax, "Dense": sink_last,
    "Reduce": sink_mean, "Spread": sink_lists("steps"),
    "LayerNormalization": sink_last, **dict.fromkeys(ELEMENTWISE, sink_elementwise),
}  # fmt: skip
