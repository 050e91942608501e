"""The tail of a network: what stands between its last weighted layer and its output."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import onnx

from webipred.convert.graph import Node

WEIGHTED: Final = ("Conv", "ConvTranspose", "Gemm", "MatMul")
GATES: Final = ("HardSigmoid", "Sigmoid")
ACTIVATIONS: Final = ("Exp", "LogSoftmax", "Softmax", *GATES)
PASSING: Final = ("Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What a walk from the output back to the last weights met.

    `last` is the last node that computes something; `activations` are the nodes of ACTIVATIONS at which a path ended,
    in a fixed order; `operators` those that stand behind them; `bare`: some path met weights, or the image, first.
    """

    last: Node | None
    activations: tuple[Node, ...]
    operators: tuple[str, ...]
    bare: bool


def find_tail(nodes: Sequence[Node], source: str, result: str) -> Tail:
    """Return the tail of a network whose image is `source`; a swish, x · sigmoid(x), is passed like a ReLU."""
    producers = {output: node for node in nodes for output in node.outputs}
    depending = _find_depending(nodes, source)
    activations: list[Node] = []
    operators: dict[str, None] = {}
    bare, seen, stack = False, set[str](), [result]
    while stack:
        name = stack.pop()
        if name in seen or name not in depending:
            continue
        seen.add(name)
        node = producers.get(name)
        if node is None or (node.op in WEIGHTED and not depending.issuperset(node.inputs[:2])):
            bare = True
        elif node.op in ACTIVATIONS:
            activations.append(node)
        else:
            operators[node.op] = None
            stack.extend(_list_sources(node, producers))
    return Tail(
        last=find_last(producers, result), activations=tuple(activations), operators=tuple(operators), bare=bare
    )


def find_last(producers: Mapping[str, Node], result: str) -> Node | None:
    """Return the node that computes a tensor, behind those that only pass it on."""
    node = producers.get(result)
    while node is not None and node.op in PASSING:
        node = producers.get(node.inputs[0])
    return node


def read_nodes(nodes: Iterable[onnx.NodeProto]) -> list[Node]:
    """Return the nodes of a parsed file, without their attributes."""
    return [Node(op=node.op_type, inputs=tuple(node.input), outputs=tuple(node.output)) for node in nodes]


def _find_depending(nodes: Sequence[Node], source: str) -> set[str]:
    """Names of the tensors whose numbers depend on the image; a shape does not."""
    depending = {source}
    for node in nodes:
        if node.op != "Shape" and not depending.isdisjoint(node.inputs):
            depending.update(node.outputs)
    return depending


def _list_sources(node: Node, producers: Mapping[str, Node]) -> Sequence[str]:
    if node.op == "Mul":
        for value, gate in (node.inputs, node.inputs[::-1]):
            made_by = producers.get(gate)
            if made_by is not None and made_by.op in GATES and made_by.inputs[0] == value:
                return (value,)
    return node.inputs
