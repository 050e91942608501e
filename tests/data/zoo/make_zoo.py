"""Build the zoo fixtures with tf_keras; run from the repository's root in a TensorFlow environment.

    python3 -m venv tfenv
    tfenv/bin/pip install tensorflow==2.21.0 tf-keras==2.21.0
    tfenv/bin/python -m tests.data.zoo.make_zoo [ARCHITECTURE …]

Each architecture is built untrained, gets the weights of `seeded_weights`, and is run on three made-up
images. Untrained deep networks explode, fade out or saturate, which would make any comparison of
outputs meaningless, so the statistics of every batch normalisation and the last layer are corrected
by a few numbers, found here and kept in the fixture (`corrections`).
"""

import gzip
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import h5py
import numpy as np
import tf_keras
from numpy.typing import NDArray

from .artefacts import FOLDER, dequantize, quantize
from .seeded_weights import Correction, make_input, make_weight

SEED: Final = 7
CLASSES: Final = 5
IMAGES: Final = 3
SPREAD: Final = 0.5  # standard deviation of a class score between images
UNIT: Final = (-1.0, 1.0)
PIXELS: Final = (0.0, 255.0)
Corrections = dict[str, Correction]

# name: (side of the input in pixels, its range). Sides are small for speed; some are odd or not a
# multiple of 32 so that "same" padding is uneven.
ARCHITECTURES: Final = {
    "DenseNet121": (64, UNIT),
    "ResNet50": (64, UNIT),
    "ResNet50V2": (70, UNIT),
    "EfficientNetB0": (64, PIXELS),
    "EfficientNetV2B0": (70, PIXELS),
    "MobileNet": (64, UNIT),
    "MobileNetV2": (75, UNIT),
    "MobileNetV3Small": (65, PIXELS),
    "VGG16": (48, UNIT),
    "Xception": (75, UNIT),
    "InceptionV3": (75, UNIT),
    "InceptionResNetV2": (75, UNIT),
    "NASNetMobile": (64, UNIT),
    "ConvNeXtTiny": (64, PIXELS),
}


def build_model(name: str, side: int) -> tf_keras.Model:
    """Build one untrained network with the names that a fresh Keras session gives."""
    tf_keras.backend.clear_session()
    make: Callable[..., tf_keras.Model] = getattr(tf_keras.applications, name)
    shape = (side, side, 3)
    if name != "VGG16":
        return make(weights=None, classes=CLASSES, input_shape=shape)
    # the original head has 100 million weights; this is the head that AUCMEDI puts instead
    base = make(weights=None, include_top=False, input_shape=shape)
    pooled = tf_keras.layers.GlobalAveragePooling2D(name="avg_pool")(base.output)
    logits = tf_keras.layers.Dense(CLASSES, name="preds")(pooled)
    return tf_keras.Model(base.input, tf_keras.layers.Activation("softmax", name="probs")(logits))


def set_weights(model: tf_keras.Model, corrections: Corrections, quantization: str | None = None) -> None:
    """Put the seeded weights into a model, rounded as a quantized file would round them."""
    for weight in model.weights:
        value = make_weight(
            SEED,
            weight.name,
            weight.shape,
            weight.dtype.name,
            corrections.get(weight.name, (1.0, 0.0)),
        )
        if quantization is not None and value.dtype == np.float32:
            value = dequantize(*quantize(value, quantization))
        weight.assign(value)
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.Normalization):
            layer.finalize_state()  # the layer computes with a copy of its weights


