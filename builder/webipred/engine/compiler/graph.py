"""The graph that the passes rewrite: single-output nodes with static shapes, in execution order."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from webipred.errors import FindingsError
from webipred.findings import Finding

Array: TypeAlias = NDArray[np.generic]
Shape: TypeAlias = tuple[int, ...]
Attribute: TypeAlias = "int | float | str | tuple[int, ...] | tuple[float, ...] | Array | None"


class UnsupportedOperator(FindingsError):  # noqa: N818  # it names the operator; a model may still run elsewhere
    """The engine has no kernel for a node; the model can run on another runtime. `operator` and `node` name it."""

    def __init__(self, operator: str, node: str, why: str = "") -> None:
        self.operator = operator
        self.node = node
        self.why = why
        reason = f"the compiled engine has no {operator} as node {node!r} wants it{f': {why}' if why else ''}"
        fix = "The model runs on onnxruntime-web instead."
        super().__init__([Finding(code="E-ENGINE-OPERATOR", where=node, what=reason + ".", fix=fix)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operator with one output; an absent optional input is the empty name."""

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def integer(self, name: str, default: int = 0) -> int:
        """Return an integer attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int | float):
            raise UnsupportedOperator(self.op, self.output, f"attribute {name} is {value!r}")
        return int(value)

    def number(self, name: str, default: float = 0.0) -> float:
        """Return a floating-point attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int | float):
            raise UnsupportedOperator(self.op, self.output, f"attribute {name} is {value!r}")
        return float(value)

    def text(self, name: str, default: str = "") -> str:
        """Return a text attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, str):
            raise UnsupportedOperator(self.op, self.output, f"attribute {name} is {value!r}")
        return value

    def integers(self, name: str, default: Sequence[int] = ()) -> tuple[int, ...]:
        """Return a list of integers."""
        value = self.attributes.get(name, tuple(default))
        if not isinstance(value, tuple):
            raise UnsupportedOperator(self.op, self.output, f"attribute {name} is {value!r}")
        return tuple(int(item) for item in value)

    def input(self, index: int) -> str:
        """Return the name of an input, empty where it is absent."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def refuse(self, why: str) -> UnsupportedOperator:
        """Return the refusal of this node, ready to be raised."""
        return UnsupportedOperator(self.op, self.output, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A network: nodes in execution order, constants, and the static shape of every value."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    shapes: Mapping[str, Shape]
    input: str
    outputs: tuple[str, ...]


class Rewriter:
    """Builds the next graph node by node: a pass walks the old nodes in order and emits the new ones.

    Names of the old graph stay valid; `rename` makes a later mention of a value mean another one.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        self.constants = dict(graph.constants)
        self.shapes = dict(graph.shapes)
        self.uses = count_uses(graph)
        self._renamed: dict[str, str] = {}
        self._places: dict[str, int] = {}
        self._number = 0

    def resolve(self, name: str) -> str:
        """Return the present name of a value of the old graph."""
        while name in self._renamed:
            name = self._renamed[name]
        return name

    def visit(self, node: Node) -> Node:
        """Return the node with its inputs' present names."""
        return replace(node, inputs=tuple(self.resolve(name) for name in node.inputs))

    def keep(self, node: Node) -> str:
        """Append a node as it is and return its output."""
        self._places[node.output] = len(self.nodes)
        self.nodes.append(node)
        return node.output

    def emit(self, op: str, inputs: Sequence[str], shape: Sequence[int], wish: str, **attributes: Attribute) -> str:
        """Append a new node and return its output's name, made from `wish`."""
        output = self.claim(wish)
        self.shapes[output] = tuple(shape)
        return self.keep(Node(op=op, inputs=tuple(inputs), output=output, attributes=attributes))

    def constant(self, value: Array, wish: str) -> str:
        """Store a constant and return its name."""
        name = self.claim(wish)
        self.constants[name] = np.ascontiguousarray(value)
        self.shapes[name] = value.shape
        return name

    def claim(self, wish: str) -> str:
        """Return a name that nobody has."""
        name = wish
        while name in self.shapes or name in self.constants:
            self._number += 1
            name = f"{wish}~{self._number}"
        return name

    def rename(self, old: str, new: str) -> None:
        """Let `old` mean `new` from here on."""
        if self.resolve(new) == old:
            raise ValueError(f"{old} cannot stand for itself")
        self.uses[new] += self.uses[old]
        self._renamed[old] = new

    def producer(self, name: str) -> Node | None:
        """Return the emitted node that makes a value, None for inputs and constants."""
        place = self._places.get(name)
        return None if place is None else self.nodes[place]

    def sole(self, name: str) -> Node | None:
        """Return the producer of a value that nothing else reads, else None."""
        return self.producer(name) if self.uses[name] == 1 and name not in self.graph.outputs else None

    def change(self, node: Node, **changes: object) -> None:
        """Replace an emitted node in place; with a new `output`, that value takes its place in the order."""
        place = self._places.pop(node.output)
        changed = replace(node, **changes)  # type: ignore[arg-type]  # the fields are checked by the dataclass's users
        self.nodes[place] = changed
        self._places[changed.output] = place

    def move_to_end(self, node: Node, **changes: object) -> None:
        """Append a changed node and leave the old one, unread, to the removal of dead code."""
        self.keep(replace(node, **changes))  # type: ignore[arg-type]  # as above

    def finish(self) -> Graph:
        """Return the new graph without unread nodes and constants."""
        outputs = tuple(self.resolve(name) for name in self.graph.outputs)
        graph = replace(
            self.graph, nodes=tuple(self.nodes), constants=self.constants, shapes=self.shapes, outputs=outputs
        )
        return remove_dead(graph)


def count_uses(graph: Graph) -> Counter[str]:
    """Count the readers of every value; a graph output counts as one."""
    uses = Counter(name for node in graph.nodes for name in node.inputs if name)
    uses.update(graph.outputs)
    return uses


def remove_dead(graph: Graph) -> Graph:
    """Return the graph without nodes, constants and shapes that no output depends on."""
    wanted = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.output in wanted:
            kept.append(node)
            wanted.update(name for name in node.inputs if name)
    names = wanted | {graph.input}
    return replace(
        graph,
        nodes=tuple(reversed(kept)),
        constants={name: value for name, value in graph.constants.items() if name in names},
        shapes={name: shape for name, shape in graph.shapes.items() if name in names},
    )


def broadcast(shapes: Iterable[Shape]) -> Shape:
    """Return the joint shape under numpy's rule."""
    return np.broadcast_shapes(*shapes)


def size_of(shape: Shape) -> int:
    """Return the number of elements."""
    return math.prod(shape)
