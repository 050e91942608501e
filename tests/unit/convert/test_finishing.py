"""From the last layer to probabilities: activation, single units, class counts, names."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from conversions import convert_here, layer, make_image, make_target, run_network, sequential, write_tfjs
from webipred.convert.target import Activation
from webipred.errors import FindingsError


def convert_head(tmp_path: Path, units: int, head: str, activation: Activation = "none", classes: int = 2) -> bytes:
    random = np.random.default_rng(3)
    weights: dict[str, Any] = {
        "scores/kernel": random.normal(size=(3, units)),
        "scores/bias": random.normal(size=units),
    }
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    layers = [layer("GlobalAveragePooling2D", "pool"), layer("Dense", "scores", units=units, activation=head)]
    path = write_tfjs(tmp_path / "model.zip", sequential(*layers), weights)
    return convert_here(path, make_target("tfjs-layers", classes=classes, activation=activation))


def refusal_of(tmp_path: Path, units: int, head: str, activation: Activation = "none", classes: int = 2) -> str:
    with pytest.raises(FindingsError) as caught:
        convert_head(tmp_path, units, head, activation, classes)
    return str(caught.value)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_the_entrys_activation_equals_the_networks_own(activation: Activation, tmp_path: Path) -> None:
    images = make_image()
    expected = run_network(convert_head(tmp_path, 2, activation), images)
    assert np.array_equal(expected, run_network(convert_head(tmp_path, 2, "linear", activation), images))


@pytest.mark.parametrize(("head", "activation"), [("sigmoid", "none"), ("linear", "sigmoid")])
def test_one_unit_becomes_two_classes(head: str, activation: Activation, tmp_path: Path) -> None:
    found = run_network(convert_head(tmp_path, 1, head, activation), make_image())
    assert (2, 2) == found.shape
    assert np.allclose(1.0, found.sum(axis=1), atol=1e-7)
    single = run_network(convert_head(tmp_path, 3, "sigmoid", classes=3), make_image())
    assert found.max() < 1.0 > single.max()


def test_one_unit_is_the_probability_of_the_second_class(tmp_path: Path) -> None:
    images = make_image()
    random = np.random.default_rng(3)
    kernel, bias = random.normal(size=(3, 1)).astype(np.float32), random.normal(size=1).astype(np.float32)
    expected = 1 / (1 + np.exp(-(images.mean(axis=(1, 2)) @ kernel + bias)))
    assert np.allclose(expected[:, 0], run_network(convert_head(tmp_path, 1, "sigmoid"), images)[:, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("units", "head", "activation", "classes", "expected"),
    [
        (3, "softmax", "none", 2, "the network has 3 outputs, the entry lists 2 classes."),
        (2, "softmax", "none", 3, "the network has 2 outputs, the entry lists 3 classes."),
        (1, "sigmoid", "none", 3, "the network has 1 outputs, the entry lists 3 classes."),
        (2, "linear", "none", 2, "the network ends in Gemm, which gives no probabilities, and the entry has output.ac"),
        (2, "relu", "none", 2, "the network ends in Relu, which gives no probabilities"),
        (2, "softmax", "softmax", 2, "the network already ends in Softmax, and the entry adds softmax."),
        (2, "softmax", "sigmoid", 2, "the network already ends in Softmax, and the entry adds sigmoid."),
        (2, "sigmoid", "softmax", 2, "the network already ends in Sigmoid, and the entry adds softmax."),
        (1, "softmax", "none", 2, "softmax over a single output is always 1."),
        (1, "linear", "softmax", 2, "softmax over a single output is always 1."),
    ],
)
def test_an_output_that_does_not_fit_is_refused(
    units: int, head: str, activation: Activation, classes: int, expected: str, tmp_path: Path
) -> None:
    assert refusal_of(tmp_path, units, head, activation, classes).startswith(f"model model.bin: {expected}")


def test_an_image_as_output_is_refused(tmp_path: Path) -> None:
    path = write_tfjs(tmp_path / "model.zip", sequential(layer("Softmax", "softmax")), {})
    with pytest.raises(FindingsError, match="the network gives 8 × 8 × 3 numbers, a list of class scores is needed"):
        convert_here(path, make_target("tfjs-layers"))


def test_names_hold_plain_characters_only(tmp_path: Path) -> None:
    evil = '<script>alert("x")</script>'
    layers = [
        layer("ReLU", evil),
        layer("GlobalAveragePooling2D", "output"),
        layer("Dense", "input", units=2, activation="softmax"),
    ]
    weights = {"input/kernel": np.ones((3, 2), np.float32), "input/bias": np.ones(2, np.float32)}
    network = convert_here(write_tfjs(tmp_path / "model.zip", sequential(*layers), weights), make_target("tfjs-layers"))
    model = onnx.load_from_string(network)
    names = [name for node in model.graph.node for name in (node.name, *node.input, *node.output)]
    assert not any(character in "<>()\"'" for name in names for character in name)
    assert (["input"], ["output"]) == ([v.name for v in model.graph.input], [v.name for v in model.graph.output])
