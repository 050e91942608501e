"""Write the small TFLite files; run in a TensorFlow environment (tests/data/keras/make_keras.py says how).

    tfenv/bin/python -m tests.data.tflite.make_tflite

`index.json` lists every file with its `.npz`: `input`, and `output` of TFLite's own interpreter with its own kernels,
or the word that a refusal must hold. Weights are random: the outputs mean nothing. A second run gives the same numbers.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

# E402 below: the variables above must be in place before these packages load
import numpy as np
import tensorflow as tf
import tf_keras

FOLDER: Final = Path(__file__).parent
IMAGES: Final = 3
Model = Any
layers = tf_keras.layers


def build_mobile() -> Model:
    """MobileNetV2-like: inverted residuals with depthwise convolutions and relu6."""
    image = layers.Input((33, 31, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    for channels, stride in ((8, 1), (12, 2), (12, 1)):
        y = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(24, 1, use_bias=False)(x)))
        if stride == 2:
            y = layers.ZeroPadding2D(((0, 1), (1, 1)))(y)
        padding = "valid" if stride == 2 else "same"
        y = layers.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(channels, 1, use_bias=False)(y))
        x = layers.Add()([x, y]) if stride == 1 else y
    x = layers.ReLU(6.0)(layers.Conv2D(96, 1)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return tf_keras.Model(image, layers.Dense(4, activation="softmax")(x))


def build_squeeze() -> Model:
    """Squeeze and excitation, swish, hard swish, concatenation, pooling, a grouped convolution."""
    image = layers.Input((20, 24, 3))
    x = layers.Conv2D(12, 3, strides=2, padding="same", activation="swish")(image)
    gate = layers.Reshape((1, 1, 12))(layers.GlobalAveragePooling2D()(x))
    gate = layers.Conv2D(12, 1, activation="sigmoid")(layers.Conv2D(4, 1, activation="relu")(gate))
    x = layers.Multiply()([x, gate])
    x = layers.Conv2D(12, 3, padding="same", activation=tf.nn.relu6)(x)
    pooled = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    largest = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.Concatenate()([pooled, largest])
    x = layers.Conv2D(12, 3, groups=4)(x)
    x = layers.LeakyReLU(0.2)(layers.PReLU(shared_axes=[1, 2])(x))
    x = layers.Flatten()(layers.Cropping2D(1)(x))
    return tf_keras.Model(image, layers.Dense(1, activation="sigmoid")(layers.Dense(6, activation="tanh")(x)))


def build_geometry() -> Model:
    """Transposed convolution, enlarging, layer normalisation, splitting, blocks of pixels."""
    image = layers.Input((8, 10, 4))
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu")(image)
    y = layers.Conv2DTranspose(6, 2, strides=2, padding="valid")(image)
    nearest = layers.UpSampling2D((2, 2))(image)
    bilinear = layers.UpSampling2D((2, 2), interpolation="bilinear")(image)
    x = layers.Concatenate()([x, y, nearest, bilinear])
    x = layers.LayerNormalization()(x)
    x = tf.nn.space_to_depth(x, 2)
    x = tf.nn.elu(tf.nn.depth_to_space(x, 4))
    left, right = tf.split(x, 2, axis=2)
    x = layers.Maximum()([left[:, 1:, ::2], right[:, 1:, ::2]])
    x = layers.GlobalMaxPooling2D()(x)
    return tf_keras.Model(image, layers.Softmax()(layers.Dense(3)(x)))


def build_attention() -> Model:
    """Patches with multi-head attention, as vision transformers have it."""
    image = layers.Input((16, 16, 3))
    x = layers.Reshape((16, 8))(layers.Conv2D(8, 4, strides=4)(image))
    y = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(y, y)])
    y = layers.Dense(8)(layers.Dense(16, activation="gelu")(layers.LayerNormalization()(x)))
    x = layers.GlobalAveragePooling1D()(layers.Add()([x, y]))
    return tf_keras.Model(image, layers.Dense(3, activation="softmax")(x))


BUILDERS: Final[dict[str, Callable[[], Model]]] = {
    "mobile": build_mobile,
    "squeeze": build_squeeze,
    "geometry": build_geometry,
    "attention": build_attention,
}


def shake_weights(model: Model, seed: int) -> None:
    """Replace every weight by random numbers, so that no bias or statistic is zero or one."""
    random = np.random.default_rng(seed)
    values = []
    for variable, value in zip(model.weights, model.get_weights(), strict=True):
        if "variance" in variable.name:
            values.append(random.uniform(0.5, 1.5, value.shape))
        elif value.ndim >= 2:
            values.append(random.normal(0.0, min(1.0, 1.5 / np.prod(value.shape[:-1]) ** 0.5), value.shape))
        else:
            values.append((1.0 if "gamma" in variable.name else 0.0) + random.uniform(-0.3, 0.3, value.shape))
    model.set_weights([value.astype(np.float32) for value in values])


def make_images(shape: tuple[int, ...]) -> Any:
    """Return seeded images in −1…1."""
    return np.random.default_rng(5).uniform(-1, 1, (IMAGES, *shape)).astype(np.float32)


def convert_model(model: Model, kind: str) -> bytes:
    """Convert to float32, float16 weights, int8 weights (dynamic range) or whole numbers throughout."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        images = make_images(model.input_shape[1:])
        converter.representative_dataset = lambda: ([image[None]] for image in images)
    data: bytes = converter.convert()
    return data


def run_interpreter(data: bytes, images: Any) -> Any:
    """Return what TFLite's own kernels give, without XNNPACK."""
    kernels = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tf.lite.Interpreter(model_content=data, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    entry, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    outputs = []
    for image in images:
        interpreter.set_tensor(entry, image[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(result)[0])
    return np.stack(outputs)


def main() -> None:
    """Write everything beside this script."""
    rows = []
    for number, (name, build) in enumerate(BUILDERS.items()):
        model = build()
        shake_weights(model, number)
        images = make_images(model.input_shape[1:])
        for kind in ("float32", "float16", "dynamic", "int8") if name == "mobile" else ("float32",):
            stem = name if kind == "float32" else f"{name}_{kind}"
            data = convert_model(model, kind)
            (FOLDER / f"{stem}.tflite").write_bytes(data)
            output = run_interpreter(data, images)
            if kind != "int8":
                keras = np.asarray(model(images, training=False))
                assert kind != "float32" or np.abs(output - keras).max() < 1e-6, stem
            row = {"file": f"{stem}.tflite"}
            if kind in ("dynamic", "int8"):
                row["refused"] = "dynamic-range" if kind == "dynamic" else "fully quantised"
            else:
                np.savez_compressed(FOLDER / f"{stem}.npz", input=images, output=output)
                row["reference"] = f"{stem}.npz"
            rows.append(row)
    (FOLDER / "index.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
