"""Functions of TensorFlow and Keras that a model calls between its layers: TFOpLambda, and keras.ops in Keras 3."""

from collections.abc import Mapping
from typing import Final

from webipred.convert.graph import Value
from webipred.convert.keras_layers.activations import apply_named
from webipred.convert.keras_layers.layer import Layer, LayerEmitter
from webipred.convert.keras_layers.merging import combine
from webipred.convert.keras_options import LARGEST_NUMBER
from webipred.errors import refuse

ARITHMETIC: Final[Mapping[str, str]] = {
    "__operators__.add": "Add",
    "math.add": "Add",
    "math.multiply": "Mul",
    "math.subtract": "Sub",
    "math.divide": "Div",
    "math.truediv": "Div",
    "keras.ops.Add": "Add",
    "keras.ops.Subtract": "Sub",
    "keras.ops.Multiply": "Mul",
    "keras.ops.Divide": "Div",
    "keras.ops.TrueDivide": "Div",
}
NAMED: Final[Mapping[str, str]] = {
    "nn.relu": "relu",
    "nn.relu6": "relu6",
    "nn.sigmoid": "sigmoid",
    "math.sigmoid": "sigmoid",
    "math.tanh": "tanh",
    "nn.tanh": "tanh",
    "nn.silu": "swish",
    "nn.swish": "swish",
    "nn.gelu": "gelu",
    "nn.elu": "elu",
    "nn.selu": "selu",
    "math.softplus": "softplus",
}
FIRST: Final = ("0", "x", "features")
SECOND: Final = ("1", "y")
NEUTRAL: Final[Mapping[str, tuple[object, ...]]] = {
    "name": (None,),
    "approximate": (None, False),
    "beta": (None, 1, 1.0),
}


def emit_function(layer: Layer) -> Value:
    """TFOpLambda: one TensorFlow function by its name. Raises FindingsError for those not in the tables."""
    function = layer.options.raw("function")
    return call_function(layer, function if isinstance(function, str) else "")


def call_function(layer: Layer, function: str) -> Value:
    """Emit a call of a function of the tables above."""
    operands: dict[str, object] = dict(layer.operands)
    first = _pop(operands, FIRST)
    if function in ARITHMETIC:
        second = _pop(operands, SECOND)
        _refuse_rest(layer, function, operands)
        return _combine_operands(layer, ARITHMETIC[function], first, second)
    _refuse_rest(layer, function, operands)
    if function not in NAMED or not isinstance(first, Value):
        raise refuse(
            "E-CONVERT-LAYER",
            layer.where,
            f"the function {ascii(function)[:80]} is not known to this converter.",
            "Rebuild the model with Keras layers, or export it as ONNX.",
        )
    return apply_named(layer, first, NAMED[function])


def _pop(operands: dict[str, object], names: tuple[str, ...]) -> object:
    present = [name for name in names if name in operands]
    return operands.pop(present[0]) if present else None


def _refuse_rest(layer: Layer, function: str, operands: Mapping[str, object]) -> None:
    for key, value in operands.items():
        if not any(value is neutral or value == neutral for neutral in NEUTRAL.get(key, ())):
            raise layer.refuse_option(f"the argument {key[:60]}={str(value)[:60]} of {function[:80]} is not converted.")


def _combine_operands(layer: Layer, op: str, first: object, second: object) -> Value:
    if isinstance(first, Value) and isinstance(second, Value):
        return combine(layer, op, first, second)
    value = first if isinstance(first, Value) else second
    number = second if isinstance(first, Value) else first
    if not isinstance(value, Value) or isinstance(number, bool) or not isinstance(number, int | float):
        raise layer.refuse_graph("its operands are not tensors and numbers.")
    if not abs(number) <= LARGEST_NUMBER:
        raise layer.refuse_option(f"its operand {str(number)[:40]} is not a finite number.")
    name = layer.graph.scalar(f"number.{number:g}", float(number))
    inputs: list[Value | str] = [value, name] if isinstance(first, Value) else [name, value]
    return layer.emit(op, inputs, value.shape, planes=value.planes)


def emit_operation(layer: Layer) -> Value:
    """An operation of keras.ops, which Keras 3 writes like a layer of its class."""
    return call_function(layer, f"keras.ops.{layer.class_name}")


OPERATIONS: Final[Mapping[str, LayerEmitter]] = {
    name.removeprefix("keras.ops."): emit_operation for name in ARITHMETIC if name.startswith("keras.ops.")
}
