"""The fourteen reference architectures convert, and give the probabilities of tf_keras.

Two correct float32 implementations differ by the order of their sums; tests/data/zoo/README.md measures 4.6e-6 at most.
"""

from pathlib import Path

import numpy as np
import pytest

from conversions import convert_here, make_target, run_network
from data.zoo.artefacts import Quantization, list_architectures, read_fixture, write_keras_h5, write_tfjs_zip

TOLERANCE = 1e-5


@pytest.mark.parametrize("architecture", list_architectures())
def test_tfjs_layers_gives_the_probabilities_of_keras(architecture: str, tmp_path: Path) -> None:
    fixture = read_fixture(architecture)
    path = tmp_path / "model.zip"
    write_tfjs_zip(path, fixture, prefix="model/")
    expected = fixture.references["float32"]
    network = convert_here(path, make_target("tfjs-layers", fixture.input_shape, expected.shape[1]))
    assert np.abs(expected - run_network(network, fixture.inputs)).max() <= TOLERANCE


@pytest.mark.parametrize(
    ("architecture", "quantization"),
    [("MobileNetV2", "uint8"), ("EfficientNetB0", "uint16"), ("MobileNetV3Small", "float16")],
)
def test_quantised_tfjs_layers_gives_the_probabilities_of_keras(
    architecture: str, quantization: Quantization, tmp_path: Path
) -> None:
    fixture = read_fixture(architecture)
    path = tmp_path / "model.zip"
    write_tfjs_zip(path, fixture, quantization)
    expected = fixture.references[quantization]
    network = convert_here(path, make_target("tfjs-layers", fixture.input_shape, expected.shape[1]))
    assert np.abs(expected - run_network(network, fixture.inputs)).max() <= TOLERANCE


@pytest.mark.parametrize("architecture", ["DenseNet121", "EfficientNetB0", "MobileNetV3Small", "NASNetMobile"])
def test_hdf5_gives_the_same_network_as_tfjs_layers(architecture: str, tmp_path: Path) -> None:
    fixture = read_fixture(architecture)
    classes = fixture.references["float32"].shape[1]
    write_tfjs_zip(tmp_path / "model.zip", fixture)
    write_keras_h5(tmp_path / "model.h5", fixture)
    expected = convert_here(tmp_path / "model.zip", make_target("tfjs-layers", fixture.input_shape, classes))
    assert expected == convert_here(tmp_path / "model.h5", make_target("keras-h5", fixture.input_shape, classes))
