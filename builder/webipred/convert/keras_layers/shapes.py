"""Layers that move, add or drop elements, and those that do nothing at prediction."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from webipred.convert.graph import Attribute, Value
from webipred.convert.keras_layers.layer import Layer, LayerEmitter, require_channels_last

SPATIAL_AXES: Final = (2, 3)


def emit_identity(layer: Layer) -> Value:
    """A layer that only acts during training."""
    layer.options.discard_all()
    return layer.input


def emit_flatten(layer: Layer) -> Value:
    """Flatten in (height, width, channel) order."""
    require_channels_last(layer)
    value = layer.input
    only_channels = value.planes and value.shape[:2] == (1, 1)
    value = value if only_channels else layer.graph.as_pixels(value)
    return layer.emit("Flatten", [value], (math.prod(value.shape),), axis=1)


def emit_reshape(layer: Layer) -> Value:
    """Reshape in (height, width, channel) order; one −1 stands for the rest."""
    value = layer.input
    shape = _resolve_shape(layer, value)
    if value.planes and value.shape[:2] != (1, 1):
        value = layer.graph.as_pixels(value)
    planes = len(shape) == 3 and shape[:2] == (1, 1)
    stored = (1, shape[2], 1, 1) if planes else (1, *shape)
    return layer.emit("Reshape", [value, layer.graph.integers(f"{layer.name}.shape", stored)], shape, planes=planes)


def _resolve_shape(layer: Layer, value: Value) -> tuple[int, ...]:
    wanted = layer.options.raw("target_shape")
    sides = wanted if isinstance(wanted, list) else [wanted]
    numbers = [side for side in sides if isinstance(side, int) and not isinstance(side, bool)]
    size, known = math.prod(value.shape), math.prod(side for side in numbers if side != -1)
    free = numbers.count(-1)
    valid = (
        len(numbers) == len(sides) <= 3 and free <= 1 and known > 0 and all(side >= 1 or side == -1 for side in numbers)
    )
    if not valid or size % max(known, 1) or (not free and known != size):
        raise layer.refuse_option(f"target_shape {str(wanted)[:80]} does not hold the {size} elements of the input.")
    return tuple(size // known if side == -1 else side for side in numbers)


def emit_zero_padding2d(layer: Layer) -> Value:
    """ZeroPadding2D."""
    require_channels_last(layer)
    value = layer.graph.as_planes(layer.input_of_rank(3))
    top, bottom, left, right = layer.options.margins("padding")
    height, width, channels = value.shape
    pads = layer.graph.integers(f"{layer.name}.pads", [0, 0, top, left, 0, 0, bottom, right])
    return layer.emit(
        "Pad", [value, pads], (height + top + bottom, width + left + right, channels), planes=True, mode="constant"
    )


def emit_cropping2d(layer: Layer) -> Value:
    """Cropping2D."""
    require_channels_last(layer)
    value = layer.graph.as_planes(layer.input_of_rank(3))
    top, bottom, left, right = layer.options.margins("cropping")
    height, width, channels = value.shape
    if height - top - bottom < 1 or width - left - right < 1:
        raise layer.refuse_option(f"cropping leaves nothing of {height} × {width} pixels.")
    graph = layer.graph
    starts = graph.integers(f"{layer.name}.starts", [top, left])
    ends = graph.integers(f"{layer.name}.ends", [height - bottom, width - right])
    axes = graph.integers("axes.spatial", SPATIAL_AXES)
    shape = (height - top - bottom, width - left - right, channels)
    return layer.emit("Slice", [value, starts, ends, axes], shape, planes=True)


def emit_up_sampling2d(layer: Layer) -> Value:
    """UpSampling2D by whole factors: nearest repeats pixels, bilinear has half-pixel centres."""
    require_channels_last(layer)
    value = layer.graph.as_planes(layer.input_of_rank(3))
    vertical, horizontal = layer.options.pair("size", (2, 2))
    attributes: dict[str, Attribute] = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    nearest = layer.options.word("interpolation", ("nearest", "bilinear"), "nearest") == "nearest"
    if layer.dialect == "tfjs" and not nearest:
        raise layer.refuse_option(
            "TensorFlow.js itself wrote this file, and it centres bilinear interpolation otherwise than Keras."
        )
    if nearest:
        attributes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    scales = layer.graph.constant(f"{layer.name}.scales", np.array([1, 1, vertical, horizontal], np.float32))
    height, width, channels = value.shape
    shape = (height * vertical, width * horizontal, channels)
    return layer.emit("Resize", [value, "", scales], shape, planes=True, **attributes)


# RandomCrop and Masking are not among them: they change the tensor at prediction, too.
TRAINING_ONLY: Final = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "SpatialDropout2D",
    "StochasticDepth",
)
SHAPES: Final[Mapping[str, LayerEmitter]] = {
    **dict.fromkeys(TRAINING_ONLY, emit_identity),
    "Cropping2D": emit_cropping2d,
    "Flatten": emit_flatten,
    "Reshape": emit_reshape,
    "UpSampling2D": emit_up_sampling2d,
    "ZeroPadding2D": emit_zero_padding2d,
}
