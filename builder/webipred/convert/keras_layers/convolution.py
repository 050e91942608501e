"""Convolutions and dense layers. Kernels: Keras (height, width, in, out) → ONNX (out, in / groups, height, width)."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from webipred.convert.graph import Array, Value
from webipred.convert.keras_layers.activations import apply_activation
from webipred.convert.keras_layers.layer import Layer, LayerEmitter, require_channels_last
from webipred.convert.keras_layers.windows import Window, read_window
from webipred.convert.weights import WeightSpec


def emit_conv2d(layer: Layer) -> Value:
    """Conv2D: cross-correlation with strides, dilation and groups."""
    options, value = layer.options, layer.input_of_rank(3)
    require_channels_last(layer)
    channels, filters, groups = value.shape[2], options.integer("filters"), options.integer("groups", 1)
    if channels % groups or filters % groups:
        raise layer.refuse_option(f"groups {groups} does not divide {channels} channels and {filters} filters.")
    kernel_size = options.pair("kernel_size")
    weights = layer.take_weights(
        [WeightSpec(name="kernel", shape=(*kernel_size, channels // groups, filters)), *_bias(layer, filters)]
    )
    kernel = weights["kernel"].transpose(3, 2, 0, 1)
    result = _convolve(layer, value, kernel, weights.get("bias"), read_window(layer, kernel_size), groups, "kernel")
    return apply_activation(layer, result)


def emit_depthwise_conv2d(layer: Layer) -> Value:
    """DepthwiseConv2D: every channel for itself, `depth_multiplier` results each."""
    options, value = layer.options, layer.input_of_rank(3)
    require_channels_last(layer)
    options.require("groups", 1, value.shape[2])  # TF.js writes either; the layer is depthwise in any case
    channels, multiplier = value.shape[2], options.integer("depth_multiplier", 1)
    kernel_size = options.pair("kernel_size")
    options.discard("filters")
    spec = WeightSpec(name="depthwise_kernel", shape=(*kernel_size, channels, multiplier), aliases=("kernel",))
    weights = layer.take_weights([spec, *_bias(layer, channels * multiplier)])
    kernel = _depthwise_kernel(weights[spec.name])
    result = _convolve(layer, value, kernel, weights.get("bias"), read_window(layer, kernel_size), channels, "kernel")
    return apply_activation(layer, result)


def emit_separable_conv2d(layer: Layer) -> Value:
    """SeparableConv2D: a depthwise convolution, then a 1×1 convolution."""
    options, value = layer.options, layer.input_of_rank(3)
    require_channels_last(layer)
    options.require("groups", 1)
    channels, multiplier, filters = value.shape[2], options.integer("depth_multiplier", 1), options.integer("filters")
    kernel_size = options.pair("kernel_size")
    weights = layer.take_weights(
        [
            WeightSpec(name="depthwise_kernel", shape=(*kernel_size, channels, multiplier)),
            WeightSpec(name="pointwise_kernel", shape=(1, 1, channels * multiplier, filters)),
            *_bias(layer, filters),
        ]
    )
    depthwise, pointwise = _depthwise_kernel(weights["depthwise_kernel"]), weights["pointwise_kernel"]
    between = _convolve(layer, value, depthwise, None, read_window(layer, kernel_size), channels, "depthwise_kernel")
    kernel = pointwise.transpose(3, 2, 0, 1)
    result = _convolve(layer, between, kernel, weights.get("bias"), Window.unit(), 1, "pointwise_kernel")
    return apply_activation(layer, result)


def emit_conv2d_transpose(layer: Layer) -> Value:
    """Conv2DTranspose: the gradient of a convolution; kernel (height, width, out, in)."""
    options, value = layer.options, layer.graph.as_planes(layer.input_of_rank(3))
    require_channels_last(layer)
    options.require("groups", 1)
    options.require("output_padding")
    channels, filters, size = value.shape[2], options.integer("filters"), options.pair("kernel_size")
    window = read_window(layer, size)
    if window.dilation != (1, 1):
        raise layer.refuse_option(f"dilation_rate {list(window.dilation)} is not converted.")
    specs = [WeightSpec(name="kernel", shape=(*size, filters, channels)), *_bias(layer, filters)]
    weights = layer.take_weights(specs)
    pads, extra, sides = [0, 0, 0, 0], [0, 0], [0, 0]
    for axis in (0, 1):
        side, stride = value.shape[axis], window.strides[axis]
        whole = (side - 1) * stride + size[axis]
        sides[axis] = side * stride if window.same else whole + max(stride - size[axis], 0)
        surplus = whole - sides[axis]
        pads[axis], pads[axis + 2] = max(surplus, 0) // 2, max(surplus, 0) - max(surplus, 0) // 2
        extra[axis] = max(-surplus, 0)
    kernel = np.ascontiguousarray(weights["kernel"].transpose(3, 2, 0, 1))
    inputs = [value.name, layer.graph.constant(f"{layer.name}.kernel", kernel)]
    if "bias" in weights:
        inputs.append(layer.graph.constant(f"{layer.name}.bias", weights["bias"]))
    result = layer.emit(
        "ConvTranspose", inputs, (*sides, filters), planes=True,
        kernel_shape=size, output_padding=extra, pads=pads, strides=window.strides,
    )  # fmt: skip
    return apply_activation(layer, result)


def emit_dense(layer: Layer) -> Value:
    """Dense: the last axis times a matrix, plus a bias."""
    options, value = layer.options, layer.graph.as_pixels(layer.input)
    options.require("quantization_config")
    if not value.shape:
        raise layer.refuse_graph("its input has no axis besides the batch.")
    units = options.integer("units")
    weights = layer.take_weights([WeightSpec(name="kernel", shape=(value.shape[-1], units)), *_bias(layer, units)])
    shape = (*value.shape[:-1], units)
    kernel = layer.graph.constant(f"{layer.name}.kernel", weights["kernel"])
    bias = layer.graph.constant(f"{layer.name}.bias", weights["bias"]) if "bias" in weights else None
    if len(value.shape) == 1:
        result = layer.emit("Gemm", [value, kernel, *([bias] if bias else [])], shape)
    else:
        result = layer.emit("MatMul", [value, kernel], shape)
        result = layer.emit("Add", [result, bias], shape) if bias else result
    return apply_activation(layer, result)


def _bias(layer: Layer, size: int) -> list[WeightSpec]:
    return [WeightSpec(name="bias", shape=(size,))] if layer.options.flag("use_bias", True) else []


def _depthwise_kernel(kernel: Array) -> Array:
    height, width, channels, multiplier = kernel.shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)


def _convolve(
    layer: Layer, value: Value, kernel: Array, bias: Array | None, window: Window, groups: int, role: str
) -> Value:
    graph = layer.graph
    value = graph.as_planes(value)
    inputs = [value.name, graph.constant(f"{layer.name}.{role}", np.ascontiguousarray(kernel))]
    if bias is not None:
        inputs.append(graph.constant(f"{layer.name}.bias", bias))
    height, width = window.result_size(layer, value.shape[0], value.shape[1])
    return layer.emit(
        "Conv",
        inputs,
        (height, width, kernel.shape[0]),
        planes=True,
        dilations=window.dilation,
        group=groups,
        kernel_shape=window.size,
        pads=window.pads(value.shape[0], value.shape[1]),
        strides=window.strides,
    )


CONVOLUTIONS: Final[Mapping[str, LayerEmitter]] = {
    "Conv2D": emit_conv2d,
    "Conv2DTranspose": emit_conv2d_transpose,
    "DepthwiseConv2D": emit_depthwise_conv2d,
    "SeparableConv2D": emit_separable_conv2d,
    "Dense": emit_dense,
}
