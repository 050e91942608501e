"""Resolve automatic padding and merge Pad nodes into the convolution or pool behind them."""

from typing import Final

from webipred.engine.compiler.graph import Attribute, Graph, Node, Rewriter

WINDOWED: Final = ("Conv", "MaxPool", "AveragePool")


def resolve_windows(graph: Graph) -> Graph:
    """Return the graph whose windows all state kernel_shape, strides, dilations and pads (top, left, bottom, right).

    Expects channels last. AveragePool gets `counts`: "inside", "padded" (ONNX's count_include_pad).
    A ceil_mode window may hang over the declared padding at the end: its pads grow, and what lies there never counts.
    """
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        rewriter.keep(resolve_window(rewriter, node) if node.op in WINDOWED else node)
    return rewriter.finish()


def resolve_window(rewriter: Rewriter, node: Node) -> Node:
    """Return one node with its window spelled out."""
    kernel = rewriter.shapes[node.inputs[1]][2:] if node.op == "Conv" else node.integers("kernel_shape")
    if len(kernel) != 2 or node.integer("storage_order"):
        raise node.refuse("only windows over two axes are there")
    strides, dilations = node.integers("strides", (1, 1)), node.integers("dilations", (1, 1))
    size, out = rewriter.shapes[node.inputs[0]][1:3], rewriter.shapes[node.output][1:3]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    need = [max(0, (o - 1) * s + r - i) for o, s, r, i in zip(out, strides, reach, size, strict=True)]
    auto = node.text("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        before = [(amount + (auto == "SAME_LOWER")) // 2 for amount in need]
        declared = [*before, *(amount - part for amount, part in zip(need, before, strict=True))]
    else:
        declared = list(node.integers("pads", (0, 0, 0, 0)))
    after = [max(declared[2 + axis], need[axis] - declared[axis]) for axis in range(2)]
    if node.op == "AveragePool" and node.integer("count_include_pad") and after != declared[2:]:
        raise node.refuse("ceil_mode together with count_include_pad")
    attributes: dict[str, Attribute] = {"kernel_shape": tuple(kernel), "strides": strides, "dilations": dilations,
    "pads": (*declared[:2], *after),
                  "group": node.integer("group", 1)}  # fmt: skip
    counts = "padded" if node.integer("count_include_pad") else "inside"
    return Node(op=node.op, inputs=node.inputs, output=node.output, attributes={**attributes, "counts": counts})


def merge_pads(graph: Graph) -> Graph:
    """Return the graph with zero padding of the two image axes inside the windows where the result is the same."""
    rewriter = Rewriter(graph)
    for old in graph.nodes:
        node = rewriter.visit(old)
        pad = rewriter.sole(node.inputs[0]) if node.op in WINDOWED else None
        if pad is None or pad.op != "Pad" or not may_merge(rewriter, node, pad):
            rewriter.keep(node)
            continue
        before, after = pad.integers("before"), pad.integers("after")
        top, left, bottom, right = node.integers("pads")
        pads = (top + before[1], left + before[2], bottom + after[1], right + after[2])
        attributes = {**node.attributes, "pads": pads, "counts": "padded"}
        rewriter.keep(
            Node(op=node.op, inputs=(pad.inputs[0], *node.inputs[1:]), output=node.output, attributes=attributes)
        )
    return rewriter.finish()


def may_merge(rewriter: Rewriter, node: Node, pad: Node) -> bool:
    """Whether the padding means the same inside the window.

    A convolution pads with zeros itself. An average counts merged padding, so it may have none of its own that does not
    count. A maximum ignores padding, which equals zeros only where no value is negative and every window meets the
    image.
    """
    before, after = pad.integers("before"), pad.integers("after")
    if pad.number("value") != 0 or before[0] or before[3] or after[0] or after[3]:
        return False
    if node.op == "AveragePool":
        return node.text("counts") == "padded" or not any(node.integers("pads"))
    if node.op == "MaxPool":
        kernel = node.integers("kernel_shape")
        small = all(
            amount < kernel[axis - 1]
            for amounts in (before, after)
            for axis, amount in enumerate(amounts)
            if axis in (1, 2)
        )
        return (
            small
            and not any(node.integers("pads"))
            and node.integers("dilations") == (1, 1)
            and never_negative(rewriter, pad.inputs[0])
        )
    return True


def never_negative(rewriter: Rewriter, name: str) -> bool:
    """Whether a value comes out of an activation that is never below zero."""
    node = rewriter.producer(name)
    if node is None:
        return False
    if node.op in ("Concat", "MaxPool"):
        return all(never_negative(rewriter, item) for item in node.inputs)
    kind = node.text("kind") or node.text("activation")
    return kind in ("sigmoid", "hard_sigmoid") or (kind == "clamp" and node.number("a") >= 0)
