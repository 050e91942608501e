"""Fold products and sums with per-channel constants into the convolution or matrix product in front of them.

A product or sum with a constant along the last axis becomes Affine (scale, shift; float64), neighbouring Affines become
one, and an Affine behind a Conv or Dense that nothing else reads goes into its weights: w' = w · scale,
b' = b · scale + shift. All in double precision, rounded to float32 once.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from webipred.engine.compiler.graph import Graph, Node, Rewriter

Doubles: TypeAlias = NDArray[np.float64]


def fold_affines(graph: Graph) -> Graph:
    """Return the graph with constant products and sums folded as far as they go."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        affine = read_affine(rewriter, node)
        if affine is None:
            rewriter.keep(node)
            continue
        name, scale, shift = affine
        before = rewriter.sole(name)
        if (
            before is not None
            and before.op in ("Conv", "Dense")
            and (scale.size == 1 or scale.size == channels(rewriter, before))
        ):
            fold_into_weights(rewriter, before, node.output, scale, shift)
        elif before is not None and before.op == "Affine":
            join(rewriter, before, node.output, scale, shift)
        else:
            emit_affine(rewriter, node, name, scale, shift)
    return rewriter.finish()


def channels(rewriter: Rewriter, node: Node) -> int:
    """Return the length of the last axis of a node's output."""
    return rewriter.shapes[node.output][-1]


def read_affine(rewriter: Rewriter, node: Node) -> tuple[str, Doubles, Doubles] | None:
    """Return (value, scale, shift), each scale and shift of length 1 or channels, where it is one."""
    if node.op not in ("Mul", "Add"):
        return None
    for name, other in (node.inputs, node.inputs[::-1]):
        constant = rewriter.constants.get(other)
        shape = rewriter.shapes[node.output]
        if constant is None or name in rewriter.constants or rewriter.shapes[name] != shape:
            continue
        if constant.size != 1 and (constant.size != constant.shape[-1] or constant.size != shape[-1]):
            continue
        value = constant.reshape(-1).astype(np.float64)
        return (name, value, np.zeros(1)) if node.op == "Mul" else (name, np.ones(1), value)
    return None


def emit_affine(rewriter: Rewriter, node: Node, name: str, scale: Doubles, shift: Doubles) -> None:
    """Keep the node as Affine under its own name."""
    scale_name = rewriter.constant(scale, f"{node.output}.scale")
    shift_name = rewriter.constant(shift, f"{node.output}.shift")
    rewriter.keep(Node(op="Affine", inputs=(name, scale_name, shift_name), output=node.output))


def join(rewriter: Rewriter, before: Node, output: str, scale: Doubles, shift: Doubles) -> None:
    """(x·s + t)·scale + shift = x·(s·scale) + (t·scale + shift)."""
    old_scale, old_shift = (rewriter.constants[name].astype(np.float64) for name in before.inputs[1:])
    factor = rewriter.constant(old_scale * scale, f"{output}.scale")
    offset = rewriter.constant(old_shift * scale + shift, f"{output}.shift")
    rewriter.change(before, output=output, inputs=(before.inputs[0], factor, offset))


def fold_into_weights(rewriter: Rewriter, before: Node, output: str, scale: Doubles, shift: Doubles) -> None:
    """Scale the output channels: axis 0 of a Conv's weights, axis 1 of a Dense's matrix."""
    name = before.inputs[1]
    if name not in rewriter.constants:
        raise before.refuse("its weights are computed")
    weights = rewriter.constants[name].astype(np.float64)
    count = weights.shape[0] if before.op == "Conv" else weights.shape[1]
    factor = np.broadcast_to(scale, (count,))
    scaled = weights * (factor.reshape(-1, *(1,) * (weights.ndim - 1)) if before.op == "Conv" else factor)
    bias = rewriter.constants[before.input(2)].astype(np.float64) if before.input(2) else np.zeros(count)
    new_weights = rewriter.constant(scaled, f"{output}.weights")
    new_bias = rewriter.constant(bias * factor + shift, f"{output}.bias")
    rewriter.change(before, output=output, inputs=(before.inputs[0], new_weights, new_bias))


def drop_neutral(graph: Graph) -> Graph:
    """Return the graph without Affines that change nothing."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        scale, shift = (rewriter.constants.get(name) for name in (node.input(1), node.input(2)))
        if (
            node.op == "Affine"
            and scale is not None
            and shift is not None
            and np.all(scale == 1)
            and np.all(shift == 0)
        ):
            rewriter.rename(node.output, node.inputs[0])
        else:
            rewriter.keep(node)
    return rewriter.finish()
