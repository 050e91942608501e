"""Read plans back: the structure that load.c checks, checked in Python without running any of the engine.

Header, sections, tensors, operator codes and operands are looked at in the same order with the same statuses. What an
operator makes of shapes and parameters only the engine's own checks know.
"""

import struct
from dataclasses import dataclass
from typing import Final

from webipred.engine.compiler.plan_format import (
    ALIGNMENT,
    HEADER_BYTES,
    MAGIC,
    MAX_OUTPUTS,
    NO_TENSOR,
    OPERANDS,
    OPERATOR_BYTES,
    RANK,
    TENSOR_BYTES,
    VERSION,
    Code,
    Operator,
    Plan,
    Space,
    Status,
    Tensor,
    checksum,
)
from webipred.errors import FindingsError
from webipred.findings import Finding

MAX_RECORDS: Final = 1 << 16
MAX_ELEMENTS: Final = 1 << 29
FLOAT_BYTES: Final = 4

EXPLANATIONS = {
    Status.TRUNCATED: "it is shorter than its header says",
    Status.MAGIC: "it is no plan",
    Status.VERSION: "it was made for another version of the engine",
    Status.CHECKSUM: "its bytes were changed",
    Status.SECTION: "a section lies outside the file",
    Status.TENSOR: "a tensor lies outside its memory",
    Status.OPERATOR: "it names an operator that this engine does not have",
    Status.OPERAND: "an operator lacks an operand",
    Status.SHAPE: "the shapes of an operator do not fit",
    Status.PARAMETER: "a parameter of an operator is out of range",
}


class PlanError(FindingsError):
    """The engine does not accept a plan or a call; `status` tells why."""

    def __init__(self, status: Status, need_bytes: int = 0) -> None:
        self.status = status
        what = f"the engine refuses the plan: {EXPLANATIONS.get(status, status.name.lower())}"
        if status == Status.MEMORY:
            what = f"the engine needs {need_bytes / 1e6:.0f} MB of memory behind the plan and cannot get them"
        super().__init__([Finding(code="E-ENGINE-PLAN", where="plan", what=f"{what}.", fix="Build the model again.")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The numbers of a plan's first 32 words; offsets and sizes in bytes of the file."""

    file_bytes: int
    sums: tuple[int, int]
    tensors: int
    operators: int
    arena_bytes: int
    full: tuple[int, int]
    half: tuple[int, int]
    input: int
    output_count: int
    outputs: tuple[int, ...]


def check_plan(data: bytes) -> None:
    """Raise PlanError where a plan is cut off, changed, of another version, or points outside."""
    read_plan(data)


def read_plan(data: bytes) -> Plan:
    """Return a plan's records and sections. Raises PlanError with the status that the engine's loader would give."""
    header = read_header(data)
    sizes = {
        Space.ARENA: header.arena_bytes,
        Space.FULL: header.full[1],
        Space.HALF: 2 * header.half[1],  # as it is after expansion to float32
    }
    tensors = tuple(read_tensor(data, HEADER_BYTES + index * TENSOR_BYTES, sizes) for index in range(header.tensors))
    start = HEADER_BYTES + header.tensors * TENSOR_BYTES
    operators = tuple(read_operator(data, start + index * OPERATOR_BYTES, tensors) for index in range(header.operators))
    outputs = header.outputs[: header.output_count]
    if not all(is_port(tensors, number) for number in (header.input, *outputs)):
        raise PlanError(Status.OPERAND)
    return Plan(
        tensors=tensors,
        operators=operators,
        arena_bytes=header.arena_bytes,
        full=data[header.full[0] : sum(header.full)],
        half=data[header.half[0] : sum(header.half)],
        input=header.input,
        outputs=outputs,
    )


def read_header(data: bytes) -> Header:
    """Return the header; sections lie inside the file and the sums hold."""
    if len(data) < HEADER_BYTES:
        raise PlanError(Status.TRUNCATED)
    magic, version, file_bytes, *words = struct.unpack_from("<32I", data)
    require(magic == MAGIC, Status.MAGIC)
    require(version == VERSION, Status.VERSION)
    require(HEADER_BYTES <= file_bytes <= len(data) and file_bytes % FLOAT_BYTES == 0, Status.TRUNCATED)
    header = Header(
        file_bytes=file_bytes,
        sums=(words[0], words[1]),
        tensors=words[2],
        operators=words[3],
        arena_bytes=words[4],
        full=(words[5], words[6]),
        half=(words[7], words[8]),
        input=words[9],
        output_count=words[10],
        outputs=tuple(words[11 : 11 + MAX_OUTPUTS]),
    )
    require(checksum(data[:file_bytes]) == header.sums, Status.CHECKSUM)
    require(0 < header.tensors <= MAX_RECORDS and header.operators <= MAX_RECORDS, Status.SECTION)
    require(0 < header.output_count <= MAX_OUTPUTS, Status.SECTION)
    start = HEADER_BYTES + header.tensors * TENSOR_BYTES + header.operators * OPERATOR_BYTES
    require(start <= file_bytes, Status.TRUNCATED)
    for offset, size in (header.full, header.half):
        inside = start <= offset <= file_bytes and size <= file_bytes - offset
        require(inside and offset % ALIGNMENT == 0 and size % FLOAT_BYTES == 0, Status.SECTION)
    require(header.arena_bytes % FLOAT_BYTES == 0, Status.SECTION)
    return header


def read_tensor(data: bytes, place: int, sizes: dict[Space, int]) -> Tensor:
    """Return a tensor record that lies inside its space."""
    space, offset, rank, *words = struct.unpack_from("<12I", data, place)
    require(space <= Space.HALF and 0 < rank <= RANK and offset % FLOAT_BYTES == 0, Status.TENSOR)
    dims, rest, stride = words[:rank], words[rank:RANK], words[RANK]
    require(all(0 < size <= MAX_ELEMENTS for size in dims) and not any(rest), Status.TENSOR)
    rows = 1
    for size in dims[:-1]:
        rows *= size
        require(rows <= MAX_ELEMENTS, Status.TENSOR)
    require(dims[-1] <= stride <= MAX_ELEMENTS and rows * dims[-1] <= MAX_ELEMENTS, Status.TENSOR)
    extent = ((rows - 1) * stride + dims[-1]) * FLOAT_BYTES
    require(offset + extent <= sizes[Space(space)], Status.TENSOR)
    return Tensor(space=Space(space), offset=offset, dims=tuple(dims), stride=stride)


def read_operator(data: bytes, place: int, tensors: tuple[Tensor, ...]) -> Operator:
    """Return an operator record whose operands exist and whose result may be written; parameters are words."""
    code, *words = struct.unpack_from("<32I", data, place)
    require(code in set(Code), Status.OPERATOR)
    inputs = tuple(None if word == NO_TENSOR else word for word in words[:OPERANDS])
    require(all(number is None or number < len(tensors) for number in inputs), Status.OPERAND)
    output = words[OPERANDS]
    require(output < len(tensors) and tensors[output].space == Space.ARENA, Status.OPERAND)
    return Operator(code=Code(code), inputs=inputs, output=output, parameters=tuple(words[OPERANDS + 1 :]))


def is_port(tensors: tuple[Tensor, ...], number: int) -> bool:
    """Whether a tensor can be an input or output: in the arena and without gaps."""
    return (
        number < len(tensors)
        and tensors[number].space == Space.ARENA
        and tensors[number].stride == tensors[number].dims[-1]
    )


def require(holds: bool, status: Status) -> None:
    """Raise PlanError unless something holds."""
    if not holds:
        raise PlanError(status)
