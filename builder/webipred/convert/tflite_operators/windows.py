"""Convolutions, pooling and dense layers. Kernels: TFLite (out, height, width, in) → ONNX (out, in, height, width)."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from webipred.convert.graph import Array
from webipred.convert.tflite_operators.operation import Emitter, Operation, Tensor

Pair = tuple[int, int]
SAME: Final = 0
LARGEST_SIDE: Final = 1 << 16


def emit_conv(operation: Operation) -> Tensor:
    """CONV_2D; groups follow from the channels of input and kernel."""
    value, kernel = operation.image(), operation.numbers(1)
    if kernel.ndim != 4 or not kernel.shape[3] or value.dims[3] % kernel.shape[3]:
        raise operation.refuse_shape(f"a kernel {list(kernel.shape)} does not fit {value.dims[3]} channels.")
    groups = value.dims[3] // kernel.shape[3]
    if kernel.shape[0] % groups:
        raise operation.refuse_shape(f"{kernel.shape[0]} filters do not divide into {groups} groups.")
    operation.integer(6, "b")  # the type of quantised sums; float sums are float
    result = _convolve(operation, value, kernel.transpose(0, 3, 1, 2), groups, dilation_fields=(5, 4))
    return operation.activate(result, 3)


def emit_depthwise_conv(operation: Operation) -> Tensor:
    """DEPTHWISE_CONV_2D: kernel (1, height, width, channels · multiplier)."""
    value, kernel = operation.image(), operation.numbers(1)
    channels = value.dims[3]
    if kernel.ndim != 4 or kernel.shape[0] != 1 or not channels or kernel.shape[3] % channels:
        raise operation.refuse_shape(f"a kernel {list(kernel.shape)} does not fit {channels} channels.")
    operation.integer(3)  # depth_multiplier says again what the shapes say
    result = _convolve(operation, value, kernel.transpose(3, 0, 1, 2), channels, dilation_fields=(6, 5))
    return operation.activate(result, 4)


def _convolve(operation: Operation, value: Tensor, kernel: Array, groups: int, dilation_fields: Pair) -> Tensor:
    strides = _pair(operation, (2, 1))
    dilation = _pair(operation, dilation_fields, default=1)
    size = (kernel.shape[2], kernel.shape[3])
    sides, pads = _slide(operation, value, size, strides, dilation)
    inputs: list[Tensor | str] = [value, operation.graph.constant(f"{operation.wish}.kernel", kernel)]
    if operation.has(2):
        inputs.append(_bias(operation, 2, kernel.shape[0]))
    dims = (value.dims[0], *sides, kernel.shape[0])
    return operation.emit(
        "Conv", inputs, dims, planes=True, dilations=dilation, group=groups,
        kernel_shape=size, pads=pads, strides=strides,
    )  # fmt: skip


def emit_transpose_conv(operation: Operation) -> Tensor:
    """TRANSPOSE_CONV: the gradient of a convolution; input 0 is the shape of the result."""
    shape, value, kernel = operation.integers(0), operation.image(2), operation.numbers(1)
    if kernel.ndim != 4 or kernel.shape[3] != value.dims[3] or len(shape) != 4 or shape[3] != kernel.shape[0]:
        raise operation.refuse_shape(f"a kernel {list(kernel.shape)} does not lead from {list(value.dims)} to {shape}.")
    strides = _pair(operation, (2, 1))
    operation.integer(4, "b")
    same = operation.integer(0, "b") == SAME
    pads, extra = [0, 0, 0, 0], [0, 0]
    for axis in (0, 1):
        surplus = (value.dims[axis + 1] - 1) * strides[axis] + kernel.shape[axis + 1] - shape[axis + 1]
        if shape[axis + 1] < 1 or (not same and surplus > 0) or -surplus >= strides[axis]:
            raise operation.refuse_shape(f"the result {shape} does not follow from {list(value.dims)}.")
        pads[axis], pads[axis + 2] = max(surplus, 0) // 2, max(surplus, 0) - max(surplus, 0) // 2
        extra[axis] = max(-surplus, 0)
    name = operation.graph.constant(f"{operation.wish}.kernel", kernel.transpose(3, 0, 1, 2))
    inputs: list[Tensor | str] = [value, name, *([_bias(operation, 3, shape[3])] if operation.has(3) else [])]
    dims = (value.dims[0], shape[1], shape[2], shape[3])
    result = operation.emit(
        "ConvTranspose", inputs, dims, planes=True,
        kernel_shape=kernel.shape[1:3], output_padding=extra, pads=pads, strides=strides,
    )  # fmt: skip
    return operation.activate(result, 3)


def emit_max_pool(operation: Operation) -> Tensor:
    """MAX_POOL_2D; padding never wins."""
    return _pool(operation, "MaxPool")


def emit_average_pool(operation: Operation) -> Tensor:
    """AVERAGE_POOL_2D; padding is not counted."""
    return _pool(operation, "AveragePool")


def _pool(operation: Operation, op: str) -> Tensor:
    value = operation.image()
    size, strides = _pair(operation, (4, 3)), _pair(operation, (2, 1))
    sides, pads = _slide(operation, value, size, strides, (1, 1))
    dims = (value.dims[0], *sides, value.dims[3])
    result = operation.emit(op, [value], dims, planes=True, kernel_shape=size, pads=pads, strides=strides)
    return operation.activate(result, 5)


def emit_fully_connected(operation: Operation) -> Tensor:
    """FULLY_CONNECTED: rows of `in` numbers times a matrix (out, in), plus a bias."""
    value, matrix = operation.as_pixels(operation.tensor(0)), operation.numbers(1)
    operation.require_default(1, "a shuffled layout of the weights")
    operation.integer(3, "B")
    operation.integer(4, "b")
    if matrix.ndim != 2 or not matrix.shape[1] or int(np.prod(value.dims)) % matrix.shape[1]:
        raise operation.refuse_shape(f"a matrix {list(matrix.shape)} does not fit an input {list(value.dims)}.")
    units, width = matrix.shape
    rows = int(np.prod(value.dims)) // width
    keeps = bool(operation.integer(2, "B"))
    if keeps and (not value.dims or value.dims[-1] != width):
        raise operation.refuse_shape(f"the last axis of {list(value.dims)} is not {width}.")
    if value.dims != (rows, width) and not keeps:
        shape = operation.graph.integers(f"{operation.wish}.rows", [rows, width])
        value = operation.emit("Reshape", [value, shape], (rows, width))
    dims = (*value.dims[:-1], units)
    kernel = operation.graph.constant(f"{operation.wish}.kernel", np.ascontiguousarray(matrix.T))
    bias = _bias(operation, 2, units) if operation.has(2) else None
    if len(value.dims) == 2:
        result = operation.emit("Gemm", [value, kernel, *([bias] if bias else [])], dims)
    else:
        result = operation.emit("MatMul", [value, kernel], dims)
        result = operation.emit("Add", [result, bias], dims) if bias else result
    return operation.activate(result, 0)


def _bias(operation: Operation, number: int, size: int) -> str:
    bias = operation.numbers(number)
    if bias.shape != (size,):
        raise operation.refuse_shape(f"the bias has the shape {list(bias.shape)}, {size} numbers are needed.")
    return operation.graph.constant(f"{operation.wish}.bias", bias)


def _pair(operation: Operation, fields: Pair, default: int = 0) -> Pair:
    vertical, horizontal = (operation.integer(field, "i", default) for field in fields)
    if not (1 <= vertical <= LARGEST_SIDE and 1 <= horizontal <= LARGEST_SIDE):
        raise operation.refuse_option(f"a window or step of {vertical} × {horizontal} is not possible.")
    return vertical, horizontal


def _slide(
    operation: Operation, value: Tensor, size: Pair, strides: Pair, dilation: Pair
) -> tuple[Pair, tuple[int, int, int, int]]:
    """Return the sides of the result and ONNX pads; SAME puts the odd pixel at the end, as TensorFlow does."""
    same = operation.integer(0, "b") == SAME
    sides, before, after = [], [], []
    for axis in (0, 1):
        side, span = value.dims[axis + 1], (size[axis] - 1) * dilation[axis] + 1
        count = -(-side // strides[axis]) if same else (side - span) // strides[axis] + 1
        missing = max((count - 1) * strides[axis] + span - side, 0) if same else 0
        sides.append(count)
        before.append(missing // 2)
        after.append(missing - missing // 2)
    if min(sides) < 1:
        raise operation.refuse_shape(f"its window {list(size)} does not fit into {list(value.dims)}.")
    return (sides[0], sides[1]), (before[0], before[1], after[0], after[1])


WINDOWS: Final[Mapping[str, Emitter]] = {
    "AVERAGE_POOL_2D": emit_average_pool,
    "CONV_2D": emit_conv,
    "DEPTHWISE_CONV_2D": emit_depthwise_conv,
    "FULLY_CONNECTED": emit_fully_connected,
    "MAX_POOL_2D": emit_max_pool,
    "TRANSPOSE_CONV": emit_transpose_conv,
}
