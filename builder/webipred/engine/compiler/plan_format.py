"""The plan's binary format, as docs/engine.md describes it and builder/engine/net/plan.h declares it."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

MAGIC: Final = 0x4E4C5057
VERSION: Final = 1
RANK: Final = 6
MAX_OUTPUTS: Final = 8
OPERANDS: Final = 5
PARAMETERS: Final = 25
NO_TENSOR: Final = 0xFFFFFFFF
HEADER_BYTES: Final = 128
TENSOR_BYTES: Final = 48
OPERATOR_BYTES: Final = 128
ALIGNMENT: Final = 64
SUMMED_FROM: Final = 5


class Space(IntEnum):
    """Where a tensor lies."""

    ARENA = 0
    FULL = 1
    HALF = 2


class Status(IntEnum):
    """What the engine answers; the same numbers in plan.h and in the page."""

    OK = 0
    TRUNCATED = 1
    MAGIC = 2
    VERSION = 3
    CHECKSUM = 4
    SECTION = 5
    TENSOR = 6
    OPERATOR = 7
    OPERAND = 8
    SHAPE = 9
    PARAMETER = 10
    MEMORY = 11
    STATE = 12
    ARGUMENT = 13
    THREAD = 14


class Code(IntEnum):
    """Operators of the engine."""

    CONVOLUTION = 1
    DEPTHWISE = 2
    MAX_POOL = 3
    AVERAGE_POOL = 4
    MEAN_OF_ROWS = 5
    AFFINE = 6
    BINARY = 7
    UNARY = 8
    SOFTMAX = 9
    LAYER_NORM = 10
    MATMUL = 11
    COPY = 12
    FILL = 13
    RESIZE = 14
    MEAN_OF_LAST = 15
    WINOGRAD = 16
    REDUCTION = 17
    GROUP_NORM = 18
    RESPONSE = 19


ACTIVATIONS: Final = (
    "none", "clamp", "sigmoid", "hard_sigmoid", "hard_swish", "swish", "tanh", "elu", "leaky_relu", "gelu", "erf",
    "exp", "sqrt", "abs",
    "selu", "softsign", "reciprocal", "square", "gelu_tanh", "softplus", "mish", "log", "power",
)  # fmt: skip
REDUCTIONS: Final = ("ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin")
BINARIES: Final = ("Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A tensor record: dims row-major, rows `stride` floats apart, `offset` in bytes of its space."""

    space: Space
    offset: int
    dims: tuple[int, ...]
    stride: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An operator record; operands are tensor numbers, None where absent; floats are stored as their bits."""

    code: Code
    inputs: tuple[int | None, ...]
    output: int
    parameters: tuple[int | float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole plan before it is written."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    arena_bytes: int
    full: bytes
    half: bytes
    input: int
    outputs: tuple[int, ...]


def write_plan(plan: Plan) -> bytes:
    """Return the file; the same plan gives the same bytes."""
    if not 0 < len(plan.outputs) <= MAX_OUTPUTS:
        raise ValueError(f"a plan has 1 to {MAX_OUTPUTS} outputs, not {len(plan.outputs)}")
    records = b"".join(map(write_tensor, plan.tensors)) + b"".join(map(write_operator, plan.operators))
    full_offset = align(HEADER_BYTES + len(records))
    half_offset = align(full_offset + len(plan.full))
    size = align(half_offset + len(plan.half))
    outputs = (*plan.outputs, *(NO_TENSOR,) * (MAX_OUTPUTS - len(plan.outputs)))
    counts = (len(plan.tensors), len(plan.operators), plan.arena_bytes)
    sections = (full_offset, len(plan.full), half_offset, len(plan.half))
    header = struct.pack(
        "<32I", MAGIC, VERSION, size, 0, 0, *counts, *sections, plan.input, len(plan.outputs), *outputs, *(0,) * 10
    )
    data = bytearray(size)
    data[:HEADER_BYTES] = header
    data[HEADER_BYTES : HEADER_BYTES + len(records)] = records
    data[full_offset : full_offset + len(plan.full)] = plan.full
    data[half_offset : half_offset + len(plan.half)] = plan.half
    struct.pack_into("<2I", data, 12, *checksum(data))
    return bytes(data)


def checksum(data: bytes | bytearray) -> tuple[int, int]:
    """Return Σ w and Σ position · w over the 32-bit words behind the sums, both modulo 2³²."""
    words = np.frombuffer(data, "<u4")[SUMMED_FROM:].astype(np.uint32)
    positions = np.arange(SUMMED_FROM, SUMMED_FROM + words.size, dtype=np.uint32)
    return int(words.sum(dtype=np.uint32)), int((words * positions).sum(dtype=np.uint32))


def align(size: int) -> int:
    """Round up to the alignment of sections."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def write_tensor(tensor: Tensor) -> bytes:
    """Return a tensor record."""
    dims = (*tensor.dims, *(0,) * (RANK - len(tensor.dims)))
    return struct.pack("<12I", tensor.space, tensor.offset, len(tensor.dims), *dims, tensor.stride, 0, 0)


def write_operator(operator: Operator) -> bytes:
    """Return an operator record."""
    inputs = [NO_TENSOR if item is None else item for item in operator.inputs]
    inputs += [NO_TENSOR] * (OPERANDS - len(inputs))
    words = [word_of(value) for value in operator.parameters]
    words += [0] * (PARAMETERS - len(words))
    return struct.pack("<32I", operator.code, *inputs, operator.output, *words)


def word_of(value: int | float) -> int:
    """Return a parameter as a 32-bit word: integers as they are, floats as their bits."""
    if isinstance(value, int):
        return value
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def join_sections(parts: Sequence[bytes]) -> tuple[bytes, tuple[int, ...]]:
    """Lay byte strings behind one another, aligned; return the section and the offset of each."""
    offsets: list[int] = []
    data = bytearray()
    for part in parts:
        data += bytes(align(len(data)) - len(data))
        offsets.append(len(data))
        data += part
    return bytes(data), tuple(offsets)