def calibrate_normalisation(model: tf_keras.Model, images: NDArray[np.float32], corrections: Corrections) -> None:
    """Fit one offset and one factor per batch normalisation to the images, layer after layer."""
    layer_class = tf_keras.layers.BatchNormalization
    original = layer_class.call

    def call(layer: tf_keras.layers.Layer, inputs: object, **options: object) -> object:
        values = np.asarray(inputs)
        per_channel = values.mean(axis=(0, 1, 2), dtype=np.float64)
        spread = float(f"{values.var(axis=(0, 1, 2), dtype=np.float64).mean() + per_channel.var():.4g}")
        mean, variance = layer.moving_mean, layer.moving_variance
        corrections[mean.name] = (
            float(f"{spread**0.5:.4g}"),
            float(f"{per_channel.mean():.4g}"),
        )
        corrections[variance.name] = (spread, 0.0)
        for weight in (mean, variance):
            weight.assign(make_weight(SEED, weight.name, weight.shape, "float32", corrections[weight.name]))
        return original(layer, inputs, **options)

    layer_class.call = call
    try:
        model(images, training=False)
    finally:
        layer_class.call = original


def calibrate_classifier(model: tf_keras.Model, images: NDArray[np.float32], corrections: Corrections) -> None:
    """Scale the last layer so that scores differ between images and no class saturates."""
    last = next(layer for layer in reversed(model.layers) if hasattr(layer, "kernel"))
    activation = last.activation
    last.activation = tf_keras.activations.linear
    scores = tf_keras.Model(model.input, last.output)(images, training=False)
    last.activation = activation
    bias = last.bias.numpy()
    scores = np.asarray(scores, np.float64).reshape(len(images), -1) - bias
    factor = float(f"{SPREAD / scores.std(axis=0).mean():.4g}")
    offset = [float(f"{value:.4g}") for value in -factor * scores.mean(axis=0)]
    corrections[last.kernel.name] = (factor, 0.0)
    corrections[last.bias.name] = (1.0, offset)


def read_layout(model: tf_keras.Model) -> tuple[dict[str, object], list[list[object]]]:
    """Save as legacy HDF5 and read back what Keras wrote: topology and weight table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.h5"
        model.save(path, save_format="h5", include_optimizer=False)
        with h5py.File(path) as file:
            topology = {
                "keras_version": file.attrs["keras_version"],
                "backend": file.attrs["backend"],
                "model_config": json.loads(file.attrs["model_config"]),
            }
            root = file["model_weights"]
            layers: list[list[object]] = []
            for layer in root.attrs["layer_names"]:
                group = root[layer]
                names = [str(name) for name in group.attrs["weight_names"]]
                rows = [[name, list(group[name].shape), group[name].dtype.name] for name in names]
                layers.append([str(layer), rows])
    return topology, layers


def make_fixture(name: str) -> dict[str, object]:
    """Build, calibrate and run one architecture."""
    side, (low, high) = ARCHITECTURES[name]
    model = build_model(name, side)
    shape = (side, side, 3)
    images = np.concatenate([make_input(SEED, shape, low, high, n) for n in range(IMAGES)])
    corrections: Corrections = {}
    set_weights(model, corrections)
    calibrate_normalisation(model, images, corrections)
    calibrate_classifier(model, images, corrections)
    topology, layers = read_layout(model)
    references: dict[str, list[list[float]]] = {}
    for quantization in (None, "uint8", "uint16", "float16"):
        set_weights(model, corrections, quantization)
        output = np.asarray(model(images, training=False))
        references[quantization or "float32"] = [[float(f"{value:.9g}") for value in row] for row in output.tolist()]
    return {
        "architecture": name,
        "seed": SEED,
        "topology": topology,
        "layers": layers,
        "corrections": corrections,
        "input_shape": list(shape),
        "input_range": [low, high],
        "references": references,
    }


def main(names: list[str]) -> None:
    """Write the fixtures of the named architectures, or of all, beside this script."""
    for name in names or ARCHITECTURES:
        fixture = make_fixture(name)
        text = json.dumps(fixture, separators=(",", ":"), sort_keys=True).encode()
        (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(text, mtime=0))
        print(name, len(text))  # noqa: T201 (a script's report)


if __name__ == "__main__":
    main(sys.argv[1:])
