"""Tiny networks that together use every layer the converters know, for Keras 3 and tf_keras alike.

Each function takes the framework module (`keras` or `tf_keras`), because both offer the same names.
"""

from collections.abc import Callable
from functools import partial
from types import FunctionType, ModuleType
from typing import Any, Final

Model = Any  # keras.Model or tf_keras.Model; neither is installed where types are checked

ACTIVATIONS: Final = (
    "relu",
    "relu6",
    "sigmoid",
    "hard_sigmoid",
    "swish",
    "gelu",
    "tanh",
    "softplus",
    "softsign",
    "elu",
    "selu",
    "exponential",
    "linear",
    "softmax",
)


def build_sequential(k: ModuleType) -> Model:
    """Plain convolutional stack with every kind of pooling and normalisation by constants."""
    layers = k.layers
    return k.Sequential(
        [
            layers.InputLayer((16, 16, 3), name="image"),
            layers.Rescaling(1 / 127.5, offset=-1.0),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Conv2D(6, 3, use_bias=False),
            layers.BatchNormalization(scale=False),
            layers.ReLU(),
            layers.AveragePooling2D(2, strides=1),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(8, activation="tanh"),
            layers.Dense(3, activation="softmax"),
        ],
        name="sequential",
    )


def build_branches(k: ModuleType) -> Model:
    """Residual and dense-style branches: separable and depthwise convolutions, every merge layer."""
    layers = k.layers
    image = layers.Input((17, 15, 3), name="image")
    x = layers.Normalization(mean=[120.0, 110.0, 100.0], variance=[900.0, 1600.0, 2500.0])(image)
    x = layers.Conv2D(8, 3, strides=2, padding="same")(x)
    x = layers.BatchNormalization(center=False)(x)
    separable = layers.SeparableConv2D(8, 3, padding="same", depth_multiplier=2, activation="relu")(x)
    depthwise = layers.DepthwiseConv2D(5, padding="same", depth_multiplier=1)(x)
    x = layers.Add()([x, separable, depthwise])
    x = layers.ReLU(max_value=6.0)(x)
    small = layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False)(x)
    pooled = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    average = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    merged = [
        layers.Average()([small, pooled]),
        layers.Maximum()([small, average]),
        layers.Minimum()([pooled, average]),
        layers.Subtract()([pooled, small]),
    ]
    x = layers.Concatenate()(merged)
    x = layers.LayerNormalization()(x)
    weight = layers.GlobalAveragePooling2D(keepdims=True)(x)
    weight = layers.Conv2D(4, 1, activation="swish")(weight)
    weight = layers.Conv2D(32, 1, activation="hard_sigmoid")(weight)
    x = layers.Multiply()([x, weight])
    x = layers.GlobalAveragePooling2D()(x)
    return k.Model(image, layers.Dense(4, activation="softmax", name="scores")(x), name="branches")


def build_activations(k: ModuleType) -> Model:
    """One branch per activation, as function name, as argument and as layer."""
    layers = k.layers
    slope = "negative_slope" if k.__name__ == "keras" else "alpha"
    image = layers.Input((8, 8, 2), name="image")
    x = layers.Conv2D(3, 3, padding="same")(image)
    branches = [layers.Activation(name)(x) for name in ACTIVATIONS]
    branches += [
        layers.LeakyReLU(**{slope: 0.2})(x),
        layers.ELU(alpha=0.7)(x),
        layers.PReLU(shared_axes=[1, 2])(x),
        layers.PReLU()(x),
        layers.ReLU(negative_slope=0.1)(x),
        layers.ReLU(max_value=1.0, negative_slope=0.25)(x),
        layers.Softmax()(x),
        layers.Conv2D(3, 1, activation="hard_sigmoid")(x),
    ]
    x = layers.Concatenate(axis=-1)(branches)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Reshape((len(branches) * 3,))(x)
    x = layers.Dense(5)(x)
    return k.Model(image, layers.Activation("softmax", name="scores")(x), name="activations")


def build_geometry(k: ModuleType) -> Model:
    """Padding, cropping, upsampling, dilation, groups and reshaping."""
    layers = k.layers
    image = layers.Input((12, 10, 4), name="image")
    x = layers.ZeroPadding2D(((1, 2), (3, 0)))(image)
    x = layers.Conv2D(8, 3, groups=2, dilation_rate=2, activation="relu")(x)
    x = layers.Cropping2D(((1, 0), (2, 1)))(x)
    nearest = layers.UpSampling2D((2, 3))(x)
    bilinear = layers.UpSampling2D((2, 3), interpolation="bilinear")(x)
    x = layers.Concatenate()([nearest, bilinear])
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = layers.MaxPooling2D((3, 2), strides=(2, 2))(x)
    flat = layers.Reshape((-1, 32))(x)
    flat = layers.Dense(8, activation="relu")(flat)
    flat = layers.Flatten()(flat)
    top = layers.GlobalMaxPooling2D()(x)
    x = layers.Concatenate()([flat, top])
    return k.Model(image, layers.Dense(2, activation="softmax", name="scores")(x), name="geometry")


