"""Input layout and static shapes of an ONNX file: batch 1, the entry's image size, nothing left open."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import onnx
from onnx import TensorProto, shape_inference

from webipred.convert.onnx_guard import name_type
from webipred.convert.quoting import quote_error
from webipred.convert.target import ConversionTarget, expect_input
from webipred.errors import refuse

ELEMENT_TYPES: Final = frozenset([TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL])
LAYOUT_FIX: Final = "Export the model with a fixed input shape of one float32 image."


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorType:
    """Element type (as in TensorProto) and shape with the batch."""

    element: int
    shape: tuple[int, ...]


def fix_input(model: onnx.ModelProto, target: ConversionTarget) -> bool:
    """Write batch 1 and the entry's image size into the only input; return whether it is (1, channel, height, width).

    Raises FindingsError for several inputs, other types and ranks, and shapes that fit neither layout or both.
    """
    inputs = list_inputs(model)
    if len(inputs) != 1 or len(model.graph.output) != 1:
        what = f"the network has {len(inputs)} inputs and {len(model.graph.output)} outputs, one of each is needed."
        code = "E-CONVERT-INPUT" if len(inputs) != 1 else "E-CONVERT-OUTPUT"
        raise refuse(code, target.where, what, "Export the model with one image input and the class scores as output.")
    tensor = inputs[0].type.tensor_type
    sides = [side.dim_value if side.HasField("dim_value") and side.dim_value > 0 else None for side in tensor.shape.dim]
    if tensor.elem_type != TensorProto.FLOAT or len(sides) != 4 or sides[0] not in (None, 1):
        found = f"{name_type(tensor.elem_type)} {_show(sides)}"
        what = f"the input is {found}, a float32 input of four axes and batch 1 (or any) is needed."
        raise refuse("E-CONVERT-INPUT", target.where, what, LAYOUT_FIX)
    planes = _decide_layout(sides[1:], target)
    pixels = (target.height, target.width, target.channels)
    fixed = (1, pixels[2], pixels[0], pixels[1]) if planes else (1, *pixels)
    for side, number in zip(tensor.shape.dim, fixed, strict=True):
        side.Clear()
        side.dim_value = number
    return planes


def list_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs that are no constants."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constants]


def _decide_layout(sides: Sequence[int | None], target: ConversionTarget) -> bool:
    as_pixels = list(sides)
    as_planes = [sides[1], sides[2], sides[0]]
    refusals = [expect_input(shape, target) for shape in (as_pixels, as_planes)]
    if refusals[0] is not None and refusals[1] is not None:
        looks_planar = sides[0] in (1, 3) and sides[2] not in (1, 3)
        raise refusals[1] if looks_planar else refusals[0]
    if refusals[0] is None and refusals[1] is None:
        what = f"the input is {_show([None, *sides])}: is that (height, width, channel) or (channel, height, width)?"
        raise refuse("E-CONVERT-INPUT", target.where, what, LAYOUT_FIX)
    return refusals[1] is None


def infer_types(model: onnx.ModelProto, target: ConversionTarget) -> tuple[onnx.ModelProto, Mapping[str, TensorType]]:
    """Return the model with inferred shapes, and the type of every tensor. Raises FindingsError for open shapes."""
    del model.graph.value_info[:]  # what the exporter wrote may be for another batch or size
    model.graph.output[0].type.tensor_type.ClearField("shape")
    try:
        inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except (shape_inference.InferenceError, RuntimeError, ValueError) as error:
        what = f"the shapes do not fit together for this input: {quote_error(error)}."
        raise refuse("E-CONVERT-SHAPE", target.where, what, "Check input of the entry; " + LAYOUT_FIX) from error
    values = [*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output]
    types = {value.name: _read_type(value) for value in values}
    for tensor in inferred.graph.initializer:
        types[tensor.name] = TensorType(element=tensor.data_type, shape=tuple(tensor.dims))
    for node in inferred.graph.node:
        for name in node.output:
            kind = types.get(name)
            if name and (kind is None or kind.element not in ELEMENT_TYPES):
                place = f"the result of {node.op_type} {ascii(name)[:60]}"
                what = f"{place} has no fixed shape or another type than float32, int32, int64, bool."
                raise refuse("E-CONVERT-SHAPE", target.where, what, LAYOUT_FIX)
    return inferred, {name: kind for name, kind in types.items() if kind is not None}


def _read_type(value: onnx.ValueInfoProto) -> TensorType | None:
    tensor = value.type.tensor_type
    sides = [side.dim_value if side.HasField("dim_value") else -1 for side in tensor.shape.dim]
    if not tensor.HasField("shape") or any(side < 0 for side in sides):
        return None
    return TensorType(element=tensor.elem_type, shape=tuple(sides))


def size_bytes(kind: TensorType) -> int:
    """Bytes of a tensor, with 8 for an integer."""
    return math.prod(kind.shape) * (8 if kind.element == TensorProto.INT64 else 4)


def _show(sides: Sequence[int | None]) -> str:
    return " × ".join("any" if side is None else str(side) for side in sides) or "of no known shape"
