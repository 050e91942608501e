"""Layers with `data_format: channels_first`: the same layers on tensors that are stored as planes already.

A Keras tensor (channel, height, width) lies in memory as ONNX wants an image, so that no element moves: only the
reading changes, from a value of that shape to one of the shape (height, width, channel) stored as planes, and back.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from webipred.convert.graph import Value
from webipred.convert.json_text import JsonValue
from webipred.convert.keras_layers.layer import Layer, LayerEmitter
from webipred.convert.keras_options import Options

FIRST: Final = ("channels_first", "channelsFirst")
IMAGE_RANK: Final = 3
# Flatten is among them: with channels_first Keras brings the channels to the end before it flattens.
AWARE: Final = frozenset(
    [
        "AveragePooling2D",
        "Conv2D",
        "Conv2DTranspose",
        "Cropping2D",
        "DepthwiseConv2D",
        "Flatten",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling2D",
        "MaxPooling2D",
        "SeparableConv2D",
        "UpSampling2D",
        "ZeroPadding2D",
    ]
)
BY_AXIS: Final = frozenset(["BatchNormalization", "GroupNormalization"])


def is_first(class_name: str, config: Mapping[str, JsonValue]) -> bool:
    """Whether a layer takes its channels before height and width."""
    if class_name in BY_AXIS:
        return config.get("axis") in (1, [1], -3, [-3])
    return class_name in AWARE and config.get("data_format") in FIRST


def emit_first(layer: Layer, emitter: LayerEmitter, config: Mapping[str, JsonValue]) -> Value:
    """Emit a layer as if its channels came last. `config` is what its options were made from."""
    changed = dict(config)
    changed.pop("data_format", None)
    if layer.class_name in BY_AXIS:
        changed["axis"] = -1
    inputs = tuple(read_last(layer, value) for value in layer.inputs)
    options = Options(changed, layer.where)
    options.raw("dtype")
    inner = replace(layer, inputs=inputs, operands={"0": inputs[0]} if inputs else {}, options=options)
    result = emitter(inner)
    options.check_all_read()
    layer.options.discard_all()
    return read_first(layer, result)


def read_last(layer: Layer, value: Value) -> Value:
    """Read (channel, height, width) as (height, width, channel) stored as planes; other ranks stay."""
    if len(value.shape) != IMAGE_RANK:
        return value
    stored = layer.graph.as_pixels(value)
    channels, height, width = stored.shape
    return Value(name=stored.name, shape=(height, width, channels), planes=True)


def read_first(layer: Layer, value: Value) -> Value:
    """Read (height, width, channel) as (channel, height, width); other ranks stay."""
    if len(value.shape) != IMAGE_RANK:
        return value
    stored = layer.graph.as_planes(value)
    height, width, channels = stored.shape
    return Value(name=stored.name, shape=(channels, height, width))
