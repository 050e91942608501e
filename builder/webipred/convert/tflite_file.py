"""A TFLite file as data: tensors, operators and ends of its only subgraph, after TensorFlow's schema.fbs 3."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from webipred.convert.flatbuffer import Buffer, Table
from webipred.convert.graph import Array
from webipred.convert.limits import ConversionLimits
from webipred.convert.tflite_names import ELEMENTS, OPERATORS
from webipred.errors import FindingsError, refuse

IDENTIFIER: Final = b"TFL3"
VERSION: Final = 3
CUSTOM: Final = 32
LARGEST_RANK: Final = 8
ELEMENTS_READ: Final = 4_000_000  # of the structure; weights are not counted among them
EXPORT_FIX: Final = "Export the model again with TensorFlow's TFLiteConverter, float32 or float16."


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """How whole numbers stand for real ones: (q − zero_point) · scale, one pair or one per index of `axis`."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteTensor:
    """One tensor: `shape` with the batch; `open_axes` may have any size; `data` are the stored bytes of a constant."""

    name: str
    shape: tuple[int, ...]
    open_axes: tuple[int, ...]
    element: str
    data: memoryview | None
    quantization: Quantization | None

    def read(self, where: str) -> Array:
        """Return the constant as it is stored. Raises FindingsError if bytes and shape disagree."""
        kind = STORED.get(self.element)
        if kind is None or self.data is None:
            what = f"the constant {self.name[:80]!r} is of the type {self.element}, which is not converted."
            raise refuse("E-CONVERT-OPTION", where, what, EXPORT_FIX)
        wanted = math.prod(self.shape) * kind.itemsize
        if len(self.data) != wanted:
            what = f"the constant {self.name[:80]!r} has {len(self.data)} bytes, its shape needs {wanted}."
            raise refuse("E-CONVERT-WEIGHTS-SHAPE", where, what, EXPORT_FIX)
        array: Array = np.frombuffer(self.data, kind).reshape(self.shape)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            what = f"the constant {self.name[:80]!r} holds NaN or infinity."
            fix = "The training diverged or the file is damaged; get other weights."
            raise refuse("E-CONVERT-NAN", where, what, fix)
        return array.astype(array.dtype.newbyteorder("="))


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteOperator:
    """One operator: numbers of its tensors (−1: an input that is left out) and its options, if it has any."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteGraph:
    """The only subgraph of a file; operators stand in the order of execution."""

    tensors: tuple[TfliteTensor, ...]
    operators: tuple[TfliteOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


STORED: Final[Mapping[str, np.dtype[np.generic]]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "int8": np.dtype("i1"),
    "uint8": np.dtype("u1"),
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "bool": np.dtype("?"),
}


def read_graph(path: Path, where: str, limits: ConversionLimits) -> TfliteGraph:
    """Return the graph of a TFLite file. Raises FindingsError: E-FLATBUFFER-DAMAGED, E-CONVERT-…"""
    size = path.stat().st_size
    if size > limits.unpacked_bytes:
        what = f"the file has {size} bytes, the limit is {limits.unpacked_bytes}."
        raise refuse("E-CONVERT-SIZE", where, what, "Publish a smaller model.")
    data = path.read_bytes()
    if data[4:8] != IDENTIFIER:
        what = "the file does not carry the mark TFL3, so it is not a TFLite model."
        raise refuse("E-CONVERT-FORMAT", where, what, "Check source.file and format of the entry.")
    buffer = Buffer(data, where, ELEMENTS_READ)
    return _GraphReader(buffer, limits).read()


class _GraphReader:
    def __init__(self, buffer: Buffer, limits: ConversionLimits) -> None:
        self._where = buffer.where
        self._buffer = buffer
        self._limits = limits
        model = buffer.root()
        if model.integer(0, "I") != VERSION:
            raise self._refuse(f"the schema version is {model.integer(0, 'I')}, only {VERSION} is known.")
        self._names = [self._name_operator(code) for code in model.tables(1)]
        subgraphs = model.tables(2)
        if len(subgraphs) != 1:
            raise self._refuse(f"the file holds {len(subgraphs)} subgraphs, one network is needed.")
        if model.has(8) or model.has(9):
            raise self._refuse("weights lie outside of the file.")
        self._subgraph = subgraphs[0]
        self._buffers = model.tables(4)

    def read(self) -> TfliteGraph:
        """Return the graph; every number of a tensor is in range."""
        tensors = tuple(self._read_tensor(table) for table in self._subgraph.tables(0))
        operators = self._subgraph.tables(3)
        if len(operators) > self._limits.nodes:
            raise refuse("E-CONVERT-SIZE", self._where, f"the network has more than {self._limits.nodes} operators.")
        count = len(tensors)
        return TfliteGraph(
            tensors=tensors,
            operators=tuple(self._read_operator(table, count) for table in operators),
            inputs=self._indices(self._subgraph, 1, count, least=0),
            outputs=self._indices(self._subgraph, 2, count, least=0),
        )

    def _name_operator(self, code: Table) -> str:
        number = max(code.integer(0, "b"), code.integer(3, "i"))
        if number == CUSTOM:
            return f"custom {ascii(code.text(1))[:60]}"
        return OPERATORS.get(number, f"operator {number}")

    def _read_tensor(self, table: Table) -> TfliteTensor:
        shape, signature = tuple(table.integers(0)), tuple(table.integers(7))
        if len(shape) > LARGEST_RANK or any(side < 0 or side > 1 << 30 for side in shape):
            raise self._buffer.refuse(f"a tensor has the shape {list(shape)[:9]}")
        if table.has(6):
            raise self._refuse("its weights are sparse, which is not converted.")
        if table.integer(5, "B"):
            raise self._refuse("it has variables that live from one image to the next.")
        element = table.integer(1, "b")
        return TfliteTensor(
            name=ascii(table.text(3)[:100])[1:-1],
            shape=shape,
            open_axes=tuple(axis for axis, side in enumerate(signature) if side < 0),
            element=ELEMENTS.get(element, f"type {element}"),
            data=self._read_bytes(table.integer(2, "I")),
            quantization=_read_quantization(table.table(4), self._buffer),
        )

    def _read_bytes(self, number: int) -> memoryview | None:
        """Return the bytes of a buffer; buffer 0 and empty ones belong to tensors that are computed."""
        if number >= len(self._buffers):
            raise self._buffer.refuse(f"a tensor lies in buffer {number} of {len(self._buffers)}")
        table = self._buffers[number]
        if table.integer(1, "Q") > 1:  # 0 and 1 both say that the bytes stand in place
            raise self._refuse("weights lie behind the FlatBuffer (a file of more than 2 GB), which is not read.")
        data = table.raw(0)
        return data if number and len(data) else None

    def _read_operator(self, table: Table, tensors: int) -> TfliteOperator:
        code = table.integer(0, "I")
        if code >= len(self._names):
            raise self._buffer.refuse(f"an operator has the code {code} of {len(self._names)}")
        return TfliteOperator(
            name=self._names[code],
            inputs=self._indices(table, 1, tensors, least=-1),
            outputs=self._indices(table, 2, tensors, least=0),
            options=table.table(4) or table.table(12),
        )

    def _indices(self, table: Table, field: int, tensors: int, least: int) -> tuple[int, ...]:
        numbers = tuple(table.integers(field))
        if any(not least <= number < tensors for number in numbers):
            raise self._buffer.refuse(f"it uses tensor {list(numbers)[:9]} of {tensors}")
        return numbers

    def _refuse(self, what: str) -> FindingsError:
        return refuse("E-CONVERT-FORMAT", self._where, what, EXPORT_FIX)


def _read_quantization(table: Table | None, buffer: Buffer) -> Quantization | None:
    if table is None:
        return None
    scale, zero_point = tuple(table.numbers(2)), tuple(table.integers(3, "q"))
    if not scale:
        return None
    if table.has(5):
        raise refuse("E-CONVERT-QUANTISED", buffer.where, "its quantisation is of an unknown kind.", EXPORT_FIX)
    zero_point = zero_point or (0,) * len(scale)
    if len(zero_point) not in (1, len(scale)) or not all(math.isfinite(number) for number in scale):
        raise buffer.refuse(f"{len(scale)} scales stand beside {len(zero_point)} zero points")
    return Quantization(scale=scale, zero_point=zero_point, axis=table.integer(6, "i"))


def dequantise(stored: Array, quantization: Quantization | None, where: str) -> Array:
    """Return the float32 numbers of a stored constant, in double precision and rounded once.

    Formula: the TFLite quantisation specification, real = (q − zero_point) · scale.
    """
    if stored.dtype.kind == "f":
        return stored.astype(np.float32)
    if quantization is None:
        raise refuse("E-CONVERT-QUANTISED", where, "whole numbers stand for weights without a scale.", EXPORT_FIX)
    scale, zero_point = np.array(quantization.scale, np.float64), np.array(quantization.zero_point, np.float64)
    if scale.size > 1:
        axis = quantization.axis
        if not 0 <= axis < stored.ndim or stored.shape[axis] != scale.size:
            what = f"{scale.size} scales do not fit the shape {list(stored.shape)} along axis {axis}."
            raise refuse("E-CONVERT-QUANTISED", where, what, EXPORT_FIX)
        sides = [1] * stored.ndim
        sides[axis] = scale.size
        scale = scale.reshape(sides)
        zero_point = zero_point.reshape(sides) if zero_point.size > 1 else zero_point
    real = (stored.astype(np.float64) - zero_point) * scale
    return real.astype(np.float32)
