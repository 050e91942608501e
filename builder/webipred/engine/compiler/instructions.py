"""Kernel instructions over named buffers, before the buffers have places."""

from dataclasses import dataclass, field, replace

import numpy as np

from webipred.engine.compiler.concatenation import Place, plan_places, resolve_place
from webipred.engine.compiler.graph import Array, Graph, Node, Shape, size_of
from webipred.engine.compiler.plan_format import ACTIVATIONS, RANK, Code


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A tensor inside a buffer of the arena (`buffer`) or a constant (`buffer` names it, `constant` is true).

    `offset` and `stride` count floats; rows (all axes but the last) lie `stride` floats apart.
    """

    buffer: str
    constant: bool
    offset: int
    dims: Shape
    stride: int

    def reshaped(self, dims: Shape) -> "View":
        """Return the same rows under other leading axes, or other axes altogether where the view is dense."""
        if dims[-1] != self.dims[-1] and self.stride != self.dims[-1]:
            raise ValueError(f"a view of {self.dims} with stride {self.stride} cannot become {dims}")
        return replace(self, dims=dims, stride=self.stride if dims[-1] == self.dims[-1] else dims[-1])

    @property
    def steps(self) -> tuple[int, ...]:
        """Floats between neighbours along each axis."""
        steps = [1]
        for axis in range(len(self.dims) - 1, 0, -1):
            steps.append(self.stride if axis == len(self.dims) - 1 else steps[-1] * self.dims[axis])
        return tuple(reversed(steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One kernel call; `name` is the graph value that it computes."""

    code: Code
    inputs: tuple[View | None, ...]
    output: View
    parameters: tuple[int | float, ...]
    name: str


@dataclass(slots=True)
class Assembly:
    """What the lowering collects: instructions, constants, buffer sizes.

    `halves` names the constants that may be stored as float16.
    """

    graph: Graph
    instructions: list[Instruction] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    halves: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    makers: dict[str, Node] = field(default_factory=dict)

    @classmethod
    def start(cls, graph: Graph) -> "Assembly":
        """Return an empty assembly for a graph, with its concatenations planned."""
        return cls(graph=graph, places=dict(plan_places(graph)), makers={node.output: node for node in graph.nodes})

    def view(self, name: str) -> View:
        """Return where a value lies: a constant, a reshaped value, part of a concatenation, or a buffer of its own."""
        shape = self.graph.shapes[name] or (1,)
        if len(shape) > RANK:
            raise ValueError(f"{name} has {len(shape)} axes, the engine has {RANK}")
        if name in self.graph.constants:
            return self.constant(name, self.graph.constants[name])
        maker = self.makers.get(name)
        if maker is not None and maker.op == "Reshape":
            return self.view(maker.inputs[0]).reshaped(shape)
        place = resolve_place(self.places, name)
        whole = self.graph.shapes[place.whole] or (1,)
        self.sizes[place.whole] = size_of(whole)
        return View(buffer=place.whole, constant=False, offset=place.offset, dims=shape, stride=whole[-1])

    def constant(self, name: str, value: Array, *, half: bool = False) -> View:
        """Store a constant as float32 and return its view; `half` marks weights that may be stored as float16."""
        value = np.ascontiguousarray(value, np.float32)
        self.constants[name] = value
        if half:
            self.halves.add(name)
        dims = value.shape if 0 < value.ndim <= RANK else (value.size,)
        return View(buffer=name, constant=True, offset=0, dims=dims, stride=dims[-1])

    def temporary(self, name: str, dims: Shape) -> View:
        """Return a new buffer."""
        self.sizes[name] = size_of(dims)
        return View(buffer=name, constant=False, offset=0, dims=dims, stride=dims[-1])

    def emit(
        self,
        code: Code,
        node: Node,
        inputs: tuple[View | None, ...],
        output: View,
        parameters: tuple[int | float, ...] = (),
    ) -> None:
        """Append an instruction."""
        self.instructions.append(
            Instruction(code=code, inputs=inputs, output=output, parameters=parameters, name=node.output)
        )


def activation_of(node: Node, key: str = "activation") -> tuple[int, float, float]:
    """Return (kind, a, b) of a node's fused activation."""
    kind = node.text(key, "none")
    if kind not in ACTIVATIONS:
        raise node.refuse(f"the activation {kind}")
    return ACTIVATIONS.index(kind), node.number("a"), node.number("b")
