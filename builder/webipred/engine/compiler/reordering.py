"""Average before a 1×1 convolution instead of behind it: both are linear, and the convolution then sees fewer pixels.

DenseNet's transitions convolve at full size and average 2×2 pixels afterwards: four times the products for the same
result.
"""

from webipred.engine.compiler.graph import Graph, Node, Rewriter
from webipred.engine.compiler.residuals import is_pointwise


def pool_first(graph: Graph) -> Graph:
    """Return the graph with AveragePool(1×1 Conv(x)) as 1×1 Conv(AveragePool(x)) where the pool shrinks the image."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        before = rewriter.sole(node.inputs[0]) if node.op == "AveragePool" else None
        if before is None or not may_swap(rewriter, before, node):
            rewriter.keep(node)
            continue
        channels = rewriter.shapes[before.inputs[0]][-1]
        shape = (*rewriter.shapes[node.output][:-1], channels)
        pooled = rewriter.emit("AveragePool", before.inputs[:1], shape, f"{node.output}.pooled", **node.attributes)
        rewriter.keep(
            Node(op="Conv", inputs=(pooled, *before.inputs[1:]), output=node.output, attributes=before.attributes)
        )
    return rewriter.finish()


def may_swap(rewriter: Rewriter, convolution: Node, pool: Node) -> bool:
    """Whether the swap keeps the value (nothing but the linear map, no padding that counts) and saves products."""
    if not is_pointwise(rewriter, convolution) or "activation" in convolution.attributes or convolution.input(3):
        return False
    if convolution.integers("strides") != (1, 1) or any(pool.integers("pads")):
        return False
    old, new = rewriter.shapes[convolution.output], rewriter.shapes[pool.output]
    return new[1] * new[2] < old[1] * old[2]
