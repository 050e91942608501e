"""Rules for what only moves elements: blocks between channels and space, gathered indices, tiles."""

from collections.abc import Callable
from typing import Final

import numpy as np

from webipred.engine.compiler.graph import Node, Rewriter
from webipred.engine.compiler.operands import constant_of, reshaped, shape_of, transposed

MOST_RUNS: Final = 1024


def depth_to_space(rewriter: Rewriter, node: Node) -> str:
    """Channels become blocks of pixels; the block's place is the slow (DCR) or the fast (CRD) part of the channel."""
    batch, channels, height, width = image_of(rewriter, node)
    block = node.integer("blocksize")
    rest = channels // block**2
    if node.text("mode", "DCR") == "DCR":
        split, order = (batch, block, block, rest, height, width), (0, 3, 4, 1, 5, 2)
    else:
        split, order = (batch, rest, block, block, height, width), (0, 1, 4, 2, 5, 3)
    turned = transposed(rewriter, reshaped(rewriter, node.inputs[0], split), order)
    return reshaped(rewriter, turned, shape_of(rewriter, node), node.output)


def space_to_depth(rewriter: Rewriter, node: Node) -> str:
    """Blocks of pixels become channels, the block's place being their slow part."""
    batch, channels, height, width = image_of(rewriter, node)
    block = node.integer("blocksize")
    split = (batch, channels, height // block, block, width // block, block)
    turned = transposed(rewriter, reshaped(rewriter, node.inputs[0], split), (0, 3, 5, 1, 2, 4))
    return reshaped(rewriter, turned, shape_of(rewriter, node), node.output)


def image_of(rewriter: Rewriter, node: Node) -> tuple[int, int, int, int]:
    """Return batch, channels, height and width of a node's input."""
    shape = rewriter.shapes[node.inputs[0]]
    if len(shape) != 4:
        raise node.refuse(f"only images of (batch, channel, height, width) are there, not {shape}")
    return shape[0], shape[1], shape[2], shape[3]


def gather(rewriter: Rewriter, node: Node) -> str:
    """Gather with constant indices along one axis: slices of equally spaced indices, joined."""
    index = constant_of(rewriter, node, 1)
    shape = rewriter.shapes[node.inputs[0]]
    axis = node.integer("axis") % len(shape)
    if index is None or index.size == 0:
        raise node.refuse("it gathers nothing")
    places = [int(place) for place in np.asarray(index).reshape(-1)]
    if any(not -shape[axis] <= place < shape[axis] for place in places):
        raise node.refuse("an index lies outside")
    runs = split_runs([place % shape[axis] for place in places])
    if len(runs) > MOST_RUNS:
        raise node.refuse(f"its indices make {len(runs)} runs")
    parts = []
    for start, step, count in runs:
        starts = tuple(start if place == axis else 0 for place in range(len(shape)))
        steps = tuple(step if place == axis else 1 for place in range(len(shape)))
        kept = tuple(count if place == axis else size for place, size in enumerate(shape))
        parts.append(rewriter.emit("Box", node.inputs[:1], kept, f"{node.output}.part", starts=starts, steps=steps))
    joined = parts[0]
    if len(parts) > 1:
        whole = tuple(len(places) if place == axis else size for place, size in enumerate(shape))
        joined = rewriter.emit("Concat", parts, whole, f"{node.output}.joined", axis=axis)
    return rewriter.emit("Reshape", [joined], shape_of(rewriter, node), node.output)


def split_runs(places: list[int]) -> list[tuple[int, int, int]]:
    """Return (start, step, count) of runs with one positive step; indices that go back stand alone."""
    runs: list[tuple[int, int, int]] = []
    for place in places:
        if runs:
            start, step, count = runs[-1]
            gap = place - (start + step * (count - 1))
            if gap > 0 and (count == 1 or gap == step):
                runs[-1] = (start, gap, count + 1)
                continue
        runs.append((place, 1, 1))
    return runs


def tile(rewriter: Rewriter, node: Node) -> str:
    """Tile as the value joined to itself, axis by axis."""
    repeats = constant_of(rewriter, node, 1)
    result = node.inputs[0]
    for axis, count in enumerate([] if repeats is None else [int(item) for item in repeats]):
        if count == 1:
            continue
        now = rewriter.shapes[result]
        parts = [result] * count
        whole = tuple(size * count if place == axis else size for place, size in enumerate(now))
        result = rewriter.emit("Concat", parts, whole, f"{node.output}.tiled", axis=axis)
    return result


RULES: Final[dict[str, Callable[[Rewriter, Node], str]]] = {
    "DepthToSpace": depth_to_space, "SpaceToDepth": space_to_depth, "Gather": gather, "Tile": tile,
}  # fmt: skip
