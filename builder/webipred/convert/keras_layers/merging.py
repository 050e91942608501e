"""Layers that join several tensors."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from webipred.convert.graph import Value
from webipred.convert.keras_layers.layer import Layer, LayerEmitter, find_axis

PLANES_AXIS: Final = (2, 3, 1)  # of height, width and channel in (batch, channel, height, width)


def emit_add(layer: Layer) -> Value:
    """Add: the sum, in the order given."""
    return _fold(layer, "Add")


def emit_multiply(layer: Layer) -> Value:
    """Multiply: the product, in the order given."""
    return _fold(layer, "Mul")


def emit_maximum(layer: Layer) -> Value:
    """Maximum, element by element."""
    return _fold(layer, "Max")


def emit_minimum(layer: Layer) -> Value:
    """Minimum, element by element."""
    return _fold(layer, "Min")


def emit_subtract(layer: Layer) -> Value:
    """Subtract: the first minus the second."""
    if len(layer.inputs) != 2:
        raise layer.refuse_graph(f"it has {len(layer.inputs)} inputs, two are expected.")
    return _fold(layer, "Sub")


def emit_average(layer: Layer) -> Value:
    """Average: the sum times 1 / n."""
    total = _fold(layer, "Add")
    count = layer.graph.constant(f"{layer.name}.count", np.array(len(layer.inputs), np.float32))
    return layer.emit("Div", [total, count], total.shape, planes=total.planes)


def emit_concatenate(layer: Layer) -> Value:
    """Concatenate along one axis; the others must agree."""
    values = align(layer, layer.inputs)
    rank = len(values[0].shape)
    axis = find_axis(layer, layer.options.raw("axis", -1), rank)
    others = {value.shape[:axis] + value.shape[axis + 1 :] for value in values}
    if len(others) != 1:
        raise layer.refuse_graph(f"shapes {[list(value.shape) for value in values]} do not fit along axis {axis + 1}.")
    shape = list(values[0].shape)
    shape[axis] = sum(value.shape[axis] for value in values)
    planes = values[0].planes
    return layer.emit("Concat", values, shape, planes=planes, axis=PLANES_AXIS[axis] if planes else axis + 1)


def emit_custom_scale_layer(layer: Layer) -> Value:
    """CustomScaleLayer of Keras' InceptionResNetV2: first + second · scale."""
    if len(layer.inputs) != 2:
        raise layer.refuse_graph(f"it has {len(layer.inputs)} inputs, two are expected.")
    first, second = align(layer, layer.inputs)
    scale = layer.graph.scalar(f"{layer.name}.scale", layer.options.number("scale"))
    scaled = layer.emit("Mul", [second, scale], second.shape, planes=second.planes)
    return combine(layer, "Add", first, scaled)


def align(layer: Layer, values: Sequence[Value]) -> list[Value]:
    """Return tensors of one rank in one layout. Raises FindingsError for none or several ranks."""
    ranks = {len(value.shape) for value in values}
    if len(ranks) != 1:
        raise layer.refuse_graph(f"it joins tensors of {len(ranks)} different ranks.")
    if any(value.planes for value in values):
        return [layer.graph.as_planes(value) for value in values]
    return list(values)


def combine(layer: Layer, op: str, first: Value, second: Value) -> Value:
    """Apply a binary operator; axes of length 1 are repeated."""
    first, second = align(layer, (first, second))
    pairs = list(zip(first.shape, second.shape, strict=True))
    if any(one != other and 1 not in (one, other) for one, other in pairs):
        raise layer.refuse_graph(f"the shapes {list(first.shape)} and {list(second.shape)} do not fit together.")
    return layer.emit(op, [first, second], [max(pair) for pair in pairs], planes=first.planes)


def _fold(layer: Layer, op: str) -> Value:
    if len(layer.inputs) < 2:
        raise layer.refuse_graph(f"it has {len(layer.inputs)} inputs, at least two are expected.")
    result = layer.inputs[0]
    for value in layer.inputs[1:]:
        result = combine(layer, op, result, value)
    return result


MERGES: Final[Mapping[str, LayerEmitter]] = {
    "Add": emit_add,
    "Average": emit_average,
    "Concatenate": emit_concatenate,
    "CustomScaleLayer": emit_custom_scale_layer,
    "Maximum": emit_maximum,
    "Minimum": emit_minimum,
    "Multiply": emit_multiply,
    "Subtract": emit_subtract,
}
