"""Operation: one TFLite operator with its operands, and the tensors that it gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from webipred.convert.flatbuffer import Table
from webipred.convert.graph import Array, Attribute, GraphBuilder, Value
from webipred.convert.tflite_file import EXPORT_FIX, Quantization, dequantise
from webipred.errors import FindingsError, refuse

FUSED: Final = {1: "Relu", 2: "n1to1", 3: "relu6", 4: "Tanh"}
BROADCAST_RANK: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A float32 tensor that depends on the image: `dims` in TFLite's order with the batch; `planes`: stored as NCHW."""

    name: str
    dims: tuple[int, ...]
    planes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """Numbers that do not depend on the image, as they are stored."""

    array: Array
    quantization: Quantization | None = None


Operand: TypeAlias = Tensor | Constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One use of an operator; an input that is left out is None."""

    name: str
    where: str
    operands: tuple[Operand | None, ...]
    options: Table | None
    graph: GraphBuilder
    wish: str

    def tensor(self, number: int) -> Tensor:
        """Return an input as float tensor; numbers that do not depend on the image become a constant of the graph."""
        operand = self._operand(number)
        if isinstance(operand, Tensor):
            return operand
        array = self.numbers(number)
        return Tensor(name=self.graph.constant(f"{self.wish}.{number}", array), dims=array.shape)

    def image(self, number: int = 0) -> Tensor:
        """Return an input of the form (batch, height, width, channel), stored as planes."""
        value = self.tensor(number)
        if len(value.dims) != 4:
            raise self.refuse_shape(f"its input has the shape {list(value.dims)}, four axes are expected.")
        return self.as_planes(value)

    def has(self, number: int) -> bool:
        """Whether an input is given."""
        return number < len(self.operands) and self.operands[number] is not None

    def constant(self, number: int) -> Array:
        """Return an input as it is stored. Raises FindingsError if it depends on the image."""
        operand = self._operand(number)
        if isinstance(operand, Tensor):
            raise self.refuse_option(f"its input {number} depends on the image, a constant is needed.")
        return operand.array

    def integers(self, number: int) -> list[int]:
        """Return an input as a list of whole numbers."""
        array = self.constant(number)
        if array.dtype.kind not in "iu" or array.size > 64:
            raise self.refuse_option(f"its input {number} is no short list of whole numbers.")
        return [int(item) for item in array.reshape(-1)]

    def numbers(self, number: int) -> Array:
        """Return a constant input as float32, restored from whole numbers where it is quantised."""
        operand = self._operand(number)
        if isinstance(operand, Tensor):
            raise self.refuse_option(f"its weights (input {number}) depend on the image.")
        return dequantise(operand.array, operand.quantization, self.where)

    def integer(self, field: int, kind: str = "i", default: int = 0) -> int:
        """Return a whole number of the options."""
        return self.options.integer(field, kind, default) if self.options is not None else default

    def number(self, field: int, default: float = 0.0) -> float:
        """Return a float of the options."""
        return self.options.number(field, default) if self.options is not None else default

    def require_default(self, field: int, what: str) -> None:
        """Refuse an option that is switched on."""
        if self.integer(field, "B"):
            raise self.refuse_option(f"{what} is switched on, which is not converted.")

    def emit(
        self,
        op: str,
        inputs: Sequence[Tensor | str],
        dims: Sequence[int],
        *,
        planes: bool = False,
        **attributes: Attribute,
    ) -> Tensor:
        """Append a node and return its tensor."""
        names = [item.name if isinstance(item, Tensor) else item for item in inputs]
        value = self.graph.emit(op, names, dims, wish=self.wish, planes=planes, attributes=attributes)
        return Tensor(name=value.name, dims=tuple(dims), planes=planes)

    def as_planes(self, value: Tensor) -> Tensor:
        """Return a tensor of four axes stored as (batch, channel, height, width)."""
        return _from_value(self.graph.as_planes(_to_value(value)), value)

    def as_pixels(self, value: Tensor) -> Tensor:
        """Return a tensor stored as its `dims` say."""
        return _from_value(self.graph.as_pixels(_to_value(value)), value)

    def activate(self, value: Tensor, field: int) -> Tensor:
        """Apply the activation that is fused into an operator."""
        number = self.integer(field, "b")
        if number == 0:
            return value
        if number not in FUSED:
            raise self.refuse_option(f"its fused activation {number} is not known.")
        return apply_named(self, value, FUSED[number])

    def _operand(self, number: int) -> Operand:
        operand = self.operands[number] if number < len(self.operands) else None
        if operand is None:
            raise self.refuse_shape(f"its input {number} is missing.")
        return operand

    def refuse_shape(self, what: str) -> FindingsError:
        """Return a refusal of how the operator is connected."""
        return refuse("E-CONVERT-TOPOLOGY", self.where, what, EXPORT_FIX)

    def refuse_option(self, what: str) -> FindingsError:
        """Return a refusal of an option."""
        return refuse("E-CONVERT-OPTION", self.where, what, "Export the model without it, or as ONNX.")


Emitter: TypeAlias = Callable[[Operation], "Operand | list[Operand]"]


def apply_named(operation: Operation, value: Tensor, name: str) -> Tensor:
    """Apply an ONNX activation, or one of the two clipped forms of relu."""
    if name not in ("relu6", "n1to1"):
        return operation.emit(name, [value], value.dims, planes=value.planes)
    low, high = (0.0, 6.0) if name == "relu6" else (-1.0, 1.0)
    return clip(operation, value, low, high)


def clip(operation: Operation, value: Tensor, low: float, high: float) -> Tensor:
    """Limit a tensor to low … high."""
    bounds = [operation.graph.scalar(f"number.{bound:g}", bound) for bound in (low, high)]
    return operation.emit("Clip", [value, *bounds], value.dims, planes=value.planes)


def find_axis(operation: Operation, axis: int, rank: int) -> int:
    """Return an axis counted from the front."""
    index = axis if axis >= 0 else rank + axis
    if not 0 <= index < rank:
        raise operation.refuse_option(f"axis {axis} does not exist in a tensor of {rank} axes.")
    return index


def stored_axis(value: Tensor, axis: int) -> int:
    """Return where an axis of `dims` lies in the stored order."""
    return (0, 2, 3, 1)[axis] if value.planes else axis


def combine(operation: Operation, op: str, numbers: Sequence[int] = (0, 1)) -> Tensor:
    """Apply a binary operator with broadcasting as in numpy."""
    pair = [operation.tensor(number) for number in numbers]
    try:
        dims = np.broadcast_shapes(*(value.dims for value in pair))
    except ValueError as error:
        shapes = " and ".join(str(list(value.dims)) for value in pair)
        raise operation.refuse_shape(f"the shapes {shapes} do not fit together.") from error
    planes = any(value.planes for value in pair)
    inputs: list[Tensor] = []
    for number, value in zip(numbers, pair, strict=True):
        if not planes or value.planes:
            inputs.append(value)
        elif isinstance(operation.operands[number], Constant):
            inputs.append(_turn_constant(operation, number))
        elif len(value.dims) == BROADCAST_RANK:
            inputs.append(operation.as_planes(value))
        else:
            return _combine_pixels(operation, op, pair, dims)
    return operation.emit(op, inputs, dims, planes=planes)


def _combine_pixels(operation: Operation, op: str, pair: Sequence[Tensor], dims: Sequence[int]) -> Tensor:
    return operation.emit(op, [operation.as_pixels(value) for value in pair], dims)


def _turn_constant(operation: Operation, number: int) -> Tensor:
    """A constant beside planes: padded in front to four axes, then stored as planes."""
    array = operation.numbers(number)
    if array.ndim > BROADCAST_RANK:
        raise operation.refuse_shape(f"a constant has {array.ndim} axes.")
    turned = array.reshape((1,) * (BROADCAST_RANK - array.ndim) + array.shape).transpose(0, 3, 1, 2)
    name = operation.graph.constant(f"{operation.wish}.{number}.nchw", np.ascontiguousarray(turned))
    return Tensor(name=name, dims=array.shape, planes=True)


def _to_value(value: Tensor) -> Value:
    return Value(name=value.name, shape=value.dims[1:], planes=value.planes)


def _from_value(value: Value, origin: Tensor) -> Tensor:
    return Tensor(name=value.name, dims=origin.dims, planes=value.planes)
