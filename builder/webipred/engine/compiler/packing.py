"""Lay weights out as the kernels walk them."""

from typing import Final

import numpy as np

from webipred.engine.compiler.graph import Array

COLUMNS: Final = 8


def pack_panels(matrix: Array, groups: int = 1) -> Array:
    """Pack (outputs, depth) into panels [groups][⌈outputs/8⌉][depth][8], padded with zeros."""
    outputs, depth = matrix.shape
    per_group = outputs // groups
    panels = -(-per_group // COLUMNS)
    padded = np.zeros((groups, panels * COLUMNS, depth), matrix.dtype)
    padded[:, :per_group] = matrix.reshape(groups, per_group, depth)
    return np.ascontiguousarray(padded.reshape(groups, panels, COLUMNS, depth).transpose(0, 1, 3, 2))


def pack_convolution(weights: Array, groups: int = 1) -> Array:
    """Pack ONNX weights (outputs, inputs per group, height, width); depth runs over (height, width, input)."""
    return pack_panels(weights.transpose(0, 2, 3, 1).reshape(weights.shape[0], -1), groups)


def pack_bias(bias: Array, groups: int = 1) -> Array:
    """Pad the bias like the panels."""
    return pack_panels(bias.reshape(-1, 1), groups).reshape(-1)


def pack_depthwise(weights: Array) -> Array:
    """Pack (channels, 1, height, width) into [height][width][channels]."""
    return np.ascontiguousarray(weights[:, 0].transpose(1, 2, 0))
