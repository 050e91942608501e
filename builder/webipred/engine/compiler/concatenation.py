"""Concatenation without copies: chains share what they have in common, and parts are written where they belong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from webipred.engine.compiler.graph import Graph, Node, Rewriter

STRIDED: Final = frozenset(("Conv", "Dense", "MaxPool", "AveragePool", "Affine", "Unary", "Add", "Sub", "Mul",
"Div", "Max", "Min", "PRelu",
                            "Softmax", "LayerNormalization", "Concat", "Resize", "Box", "Pad",
                            "GroupNorm", "Response", "Spread"))  # fmt: skip
"""Operators whose kernels read and write rows at any distance."""


def share_prefixes(graph: Graph) -> Graph:
    """Return the graph with Concat(a, b, c) as Concat(Concat(a, b), c) where Concat(a, b) is there already.

    DenseNet as PyTorch exports it concatenates all earlier features anew in every layer.
    """
    rewriter = Rewriter(graph)
    known: dict[tuple[str, ...], str] = {}
    for old in graph.nodes:
        node = rewriter.visit(old)
        if node.op == "Concat" and is_last_axis(rewriter, node):
            inputs = node.inputs
            for count in range(len(inputs) - 1, 1, -1):
                if inputs[:count] in known:
                    inputs = (known[inputs[:count]], *inputs[count:])
                    break
            known[node.inputs] = node.output
            node = Node(op="Concat", inputs=inputs, output=node.output, attributes=node.attributes)
        rewriter.keep(node)
    return rewriter.finish()


def is_last_axis(rewriter: Rewriter, node: Node) -> bool:
    """Whether a Concat joins channels."""
    rank = len(rewriter.shapes[node.output])
    return node.integer("axis") % rank == rank - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value lies: channels from `offset` on inside the value `whole`."""

    whole: str
    offset: int


def plan_places(graph: Graph) -> Mapping[str, Place]:
    """Tell which values are written straight into a concatenation; all others lie on their own.

    A value can lie in one concatenation only, must come from a kernel that writes rows at any distance, and all its
    readers must read such rows. A concatenation inside another lies there with everything in it.
    """
    makers = {node.output: node for node in graph.nodes}
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    places: dict[str, Place] = {}
    for node in reversed(graph.nodes):  # the largest concatenation first
        if (
            node.op != "Concat"
            or node.integer("axis") % len(graph.shapes[node.output]) != len(graph.shapes[node.output]) - 1
        ):
            continue
        offset = 0
        for name in node.inputs:
            maker = makers.get(name)
            free = maker is not None and maker.op in STRIDED and name not in graph.outputs and name not in places
            if free and node.inputs.count(name) == 1 and all(reader.op in STRIDED for reader in readers[name]):
                places[name] = Place(whole=node.output, offset=offset)
            offset += graph.shapes[name][-1]
    return places


def resolve_place(places: Mapping[str, Place], name: str) -> Place:
    """Follow nested concatenations to the value that owns memory."""
    offset = 0
    while name in places:
        offset += places[name].offset
        name = places[name].whole
    return Place(whole=name, offset=offset)
