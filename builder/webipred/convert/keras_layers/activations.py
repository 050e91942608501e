"""Activations: by name, as argument of another layer, and as layers of their own."""

from collections.abc import Callable, Mapping
from typing import Final

from webipred.convert.graph import Attribute, Value
from webipred.convert.json_text import JsonValue
from webipred.convert.keras_layers.layer import Layer, LayerEmitter, find_axis
from webipred.convert.keras_options import Options
from webipred.convert.weights import WeightSpec
from webipred.errors import refuse

SIMPLE: Final[Mapping[str, tuple[str, Mapping[str, Attribute]]]] = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}),  # ONNX has the same constants as Keras, of Klambauer et al. 2017
    "exponential": ("Exp", {}),
    "gelu": ("Gelu", {"approximate": "none"}),
    "mish": ("Mish", {}),
}


def apply_activation(layer: Layer, value: Value) -> Value:
    """Apply the `activation` option of a layer."""
    return apply_named(layer, value, layer.options.raw("activation"))


def apply_named(layer: Layer, value: Value, activation: JsonValue) -> Value:
    """Apply an activation given as Keras writes it: a name, a layer's dictionary, or null for none."""
    if activation is None or activation == "linear":
        return value
    if isinstance(activation, dict):
        return _apply_layer(layer, value, activation)
    if isinstance(activation, str) and activation in SIMPLE:
        op, attributes = SIMPLE[activation]
        return layer.emit(op, [value], value.shape, planes=value.planes, **attributes)
    if isinstance(activation, str) and activation in COMPOSED:
        return COMPOSED[activation](layer, value)
    raise refuse(
        "E-CONVERT-ACTIVATION",
        layer.where,
        f"the activation {ascii(activation)[:80]} is not known.",
        "Rebuild the model with a standard activation, or export it as ONNX.",
    )


def _apply_layer(layer: Layer, value: Value, node: Mapping[str, JsonValue]) -> Value:
    class_name, config = node.get("class_name"), node.get("config")
    emitter = WEIGHTLESS.get(class_name) if isinstance(class_name, str) else None
    module, registered = node.get("module"), node.get("registered_name")
    own = (module is None or (isinstance(module, str) and module.startswith(("keras.", "tf_keras.")))) and (
        registered is None or registered == class_name
    )
    if emitter is None or not own or not isinstance(config, dict):
        raise refuse(
            "E-CONVERT-ACTIVATION",
            layer.where,
            f"the activation {ascii(registered or class_name)[:80]} is not known.",
            "Rebuild the model with a standard activation, or export it as ONNX.",
        )
    options = Options(config, f"{layer.where} activation {class_name}")
    options.require("dtype", "float32")
    inner = Layer(
        name=f"{layer.name}.{class_name}",
        class_name=str(class_name),
        where=layer.where,
        dialect=layer.dialect,
        options=options,
        inputs=(value,),
        operands={},
        graph=layer.graph,
        take_weights=layer.take_weights,
    )
    result = emitter(inner)
    options.check_all_read()
    return result


def clip(layer: Layer, value: Value, low: float | None, high: float | None) -> Value:
    """Limit a value; None leaves that side open."""
    graph = layer.graph
    bounds = [graph.scalar(f"number.{bound:g}", bound) if bound is not None else "" for bound in (low, high)]
    inputs = [value.name, *bounds] if high is not None else [value.name, bounds[0]]
    return layer.emit("Clip", inputs, value.shape, planes=value.planes)


def softmax(layer: Layer, value: Value) -> Value:
    """Softmax over the channels."""
    return layer.emit(
        "Softmax", [value], value.shape, planes=value.planes, axis=1 if value.planes else len(value.shape)
    )


def relu6(layer: Layer, value: Value) -> Value:
    """min(max(x, 0), 6)."""
    return clip(layer, value, 0.0, 6.0)


def swish(layer: Layer, value: Value) -> Value:
    """x · sigmoid(x)."""
    gate = layer.emit("Sigmoid", [value], value.shape, planes=value.planes)
    return layer.emit("Mul", [value, gate], value.shape, planes=value.planes)


def hard_sigmoid(layer: Layer, value: Value) -> Value:
    """Keras 2 and TF.js: clip(0.2 x + 0.5, 0, 1); Keras 3: relu6(x + 3) / 6."""
    if layer.dialect == "unknown":
        raise refuse(
            "E-CONVERT-ACTIVATION",
            layer.where,
            "hard_sigmoid differs between Keras 2 and Keras 3, and the file does not say which one made it.",
            "Export the model again with a Keras that writes keras_version.",
        )
    alpha = 0.2 if layer.dialect in ("keras2", "tfjs") else 1 / 6
    return layer.emit("HardSigmoid", [value], value.shape, planes=value.planes, alpha=alpha, beta=0.5)


