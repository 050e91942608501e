"""Lower graph nodes to kernel instructions; what has no kernel is refused by name."""

from collections.abc import Callable
from typing import Final

import numpy as np

from webipred.engine.compiler.copies import (
    lower_box,
    lower_concat,
    lower_expand,
    lower_pad,
    lower_spread,
    lower_transpose,
    transpose_view,
)
from webipred.engine.compiler.graph import Graph, Node, Shape, size_of
from webipred.engine.compiler.instructions import Assembly, View, activation_of
from webipred.engine.compiler.packing import pack_bias, pack_convolution, pack_depthwise, pack_panels
from webipred.engine.compiler.plan_format import ACTIVATIONS, BINARIES, REDUCTIONS, Code
from webipred.engine.compiler.residuals import INFINITY
from webipred.engine.compiler.resizing import make_tables

WINOGRAD_CHANNELS: Final = 32
WINOGRAD_PIXELS: Final = 144
FEW_CHANNELS: Final = 16
PIXELS: Final = 16


def lower(graph: Graph) -> Assembly:
    """Return the kernel instructions of a graph whose passes are done. Raises UnsupportedOperator."""
    assembly = Assembly.start(graph)
    for node in graph.nodes:
        rule = RULES.get(node.op)
        if rule is None:
            raise node.refuse("there is no kernel")
        for name in (*node.inputs, node.output):
            if name and size_of(graph.shapes[name]) == 0:
                raise node.refuse(f"{name} is empty")
        rule(assembly, node)
    return assembly


def window_of(node: Node) -> tuple[int, ...]:
    """Return the ten window parameters."""
    pads = node.integers("pads")
    return (*node.integers("kernel_shape"), *node.integers("strides"), *node.integers("dilations"), *pads)


