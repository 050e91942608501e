"""Index tables for nearest and linear resize, after ONNX's definition of the operator."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from webipred.engine.compiler.graph import Node, Shape

ROUNDINGS: Final[dict[str, Callable[[float], int]]] = {
    "round_prefer_floor": lambda x: math.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: math.floor(x + 0.5),
    "floor": math.floor,
    "ceil": math.ceil,
}


def make_tables(node: Node, old: Shape, new: Shape) -> NDArray[np.float32]:
    """Return (first index, second index, weight of the second) for each output row, then each output column."""
    if node.integer("antialias") or node.integer("exclude_outside") or old[0] != new[0] or old[3] != new[3]:
        raise node.refuse("only plain resizes of height and width are there")
    scales = node.attributes.get("scales")
    rows = []
    for axis in (1, 2):
        scale = float(scales[axis]) if isinstance(scales, tuple) else new[axis] / old[axis]
        rows += [sample(node, place, old[axis], new[axis], scale) for place in range(new[axis])]
    return np.array(rows, np.float32)


def sample(node: Node, place: int, old: int, new: int, scale: float) -> tuple[int, int, float]:
    """Return where one output row or column comes from."""
    x = find_origin(node, place, old, new, scale)
    mode = node.text("mode", "nearest")
    if mode == "nearest":
        index = min(max(ROUNDINGS[node.text("nearest_mode", "round_prefer_floor")](x), 0), old - 1)
        return index, index, 0.0
    if mode != "linear":
        raise node.refuse(f"the mode {mode}")
    x = min(max(x, 0.0), old - 1.0)
    first = math.floor(x)
    return first, min(first + 1, old - 1), x - first


def find_origin(node: Node, place: int, old: int, new: int, scale: float) -> float:
    """Return the input coordinate of an output row or column."""
    rule = node.text("coordinate_transformation_mode", "half_pixel")
    match rule:
        case "half_pixel":
            return (place + 0.5) / scale - 0.5
        case "pytorch_half_pixel":
            return (place + 0.5) / scale - 0.5 if new > 1 else 0.0
        case "asymmetric":
            return place / scale
        case "align_corners":
            return place * (old - 1) / (new - 1) if new > 1 else 0.0
        case _:
            raise node.refuse(f"the coordinates {rule}")