def hard_swish(layer: Layer, value: Value) -> Value:
    """Keras 3 hard_silu: x · relu6(x + 3) / 6."""
    return layer.emit("HardSwish", [value], value.shape, planes=value.planes)


def leaky_relu(layer: Layer, value: Value) -> Value:
    """Keras 3 leaky_relu as a name has the slope 0.2; Keras 2 has no such name."""
    if layer.dialect != "keras3":
        raise refuse(
            "E-CONVERT-ACTIVATION",
            layer.where,
            "the slope of the activation 'leaky_relu' is not in the file.",
            "Use a LeakyReLU layer with its slope instead.",
        )
    return layer.emit("LeakyRelu", [value], value.shape, planes=value.planes, alpha=0.2)


COMPOSED: Final[Mapping[str, Callable[[Layer, Value], Value]]] = {
    "softmax": softmax,
    "relu6": relu6,
    "swish": swish,
    "silu": swish,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": hard_swish,
    "hard_swish": hard_swish,
    "leaky_relu": leaky_relu,
}


def emit_activation(layer: Layer) -> Value:
    """Activation: a function by its name, which Keras requires here."""
    if not layer.options.has("activation"):
        raise layer.refuse_option("activation is missing.")
    return apply_activation(layer, layer.input)


def emit_softmax(layer: Layer) -> Value:
    """Softmax over the last axis."""
    value = layer.input
    axis = layer.options.raw("axis", -1)
    if find_axis(layer, axis, len(value.shape)) != len(value.shape) - 1:
        raise layer.refuse_option(f"axis {axis!r} is not the last axis.")
    return softmax(layer, value)


def emit_relu(layer: Layer) -> Value:
    """ReLU with a slope for negative values and a maximum; a threshold other than 0 is refused."""
    value, options = layer.input, layer.options
    slope = options.number("negative_slope", 0.0)
    options.require("threshold", 0)
    high = options.number("max_value") if options.has("max_value") else None
    options.discard("max_value")
    if slope == 0 and high is not None:
        return clip(layer, value, 0.0, high)
    if slope == 0:
        return layer.emit("Relu", [value], value.shape, planes=value.planes)
    leaky = layer.emit("LeakyRelu", [value], value.shape, planes=value.planes, alpha=slope)
    return clip(layer, leaky, None, high) if high is not None else leaky


def emit_leaky_relu(layer: Layer) -> Value:
    """LeakyReLU; the slope is `alpha` in Keras 2 and `negative_slope` in Keras 3, 0.3 by default."""
    value, options = layer.input, layer.options
    slope = options.number("negative_slope" if options.has("negative_slope") else "alpha", 0.3)
    return layer.emit("LeakyRelu", [value], value.shape, planes=value.planes, alpha=slope)


def emit_elu(layer: Layer) -> Value:
    """ELU: alpha · (exp(x) − 1) for negative x."""
    value = layer.input
    alpha = layer.options.number("alpha", 1.0)
    return layer.emit("Elu", [value], value.shape, planes=value.planes, alpha=alpha)


def emit_prelu(layer: Layer) -> Value:
    """PReLU: a learned slope per element; `shared_axes` share it."""
    value = layer.input
    shape = list(value.shape)
    shared = layer.options.raw("shared_axes", [])
    for axis in shared if isinstance(shared, list) else [shared]:
        shape[find_axis(layer, axis, len(shape))] = 1
    alpha = layer.take_weights([WeightSpec(name="alpha", shape=tuple(shape))])["alpha"]
    slope = layer.graph.constant(f"{layer.name}.alpha", alpha.transpose(2, 0, 1) if value.planes else alpha)
    return layer.emit("PRelu", [value, slope], value.shape, planes=value.planes)


WEIGHTLESS: Final[Mapping[str, LayerEmitter]] = {
    "Activation": emit_activation,
    "Softmax": emit_softmax,
    "ReLU": emit_relu,
    "LeakyReLU": emit_leaky_relu,
    "ELU": emit_elu,
}
ACTIVATIONS: Final[Mapping[str, LayerEmitter]] = {**WEIGHTLESS, "PReLU": emit_prelu}
