"""Folding: a batch normalisation right behind a convolution becomes part of it."""

from collections import Counter
from typing import Final

import numpy as np

from webipred.convert.graph import Array, GraphBuilder, Node

FOLDABLE: Final = ("Conv",)
PLANAR_KERNEL_AXES: Final = 4


def fold_normalizations(graph: GraphBuilder, result: str) -> int:
    """Fold where the convolution feeds nothing else and the numbers stay finite; return how many were folded.

    γ (Wx + b − μ) / √(σ² + ε) + β = (sW) x + (s (b − μ) + β) with s = γ / √(σ² + ε), computed in double precision.
    """
    uses = Counter(name for node in graph.nodes for name in node.inputs)
    uses[result] += 1
    producers = {output: position for position, node in enumerate(graph.nodes) for output in node.outputs}
    nodes: list[Node | None] = list(graph.nodes)
    folded = 0
    for position, node in enumerate(graph.nodes):
        if node.op != "BatchNormalization":
            continue
        source = producers.get(node.inputs[0])
        before = nodes[source] if source is not None else None
        if source is None or before is None or before.op not in FOLDABLE or uses[node.inputs[0]] != 1:
            continue
        merged = _merge(graph, before, node)
        if merged is not None:
            nodes[source], nodes[position] = merged, None
            folded += 1
    graph.nodes = [node for node in nodes if node is not None]
    return folded


def _merge(graph: GraphBuilder, conv: Node, normalization: Node) -> Node | None:
    names = [*conv.inputs[1:], *normalization.inputs[1:]]
    if any(name not in graph.constants for name in names):
        return None
    if graph.constants[conv.inputs[1]].ndim != PLANAR_KERNEL_AXES:
        return None
    gamma, beta, mean, variance = (graph.constants[name].astype(np.float64) for name in normalization.inputs[1:])
    epsilon = normalization.attributes.get("epsilon", 1e-5)
    kernel = graph.constants[conv.inputs[1]].astype(np.float64)
    bias = graph.constants[conv.inputs[2]].astype(np.float64) if len(conv.inputs) > 2 else np.zeros(kernel.shape[0])
    spread = variance + (epsilon if isinstance(epsilon, float) else 1e-5)
    if not (spread > 0).all():
        return None
    factor = gamma / np.sqrt(spread)
    arrays = (kernel * factor.reshape(-1, 1, 1, 1), factor * (bias - mean) + beta)
    with np.errstate(over="ignore"):
        kernel32, bias32 = (array.astype(np.float32) for array in arrays)
    if not _is_safe(kernel32) or not _is_safe(bias32):
        return None
    inputs = (
        conv.inputs[0],
        graph.constant(f"{conv.inputs[1]}.folded", kernel32),
        graph.constant(f"{conv.inputs[1]}.folded_bias", bias32),
    )
    return Node(op=conv.op, inputs=inputs, outputs=normalization.outputs, attributes=conv.attributes)


def _is_safe(array: Array) -> bool:
    """Finite, and far enough from the end of float32 that products stay finite."""
    return bool(np.isfinite(array).all() and (np.abs(array) < np.float32(1e30)).all())
