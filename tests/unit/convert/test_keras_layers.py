"""Options of Keras layers: what changes the numbers is converted or refused, never passed over."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conversions import (
    Layer,
    convert_here,
    functional,
    layer,
    make_head,
    make_image,
    make_target,
    run_network,
    sequential,
    write_tfjs,
)
from webipred.convert.keras_layers.registry import KNOWN_TO_KERAS, LAYERS
from webipred.errors import FindingsError

CONV: dict[str, Any] = {"filters": 3, "kernel_size": [1, 1], "activation": "linear"}
IDENTITY_KERNEL = np.eye(3, dtype=np.float32).reshape(1, 1, 3, 3)
CONV_WEIGHTS = {"conv/kernel": IDENTITY_KERNEL, "conv/bias": np.zeros(3, np.float32)}
BN_WEIGHTS = {
    f"bn/{name}": np.full(3, value, np.float32)
    for name, value in (("gamma", 2.0), ("beta", 1.0), ("moving_mean", 0.5), ("moving_variance", 4.0))
}


def convert_layers(
    tmp_path: Path,
    layers: list[Layer],
    weights: dict[str, Any],
    channels: int = 3,
    *,
    keras_version: str | None = "2.8.0",
) -> bytes:
    head, head_weights = make_head(channels)
    path = write_tfjs(
        tmp_path / "model.zip", sequential(*layers, *head), weights | head_weights, keras_version=keras_version
    )
    return convert_here(path, make_target("tfjs-layers"))


def refusal_of(tmp_path: Path, layers: list[Layer], weights: dict[str, Any] | None = None, **options: Any) -> str:
    with pytest.raises(FindingsError) as caught:
        convert_layers(tmp_path, layers, weights or {}, **options)
    return str(caught.value)


def expect_scores(images: NDArray[np.float32], features: NDArray[Any]) -> NDArray[np.float32]:
    """Average the features and apply the head of `make_head`; one row per image."""
    assert len(images) == len(features)
    _, weights = make_head(features.shape[-1])
    logits = features.mean(axis=(1, 2)) @ weights["scores/kernel"]
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"padding": "causal"}, "padding is 'causal', only valid or same is converted."),
        (
            {"dilation_rate": [0, 1]},
            "dilation_rate is [0, 1], only one or two whole numbers of at least 1 is converted.",
        ),
        ({"strides": [1, 1, 1]}, "strides is [1, 1, 1], only one or two whole numbers of at least 1 is converted."),
        ({"groups": 2}, "groups 2 does not divide 3 channels and 3 filters."),
        ({"filters": True}, "filters is True, only a whole number of at least 1 is converted."),
        ({"filters": None}, "filters is missing, only a whole number of at least 1 is converted."),
        ({"use_bias": "yes"}, "use_bias is 'yes', only true or false is converted."),
        ({"activation": "my_function"}, "the activation 'my_function' is not known."),
        ({"activation": {"class_name": "function", "config": "f"}}, "the activation 'function' is not known."),
        ({"dtype": "mixed_float16"}, "dtype is 'mixed_float16', only 'float32' is converted."),
        ({"dtype": {"class_name": "Policy", "config": {"name": "float64"}}}, "dtype is 'float64', only 'float32'"),
        ({"fancy_mode": 3}, "unknown to this converter: fancy_mode=3; it might change the result."),
        ({"kernel_size": [2, 2]}, "the weight kernel has the shape [1, 1, 3, 3], the layer needs [2, 2, 3, 3]."),
    ],
)
def test_a_convolution_with_another_option_is_refused(config: dict[str, Any], expected: str, tmp_path: Path) -> None:
    conv = layer("Conv2D", "conv", **{**CONV, **config})
    text = refusal_of(tmp_path, [conv], CONV_WEIGHTS)
    assert f"model model.bin layer 'conv' (Conv2D): {expected}" in text


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (layer("BatchNormalization", "bn", axis=2), "axis 2 is not the last axis."),
        (layer("BatchNormalization", "bn", axis=[1, 2]), "axis is [1, 2], one axis is expected."),
        (layer("BatchNormalization", "bn", axis=7), "axis 7 does not exist in an input with 3 axes besides the batch."),
        (layer("BatchNormalization", "bn", renorm=True), "renorm is True, only False is converted."),
        (layer("BatchNormalization", "bn", epsilon="small"), "epsilon is 'small', only a finite number is converted."),
        (layer("LayerNormalization", "bn", rms_scaling=True), "rms_scaling is True, only False is converted."),
        (layer("ReLU", "r", threshold=0.5), "threshold is 0.5, only 0 is converted."),
        (layer("MaxPooling2D", "p", pool_size=9), "its window [9, 9] does not fit into 8 × 8 pixels."),
        (layer("Rescaling", "r", scale=1e300), "scale is 1e+300, finite numbers are expected."),
        (layer("Softmax", "s", axis=1), "axis 1 is not the last axis."),
        (layer("UpSampling2D", "u", interpolation="bicubic"), "interpolation is 'bicubic', only nearest or bilinear"),
        (layer("UpSampling2D", "u", size=[1.5, 1]), "size is [1.5, 1], only one or two whole numbers"),
        (layer("ZeroPadding2D", "z", padding=[[1, 2], [-1, 0]]), "padding is [[1, 2], [-1, 0]], only whole numbers"),
        (layer("Cropping2D", "c", cropping=[[4, 4], [0, 0]]), "cropping leaves nothing of 8 × 8 pixels."),
        (
            layer("Reshape", "r", target_shape=[5, -1]),
            "target_shape [5, -1] does not hold the 192 elements of the input.",
        ),
        (layer("Rescaling", "r", scale=[1, 2]), "scale has the shape [2], the input has 3 channels."),
        (layer("Rescaling", "r"), "scale is None, finite numbers are expected."),
        (layer("Normalization", "n", mean=[0, 0, 0]), "mean and variance must both be given, or neither."),
        (layer("Normalization", "n", mean=0, variance=-1), "the variance is negative, the result would be NaN."),
        (layer("Normalization", "n", mean=0, variance=1, invert=True), "invert is True, only False is converted."),
        (layer("GlobalAveragePooling2D", "g", keepdims=1), "keepdims is 1, only true or false is converted."),
        (layer("Add", "a"), "it has 1 inputs, at least two are expected."),
        (layer("LeakyReLU", "l", negative_slope=0.1, alpha=0.2), "unknown to this converter: alpha=0.2"),
        (layer("TFOpLambda", "t", function="image.resize"), "the function 'image.resize' is not known"),
        (layer("RandomCrop", "r", height=4, width=4), "this layer class is not converted."),
        (layer("Masking", "m", mask_value=0), "this layer class is not converted."),
        (layer("MyLayer", "m"), "'MyLayer' is a custom class; its code is not in the file and is never run."),
        (layer("Custom>MyLayer", "m"), "'Custom>MyLayer' is a custom class"),
    ],
)
def test_a_layer_with_another_option_is_refused(node: Layer, expected: str, tmp_path: Path) -> None:
    weights = BN_WEIGHTS if node["config"]["name"] == "bn" else {}
    text = refusal_of(tmp_path, [node], dict(weights))
    name, class_name = node["config"]["name"], node["class_name"]
    assert f"model model.bin layer {name!r} ({class_name}): {expected}" in text


def test_all_layers_that_are_not_converted_are_named_at_once(tmp_path: Path) -> None:
    text = refusal_of(tmp_path, [layer("Lambda", "one"), layer("LSTM", "two"), layer("ReLU", "fine")])
    assert ["'one' (Lambda)", "'two' (LSTM)"] == [line.split(" layer ")[1].split(":")[0] for line in text.splitlines()]


def test_a_layer_without_weights_is_refused(tmp_path: Path) -> None:
    expected = "layer 'conv' (Conv2D): the file holds no weight kernel, bias for this layer."
    assert expected in refusal_of(tmp_path, [layer("Conv2D", "conv", **CONV)])


def test_a_layer_without_its_bias_is_refused(tmp_path: Path) -> None:
    expected = "layer 'conv' (Conv2D): the file holds no weight bias for this layer."
    assert expected in refusal_of(tmp_path, [layer("Conv2D", "conv", **CONV)], {"conv/kernel": IDENTITY_KERNEL})


def test_a_bias_that_the_layer_does_not_use_is_refused(tmp_path: Path) -> None:
    conv = layer("Conv2D", "conv", **CONV, use_bias=False)
    assert "the topology does not use the weights 'bias'." in refusal_of(tmp_path, [conv], CONV_WEIGHTS)


def test_a_layer_twice_is_refused(tmp_path: Path) -> None:
    assert "two layers are named 'r'." in refusal_of(tmp_path, [layer("ReLU", "r"), layer("ReLU", "r")])


@pytest.mark.parametrize(
    ("version", "slope", "expected"),
    [
        ("2.8.0", 0.2, None),
        ("tfjs-layers 4.22.0", 0.2, None),
        ("3.15.1", 1 / 6, None),
        (None, 0.0, "does not say"),
    ],
)
def test_hard_sigmoid_follows_the_version_of_keras(
    version: str | None, slope: float, expected: str | None, tmp_path: Path
) -> None:
    layers = [layer("Activation", "act", activation="hard_sigmoid")]
    if expected:
        assert expected in refusal_of(tmp_path, layers, keras_version=version)
        return
    images = make_image()
    found = run_network(convert_layers(tmp_path, layers, {}, keras_version=version), images)
    assert np.allclose(expect_scores(images, np.clip(slope * images + 0.5, 0, 1)), found, atol=1e-6)


def test_batch_normalisation_uses_its_moving_statistics(tmp_path: Path) -> None:
    images = make_image()
    network = convert_layers(tmp_path, [layer("BatchNormalization", "bn", epsilon=0.001)], dict(BN_WEIGHTS))
    features = 2.0 * (images - 0.5) / np.sqrt(4.001) + 1.0
    assert np.allclose(expect_scores(images, features), run_network(network, images), atol=1e-6)


def test_batch_normalisation_is_folded_into_the_convolution_before_it(tmp_path: Path) -> None:
    images = make_image()
    layers = [layer("Conv2D", "conv", **CONV), layer("BatchNormalization", "bn", epsilon=0.001)]
    network = convert_layers(tmp_path, layers, CONV_WEIGHTS | BN_WEIGHTS)
    features = 2.0 * (images - 0.5) / np.sqrt(4.001) + 1.0
    assert np.allclose(expect_scores(images, features), run_network(network, images), atol=1e-6)
    assert b"BatchNormalization" not in network


def test_batch_normalisation_stays_where_the_convolution_feeds_others(tmp_path: Path) -> None:
    images = make_image()
    start = layer("InputLayer", "image", [], batch_input_shape=[None, 8, 8, 3], dtype="float32")
    head, weights = make_head(3)
    head[0]["inbound_nodes"], head[1]["inbound_nodes"] = [[["sum", 0, 0, {}]]], [[["pool", 0, 0, {}]]]
    model = functional(
        start, layer("Conv2D", "conv", ["image"], **CONV), layer("BatchNormalization", "bn", ["conv"]),
        layer("Add", "sum", ["bn", "conv"]), *head, inputs=["image"], outputs=["scores"],
    )  # fmt: skip
    path = write_tfjs(tmp_path / "model.zip", model, CONV_WEIGHTS | BN_WEIGHTS | weights)
    network = convert_here(path, make_target("tfjs-layers"))
    features = 2.0 * (images - 0.5) / np.sqrt(4.001) + 1.0 + images
    assert np.allclose(expect_scores(images, features), run_network(network, images), atol=1e-6)


@pytest.mark.parametrize("mode", [{"training": True}, {"training": 1}])
def test_a_call_in_training_mode_is_refused(mode: dict[str, Any], tmp_path: Path) -> None:
    start = layer("InputLayer", "image", [], batch_input_shape=[None, 8, 8, 3], dtype="float32")
    dropout = layer("Dropout", "drop", ["image"], rate=0.5)
    dropout["inbound_nodes"][0][0][3] = mode
    model = functional(start, dropout, inputs=["image"], outputs=["drop"])
    with pytest.raises(FindingsError, match=r"it is called with training=.*, which changes every prediction"):
        convert_here(write_tfjs(tmp_path / "model.zip", model, {}), make_target("tfjs-layers"))


@pytest.mark.parametrize(
    ("function", "expected"), [("__operators__.add", 3.0), ("math.multiply", 3.0), ("math.subtract", 3.0)]
)
def test_a_function_takes_a_number(function: str, expected: float, tmp_path: Path) -> None:
    images = make_image()
    start = layer("InputLayer", "image", [], batch_input_shape=[None, 8, 8, 3], dtype="float32")
    node = layer("TFOpLambda", "tf", ["image"], function=function)
    node["inbound_nodes"] = [["image", 0, 0, {"y": expected, "name": None}]]
    head, weights = make_head(3)
    head[0]["inbound_nodes"], head[1]["inbound_nodes"] = [[["tf", 0, 0, {}]]], [[["pool", 0, 0, {}]]]
    model = functional(start, node, *head, inputs=["image"], outputs=["scores"])
    network = convert_here(write_tfjs(tmp_path / "model.zip", model, weights), make_target("tfjs-layers"))
    features = {"__operators__.add": images + 3, "math.multiply": images * 3, "math.subtract": images - 3}[function]
    assert np.allclose(expect_scores(images, features), run_network(network, images), atol=1e-5)


@pytest.mark.parametrize("start", [True, False])
def test_a_submodel_at_the_start_of_a_sequential_is_read(start: bool, tmp_path: Path) -> None:
    images = make_image()
    image = layer("InputLayer", "image", [], batch_input_shape=[None, 8, 8, 3], dtype="float32")
    base = functional(image, layer("Conv2D", "conv", ["image"], **CONV), inputs=["image"], outputs=["conv"])
    head, weights = make_head(3)
    model = sequential(base, *head)
    model["config"]["layers"] = model["config"]["layers"][0 if start else 1 :]
    path = write_tfjs(tmp_path / "model.zip", model, CONV_WEIGHTS | weights)
    network = convert_here(path, make_target("tfjs-layers"))
    assert np.allclose(expect_scores(images, images), run_network(network, images), atol=1e-6)


def test_batch_normalisation_behind_a_dense_layer_is_converted(tmp_path: Path) -> None:
    images = make_image()
    dense = {"d/kernel": np.eye(3, dtype=np.float32), "d/bias": np.zeros(3, np.float32)}
    head, weights = make_head(3)
    model = sequential(head[0], layer("Dense", "d", units=3), layer("BatchNormalization", "bn", epsilon=0.001), head[1])
    path = write_tfjs(tmp_path / "model.zip", model, dense | BN_WEIGHTS | weights)
    features = 2.0 * (images - 0.5) / np.sqrt(4.001) + 1.0
    network = convert_here(path, make_target("tfjs-layers"))
    assert np.allclose(expect_scores(images, features), run_network(network, images), atol=1e-6)


def test_rescaling_takes_one_factor_per_channel(tmp_path: Path) -> None:
    images = make_image()
    rescaling = layer("Rescaling", "r", scale=[1, 2, 3], offset=[0, 0, 1])
    features = images * np.array([1, 2, 3]) + np.array([0, 0, 1])
    network = convert_layers(tmp_path, [rescaling], {})
    assert np.allclose(expect_scores(images, features), run_network(network, images), atol=1e-6)


def test_a_number_between_the_tensors_of_a_layer_is_refused(tmp_path: Path) -> None:
    start = layer("InputLayer", "image", [], batch_input_shape=[None, 8, 8, 3], dtype="float32")
    node = layer("Add", "sum", ["image", "image"])
    node["inbound_nodes"][0].append(["_CONSTANT_VALUE", -1, 3.0, {}])
    model = functional(start, node, inputs=["image"], outputs=["sum"])
    with pytest.raises(FindingsError, match=r"layer 'sum' \(Add\): the call argument 0=3\.0 is not converted"):
        convert_here(write_tfjs(tmp_path / "model.zip", model, {}), make_target("tfjs-layers"))


def test_bilinear_enlargement_of_a_file_of_tensorflow_js_is_refused(tmp_path: Path) -> None:
    """TensorFlow.js 4.22.0 enlarges [0, 1] to [0, 0.5, 1, 1], Keras to [0, 0.25, 0.75, 1]."""
    layers, weights = make_head(3)
    model = sequential(layer("UpSampling2D", "up", size=[2, 2], interpolation="bilinear"), *layers)
    assert convert_here(write_tfjs(tmp_path / "model.zip", model, weights), make_target("tfjs-layers"))
    path = write_tfjs(tmp_path / "model.zip", model, weights, keras_version="tfjs-layers 4.22.0")
    with pytest.raises(
        FindingsError, match=r"TensorFlow.js itself wrote this file, .* than Keras\. .*E-CONVERT-OPTION"
    ):
        convert_here(path, make_target("tfjs-layers"))


def test_layers_that_wait_for_each_other_are_refused(tmp_path: Path) -> None:
    start = layer("InputLayer", "image", [], batch_input_shape=[None, 8, 8, 3], dtype="float32")
    model = functional(start, layer("ReLU", "a", ["b"]), layer("ReLU", "b", ["a"]), inputs=["image"], outputs=["a"])
    with pytest.raises(FindingsError, match="the layers 'a', 'b' wait for each other or for nothing"):
        convert_here(write_tfjs(tmp_path / "model.zip", model, {}), make_target("tfjs-layers"))


def test_a_missing_layer_is_named(tmp_path: Path) -> None:
    start = layer("InputLayer", "image", [], batch_input_shape=[None, 8, 8, 3], dtype="float32")
    model = functional(start, layer("ReLU", "a", ["ghost"]), inputs=["image"], outputs=["a"])
    with pytest.raises(FindingsError, match="there is no layer 'ghost', but one takes its result"):
        convert_here(write_tfjs(tmp_path / "model.zip", model, {}), make_target("tfjs-layers"))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ([16, 8, 3], "the network takes 16 × 8 × 3 (height × width × channels), the entry's input is 8 × 8 × 3."),
        (
            [None, None, 1],
            "the network takes any × any × 1 (height × width × channels), the entry's input is 8 × 8 × 3.",
        ),
        ([8, 8], "the network takes 8 × 8 (height × width × channels), the entry's input is 8 × 8 × 3."),
    ],
)
def test_another_input_is_refused_with_both_shapes(shape: list[int | None], expected: str, tmp_path: Path) -> None:
    head, weights = make_head(3)
    path = write_tfjs(tmp_path / "model.zip", sequential(*head, shape=shape), weights)
    with pytest.raises(FindingsError) as caught:
        convert_here(path, make_target("tfjs-layers"))
    assert str(caught.value).startswith(f"model model.bin: {expected}")


def test_open_sides_take_the_entrys_size(tmp_path: Path) -> None:
    head, weights = make_head(3)
    path = write_tfjs(tmp_path / "model.zip", sequential(*head, shape=[None, None, 3]), weights)
    images = make_image((12, 10, 3))
    network = convert_here(path, make_target("tfjs-layers", (12, 10, 3)))
    assert np.allclose(expect_scores(images, images), run_network(network, images), atol=1e-6)


def test_a_network_beyond_the_budget_is_refused(tmp_path: Path) -> None:
    layers = [layer("UpSampling2D", f"up{number}", size=[64, 64]) for number in range(3)]
    assert "more than 536870912." in refusal_of(tmp_path, layers)


def test_no_class_is_both_converted_and_listed_as_not_converted() -> None:
    assert set() == set(LAYERS) & KNOWN_TO_KERAS


def make_twin(first: bool, folder: Path) -> bytes:
    """Return a network with its channels before or behind height and width, of the same weights."""
    order: dict[str, Any] = {"data_format": "channels_first"} if first else {}
    random = np.random.default_rng(0)
    layers = [
        layer("ZeroPadding2D", "pad", padding=1, **order),
        layer("Conv2D", "conv", filters=4, kernel_size=3, strides=2, **order),
        layer("BatchNormalization", "norm", axis=[1] if first else [3], epsilon=1e-3),
        layer("Activation", "relu", activation="relu"),
        layer("MaxPooling2D", "top", pool_size=[2, 1], **order),
        layer("Flatten", "flat", **order),
        layer("Dense", "scores", units=2, activation="softmax"),
    ]
    vectors = {f"norm/{name}": random.uniform(0.5, 1.5, 4) for name in ("gamma", "beta", "moving_mean")}
    weights = {
        "conv/kernel": random.normal(size=(3, 3, 3, 4)),
        "conv/bias": random.normal(size=4),
        **vectors,
        "norm/moving_variance": random.uniform(0.5, 1.5, 4),
        "scores/kernel": random.normal(size=(2 * 5 * 4, 2)),
        "scores/bias": random.normal(size=2),
    }
    shape = (3, 8, 10) if first else (8, 10, 3)
    path = write_tfjs(
        folder / f"{first}.zip", sequential(*layers, shape=shape), {k: v.astype(np.float32) for k, v in weights.items()}
    )
    return convert_here(path, make_target("tfjs-layers", (8, 10, 3)))


def test_channels_first_gives_the_numbers_of_channels_last(tmp_path: Path) -> None:
    images = make_image((8, 10, 3))
    expected = run_network(make_twin(False, tmp_path), images)
    assert np.abs(expected - run_network(make_twin(True, tmp_path), images)).max() <= 1e-6
    assert np.ptp(expected) > 0.01


def test_a_layer_between_that_knows_no_channels_first_is_refused(tmp_path: Path) -> None:
    odd = layer("GlobalAveragePooling1D", "pool", data_format="channels_first")
    sentence = refuse_layers([odd], tmp_path)
    assert "layer 'pool' (GlobalAveragePooling1D): data_format is 'channels_first'" in sentence


def refuse_layers(nodes: list[Layer], folder: Path) -> str:
    """Return the refusal of a Sequential model."""
    with pytest.raises(FindingsError) as caught:
        convert_here(write_tfjs(folder / "model.zip", sequential(*nodes), {}), make_target("tfjs-layers"))
    return str(caught.value)