def bias_of(assembly: Assembly, node: Node, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the bias, zeros where there is none."""
    name = node.input(2)
    if not name:
        return np.zeros(count)
    if name not in assembly.graph.constants:
        raise node.refuse("its bias is computed")
    return np.broadcast_to(assembly.graph.constants[name].astype(np.float64).reshape(-1), (count,)).copy()


def lower_convolution(assembly: Assembly, node: Node) -> None:
    """Conv: depthwise where each channel has its own filter, else the indirect product."""
    weights = assembly.graph.constants.get(node.inputs[1])
    if weights is None:
        raise node.refuse("its weights are computed")
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    bias = bias_of(assembly, node, weights.shape[0])
    group = node.integer("group", 1)
    names = (f"{node.output}#weights", f"{node.output}#bias")
    if is_depthwise_node(assembly, node):
        packed = assembly.constant(names[0], pack_depthwise(weights), half=True)
        shift = assembly.constant(names[1], bias)
        assembly.emit(Code.DEPTHWISE, node, (x, packed, shift), y, (*window_of(node), *activation_of(node)))
        return
    packed = assembly.constant(names[0], pack_convolution(weights, group), half=True)
    shift = assembly.constant(names[1], pack_bias(bias, group))
    residual = assembly.view(node.inputs[3]) if node.input(3) else None
    prologue = None
    if node.input(4):
        prologue = assembly.constant(
            f"{node.output}#prologue", join_affine(assembly, node, x.dims[-1], node.inputs[4:6])
        )
    parameters = (*window_of(node), group, *activation_of(node), node.number("prologue_low", -INFINITY))
    code = Code.WINOGRAD if pays_winograd(node, weights.shape, y.dims) else Code.CONVOLUTION
    assembly.emit(code, node, (x, packed, shift, residual, prologue), y, parameters)


def is_depthwise_node(assembly: Assembly, node: Node) -> bool:
    """Whether the depthwise kernel fits: one filter per channel, nothing fused around it."""
    channels = assembly.graph.shapes[node.inputs[0]][-1]
    return (
        node.integer("group", 1) == channels == assembly.graph.shapes[node.output][-1]
        and channels > 1
        and not node.input(3)
    )


def pays_winograd(node: Node, weights: Shape, output: Shape) -> bool:
    """Whether F(2×2, 3×3) is faster: enough channels and pixels for the products to outweigh the transforms."""
    outputs, inputs, *kernel = weights
    plain = (
        node.integers("strides") == (1, 1) and node.integers("dilations") == (1, 1) and node.integer("group", 1) == 1
    )
    fits = kernel == [3, 3] and plain and inputs % 4 == 0 and outputs % 4 == 0
    return (
        fits
        and inputs >= WINOGRAD_CHANNELS
        and outputs >= WINOGRAD_CHANNELS
        and output[1] * output[2] >= WINOGRAD_PIXELS
    )


def join_affine(
    assembly: Assembly, node: Node, width: int, names: tuple[str, ...]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return scale and shift behind one another, each repeated to the width."""
    parts = [assembly.graph.constants[name].astype(np.float64).reshape(-1) for name in names]
    return np.concatenate([np.broadcast_to(part, (width,)) for part in parts])


def as_rows(view: View) -> View:
    """Return the rows of a view as an image of one line."""
    return view.reshaped((1, 1, size_of(view.dims[:-1]), view.dims[-1]))


def lower_dense(assembly: Assembly, node: Node) -> None:
    """Product with a constant matrix: a 1×1 convolution over the rows."""
    matrix = assembly.graph.constants[node.inputs[1]]
    packed = assembly.constant(f"{node.output}#weights", pack_panels(matrix.T), half=True)
    shift = assembly.constant(f"{node.output}#bias", pack_bias(bias_of(assembly, node, matrix.shape[1])))
    residual = as_rows(assembly.view(node.inputs[3])) if node.input(3) else None
    parameters = (1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, *activation_of(node), -INFINITY)
    x, y = as_rows(assembly.view(node.inputs[0])), as_rows(assembly.view(node.output))
    assembly.emit(Code.CONVOLUTION, node, (x, packed, shift, residual), y, parameters)


def lower_matmul(assembly: Assembly, node: Node) -> None:
    """Product of two computed matrices."""
    left, right = (assembly.view(name) for name in node.inputs)
    if min(len(left.dims), len(right.dims)) < 2:
        raise node.refuse("a factor is a vector")
    assembly.emit(Code.MATMUL, node, (left, right), assembly.view(node.output), activation_of(node))


def lower_pool(assembly: Assembly, node: Node) -> None:
    """Maximum and average over windows."""
    code = Code.MAX_POOL if node.op == "MaxPool" else Code.AVERAGE_POOL
    mode = {"inside": 0, "padded": 1}[node.text("counts", "inside")]
    assembly.emit(code, node, (assembly.view(node.inputs[0]),), assembly.view(node.output), (*window_of(node), mode))


def lower_mean(assembly: Assembly, node: Node) -> None:
    """Mean over all axes but the last, over the last, or over everything."""
    x, y, axes = assembly.view(node.inputs[0]), assembly.view(node.output), set(node.integers("axes"))
    last = len(x.dims) - 1
    reduced = {axis for axis, size in enumerate(x.dims) if axis in axes and size > 1}
    if all(axis in reduced or size == 1 for axis, size in enumerate(x.dims)):
        assembly.emit(Code.MEAN_OF_LAST, node, (x.reshaped((size_of(x.dims),)),), y)
    elif last not in reduced and all(axis in reduced or size == 1 for axis, size in enumerate(x.dims[:-1])):
        assembly.emit(Code.MEAN_OF_ROWS, node, (x,), y)
    elif reduced == {last}:
        assembly.emit(Code.MEAN_OF_LAST, node, (x,), y)
    else:
        assembly.emit(Code.MEAN_OF_LAST, node, (bring_last(assembly, node, x, reduced),), y)


def bring_last(assembly: Assembly, node: Node, x: View, axes: set[int]) -> View:
    """Return a view of rows along the axes, all others in front of them in their order; copies where it must."""
    order = (*(axis for axis in range(len(x.dims)) if axis not in axes), *sorted(axes))
    width = size_of(tuple(x.dims[axis] for axis in axes))
    if order != tuple(range(len(order))) or (width != x.dims[-1] and x.stride != x.dims[-1]):
        turned = assembly.temporary(f"{node.output}#turned", tuple(x.dims[axis] for axis in order))
        transpose_view(assembly, node, x, order, turned)
        x = turned
    return x.reshaped((size_of(x.dims) // width, width))


def lower_reduction(assembly: Assembly, node: Node) -> None:
    """Sum, product and extremes over any axes."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    axes = {axis for axis in node.integers("axes") if x.dims[axis] > 1}
    kind = REDUCTIONS.index(node.text("kind"))
    assembly.emit(Code.REDUCTION, node, (bring_last(assembly, node, x, axes),), y, (kind,))


def lower_affine(assembly: Assembly, node: Node) -> None:
    """x · scale + shift per channel; pixels of few channels are taken sixteen at a time, so that vectors are full."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    width = x.dims[-1]
    table = join_affine(assembly, node, width, node.inputs[1:3])
    rows = size_of(x.dims[:-1])
    if width % 4 and width < FEW_CHANNELS and rows % PIXELS == 0 and x.stride == y.stride == width:
        x, y = (view.reshaped((rows // PIXELS, width * PIXELS)) for view in (x, y))
        table = np.tile(table.reshape(2, width), PIXELS).reshape(-1)
    constant = assembly.constant(f"{node.output}#affine", table)
    assembly.emit(Code.AFFINE, node, (x, constant), y, activation_of(node))


def lower_unary(assembly: Assembly, node: Node) -> None:
    """Functions of single elements."""
    kind = node.text("kind")
    if kind not in ACTIVATIONS:
        raise node.refuse(f"the function {kind}")
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    assembly.emit(Code.UNARY, node, (x,), y, (ACTIVATIONS.index(kind), node.number("a"), node.number("b")))


def lower_binary(assembly: Assembly, node: Node) -> None:
    """Elementwise functions of two values, broadcast."""
    left, right = (assembly.view(name) for name in node.inputs)
    assembly.emit(
        Code.BINARY, node, (left, right), assembly.view(node.output), (BINARIES.index(node.op), *activation_of(node))
    )


def lower_softmax(assembly: Assembly, node: Node) -> None:
    """Softmax along the last axis; another axis is brought there and back by copies."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    rank = len(x.dims)
    axis = node.integer("axis", -1) % rank
    if axis == rank - 1:
        assembly.emit(Code.SOFTMAX, node, (x,), y)
        return
    order = (*(item for item in range(rank) if item != axis), axis)
    turned = assembly.temporary(f"{node.output}#turned", tuple(x.dims[item] for item in order))
    transpose_view(assembly, node, x, order, turned)
    assembly.emit(Code.SOFTMAX, node, (turned,), turned)
    transpose_view(assembly, node, turned, tuple(int(item) for item in np.argsort(order)), y)


def lower_layer_norm(assembly: Assembly, node: Node) -> None:
    """Normalisation along the last axis."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    width = x.dims[-1]
    if node.integer("axis", -1) % len(x.dims) != len(x.dims) - 1:
        raise node.refuse("it normalises more than the last axis")
    if any(name and name not in assembly.graph.constants for name in node.inputs[1:]):
        raise node.refuse("its scale is computed")
    parts = [
        assembly.graph.constants[name].reshape(-1) if name else np.zeros(1) for name in (node.inputs[1], node.input(2))
    ]
    table = assembly.constant(
        f"{node.output}#affine", np.concatenate([np.broadcast_to(part, (width,)) for part in parts])
    )
    assembly.emit(Code.LAYER_NORM, node, (x, table), y, (node.number("epsilon", 1e-5),))


def lower_group_norm(assembly: Assembly, node: Node) -> None:
    """Normalisation of groups of channels over the pixels."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    table = assembly.constant(f"{node.output}#affine", join_affine(assembly, node, x.dims[-1], node.inputs[1:3]))
    assembly.emit(Code.GROUP_NORM, node, (x, table), y, (node.integer("groups"), node.number("epsilon")))


def lower_response(assembly: Assembly, node: Node) -> None:
    """Local response normalisation across channels."""
    numbers = (node.number("alpha"), node.number("beta"), node.number("bias"))
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    assembly.emit(Code.RESPONSE, node, (x,), y, (node.integer("size"), *numbers))


def lower_resize(assembly: Assembly, node: Node) -> None:
    """Nearest and linear resize with index tables."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    table = assembly.constant(f"{node.output}#table", make_tables(node, x.dims, y.dims))
    assembly.emit(Code.RESIZE, node, (x, table), y)


def lower_reshape(assembly: Assembly, node: Node) -> None:
    """A reshaped value is another view of the same buffer: nothing runs."""


RULES: Final[dict[str, Callable[[Assembly, Node], None]]] = {
    "Conv": lower_convolution, "Dense": lower_dense, "MatMul": lower_matmul, "MaxPool": lower_pool,
    "AveragePool": lower_pool,
    "Mean": lower_mean, "Affine": lower_affine, "Unary": lower_unary, **dict.fromkeys(BINARIES, lower_binary),
    "Softmax": lower_softmax,
    "LayerNormalization": lower_layer_norm, "Resize": lower_resize, "Reshape": lower_reshape,
    "Transpose": lower_transpose,
    "Box": lower_box, "Concat": lower_concat, "Pad": lower_pad, "Expand": lower_expand,
    "Reduce": lower_reduction, "GroupNorm": lower_group_norm, "Response": lower_response, "Spread": lower_spread,
}  # fmt: skip