def build_nested(k: ModuleType, second_stem: str = "stem") -> Model:
    """Submodels inside a model, a layer used twice, and sigmoid scores of several labels.

    By default two submodels have a layer of the same name, which HDF5 allows and TF.js does not.
    """
    layers = k.layers
    patch = layers.Input((16, 16, 3), name="patch")
    y = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="stem")(patch)
    backbone = k.Model(patch, layers.BatchNormalization(name="norm")(y), name="backbone")
    head = k.Sequential(
        [
            layers.InputLayer((8, 8, 4), name="features"),
            layers.Conv2D(5, 3, activation="relu", name=second_stem),
            layers.GlobalAveragePooling2D(name="pool"),
        ],
        name="head",
    )
    image = layers.Input((16, 16, 3), name="image")
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    once = shared(image)
    twice = layers.Add(name="sum")([once, shared(once)])
    x = head(backbone(twice))
    return k.Model(image, layers.Dense(3, activation="sigmoid", name="scores")(x), name="nested")


def build_sequences(k: ModuleType) -> Model:
    """A small vision transformer: patches, attention to themselves and to others, pooling over positions."""
    layers = k.layers
    image = layers.Input((12, 12, 3), name="image")
    x = layers.Reshape((9, 8))(layers.Conv2D(8, 4, strides=4)(image))
    y = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4, name="itself")(y, y)])
    other = layers.Permute((2, 1))(layers.Dense(8)(layers.Permute((2, 1))(x)))
    crossed = layers.MultiHeadAttention(3, 5, value_dim=4, use_bias=False, output_shape=6, name="others")(x, other)
    ends = [layers.GlobalAveragePooling1D()(crossed), layers.GlobalMaxPooling1D()(x)]
    x = layers.Concatenate()(ends)
    return k.Model(image, layers.Dense(3, activation="softmax", name="scores")(x), name="sequences")


def build_decoder(k: ModuleType) -> Model:
    """Transposed convolutions, group normalisation, and layer normalisation over a whole image."""
    layers = k.layers
    image = layers.Input((7, 6, 4), name="image")
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu")(image)
    y = layers.Conv2DTranspose(6, (2, 2), strides=(2, 2), use_bias=False)(image)
    z = layers.Conv2DTranspose(6, 1, strides=2)(image)
    x = layers.GroupNormalization(3)(layers.Add()([x, y]))
    x = layers.Concatenate()([x, layers.GroupNormalization(-1, epsilon=1e-2)(z)])
    x = layers.LayerNormalization(axis=[1, 2, 3])(layers.Conv2DTranspose(5, 4, strides=3)(x))
    x = layers.GlobalAveragePooling2D()(layers.MaxPooling2D(4)(x))
    return k.Model(image, layers.Dense(3, activation="softmax", name="scores")(x), name="decoder")


BUILDERS: Final[dict[str, Callable[[ModuleType], Model]]] = {
    "sequential": build_sequential,
    "branches": build_branches,
    "activations": build_activations,
    "geometry": build_geometry,
    "nested": build_nested,
    "sequences": build_sequences,
    "decoder": build_decoder,
}
TFJS_BUILDERS: Final[dict[str, Callable[[ModuleType], Model]]] = {
    **{name: build for name, build in BUILDERS.items() if name not in ("sequences", "decoder")},
    "nested": partial(build_nested, second_stem="second_stem"),
}


def hide_folder(function: Callable[[Any], object]) -> Callable[[Any], object]:
    """Keep the folder of whoever runs this out of the byte code that Keras stores."""
    assert isinstance(function, FunctionType)
    function.__code__ = function.__code__.replace(co_filename="author.py")
    return function


def build_lambda(k: ModuleType) -> Model:
    """A Lambda layer: its Python code is stored in the file and must never run."""
    layers = k.layers
    image = layers.Input((4, 4, 3), name="image")
    x = layers.Lambda(hide_folder(lambda value: value * 2.0), name="double")(image)
    x = layers.GlobalAveragePooling2D()(x)
    return k.Model(image, layers.Dense(2, activation="softmax", name="scores")(x), name="lambda")


def build_custom(k: ModuleType) -> Model:
    """A layer class registered by its author, whose code only the author has."""
    register = k.saving.register_keras_serializable

    @register(package="demo")
    class Doubling(k.layers.Layer):  # type: ignore[name-defined,misc]
        def call(self, value: object) -> object:
            return value + value  # type: ignore[operator]

    image = k.layers.Input((4, 4, 3), name="image")
    x = k.layers.GlobalAveragePooling2D()(Doubling(name="doubling")(image))
    return k.Model(image, k.layers.Dense(2, activation="softmax", name="scores")(x), name="custom")


def build_two_outputs(k: ModuleType) -> Model:
    """Two outputs: no single list of class scores."""
    image = k.layers.Input((4, 4, 3), name="image")
    x = k.layers.GlobalAveragePooling2D()(image)
    outputs = [k.layers.Dense(2, activation="softmax", name=name)(x) for name in ("first", "second")]
    return k.Model(image, outputs, name="two_outputs")


def build_two_inputs(k: ModuleType) -> Model:
    """Two inputs: an image and a table of metadata."""
    image = k.layers.Input((4, 4, 3), name="image")
    table = k.layers.Input((5,), name="metadata")
    x = k.layers.Concatenate()([k.layers.GlobalAveragePooling2D()(image), table])
    scores = k.layers.Dense(2, activation="softmax", name="scores")(x)
    return k.Model([image, table], scores, name="two_inputs")


REFUSED: Final[dict[str, tuple[Callable[[ModuleType], Model], str]]] = {
    "lambda": (build_lambda, "double"),
    "custom": (build_custom, "doubling"),
    "two_outputs": (build_two_outputs, "two outputs"),
    "two_inputs": (build_two_inputs, "two inputs"),
}
"""Builder, and the layer name or the fact that a refusal should name."""
