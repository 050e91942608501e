"""Compile ONNX bytes into a plan: the passes in their order, then buffers, weights and records."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal, TypeVar

import numpy as np

from webipred.engine.compiler.activations import fuse_activations, recognise_activations
from webipred.engine.compiler.concatenation import share_prefixes
from webipred.engine.compiler.constants import fold_constants
from webipred.engine.compiler.folding import drop_neutral, fold_affines
from webipred.engine.compiler.graph import Graph, Shape, UnsupportedOperator
from webipred.engine.compiler.instructions import Assembly, Instruction, View
from webipred.engine.compiler.layout import sink_transposes, wrap_spatial
from webipred.engine.compiler.lowering import lower
from webipred.engine.compiler.memory import Lifetime, measure_peak, place_buffers
from webipred.engine.compiler.normalizations import recognise_norms
from webipred.engine.compiler.padding import merge_pads, resolve_windows
from webipred.engine.compiler.plan_format import Code, Operator, Plan, Space, Tensor, join_sections, write_plan
from webipred.engine.compiler.reading import read_graph
from webipred.engine.compiler.reordering import pool_first
from webipred.engine.compiler.residuals import fuse_prologues, fuse_residuals
from webipred.engine.compiler.simplification import simplify
from webipred.errors import FindingsError

Storage = Literal["float32", "float16"]
Result = TypeVar("Result")

PASSES: Final[tuple[Callable[[Graph], Graph], ...]] = (
    fold_constants, simplify, wrap_spatial, sink_transposes, resolve_windows, fold_affines, drop_neutral,
    recognise_norms,
    recognise_activations, fuse_activations, merge_pads, pool_first, fuse_residuals, fuse_activations, fuse_prologues,
    share_prefixes,
)  # fmt: skip

FLOAT_BYTES: Final = 4
LARGEST_HALF: Final = 65504.0  # larger weights would become infinite
IN_PLACE: Final = {
    Code.UNARY: (0,),
    Code.AFFINE: (0,),
    Code.BINARY: (0, 1),
    Code.CONVOLUTION: (3,),
    Code.WINOGRAD: (3,),
    Code.SOFTMAX: (0,),
    Code.LAYER_NORM: (0,),
    Code.GROUP_NORM: (0,),
}
"""Operands whose memory the result may take over: each element is read before it is written and never again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """A plan's bytes and what reports and profiles tell about it.

    `live_bytes` is the most that activations need at one step, `arena_bytes` what they get.
    """

    data: bytes
    names: tuple[str, ...]
    codes: tuple[Code, ...]
    arena_bytes: int
    live_bytes: int
    weight_bytes: int


class CompilerError(Exception):
    """A step of the compiler failed in a way that nobody foresaw; `kind` is the class of what it raised."""

    def __init__(self, step: str, kind: str) -> None:
        self.step = step
        self.kind = kind
        super().__init__(f"the compiler's step {step} failed: {kind}")


def compile_network(data: bytes, storage: Storage = "float32", input_shape: Shape | None = None) -> Compilation:
    """Compile a model in canonical form (float32 (1, height, width, channels) in).

    `storage` float16 halves the weights of convolutions and products; they expand when the plan is loaded.
    Raises UnsupportedOperator, and CompilerError where a step fails unexpectedly.
    """
    graph = take_step(lambda: read_graph(data, input_shape), "read_graph")
    for step in PASSES:
        graph = take_step(partial(step, graph), step.__name__)
    assembly = take_step(partial(lower, graph), "lower")
    return take_step(lambda: assemble(assembly, storage), "assemble")


def take_step(step: Callable[[], Result], name: str) -> Result:
    """Return what a step gives. A model may still run elsewhere when a step fails, so that a failure has a name."""
    try:
        return step()
    except FindingsError:
        raise
    except Exception as error:
        raise CompilerError(name, type(error).__name__) from error


def assemble(assembly: Assembly, storage: Storage) -> Compilation:
    """Place the buffers and write the file."""
    check_finite(assembly)
    graph = assembly.graph
    ports = [assembly.view(name) for name in (graph.input, *graph.outputs)]
    if any(port.constant for port in ports):
        raise UnsupportedOperator("Output", graph.outputs[0], "an output is constant")
    instructions = share_buffers(assembly, ports)
    lifetimes = measure_lifetimes(assembly, instructions, ports)
    offsets, arena_bytes = place_buffers(lifetimes)
    sections, places = lay_out_constants(assembly, instructions, storage)
    tensors: dict[Tensor, int] = {}

    def number(view: View) -> int:
        space, start = places[view.buffer] if view.constant else (Space.ARENA, offsets[view.buffer])
        offset = start + view.offset * FLOAT_BYTES
        return tensors.setdefault(Tensor(space=space, offset=offset, dims=view.dims, stride=view.stride), len(tensors))

    numbers = [number(port) for port in ports]
    operators = [
        Operator(
            code=item.code,
            inputs=tuple(None if view is None else number(view) for view in item.inputs),
            output=number(item.output),
            parameters=item.parameters,
        )
        for item in instructions
    ]
    plan = Plan(
        tensors=tuple(tensors),
        operators=tuple(operators),
        arena_bytes=arena_bytes,
        full=sections[0],
        half=sections[1],
        input=numbers[0],
        outputs=tuple(numbers[1:]),
    )
    return Compilation(
        data=write_plan(plan),
        names=tuple(item.name for item in instructions),
        codes=tuple(item.code for item in instructions),
        arena_bytes=arena_bytes,
        live_bytes=measure_peak(lifetimes),
        weight_bytes=len(sections[0]) + len(sections[1]),
    )


