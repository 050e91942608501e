"""Normalisation and scaling: by learned statistics, by the values themselves, and by constants."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from webipred.convert.graph import Array, Value
from webipred.convert.json_text import JsonValue
from webipred.convert.keras_layers.layer import Layer, LayerEmitter, find_axis, require_last_axis
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
    """LayerNormalization over the channels of every pixel, or over several axes up to the last one."""
    options, value = layer.options, layer.graph.as_pixels(layer.input)
    axis, rank = options.raw("axis", -1), len(value.shape)
    axes = sorted(find_axis(layer, one, rank) for one in (axis if isinstance(axis, list) else [axis]))
    if axes != list(range(axes[0] if axes else rank, rank)):
        raise layer.refuse_option(f"axis {axis!r} does not reach to the last axis without a gap.")
    options.require("rms_scaling", False)
    shape = value.shape[axes[0] :]
    names = [name for name, key in (("gamma", "scale"), ("beta", "center")) if options.flag(key, True)]
    weights = layer.take_weights([WeightSpec(name=name, shape=shape) for name in names])
    gamma = weights.get("gamma", np.ones(shape, np.float32))
    beta = weights.get("beta", np.zeros(shape, np.float32))
    names = [layer.graph.constant(f"{layer.name}.{role}", array) for role, array in (("gamma", gamma), ("beta", beta))]
    return layer.emit(
        "LayerNormalization", [value, *names], value.shape, axis=axes[0] - rank, epsilon=options.number("epsilon", 1e-3)
    )


def emit_group_normalization(layer: Layer) -> Value:
    """GroupNormalization of an image: mean and variance over the pixels and the channels of each group.

    Wu and He 2018. With the channels of a group side by side this is an instance normalisation.
    """
    options, value = layer.options, layer.graph.as_planes(layer.input_of_rank(3))
    require_last_axis(layer, 3)
    height, width, channels = value.shape
    given = options.raw("groups", 32)
    groups = channels if given == -1 else options.integer("groups", 32)
    if channels % groups:
        raise layer.refuse_option(f"groups {groups} does not divide {channels} channels.")
    graph, size = layer.graph, height * width * channels // groups
    wide = graph.integers(f"{layer.name}.groups", [1, groups, size])
    flat = layer.emit("Reshape", [value, wide], (groups, size))
    neutral = [
        graph.constant(f"{layer.name}.{role}", np.full(groups, number, np.float32))
        for role, number in (("one", 1), ("zero", 0))
    ]
    epsilon = options.number("epsilon", 1e-3)
    flat = layer.emit("InstanceNormalization", [flat, *neutral], flat.shape, epsilon=epsilon)
    shape = graph.integers(f"{layer.name}.image", [1, channels, height, width])
    result = layer.emit("Reshape", [flat, shape], value.shape, planes=True)
    weights = layer.take_weights(_scale_and_center(layer, channels))
    return scale_and_shift(layer, result, weights.get("gamma", np.ones(channels, np.float32)), weights.get("beta"))


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
    "GroupNormalization": emit_group_normalization,
    "LayerNormalization": emit_layer_normalization,
    "LayerScale": emit_layer_scale,
    "Normalization": emit_normalization,
    "Rescaling": emit_rescaling,
}
