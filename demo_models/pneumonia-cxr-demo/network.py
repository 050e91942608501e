"""The network, its augmentation and its training."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray
from split import CLASSES, SIDE, Photo
from tf_keras import layers

BATCH: Final = 32
PEAK_RATE: Final = 2e-3
WARMUP_EPOCHS: Final = 2
WEIGHT_DECAY: Final = 1e-4


def standardize(pixels: tf.Tensor) -> tf.Tensor:
    """Apply AUCMEDI's standardize mode "tf": uint8 values to x / 127.5 - 1, float32."""
    return tf.cast(pixels, tf.float32) / 127.5 - 1.0


def convolve(x: tf.Tensor, filters: int, name: str, *, strides: int = 1) -> tf.Tensor:
    """Convolution, batch normalisation, ReLU."""
    x = layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=tf_keras.regularizers.L2(WEIGHT_DECAY),
        name=f"{name}_conv",
    )(x)
    x = layers.BatchNormalization(momentum=0.95, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def build_network() -> tf_keras.Model:
    """Build a small residual network: 224×224×3 in, softmax over NORMAL and PNEUMONIA out.

    The pooled features go straight into one dense layer, so class activation maps of it are exact.
    """
    image = layers.Input((SIDE, SIDE, 3), name="image")
    x = convolve(image, 16, "stem", strides=2)
    x = convolve(x, 24, "stage1", strides=2)
    for number, filters in ((2, 48), (3, 96), (4, 160)):
        x = convolve(x, filters, f"stage{number}_down", strides=2)
        y = convolve(x, filters, f"stage{number}_block")
        x = layers.Add(name=f"stage{number}_add")([x, y])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = layers.Dense(len(CLASSES), name="scores")(x)
    return tf_keras.Model(image, layers.Activation("softmax", name="probabilities")(x), name="pneumonia_cxr_demo")


def draw_transforms(count: tf.Tensor) -> tf.Tensor:
    """Draw projective transforms, (count, 8): zoom ±10 % per axis, rotation ±7°, shift ±7 %, mirror."""
    zoom_x, zoom_y = (tf.random.uniform([count], 0.9, 1.1) for _ in range(2))
    mirror = tf.sign(tf.random.uniform([count], -1.0, 1.0))
    angle = tf.random.uniform([count], -math.radians(7), math.radians(7))
    shift_x, shift_y = (tf.random.uniform([count], -0.07, 0.07) * SIDE for _ in range(2))
    a, b = zoom_x * mirror * tf.cos(angle), -zoom_y * tf.sin(angle)
    c, d = zoom_x * mirror * tf.sin(angle), zoom_y * tf.cos(angle)
    middle = (SIDE - 1) / 2
    left = middle - a * middle - b * middle + shift_x
    top = middle - c * middle - d * middle + shift_y
    zeros = tf.zeros([count])
    return tf.stack([a, b, left, c, d, top, zeros, zeros], axis=1)


def augment(gray: tf.Tensor) -> tf.Tensor:
    """Vary geometry, brightness (±25) and contrast (0.75 to 1.25) of uint8 (batch, 224, 224) images."""
    count = tf.shape(gray)[0]
    pixels = tf.cast(gray[..., tf.newaxis], tf.float32)
    pixels = tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels,
        transforms=draw_transforms(count),
        output_shape=[SIDE, SIDE],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    contrast = tf.random.uniform([count, 1, 1, 1], 0.75, 1.25)
    brightness = tf.random.uniform([count, 1, 1, 1], -25.0, 25.0)
    return tf.clip_by_value((pixels - 128.0) * contrast + 128.0 + brightness, 0.0, 255.0)


def make_batches(photos: Sequence[Photo], *, training: bool, seed: int) -> tf.data.Dataset:
    """Make batches of (standardized RGB, one-hot class); shuffled and augmented for training."""
    gray = np.stack([photo.read_gray() for photo in photos])
    labels = np.eye(len(CLASSES), dtype=np.float32)[[photo.label for photo in photos]]
    data = tf.data.Dataset.from_tensor_slices((gray, labels))
    if training:
        data = data.shuffle(len(photos), seed=seed)

    def prepare(batch: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = augment(batch) if training else tf.cast(batch[..., tf.newaxis], tf.float32)
        return tf.repeat(standardize(pixels), 3, axis=-1), label

    return data.batch(BATCH).map(prepare, num_parallel_calls=2).prefetch(4)


def train_network(
    train: Sequence[Photo], validation: Sequence[Photo], *, epochs: int, seed: int, checkpoint: Path
) -> tuple[tf_keras.Model, dict[str, list[float]], int]:
    """Train with Adam, warm-up, cosine decay and class weights; keep the epoch of least validation loss.

    Returns the model, the history of each figure by epoch, and the number of the epoch kept (from 1).
    """
    tf_keras.utils.set_random_seed(seed)
    model = build_network()
    steps = math.ceil(len(train) / BATCH)
    rate = tf_keras.optimizers.schedules.CosineDecay(
        0.0, steps * (epochs - WARMUP_EPOCHS), warmup_target=PEAK_RATE, warmup_steps=steps * WARMUP_EPOCHS
    )
    model.compile(
        tf_keras.optimizers.Adam(rate),
        loss="categorical_crossentropy",
        metrics=["accuracy", tf_keras.metrics.AUC(name="auc")],
    )
    counts = np.bincount([photo.label for photo in train])
    weights = {label: len(train) / (len(counts) * int(count)) for label, count in enumerate(counts)}
    best = tf_keras.callbacks.ModelCheckpoint(
        str(checkpoint), monitor="val_loss", save_best_only=True, save_weights_only=True
    )
    history = model.fit(
        make_batches(train, training=True, seed=seed),
        validation_data=make_batches(validation, training=False, seed=seed),
        epochs=epochs,
        class_weight=weights,
        callbacks=[best],
        verbose=2,
    ).history
    model.load_weights(str(checkpoint))
    figures = {name: [round(float(value), 5) for value in values] for name, values in history.items()}
    return model, figures, int(np.argmin(history["val_loss"])) + 1


def predict_photos(model: tf_keras.Model, photos: Sequence[Photo]) -> NDArray[np.float32]:
    """Predict with the pixels as stored: uint8 RGB, standardized in float32. Returns (image, class)."""
    rows = []
    for start in range(0, len(photos), BATCH):
        gray = np.stack([photo.read_gray() for photo in photos[start : start + BATCH]])
        pixels = np.repeat(gray[..., np.newaxis], 3, axis=-1)
        rows.append(np.asarray(model(standardize(pixels), training=False)))
    return np.concatenate(rows)