def buffers_of(instruction: Instruction) -> list[str]:
    """Return the arena buffers that an instruction touches."""
    views = (*instruction.inputs, instruction.output)
    return [view.buffer for view in views if view is not None and not view.constant]


def last_uses(instructions: list[Instruction]) -> dict[str, int]:
    """Return the last step that touches each buffer."""
    return {name: step for step, item in enumerate(instructions) for name in buffers_of(item)}


def share_buffers(assembly: Assembly, ports: list[View]) -> list[Instruction]:
    """Return the instructions with results in the memory of operands that end there, where the kernel allows it."""
    last = last_uses(assembly.instructions)
    last.update({port.buffer: len(assembly.instructions) for port in ports})
    renamed: dict[str, str] = {}
    seen: set[str] = {ports[0].buffer}
    result: list[Instruction] = []

    def move(view: View | None) -> View | None:
        return view if view is None or view.constant else replace(view, buffer=renamed.get(view.buffer, view.buffer))

    for step, old in enumerate(assembly.instructions):
        inputs, own = tuple(move(view) for view in old.inputs), old.output.buffer
        if own not in seen and not any(port.buffer == own for port in ports):
            for place in IN_PLACE.get(old.code, ()):
                operand = inputs[place] if place < len(inputs) else None
                if operand is not None and may_share(assembly, old.output, operand, inputs, place, last, step):
                    renamed[own] = operand.buffer
                    last[operand.buffer] = max(last[operand.buffer], last[own])
                    break
        seen.add(own)
        output = move(old.output)
        assert output is not None  # noqa: S101  # outputs are never absent
        result.append(replace(old, inputs=inputs, output=output))
    return result


def may_share(
    assembly: Assembly,
    output: View,
    operand: View,
    inputs: tuple[View | None, ...],
    place: int,
    last: dict[str, int],
    step: int,
) -> bool:
    """Whether an operand's whole buffer ends with this step and fits the result exactly."""
    if (
        operand.constant
        or last[operand.buffer] != step
        or assembly.sizes[operand.buffer] != assembly.sizes[output.buffer]
    ):
        return False
    if operand.dims != output.dims or operand.stride != output.stride or operand.offset != output.offset:
        return False
    return all(view is None or index == place or view.buffer != operand.buffer for index, view in enumerate(inputs))


def measure_lifetimes(assembly: Assembly, instructions: list[Instruction], ports: list[View]) -> dict[str, Lifetime]:
    """Return size and lifetime of every buffer; the input lives from the start, outputs to the end."""
    end = len(instructions)
    first = {ports[0].buffer: 0}
    last = last_uses(instructions)
    last.update({port.buffer: end for port in ports[1:]})
    last.setdefault(ports[0].buffer, 0)
    for step, item in enumerate(instructions):
        for name in buffers_of(item):
            first.setdefault(name, step)
    return {
        name: Lifetime(size_bytes=assembly.sizes[name] * FLOAT_BYTES, first=first[name], last=last[name])
        for name in sorted(first, key=first.__getitem__)
    }


def lay_out_constants(
    assembly: Assembly, instructions: list[Instruction], storage: Storage
) -> tuple[tuple[bytes, bytes], dict[str, tuple[Space, int]]]:
    """Return the two weight sections and (space, byte offset after expansion) of every constant, in order of use."""
    views = (view for item in instructions for view in item.inputs if view is not None and view.constant)
    names = list(dict.fromkeys(view.buffer for view in views))
    halves = [name for name in names if storage == "float16" and name in assembly.halves]
    halves = [name for name in halves if np.abs(assembly.constants[name]).max() <= LARGEST_HALF]
    fulls = [name for name in names if name not in halves]
    full, full_offsets = join_sections([assembly.constants[name].astype("<f4").tobytes() for name in fulls])
    half, half_offsets = join_sections([assembly.constants[name].astype("<f2").tobytes() for name in halves])
    places = {name: (Space.FULL, offset) for name, offset in zip(fulls, full_offsets, strict=True)}
    places.update({name: (Space.HALF, 2 * offset) for name, offset in zip(halves, half_offsets, strict=True)})
    return (full, half), places


def check_finite(assembly: Assembly) -> None:
    """Raise UnsupportedOperator where a weight is not a number or infinite."""
    for name, value in assembly.constants.items():
        if not np.all(np.isfinite(value)):
            raise UnsupportedOperator("Constant", name, "a weight is not finite")
