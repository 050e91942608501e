"""Pooling: windows and whole maps."""

from collections.abc import Mapping
from typing import Final

from webipred.convert.graph import Value
from webipred.convert.keras_layers.layer import Layer, LayerEmitter, require_channels_last
from webipred.convert.keras_layers.windows import read_window


def emit_max_pooling2d(layer: Layer) -> Value:
    """MaxPooling2D; padding never wins."""
    return _pool(layer, "MaxPool")


def emit_average_pooling2d(layer: Layer) -> Value:
    """AveragePooling2D; padding is not counted, as in TensorFlow."""
    return _pool(layer, "AveragePool")


def emit_global_average_pooling2d(layer: Layer) -> Value:
    """GlobalAveragePooling2D."""
    return _pool_all(layer, "GlobalAveragePool")


def emit_global_max_pooling2d(layer: Layer) -> Value:
    """GlobalMaxPooling2D."""
    return _pool_all(layer, "GlobalMaxPool")


def _pool(layer: Layer, op: str) -> Value:
    require_channels_last(layer)
    value = layer.graph.as_planes(layer.input_of_rank(3))
    size = layer.options.pair("pool_size", (2, 2))
    window = read_window(layer, size, default_strides=size)
    height, width, channels = value.shape
    return layer.emit(
        op,
        [value],
        (*window.result_size(layer, height, width), channels),
        planes=True,
        kernel_shape=size,
        pads=window.pads(height, width),
        strides=window.strides,
    )


def _pool_all(layer: Layer, op: str) -> Value:
    require_channels_last(layer)
    value = layer.graph.as_planes(layer.input_of_rank(3))
    channels = value.shape[2]
    pooled = layer.emit(op, [value], (1, 1, channels), planes=True)
    if layer.options.flag("keepdims", False):
        return pooled
    return layer.emit("Flatten", [pooled], (channels,), axis=1)


POOLINGS: Final[Mapping[str, LayerEmitter]] = {
    "MaxPooling2D": emit_max_pooling2d,
    "AveragePooling2D": emit_average_pooling2d,
    "GlobalAveragePooling2D": emit_global_average_pooling2d,
    "GlobalMaxPooling2D": emit_global_max_pooling2d,
}
