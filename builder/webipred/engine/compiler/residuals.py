"""Fuse what stands around a convolution into it: the sum with a shortcut behind, affine and ReLU in front."""

from typing import Final

from webipred.engine.compiler.graph import Graph, Node, Rewriter

INFINITY: Final = float("inf")


def fuse_residuals(graph: Graph) -> Graph:
    """Return the graph with Add(conv, shortcut) as the convolution's fourth input, at the place of the sum.

    The convolution moves to where both sides are known; its activation is that of the sum. Depthwise kernels have no
    such input.
    """
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        found = find_convolution(rewriter, node) if node.op == "Add" else None
        if found is None:
            rewriter.keep(node)
            continue
        convolution, shortcut = found
        inputs = (*convolution.inputs[:2], convolution.input(2), shortcut)
        rewriter.keep(
            Node(
                op=convolution.op,
                inputs=inputs,
                output=node.output,
                attributes={**convolution.attributes, **node.attributes},
            )
        )
    return rewriter.finish()


def find_convolution(rewriter: Rewriter, node: Node) -> tuple[Node, str] | None:
    """Return (convolution, shortcut) of a sum, the later convolution first."""
    for name, other in (node.inputs[::-1], node.inputs):
        before = rewriter.sole(name)
        if before is None or before.op not in ("Conv", "Dense") or other in rewriter.constants:
            continue
        if "activation" in before.attributes or before.input(3) or is_depthwise(rewriter, before):
            continue
        if rewriter.shapes[name] == rewriter.shapes[other] == rewriter.shapes[node.output] and name != other:
            return before, other
    return None


def is_depthwise(rewriter: Rewriter, node: Node) -> bool:
    """Whether a convolution has one filter per channel."""
    if node.op != "Conv":
        return False
    channels = rewriter.shapes[node.inputs[0]][-1]
    return node.integer("group", 1) == channels == rewriter.shapes[node.output][-1] and channels > 1


def fuse_prologues(graph: Graph) -> Graph:
    """Return the graph with Affine (and ReLU) before a 1×1 convolution as its fifth and sixth input (scale, shift)."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        before = rewriter.sole(node.inputs[0]) if is_pointwise(rewriter, node) else None
        if before is None or before.op != "Affine" or not is_rectified(before):
            rewriter.keep(node)
            continue
        inputs = (before.inputs[0], *(node.input(index) for index in range(1, 4)), *before.inputs[1:3])
        low = before.number("a") if "activation" in before.attributes else -INFINITY
        rewriter.keep(
            Node(op=node.op, inputs=inputs, output=node.output, attributes={**node.attributes, "prologue_low": low})
        )
    return rewriter.finish()


def is_rectified(node: Node) -> bool:
    """Whether a node's activation is none or a lower bound."""
    if "activation" not in node.attributes:
        return True
    return node.text("activation") == "clamp" and node.number("b") == INFINITY


def is_pointwise(rewriter: Rewriter, node: Node) -> bool:
    """Whether a node is an ungrouped 1×1 convolution without padding."""
    if node.op != "Conv" or node.integer("group", 1) != 1 or any(node.integers("pads")):
        return False
    return node.integers("kernel_shape") == (1, 1)
