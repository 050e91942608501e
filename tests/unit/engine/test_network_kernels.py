"""Every kernel against native onnxruntime, over shapes that reach its tails and borders.

Two correct float32 sums of n products differ by about √n roundings; 2e-5 covers the deepest sums here (n = 2304, values
near 1).
"""

from typing import Any

import numpy as np
import pytest
from onnx import helper

from networks import difference, draw, floats, in_planes, make_model, node, run_engine, run_reference
from webipred.engine.compiler.compilation import compile_network

TOLERANCE = 2e-5


def make_convolution(
    size: tuple[int, int],
    channels: int,
    outputs: int,
    kernel: tuple[int, int],
    *,
    group: int = 1,
    bias: bool = True,
    **attributes: Any,
) -> bytes:
    depth = channels // group * kernel[0] * kernel[1]
    constants = {"w": draw(1, outputs, channels // group, *kernel, scale=depth**-0.5)}
    if bias:
        constants["b"] = draw(2, outputs)
    inputs = ["x", "w", "b"] if bias else ["x", "w"]
    nodes = in_planes([node("Conv", inputs, "y", group=group, kernel_shape=kernel, **attributes)])
    return make_model(nodes, (1, *size, channels), constants)


@pytest.mark.parametrize(
    ("size", "channels", "outputs", "kernel", "attributes"),
    [
        ((7, 9), 16, 24, (1, 1), {}),
        ((7, 9), 13, 11, (1, 1), {"strides": [2, 2]}),
        ((1, 1), 40, 3, (1, 1), {}),
        ((9, 7), 8, 16, (3, 3), {"pads": [1, 1, 1, 1]}),
        ((9, 10), 9, 5, (3, 3), {"strides": [2, 1], "pads": [0, 1, 1, 0]}),
        ((11, 8), 12, 8, (1, 7), {"pads": [0, 3, 0, 3]}),
        ((11, 8), 12, 8, (7, 1), {"pads": [3, 0, 3, 0], "bias": False}),
        ((12, 12), 4, 8, (3, 3), {"dilations": [2, 2], "pads": [2, 2, 2, 2]}),
        ((15, 13), 3, 17, (7, 7), {"strides": [2, 2], "pads": [3, 3, 3, 3]}),
        ((15, 13), 1, 4, (3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ((14, 13), 6, 4, (3, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        ((8, 8), 256, 16, (3, 3), {"pads": [1, 1, 1, 1]}),
        ((70, 70), 8, 8, (3, 3), {"pads": [1, 1, 1, 1]}),
        ((9, 9), 32, 64, (3, 3), {"group": 8, "pads": [1, 1, 1, 1]}),
        ((6, 6), 12, 12, (1, 1), {"group": 3}),
        ((6, 6), 6, 12, (3, 3), {"group": 6}),
    ],
)
def test_convolutions_agree(
    net_wasm: bytes, size: Any, channels: int, outputs: int, kernel: Any, attributes: dict[str, Any]
) -> None:
    model = make_convolution(size, channels, outputs, kernel, **attributes)
    assert difference(net_wasm, model, draw(3, 1, *size, channels)) <= TOLERANCE


@pytest.mark.parametrize(
    ("size", "channels", "outputs", "pads"),
    [
        ((13, 15), 32, 36, [1, 1, 1, 1]),
        ((16, 14), 36, 32, [0, 0, 0, 0]),
        ((12, 17), 64, 40, [0, 1, 2, 1]),
        ((28, 28), 32, 64, [1, 1, 1, 1]),
    ],
)
@pytest.mark.parametrize("activation", ["Relu", "Sigmoid"])
def test_winograd_convolutions_with_shortcut_agree(
    net_wasm: bytes, size: tuple[int, int], channels: int, outputs: int, pads: list[int], activation: str
) -> None:
    constants = {
        "w": draw(1, outputs, channels, 3, 3, scale=(9 * channels) ** -0.5),
        "b": draw(2, outputs),
        "v": draw(3, outputs, channels, 3, 3, scale=0.05),
    }
    nodes = [
        node("Conv", ["x", "w", "b"], "c", pads=pads),
        node("Conv", ["x", "v"], "d", pads=pads),
        node("Add", ["c", "d"], "s"),
    ]
    model = make_model(in_planes([*nodes, node(activation, ["s"], "y")]), (1, *size, channels), constants)
    assert ["WINOGRAD", "WINOGRAD"] == [code.name for code in compile_network(model).codes]
    # the transforms add and subtract up to nine values before and after the products: about one bit more than a direct
    # sum
    assert difference(net_wasm, model, draw(4, 1, *size, channels)) <= 2 * TOLERANCE


@pytest.mark.parametrize("kernel", [2, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("size", "channels"), [((13, 12), 8), ((7, 5), 6), ((3, 4), 33)])
def test_depthwise_convolutions_agree(
    net_wasm: bytes, kernel: int, stride: int, size: tuple[int, int], channels: int
) -> None:
    pad = kernel // 2
    attributes: dict[str, Any] = {"group": channels, "strides": [stride, stride], "pads": [pad, pad, pad, pad]}
    model = make_convolution(size, channels, channels, (kernel, kernel), **attributes)
    assert difference(net_wasm, model, draw(3, 1, *size, channels)) <= TOLERANCE


def test_a_depthwise_convolution_with_dilation_agrees(net_wasm: bytes) -> None:
    model = make_convolution((12, 11), 8, 8, (3, 3), group=8, dilations=[2, 3], pads=[2, 3, 2, 3])
    assert difference(net_wasm, model, draw(3, 1, 12, 11, 8)) <= TOLERANCE


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    "attributes",
    [
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        {"kernel_shape": [3, 3], "strides": [1, 1], "auto_pad": "SAME_UPPER"},
        {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 0, 1]},
        {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
        {"kernel_shape": [10, 11]},
    ],
)
def test_pools_agree(net_wasm: bytes, op: str, attributes: dict[str, Any]) -> None:
    model = make_model(in_planes([node(op, ["x"], "y", **attributes)]), (1, 10, 11, 6))
    assert difference(net_wasm, model, draw(4, 1, 10, 11, 6)) <= TOLERANCE


@pytest.mark.parametrize("count_include_pad", [0, 1])
def test_average_pools_count_padding_as_asked(net_wasm: bytes, count_include_pad: int) -> None:
    attributes = {
        "kernel_shape": [3, 3],
        "strides": [2, 2],
        "pads": [1, 1, 1, 1],
        "count_include_pad": count_include_pad,
    }
    model = make_model(in_planes([node("AveragePool", ["x"], "y", **attributes)]), (1, 9, 9, 5))
    assert difference(net_wasm, model, draw(4, 1, 9, 9, 5)) <= TOLERANCE


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Relu", {}), ("Sigmoid", {}), ("Tanh", {}), ("Erf", {}), ("Exp", {}), ("Elu", {"alpha": 0.7}),
        ("LeakyRelu", {"alpha": 0.2}),
        ("Selu", {}), ("Softsign", {}), ("Softplus", {}), ("Mish", {}),
        ("HardSigmoid", {"alpha": 0.2}), ("HardSwish", {}), ("Gelu", {}), ("Gelu",
        {"approximate": "tanh"}),
        ("Abs", {}), ("Neg", {}), ("Reciprocal", {}),
    ],
)  # fmt: skip
def test_functions_agree_over_their_range(net_wasm: bytes, op: str, attributes: dict[str, Any]) -> None:
    image = np.concatenate([np.linspace(-87, 80, 2001), np.linspace(-4.5, 4.5, 2002)]).astype(np.float32)[np.newaxis]
    model = make_model([node(op, ["input"], "output", **attributes)], image.shape)
    # own exp, tanh and erf: fits below 1.3e-7, a few roundings on top
    assert difference(net_wasm, model, image) <= 1e-6


@pytest.mark.parametrize(
    "op", ["Relu", "Sigmoid", "Tanh", "Erf", "Exp", "Elu", "HardSwish", "Gelu", "Softmax", "Softplus"]
)
def test_not_a_number_stays_one(net_wasm: bytes, op: str) -> None:
    model = make_model([node(op, ["input"], "output")], (1, 6))
    image = floats([[1, np.nan, 2, 3, 4, 5]])
    assert np.isnan(run_engine(net_wasm, model, image)[0][0, 1])


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
@pytest.mark.parametrize("shape", [(1, 4, 5, 6), (1, 1, 1, 6), (1, 4, 1, 1), (6,), (1,), (5, 1), (1, 4, 5, 1)])
def test_elementwise_operators_broadcast(net_wasm: bytes, op: str, shape: tuple[int, ...]) -> None:
    other = draw(7, *shape)
    nodes = [node("Sigmoid", ["input"], "gate"), node(op, ["gate", "other"], "a"), node(op, ["other", "gate"], "b")]
    model = make_model([*nodes, node("Add", ["a", "b"], "output")], (1, 4, 5, 6), {"other": other})
    assert difference(net_wasm, model, draw(8, 1, 4, 5, 6)) <= TOLERANCE


@pytest.mark.parametrize(("size", "channels"), [((4, 8), 3), ((5, 7), 3), ((4, 4), 5), ((3, 3), 21)])
def test_affines_of_any_number_of_channels_agree(net_wasm: bytes, size: tuple[int, int], channels: int) -> None:
    constants = {"scale": draw(1, channels), "shift": draw(2, channels)}
    nodes = [node("Mul", ["input", "scale"], "m"), node("Add", ["m", "shift"], "a"), node("Relu", ["a"], "output")]
    assert difference(net_wasm, make_model(nodes, (1, *size, channels), constants), draw(3, 1, *size, channels)) == 0


@pytest.mark.parametrize("op", ["Add", "Mul", "Max", "Min"])
def test_elementwise_operators_keep_infinity_and_nan(net_wasm: bytes, op: str) -> None:
    image = floats([[1, np.inf, -np.inf, np.nan, 0]])
    nodes = [node("Abs", ["input"], "a"), node(op, ["a", "input"], "output")]
    model = make_model(nodes, (1, 5))
    np.testing.assert_array_equal(run_reference(model, image)[0], run_engine(net_wasm, model, image)[0])


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_softmax_works_along_every_axis(net_wasm: bytes, axis: int) -> None:
    model = make_model([node("Softmax", ["input"], "output", axis=axis)], (1, 4, 5, 7))
    assert difference(net_wasm, model, draw(5, 1, 4, 5, 7, scale=20)) <= TOLERANCE


@pytest.mark.parametrize("width", [3, 16, 37])
def test_layer_normalisation_agrees(net_wasm: bytes, width: int) -> None:
    constants = {"scale": draw(1, width), "shift": draw(2, width)}
    model = make_model(
        [node("LayerNormalization", ["input", "scale", "shift"], "output", epsilon=1e-6)], (1, 5, width), constants
    )
    assert difference(net_wasm, model, draw(5, 1, 5, width) + floats(3)) <= TOLERANCE


@pytest.mark.parametrize(
    ("left", "right"), [((1, 3, 7, 9), (1, 3, 9, 5)), ((1, 3, 7, 9), (9, 5)), ((1, 3, 4, 16), (1, 1, 16, 8))]
)
def test_products_of_computed_matrices_agree(net_wasm: bytes, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    constants = {"right": draw(2, *right), "axes": np.array([0, 1, 2, 3])}
    nodes = [
        node("Tanh", ["input"], "a"),
        node("ReduceMean", ["a", "axes"], "mean", keepdims=0),
        node("Add", ["mean", "right"], "b"),  # computed, so that it is no constant matrix
        node("MatMul", ["a", "b"], "output"),
    ]
    assert difference(net_wasm, make_model(nodes, left, constants), draw(1, *left)) <= TOLERANCE


@pytest.mark.parametrize("axes", [[1, 2], [2, 3], [3], [1], [1, 2, 3]])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_means_agree(net_wasm: bytes, axes: list[int], keepdims: int) -> None:
    shape = (1, 33, 1, 6) if axes == [1] else (1, 1, 5, 6) if axes == [2, 3] else (1, 4, 5, 6)
    constants = {"axes": np.array(axes)}
    model = make_model([node("ReduceMean", ["input", "axes"], "output", keepdims=keepdims)], shape, constants)
    assert difference(net_wasm, model, draw(5, *shape)) <= TOLERANCE


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("rule", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
@pytest.mark.parametrize("scales", [(1, 1, 2, 2), (1, 1, 1.5, 0.5), (1, 1, 3, 1)])
def test_resizes_agree(net_wasm: bytes, mode: str, rule: str, scales: tuple[float, ...]) -> None:
    attributes = {"mode": mode, "coordinate_transformation_mode": rule}
    resize = node("Resize", ["x", "", "scales"], "y", **attributes)
    model = make_model(in_planes([resize]), (1, 6, 8, 5), {"scales": floats(scales)})
    assert difference(net_wasm, model, draw(6, 1, 6, 8, 5)) <= TOLERANCE


def test_moves_agree(net_wasm: bytes) -> None:
    constants: dict[str, Any] = {
        "starts": np.array([1, -4]), "ends": np.array([6, 9]), "axes": np.array([1, 2]), "steps": np.array([2, 1]),
        "pads": np.array([0, 1, 0, 2, 0, 0, 1, 1]), "value": floats(0.5), "shape": np.array([1, 6, 5, 8]),
        "index": np.array(2),
        "sizes": np.array([1, 6, 8, 5]),
    }  # fmt: skip
    nodes = [
        node("Slice", ["input", "starts", "ends", "axes", "steps"], "sliced"),
        node("Pad", ["sliced", "pads", "value"], "padded"),
        node("Transpose", ["padded"], "turned", perm=[0, 2, 3, 1]),
        node("Concat", ["turned", "turned"], "doubled", axis=3),
        node("Gather", ["doubled", "index"], "picked", axis=2),
        node("Flatten", ["picked"], "output"),
    ]
    assert difference(net_wasm, make_model(nodes, (1, 7, 6, 5), constants), draw(6, 1, 7, 6, 5)) == 0


def test_a_split_gives_its_parts(net_wasm: bytes) -> None:
    split = helper.make_node("Split", ["input"], ["a", "b", "c"], axis=2, num_outputs=3)
    model = make_model([split, node("Mul", ["a", "c"], "output")], (1, 4, 9))
    assert difference(net_wasm, model, draw(6, 1, 4, 9)) == 0
