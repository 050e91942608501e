"""Recognise activations that graphs spell out, and fuse activations into the kernels that make their input.

x·sigmoid(x) → swish; x·hard_sigmoid(x) → hard_swish; clip(x + 3, 0, 6)/6 → hard_sigmoid; x/2·(1 + erf(x/√2)) → gelu.
"""

import math
from typing import Final

import numpy as np

from webipred.engine.compiler.graph import Array, Graph, Node, Rewriter

FUSABLE: Final = ("Conv", "Dense", "Affine", "Add", "Sub", "Mul", "Div", "Max", "Min", "MatMul")
CLOSE: Final = 1e-6  # constants in the graph are float32


def recognise_activations(graph: Graph) -> Graph:
    """Return the graph with spelled-out activations as one Unary each."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        found = read_hard_sigmoid(rewriter, node) or read_product(rewriter, node) or read_gelu(rewriter, node)
        if found is None:
            rewriter.keep(node)
            continue
        name, kind, a, b = found
        rewriter.keep(Node(op="Unary", inputs=(name,), output=node.output, attributes={"kind": kind, "a": a, "b": b}))
    return rewriter.finish()


Found = tuple[str, str, float, float] | None


def is_unary(node: Node | None, kind: str) -> bool:
    """Whether a node is the Unary of this kind."""
    return node is not None and node.op == "Unary" and node.text("kind") == kind


def uniform(value: Array | None) -> float | None:
    """Return the number that fills an array, None where there is none."""
    return (
        float(value.reshape(-1)[0])
        if value is not None and value.size and np.all(value == value.reshape(-1)[0])
        else None
    )


def read_line(rewriter: Rewriter, node: Node | None) -> tuple[str, float, float] | None:
    """Return (x, slope, offset) where a node is x · slope + offset with single numbers."""
    if node is None or node.op != "Affine":
        return None
    slope, offset = (uniform(rewriter.constants.get(name)) for name in node.inputs[1:3])
    return None if slope is None or offset is None else (node.inputs[0], slope, offset)


def read_hard_sigmoid(rewriter: Rewriter, node: Node) -> Found:
    """clip(x·a + b, 0, top) / top, with the division behind the clip."""
    outer = read_line(rewriter, node)
    if outer is None or outer[2] != 0:
        return None
    clamp = rewriter.producer(outer[0])
    if clamp is None or not is_unary(clamp, "clamp"):
        return None
    low, high = clamp.number("a"), clamp.number("b")
    if low != 0 or not math.isclose(high * outer[1], 1, rel_tol=CLOSE):
        return None
    inner = read_line(rewriter, rewriter.producer(clamp.inputs[0])) or (clamp.inputs[0], 1.0, 0.0)
    return inner[0], "hard_sigmoid", inner[1] * outer[1], inner[2] * outer[1]


def read_product(rewriter: Rewriter, node: Node) -> Found:
    """x times a sigmoid of x."""
    if node.op != "Mul":
        return None
    for name, other in (node.inputs, node.inputs[::-1]):
        gate = rewriter.producer(other)
        if gate is None or gate.op != "Unary" or gate.inputs[0] != name:
            continue
        if gate.text("kind") == "sigmoid":
            return name, "swish", 0.0, 0.0
        if gate.text("kind") == "hard_sigmoid":
            return name, "hard_swish", gate.number("a"), gate.number("b")
    return None


def read_gelu(rewriter: Rewriter, node: Node) -> Found:
    """(x·½)·(1 + erf(x/√2)) in any grouping of its factors."""
    factors, scale = collect_factors(rewriter, node)
    if len(factors) != 2:
        return None
    for name, other in (factors, factors[::-1]):
        line = read_line(rewriter, rewriter.producer(other))
        if line is None or not math.isclose(line[1], line[2], rel_tol=CLOSE):
            continue
        erf = rewriter.producer(line[0])
        inner = (
            read_line(rewriter, rewriter.producer(erf.inputs[0])) if erf is not None and is_unary(erf, "erf") else None
        )
        if (
            inner is None
            or inner[0] != name
            or inner[2] != 0
            or not math.isclose(inner[1], math.sqrt(0.5), rel_tol=CLOSE)
        ):
            continue
        if math.isclose(scale * line[1], 0.5, rel_tol=CLOSE):
            return name, "gelu", 0.0, 0.0
    return None


def collect_factors(rewriter: Rewriter, node: Node) -> tuple[list[str], float]:
    """Return the values and the constant factor of a product of up to two values."""
    line = read_line(rewriter, node)
    if line is not None and line[2] == 0:
        inner = rewriter.producer(line[0])
        if inner is not None and inner.op == "Mul":
            factors, scale = collect_factors(rewriter, inner)
            return factors, scale * line[1]
    if node.op != "Mul":
        return [], 1.0
    factors, scale = [], 1.0
    for name in node.inputs:
        part = read_line(rewriter, rewriter.producer(name))
        if part is not None and part[2] == 0:
            factors.append(part[0])
            scale *= part[1]
        else:
            factors.append(name)
    return factors, scale


def fuse_activations(graph: Graph) -> Graph:
    """Return the graph with each Unary that alone reads a kernel's result as that kernel's `activation`."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        before = rewriter.sole(node.inputs[0]) if node.op == "Unary" and node.inputs else None
        if before is None or not may_fuse(before):
            rewriter.keep(node)
            continue
        activation = {"activation": node.text("kind"), "a": node.number("a"), "b": node.number("b")}
        rewriter.change(before, output=node.output, attributes={**before.attributes, **activation})
    return rewriter.finish()


def may_fuse(node: Node) -> bool:
    """Whether a kernel can apply an activation to its result."""
    return node.op in FUSABLE and "activation" not in node.attributes
