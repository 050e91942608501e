"""Operators that work element by element, and reductions."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from webipred.convert.tflite_operators.operation import (
    Constant,
    Emitter,
    Operand,
    Operation,
    Tensor,
    apply_named,
    clip,
    combine,
    find_axis,
)

UNARY: Final[Mapping[str, str]] = {
    "ABS": "Abs",
    "CEIL": "Ceil",
    "EXP": "Exp",
    "FLOOR": "Floor",
    "HARD_SWISH": "HardSwish",
    "LOG": "Log",
    "LOGISTIC": "Sigmoid",
    "NEG": "Neg",
    "RELU": "Relu",
    "SQRT": "Sqrt",
    "TANH": "Tanh",
}
BINARY: Final[Mapping[str, str]] = {
    "ADD": "Add",
    "DIV": "Div",
    "MAXIMUM": "Max",
    "MINIMUM": "Min",
    "MUL": "Mul",
    "POW": "Pow",
    "SUB": "Sub",
}
REDUCTIONS: Final[Mapping[str, str]] = {
    "MEAN": "ReduceMean",
    "REDUCE_MAX": "ReduceMax",
    "REDUCE_MIN": "ReduceMin",
    "SUM": "ReduceSum",
}
ON_INTEGERS: Final[Mapping[str, np.ufunc]] = {
    "ADD": np.add,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "MUL": np.multiply,
    "SUB": np.subtract,
}
SPATIAL: Final = (1, 2)


def emit_unary(operation: Operation) -> Tensor:
    """One input, one ONNX operator."""
    value = operation.tensor(0)
    return operation.emit(UNARY[operation.name], [value], value.dims, planes=value.planes)


def emit_binary(operation: Operation) -> Operand:
    """Two inputs; shapes, which are whole numbers, are computed here."""
    first, second = operation.operands[0], operation.operands[1] if len(operation.operands) > 1 else None
    if isinstance(first, Constant) and isinstance(second, Constant) and first.array.dtype.kind == "i":
        return _compute_integers(operation, first, second)
    if operation.name == "ADD" or operation.name == "SUB":
        operation.integer(1, "B")  # concerns 16-bit quantisation only
    result = combine(operation, BINARY[operation.name])
    fused = operation.name in ("ADD", "DIV", "MUL", "SUB")
    return operation.activate(result, 0) if fused else result


def _compute_integers(operation: Operation, first: Constant, second: Constant) -> Constant:
    function = ON_INTEGERS.get(operation.name)
    if function is None or max(first.array.size, second.array.size) > 64 or operation.integer(0, "b"):
        raise operation.refuse_option("it computes with whole numbers, which is converted for shapes only.")
    return Constant(array=np.asarray(function(first.array, second.array)))


def emit_relu6(operation: Operation) -> Tensor:
    """min(max(x, 0), 6)."""
    return clip(operation, operation.tensor(0), 0.0, 6.0)


def emit_relu_n1_to_1(operation: Operation) -> Tensor:
    """min(max(x, −1), 1)."""
    return clip(operation, operation.tensor(0), -1.0, 1.0)


def emit_relu_0_to_1(operation: Operation) -> Tensor:
    """min(max(x, 0), 1)."""
    return clip(operation, operation.tensor(0), 0.0, 1.0)


def emit_elu(operation: Operation) -> Tensor:
    """exp(x) − 1 for negative x."""
    value = operation.tensor(0)
    return operation.emit("Elu", [value], value.dims, planes=value.planes, alpha=1.0)


def emit_gelu(operation: Operation) -> Tensor:
    """GELU, exact or by tanh."""
    value = operation.tensor(0)
    approximate = "tanh" if operation.integer(0, "B") else "none"
    return operation.emit("Gelu", [value], value.dims, planes=value.planes, approximate=approximate)


def emit_leaky_relu(operation: Operation) -> Tensor:
    """Negative values times alpha."""
    value = operation.tensor(0)
    return operation.emit("LeakyRelu", [value], value.dims, planes=value.planes, alpha=operation.number(0))


def emit_prelu(operation: Operation) -> Tensor:
    """Negative values times a learned slope, which broadcasts."""
    return combine(operation, "PRelu")


def emit_rsqrt(operation: Operation) -> Tensor:
    """1 / √x."""
    value = operation.tensor(0)
    return apply_named(operation, operation.emit("Sqrt", [value], value.dims, planes=value.planes), "Reciprocal")


def emit_square(operation: Operation) -> Tensor:
    """x · x."""
    value = operation.tensor(0)
    return operation.emit("Mul", [value, value], value.dims, planes=value.planes)


def emit_squared_difference(operation: Operation) -> Tensor:
    """(x − y)²."""
    difference = combine(operation, "Sub")
    return operation.emit("Mul", [difference, difference], difference.dims, planes=difference.planes)


def emit_softmax(operation: Operation) -> Tensor:
    """Softmax of beta · x over the last axis."""
    value = operation.as_pixels(operation.tensor(0))
    beta = operation.number(0)
    if not math.isfinite(beta) or beta <= 0:
        raise operation.refuse_option(f"beta is {beta:g}, a positive number is needed.")
    if beta != 1:
        scale = operation.graph.scalar(f"number.{beta:g}", beta)
        value = operation.emit("Mul", [value, scale], value.dims)
    return operation.emit("Softmax", [value], value.dims, axis=len(value.dims) - 1)


def emit_log_softmax(operation: Operation) -> Tensor:
    """Logarithm of the softmax over the last axis."""
    value = operation.as_pixels(operation.tensor(0))
    return operation.emit("LogSoftmax", [value], value.dims, axis=len(value.dims) - 1)


def emit_reduction(operation: Operation) -> Tensor:
    """Mean, sum, maximum or minimum over some axes."""
    value = operation.tensor(0)
    rank = len(value.dims)
    axes = sorted({find_axis(operation, axis, rank) for axis in operation.integers(1)})
    keeps = bool(operation.integer(0, "B"))
    if operation.name == "MEAN" and rank == 4 and tuple(axes) == SPATIAL:
        return _average_map(operation, value, keeps)
    value = operation.as_pixels(value)
    dims = [1 if axis in axes else side for axis, side in enumerate(value.dims)]
    if not keeps:
        dims = [side for axis, side in enumerate(dims) if axis not in axes]
    names = operation.graph.integers(f"{operation.wish}.axes", axes)
    return operation.emit(REDUCTIONS[operation.name], [value, names], dims, keepdims=int(keeps))


def _average_map(operation: Operation, value: Tensor, keeps: bool) -> Tensor:
    value = operation.as_planes(value)
    batch, channels = value.dims[0], value.dims[3]
    pooled = operation.emit("GlobalAveragePool", [value], (batch, 1, 1, channels), planes=True)
    return pooled if keeps else operation.emit("Flatten", [pooled], (batch, channels), axis=1)


ELEMENTWISE: Final[Mapping[str, Emitter]] = {
    **dict.fromkeys(UNARY, emit_unary),
    **dict.fromkeys(BINARY, emit_binary),
    **dict.fromkeys(REDUCTIONS, emit_reduction),
    "ELU": emit_elu,
    "GELU": emit_gelu,
    "LEAKY_RELU": emit_leaky_relu,
    "LOG_SOFTMAX": emit_log_softmax,
    "PRELU": emit_prelu,
    "RELU6": emit_relu6,
    "RELU_0_TO_1": emit_relu_0_to_1,
    "RELU_N1_TO_1": emit_relu_n1_to_1,
    "RSQRT": emit_rsqrt,
    "SOFTMAX": emit_softmax,
    "SQUARE": emit_square,
    "SQUARED_DIFFERENCE": emit_squared_difference,
}
