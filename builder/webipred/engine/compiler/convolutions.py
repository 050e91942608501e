"""Rules for convolutions that the kernels do not have as such: transposed ones, and those along one axis."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from webipred.engine.compiler.graph import Array, Attribute, Node, Rewriter
from webipred.engine.compiler.operands import constant_of, reshaped, shape_of

IMAGE: Final = 4
ONE_AXIS: Final = 3
LISTS: Final = {"kernel_shape": (1,), "strides": (1,), "dilations": (1,)}


def transposed_convolution(rewriter: Rewriter, node: Node) -> str:
    """ConvTranspose as a convolution with turned weights over the input with zeros between its pixels.

    It multiplies stride² times more than it must; classifiers have it rarely.
    """
    weights = constant_of(rewriter, node, 1)
    shape, out = rewriter.shapes[node.inputs[0]], shape_of(rewriter, node)
    if weights is None or len(shape) != IMAGE:
        raise node.refuse(f"only images of (batch, channel, height, width) are there, not {shape}")
    strides, dilations = node.integers("strides", (1, 1)), node.integers("dilations", (1, 1))
    reach = [(size - 1) * dilation + 1 for size, dilation in zip(weights.shape[2:], dilations, strict=True)]
    spread_sizes = [(size - 1) * stride + 1 for size, stride in zip(shape[2:], strides, strict=True)]
    before = [
        length - 1 - pad for length, pad in zip(reach, leading_pads(node, shape[2:], out[2:], reach), strict=True)
    ]
    after = [o - s - b + r - 1 for o, s, b, r in zip(out[2:], spread_sizes, before, reach, strict=True)]
    if min(*before, *after) < 0:
        raise node.refuse("its padding is larger than its kernel")
    spread = node.inputs[0]
    if max(strides) > 1:
        spread = rewriter.emit(
            "Spread", [spread], (*shape[:2], *spread_sizes), f"{node.output}.spread", steps=(1, 1, *strides)
        )
    turned = rewriter.constant(turn_weights(weights, node.integer("group", 1)), f"{node.output}.turned")
    attributes: dict[str, Attribute] = {
        "pads": (*before, *after), "dilations": dilations, "group": node.integer("group", 1),
    }  # fmt: skip
    return rewriter.emit("Conv", [spread, turned, *node.inputs[2:]], out, node.output, **attributes)


def leading_pads(node: Node, size: tuple[int, ...], out: tuple[int, ...], reach: list[int]) -> list[int]:
    """Return the padding at the start of both axes; ONNX derives it where only the output's shape is given."""
    strides, extra = node.integers("strides", (1, 1)), node.integers("output_padding", (0, 0))
    auto = node.text("auto_pad", "NOTSET")
    if auto == "NOTSET" and "output_shape" not in node.attributes:
        return list(node.integers("pads", (0, 0, 0, 0))[:2])
    if auto == "VALID":
        return [0, 0]
    total = [
        max(0, stride * (n - 1) + e + r - o)
        for stride, n, e, r, o in zip(strides, size, extra, reach, out, strict=True)
    ]
    return [amount // 2 if auto == "SAME_UPPER" else amount - amount // 2 for amount in total]


def turn_weights(weights: Array, groups: int) -> Array:
    """Turn (inputs, outputs per group, height, width) by 180° and return (outputs, inputs per group, height, width)."""
    inputs, outputs, *kernel = weights.shape
    parts = weights.reshape(groups, inputs // groups, outputs, *kernel).swapaxes(1, 2)
    return np.ascontiguousarray(parts.reshape(groups * outputs, inputs // groups, *kernel)[:, :, ::-1, ::-1])


def convolution(rewriter: Rewriter, node: Node) -> str:
    """Conv along one axis as one over images of one line; others stay as they are."""
    shape = rewriter.shapes[node.inputs[0]]
    if len(shape) != ONE_AXIS:
        return rewriter.keep(node)
    weights = constant_of(rewriter, node, 1)
    if weights is None:
        raise node.refuse("its weights are computed")
    attributes = dict(node.attributes)
    for name, lead in LISTS.items():
        if name in attributes:
            attributes[name] = (*lead, *node.integers(name))
    if "pads" in attributes:
        start, end = node.integers("pads")
        attributes["pads"] = (0, start, 0, end)
    line = reshaped(rewriter, node.inputs[0], (*shape[:2], 1, shape[2]))
    flat = rewriter.constant(weights[:, :, np.newaxis], f"{node.output}.weights")
    batch, channels, length = shape_of(rewriter, node)
    inside = rewriter.claim(f"{node.output}.line")
    rewriter.shapes[inside] = (batch, channels, 1, length)
    rewriter.keep(replace(node, inputs=(line, flat, *node.inputs[2:]), output=inside, attributes=attributes))
    return reshaped(rewriter, inside, (batch, channels, length), node.output)


RULES: Final[dict[str, Callable[[Rewriter, Node], str]]] = {
    "ConvTranspose": transposed_convolution, "Conv": convolution,
}  # fmt: skip
