"""Operators that move, add or drop elements, and the arithmetic of shapes, which is done here."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from webipred.convert.graph import Attribute
from webipred.convert.tflite_operators.operation import (
    Constant,
    Emitter,
    Operand,
    Operation,
    Tensor,
    find_axis,
    stored_axis,
)

REFLECT: Final = 0
FILLABLE: Final = 1 << 20


def reshape(operation: Operation, value: Tensor, dims: Sequence[int]) -> Tensor:
    """Give a tensor other axes; a map of one pixel needs no reordering for that."""
    if math.prod(dims) != math.prod(value.dims) or any(side < 1 for side in dims):
        raise operation.refuse_shape(f"{list(value.dims)} cannot be read as {list(dims)}.")
    if value.dims == tuple(dims):
        return value
    if not (value.planes and value.dims[1:3] == (1, 1)):
        value = operation.as_pixels(value)
    planes = len(dims) == 4 and tuple(dims[1:3]) == (1, 1)
    stored = (dims[0], dims[3], 1, 1) if planes else tuple(dims)
    shape = operation.graph.integers(f"{operation.wish}.shape", stored)
    return operation.emit("Reshape", [value, shape], dims, planes=planes)


def emit_reshape(operation: Operation) -> Operand:
    """RESHAPE; one −1 stands for the rest."""
    wanted = operation.integers(1) if operation.has(1) else []
    given = operation.options.integers(0) if operation.options is not None else []
    dims = wanted or given
    operand = operation.operands[0]
    if isinstance(operand, Constant):
        return _reshape_constant(operation, operand, dims)
    value = operation.tensor(0)
    free, known = dims.count(-1), math.prod(side for side in dims if side != -1)
    if free > 1 or (free and (known < 1 or math.prod(value.dims) % known)):
        raise operation.refuse_shape(f"{list(value.dims)} cannot be read as {dims}.")
    rest = math.prod(value.dims) // known if free else 1
    return reshape(operation, value, [rest if side == -1 else side for side in dims])


def _reshape_constant(operation: Operation, operand: Constant, dims: Sequence[int]) -> Constant:
    if operand.quantization is not None:
        raise operation.refuse_option("it reshapes quantised weights.")
    try:
        return Constant(array=operand.array.reshape(dims))
    except ValueError as error:
        raise operation.refuse_shape(
            f"a constant {list(operand.array.shape)} cannot be read as {list(dims)}."
        ) from error


def emit_squeeze(operation: Operation) -> Tensor:
    """SQUEEZE: axes of length 1 vanish, all or the named ones."""
    value = operation.tensor(0)
    named = operation.options.integers(0) if operation.options is not None else []
    axes = {find_axis(operation, axis, len(value.dims)) for axis in named}
    dims = [side for axis, side in enumerate(value.dims) if not (side == 1 and (not axes or axis in axes))]
    return reshape(operation, value, dims)


def emit_expand_dims(operation: Operation) -> Operand:
    """EXPAND_DIMS: one axis of length 1 more."""
    operand, axes = operation.operands[0], operation.integers(1)
    rank = operand.array.ndim if isinstance(operand, Constant) else len(operation.tensor(0).dims)
    axis = find_axis(operation, axes[0] if len(axes) == 1 else rank + 1, rank + 1)
    if isinstance(operand, Constant):
        return Constant(array=np.expand_dims(operand.array, axis))
    value = operation.tensor(0)
    return reshape(operation, value, [*value.dims[:axis], 1, *value.dims[axis:]])


def emit_concatenation(operation: Operation) -> Operand:
    """CONCATENATION along one axis."""
    if all(isinstance(operand, Constant) for operand in operation.operands):
        return _join_constants(operation, operation.integer(0))
    values = [operation.tensor(number) for number in range(len(operation.operands))]
    rank = len(values[0].dims)
    axis = find_axis(operation, operation.integer(0), rank)
    others = {value.dims[:axis] + value.dims[axis + 1 :] for value in values}
    if len(others) != 1:
        raise operation.refuse_shape(f"{[list(value.dims) for value in values][:5]} do not fit along axis {axis}.")
    if any(value.planes for value in values):
        values = [operation.as_planes(value) for value in values]
    dims = list(values[0].dims)
    dims[axis] = sum(value.dims[axis] for value in values)
    planes = values[0].planes
    result = operation.emit("Concat", values, dims, planes=planes, axis=stored_axis(values[0], axis))
    return operation.activate(result, 1)


def emit_pack(operation: Operation) -> Constant:
    """PACK of the sides of a shape."""
    arrays = [operation.constant(number) for number in range(len(operation.operands))]
    operation.integer(0)
    return _stack(operation, [array[np.newaxis] for array in arrays], operation.integer(1))


def _join_constants(operation: Operation, axis: int) -> Constant:
    operation.integer(1, "b")
    return _stack(operation, [operation.constant(number) for number in range(len(operation.operands))], axis)


def _stack(operation: Operation, arrays: Sequence[np.ndarray], axis: int) -> Constant:
    if axis != 0 or any(array.dtype.kind != "i" or array.ndim != 1 for array in arrays):
        raise operation.refuse_option("it joins constants that are no shapes.")
    return Constant(array=np.concatenate(arrays))


def emit_shape(operation: Operation) -> Constant:
    """SHAPE, which is known here."""
    operation.integer(0, "b")
    return Constant(array=np.array(operation.tensor(0).dims, np.int32))


def emit_cast(operation: Operation) -> Operand:
    """CAST of shapes; float tensors are float32 already."""
    operand = operation.operands[0]
    operation.integer(0, "b")
    operation.integer(1, "b")
    if isinstance(operand, Constant) and operand.array.dtype.kind == "i":
        return Constant(array=operand.array.astype(np.int64))
    raise operation.refuse_option("it changes the type of numbers that depend on the image.")


def emit_reduce_prod(operation: Operation) -> Constant:
    """REDUCE_PROD of the sides of a shape."""
    sides, axes = operation.integers(0), operation.integers(1)
    if axes not in ([0], [-1]):
        raise operation.refuse_option("it multiplies anything but the sides of a shape.")
    product = np.array(math.prod(sides), np.int64)
    return Constant(array=product.reshape(1) if operation.integer(0, "B") else product)


def emit_gather(operation: Operation) -> Constant:
    """GATHER of some sides of a shape."""
    sides, chosen = operation.constant(0), operation.constant(1)
    if operation.integer(0) or operation.integer(1) or sides.dtype.kind != "i" or sides.ndim != 1:
        raise operation.refuse_option("it picks anything but the sides of a shape.")
    numbers = [find_axis(operation, int(number), len(sides)) for number in chosen.reshape(-1)]
    return Constant(array=sides[numbers].reshape(chosen.shape))


def emit_fill(operation: Operation) -> Constant:
    """FILL: one number, repeated."""
    sides, number = operation.integers(0), operation.constant(1)
    if any(side < 1 for side in sides) or math.prod(sides) > FILLABLE or number.size != 1:
        raise operation.refuse_option(f"it fills {sides}.")
    return Constant(array=np.full(sides, number.reshape(())))


def emit_dequantize(operation: Operation) -> Constant:
    """DEQUANTIZE of weights."""
    return Constant(array=operation.numbers(0))


def emit_transpose(operation: Operation) -> Operand:
    """TRANSPOSE."""
    order, operand = operation.integers(1), operation.operands[0]
    rank = operand.array.ndim if isinstance(operand, Constant) else len(operation.tensor(0).dims)
    if sorted(order) != list(range(rank)):
        raise operation.refuse_option(f"{order} is no order of {rank} axes.")
    if isinstance(operand, Constant):
        return Constant(array=operation.numbers(0).transpose(order))
    value = operation.as_pixels(operation.tensor(0))
    return operation.emit("Transpose", [value], [value.dims[axis] for axis in order], perm=order)


def emit_pad(operation: Operation) -> Tensor:
    """PAD with zeros, PADV2 with a number, MIRROR_PAD by reflection."""
    value, margins = operation.tensor(0), operation.constant(1)
    rank = len(value.dims)
    if margins.shape != (rank, 2) or margins.dtype.kind != "i" or margins.min() < 0 or margins.max() > 1 << 16:
        raise operation.refuse_option("its margins are not possible.")
    mode, extra = "constant", []
    if operation.name == "MIRROR_PAD":
        if operation.integer(0, "b") != REFLECT:
            raise operation.refuse_option("symmetric padding is not converted.")
        mode = "reflect"
    elif operation.has(2):
        extra = [operation.graph.constant(f"{operation.wish}.value", operation.numbers(2).reshape(()))]
    dims = [side + int(before) + int(after) for side, (before, after) in zip(value.dims, margins, strict=True)]
    order = (0, 3, 1, 2) if value.planes else tuple(range(rank))
    pads = [int(margins[axis, side]) for side in (0, 1) for axis in order]
    inputs: list[Tensor | str] = [value, operation.graph.integers(f"{operation.wish}.pads", pads), *extra]
    return operation.emit("Pad", inputs, dims, planes=value.planes, mode=mode)


def emit_strided_slice(operation: Operation) -> Operand:
    """STRIDED_SLICE with begin, end and shrink masks, forwards only."""
    for field, what in ((2, "an ellipsis"), (3, "a new axis"), (5, "ends as lengths")):
        if operation.integer(field):
            raise operation.refuse_option(f"{what} is not converted.")
    begins, ends, steps = (operation.integers(number) for number in (1, 2, 3))
    masks = [operation.integer(field) for field in (0, 1, 4)]
    operand = operation.operands[0]
    dims = operand.array.shape if isinstance(operand, Constant) else operation.tensor(0).dims
    if not len(begins) == len(ends) == len(steps) <= len(dims) or any(step < 1 for step in steps):
        raise operation.refuse_option("its bounds are not possible.")
    ranges = [
        _bound(dims[axis], begins[axis], ends[axis], steps[axis], [bool(mask >> axis & 1) for mask in masks])
        for axis in range(len(begins))
    ]
    shrunk = [axis for axis in range(len(begins)) if masks[2] >> axis & 1]
    if any(not len(span) for span in ranges) or any(len(ranges[axis]) != 1 for axis in shrunk):
        raise operation.refuse_shape("it takes nothing.")
    if isinstance(operand, Constant):
        cut = operand.array[tuple(slice(span.start, span.stop, span.step) for span in ranges)]
        return Constant(array=cut.reshape([side for axis, side in enumerate(cut.shape) if axis not in shrunk]))
    value = _cut(operation, operation.tensor(0), ranges)
    return reshape(operation, value, [side for axis, side in enumerate(value.dims) if axis not in shrunk])


def _bound(side: int, begin: int, end: int, step: int, masks: Sequence[bool]) -> range:
    first = 0 if masks[0] else begin + side if begin < 0 else begin
    if masks[2]:  # a shrunk axis takes the one element at `begin`, whatever `end` says
        return range(first, first + 1) if 0 <= first < side else range(0)
    last = side if masks[1] else end + side if end < 0 else end
    return range(min(max(first, 0), side), min(max(last, 0), side), step)


def _cut(operation: Operation, value: Tensor, ranges: Sequence[range]) -> Tensor:
    axes = [axis for axis, span in enumerate(ranges) if span != range(value.dims[axis])]
    if not axes:
        return value
    graph, wish = operation.graph, operation.wish
    lists = {
        "starts": [ranges[axis].start for axis in axes],
        "ends": [ranges[axis].stop for axis in axes],
        "axes": [stored_axis(value, axis) for axis in axes],
        "steps": [ranges[axis].step for axis in axes],
    }
    inputs: list[Tensor | str] = [
        value,
        *(graph.integers(f"{wish}.{role}", numbers) for role, numbers in lists.items()),
    ]
    dims = [len(ranges[axis]) if axis < len(ranges) else side for axis, side in enumerate(value.dims)]
    return operation.emit("Slice", inputs, dims, planes=value.planes)


def emit_slice(operation: Operation) -> Tensor:
    """SLICE from `begin`, `size` long; −1: to the end."""
    value, begins, sizes = operation.tensor(0), operation.integers(1), operation.integers(2)
    if not len(begins) == len(sizes) == len(value.dims):
        raise operation.refuse_option("its bounds are not possible.")
    ranges = [
        range(begin, side if size == -1 else begin + size)
        for begin, size, side in zip(begins, sizes, value.dims, strict=True)
    ]
    if any(not 0 <= span.start < span.stop <= side for span, side in zip(ranges, value.dims, strict=True)):
        raise operation.refuse_option("its bounds are not possible.")
    return _cut(operation, value, ranges)


def emit_split(operation: Operation) -> list[Operand]:
    """SPLIT into equal parts (axis first), SPLIT_V into given ones (axis last)."""
    equal = operation.name == "SPLIT"
    value, (axis, *_) = operation.tensor(1 if equal else 0), operation.integers(0 if equal else 2) or [99]
    axis, count = find_axis(operation, axis, len(value.dims)), operation.integer(0)
    side = value.dims[axis]
    if equal and (not 1 <= count <= side or side % count):
        raise operation.refuse_option(f"{side} does not divide into {count} parts.")
    sizes = [side // count] * count if equal else operation.integers(1)
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = side - sum(sizes) - 1
    if sum(sizes) != side or any(size < 1 for size in sizes):
        raise operation.refuse_option(f"{side} does not divide into {sizes}.")
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    whole = [range(length) for length in value.dims]
    return [
        _cut(operation, value, [*whole[:axis], range(start, start + size), *whole[axis + 1 :]])
        for start, size in zip(starts, sizes, strict=True)
    ]


def emit_resize(operation: Operation) -> Tensor:
    """RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR to a fixed size.

    Nearest: floor(x · scale), with half-pixel centres floor((x + ½) · scale), which ONNX calls round_prefer_ceil.
    """
    value, sides = operation.image(), operation.integers(1)
    bilinear = operation.name == "RESIZE_BILINEAR"
    corners, centres = (bool(operation.integer(field, "B")) for field in ((2, 3) if bilinear else (0, 1)))
    if len(sides) != 2 or not all(1 <= side <= 1 << 14 for side in sides) or (corners and centres):
        raise operation.refuse_option(f"a size of {sides} is not possible.")
    mode = "align_corners" if corners else "half_pixel" if centres else "asymmetric"
    attributes: dict[str, Attribute] = {"mode": "linear", "coordinate_transformation_mode": mode}
    if not bilinear:
        nearest = "floor" if mode == "asymmetric" else "round_prefer_ceil"
        attributes |= {"mode": "nearest", "nearest_mode": nearest}
    dims = (value.dims[0], sides[0], sides[1], value.dims[3])
    sizes = operation.graph.integers(f"{operation.wish}.sizes", [dims[0], dims[3], dims[1], dims[2]])
    return operation.emit("Resize", [value, "", "", sizes], dims, planes=True, **attributes)


def emit_depth_to_space(operation: Operation) -> Tensor:
    """DEPTH_TO_SPACE: blocks of channels become pixels."""
    value, block = operation.image(), operation.integer(0)
    batch, height, width, channels = value.dims
    if not 2 <= block <= 64 or channels % block**2:
        raise operation.refuse_option(f"a block of {block} does not fit {channels} channels.")
    dims = (batch, height * block, width * block, channels // block**2)
    return operation.emit("DepthToSpace", [value], dims, planes=True, blocksize=block, mode="DCR")


def emit_space_to_depth(operation: Operation) -> Tensor:
    """SPACE_TO_DEPTH: blocks of pixels become channels."""
    value, block = operation.image(), operation.integer(0)
    batch, height, width, channels = value.dims
    if not 2 <= block <= 64 or height % block or width % block:
        raise operation.refuse_option(f"a block of {block} does not fit {height} × {width} pixels.")
    dims = (batch, height // block, width // block, channels * block**2)
    return operation.emit("SpaceToDepth", [value], dims, planes=True, blocksize=block)


def emit_batch_matmul(operation: Operation) -> Tensor:
    """BATCH_MATMUL of two tensors, each transposed or not."""
    operation.integer(2, "B")
    factors = [operation.as_pixels(operation.tensor(number)) for number in (0, 1)]
    factors = [
        _turn(operation, factor) if operation.integer(field, "B") else factor for field, factor in enumerate(factors)
    ]
    first, second = factors
    if min(len(first.dims), len(second.dims)) < 2 or first.dims[-1] != second.dims[-2]:
        raise operation.refuse_shape(f"{list(first.dims)} and {list(second.dims)} do not multiply.")
    try:
        outer = np.broadcast_shapes(first.dims[:-2], second.dims[:-2])
    except ValueError as error:
        raise operation.refuse_shape(f"{list(first.dims)} and {list(second.dims)} do not multiply.") from error
    return operation.emit("MatMul", factors, (*outer, first.dims[-2], second.dims[-1]))


def _turn(operation: Operation, value: Tensor) -> Tensor:
    rank = len(value.dims)
    order = [*range(rank - 2), rank - 1, rank - 2]
    return operation.emit("Transpose", [value], [value.dims[axis] for axis in order], perm=order)


SHAPES: Final[Mapping[str, Emitter]] = {
    "BATCH_MATMUL": emit_batch_matmul,
    "CAST": emit_cast,
    "CONCATENATION": emit_concatenation,
    "DEPTH_TO_SPACE": emit_depth_to_space,
    "DEQUANTIZE": emit_dequantize,
    "EXPAND_DIMS": emit_expand_dims,
    "FILL": emit_fill,
    "GATHER": emit_gather,
    "MIRROR_PAD": emit_pad,
    "PACK": emit_pack,
    "PAD": emit_pad,
    "PADV2": emit_pad,
    "REDUCE_PROD": emit_reduce_prod,
    "RESHAPE": emit_reshape,
    "RESIZE_BILINEAR": emit_resize,
    "RESIZE_NEAREST_NEIGHBOR": emit_resize,
    "SHAPE": emit_shape,
    "SLICE": emit_slice,
    "SPACE_TO_DEPTH": emit_space_to_depth,
    "SPLIT": emit_split,
    "SPLIT_V": emit_split,
    "SQUEEZE": emit_squeeze,
    "STRIDED_SLICE": emit_strided_slice,
    "TRANSPOSE": emit_transpose,
}
