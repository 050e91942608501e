"""Normalisation and scaling: by learned statistics, by the values themselves, and by constants."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from webipred.convert.graph import Array, Value
from webipred.convert.json_text import JsonValue
from webipred.convert.keras_layers.layer import Layer, LayerEmitter, require_last_axis
from webipred.convert.keras_options import LARGEST_NUMBER
from webipred.convert.weights import WeightSpec

SMALLEST_DEVIATION: Final = 1e-7  # keras.backend.epsilon(), the floor in Keras' Normalization layer


def emit_batch_normalization(layer: Layer) -> Value:
    """BatchNormalization by its moving statistics: gamma · (x − mean) / √(variance + ε) + beta."""
    options, value = layer.options, layer.input
    require_last_axis(layer, len(value.shape))
    options.require("renorm", False)
    options.require("virtual_batch_size")
    options.require("adjustment")
    options.discard("momentum", "synchronized", "fused", "renorm_clipping", "renorm_momentum")
    channels = value.shape[-1]
    weights = layer.take_weights(
        [*_scale_and_center(layer, channels), *_vectors(("moving_mean", "moving_variance"), channels)]
    )
    gamma = weights.get("gamma", np.ones(channels, np.float32))
    beta = weights.get("beta", np.zeros(channels, np.float32))
    mean, variance, epsilon = weights["moving_mean"], weights["moving_variance"], options.number("epsilon", 1e-3)
    if np.min(variance.astype(np.float64)) + epsilon <= 0:
        raise layer.refuse_option(f"variance + epsilon ({epsilon}) is not positive, the result would be NaN.")
    if len(value.shape) not in (1, 3):
        factor = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
        return scale_and_shift(layer, value, factor, beta - mean * factor)
    value = layer.graph.as_planes(value)
    roles = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
    names = [layer.graph.constant(f"{layer.name}.{role}", array) for role, array in roles.items()]
    return layer.emit("BatchNormalization", [value, *names], value.shape, planes=value.planes, epsilon=epsilon)


def emit_layer_normalization(layer: Layer) -> Value:
    """LayerNormalization over the channels of every pixel."""
    options, value = layer.options, layer.graph.as_pixels(layer.input)
    require_last_axis(layer, len(value.shape))
    options.require("rms_scaling", False)
    channels = value.shape[-1]
    weights = layer.take_weights(_scale_and_center(layer, channels))
    gamma = weights.get("gamma", np.ones(channels, np.float32))
    beta = weights.get("beta", np.zeros(channels, np.float32))
    names = [layer.graph.constant(f"{layer.name}.{role}", array) for role, array in (("gamma", gamma), ("beta", beta))]
    return layer.emit(
        "LayerNormalization", [value, *names], value.shape, axis=-1, epsilon=options.number("epsilon", 1e-3)
    )


def emit_layer_scale(layer: Layer) -> Value:
    """LayerScale of ConvNeXt: one learned factor per channel."""
    value = layer.input
    channels = layer.options.integer("projection_dim")
    layer.options.discard("init_values")
    gamma = layer.take_weights([WeightSpec(name="gamma", shape=(channels,), aliases=("Variable", "variable"))])["gamma"]
    if channels != value.shape[-1]:
        raise layer.refuse_graph(f"it scales {channels} channels, its input has {value.shape[-1]}.")
    return scale_and_shift(layer, value, gamma, None)


def emit_rescaling(layer: Layer) -> Value:
    """Rescaling: x · scale + offset, each one number or one per channel."""
    value = layer.input
    scale = _numbers(layer, "scale", layer.options.raw("scale"), value.shape[-1])
    offset = _numbers(layer, "offset", layer.options.raw("offset", 0.0), value.shape[-1])
    return scale_and_shift(layer, value, scale, offset)


def emit_normalization(layer: Layer) -> Value:
    """Normalization: (x − mean) / max(√variance, 1e-7) per channel, by constants or learned ones."""
    options, value = layer.options, layer.input
    require_last_axis(layer, len(value.shape))
    options.require("invert", False)
    channels = value.shape[-1]
    given = [options.raw(key) for key in ("mean", "variance")]
    if (given[0] is None) != (given[1] is None):
        raise layer.refuse_option("mean and variance must both be given, or neither.")
    if given[0] is None:
        count = WeightSpec(name="count", shape=())
        weights = layer.take_weights([*_vectors(("mean", "variance"), channels), count])
        mean, variance = weights["mean"], weights["variance"]
    else:
        mean = _numbers(layer, "mean", given[0], channels)
        variance = _numbers(layer, "variance", given[1], channels)
    if np.less(variance, np.float32(0)).any():
        raise layer.refuse_option("the variance is negative, the result would be NaN.")
    deviation = np.maximum(np.sqrt(variance.astype(np.float32)), np.float32(SMALLEST_DEVIATION))
    shifted = _per_channel(layer, "Sub", value, mean, "mean")
    return _per_channel(layer, "Div", shifted, deviation, "deviation")


def scale_and_shift(layer: Layer, value: Value, scale: Array, offset: Array | None) -> Value:
    """Return value · scale + offset, both numbers or vectors over the channels."""
    result = _per_channel(layer, "Mul", value, scale, "scale")
    return _per_channel(layer, "Add", result, offset, "offset") if offset is not None and np.any(offset) else result


def _per_channel(layer: Layer, op: str, value: Value, operand: Array, role: str) -> Value:
    operand = operand.astype(np.float32)
    if operand.ndim and value.planes:
        operand = operand.reshape(-1, 1, 1)
    name = layer.graph.constant(f"{layer.name}.{role}", operand)
    return layer.emit(op, [value, name], value.shape, planes=value.planes)


def _numbers(layer: Layer, key: str, value: JsonValue, channels: int) -> Array:
    try:
        numbers = np.array(value, np.float64)
    except (ValueError, TypeError) as error:
        raise layer.refuse_option(f"{key} is {str(value)[:80]}, numbers are expected.") from error
    if numbers.ndim and (numbers.size != numbers.shape[-1] or numbers.shape[-1] not in (1, channels)):
        raise layer.refuse_option(f"{key} has the shape {list(numbers.shape)}, the input has {channels} channels.")
    if value is None or not (np.abs(numbers) <= LARGEST_NUMBER).all():
        raise layer.refuse_option(f"{key} is {str(value)[:80]}, finite numbers are expected.")
    return numbers.reshape(-1) if numbers.ndim else numbers


def _scale_and_center(layer: Layer, channels: int) -> list[WeightSpec]:
    options = layer.options
    names = [name for name, key in (("gamma", "scale"), ("beta", "center")) if options.flag(key, True)]
    return _vectors(names, channels)


def _vectors(names: Sequence[str], size: int) -> list[WeightSpec]:
    return [WeightSpec(name=name, shape=(size,)) for name in names]


NORMALIZATIONS: Final[Mapping[str, LayerEmitter]] = {
    "BatchNormalization": emit_batch_normalization,
    "BatchNormalizationV1": emit_batch_normalization,
    "BatchNormalizationV2": emit_batch_normalization,
    "LayerNormalization": emit_layer_normalization,
    "LayerScale": emit_layer_scale,
    "Normalization": emit_normalization,
    "Rescaling": emit_rescaling,
}
