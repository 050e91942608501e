"""Multi-head attention over sequences: (position, channel) → (position, channel)."""

import math
from collections.abc import Mapping
from typing import Final

from webipred.convert.graph import Array, Value
from webipred.convert.keras_layers.layer import Layer, LayerEmitter, find_axis
from webipred.convert.weights import WeightSpec

NEUTRAL: Final = {"return_attention_scores": (None, False), "use_causal_mask": (None, False)}


def emit_multi_head_attention(layer: Layer) -> Value:
    """MultiHeadAttention: softmax(q · kᵀ / √key_dim) · v in each head (Vaswani et al. 2017), without masks."""
    query, value, key = _read_operands(layer)
    options, graph = layer.options, layer.graph
    heads, key_dim = options.integer("num_heads"), options.integer("key_dim")
    value_dim = options.integer("value_dim", key_dim)
    options.require("attention_axes", 1, [1])
    options.require("use_gate", False)
    options.require("flash_attention", False)
    options.require("sliding_window")
    options.discard("dropout", "softmax_robust_masking", "query_shape", "key_shape", "value_shape")
    output_dim = _read_output(layer, query.shape[1])
    q = _project(layer, query, "query", (heads, key_dim))
    q = layer.emit("Mul", [q, graph.scalar(f"{layer.name}.scale", 1 / math.sqrt(key_dim))], q.shape)
    k = _project(layer, key, "key", (heads, key_dim))
    v = _project(layer, value, "value", (heads, value_dim))
    steps, width = query.shape[0], key.shape[0]
    q = layer.emit("Transpose", [q], (heads, steps, key_dim), perm=(0, 2, 1, 3))
    k = layer.emit("Transpose", [k], (heads, key_dim, width), perm=(0, 2, 3, 1))
    v = layer.emit("Transpose", [v], (heads, width, value_dim), perm=(0, 2, 1, 3))
    scores = layer.emit("MatMul", [q, k], (heads, steps, width))
    weights = layer.emit("Softmax", [scores], scores.shape, axis=3)
    mixed = layer.emit("MatMul", [weights, v], (heads, steps, value_dim))
    mixed = layer.emit("Transpose", [mixed], (steps, heads, value_dim), perm=(0, 2, 1, 3))
    shape = graph.integers(f"{layer.name}.heads", [1, steps, heads * value_dim])
    mixed = layer.emit("Reshape", [mixed, shape], (steps, heads * value_dim))
    arrays = layer.take_weights(_specs(layer, (heads, value_dim, output_dim), (output_dim,)), "attention_output")
    return _multiply(layer, mixed, arrays, "attention_output", output_dim)


def _read_operands(layer: Layer) -> tuple[Value, Value, Value]:
    operands = dict(layer.operands)
    names = (("0", "query"), ("1", "value"), ("2", "key"))
    found = [next((operands.pop(name) for name in pair if name in operands), None) for pair in names]
    query, value, key = found[0], found[1], found[2] if found[2] is not None else found[1]
    if not isinstance(query, Value) or not isinstance(value, Value) or not isinstance(key, Value):
        raise layer.refuse_graph("query, value and key must be tensors.")
    for name, operand in operands.items():
        if operand not in NEUTRAL.get(name, (None,)):
            raise layer.refuse_option(f"the call argument {name[:60]}={ascii(operand)[:60]} is not converted.")
    if any(len(tensor.shape) != 2 for tensor in (query, value, key)) or value.shape[0] != key.shape[0]:
        raise layer.refuse_graph(
            f"it attends over {[list(t.shape) for t in (query, value, key)]}, sequences are needed."
        )
    return query, value, key


def _read_output(layer: Layer, channels: int) -> int:
    given = layer.options.raw("output_shape")
    single = given[0] if isinstance(given, list) and len(given) == 1 else given
    if single is None:
        return channels
    if isinstance(single, bool) or not isinstance(single, int) or not 1 <= single <= 1 << 20:
        raise layer.refuse_option(f"output_shape is {str(given)[:80]}, one number is expected.")
    return single


def _specs(layer: Layer, kernel: tuple[int, ...], bias: tuple[int, ...]) -> list[WeightSpec]:
    specs = [WeightSpec(name="kernel", shape=kernel)]
    return [*specs, WeightSpec(name="bias", shape=bias)] if layer.options.flag("use_bias", True) else specs


def _project(layer: Layer, value: Value, part: str, heads: tuple[int, int]) -> Value:
    """Return (position, head, channel of the head)."""
    steps, channels = value.shape
    arrays = layer.take_weights(_specs(layer, (channels, *heads), heads), part)
    flat = _multiply(layer, value, arrays, part, heads[0] * heads[1])
    shape = layer.graph.integers(f"{layer.name}.{part}.shape", [1, steps, *heads])
    return layer.emit("Reshape", [flat, shape], (steps, *heads))


def _multiply(layer: Layer, value: Value, arrays: Mapping[str, Array], part: str, width: int) -> Value:
    kernel = layer.graph.constant(f"{layer.name}.{part}.kernel", arrays["kernel"].reshape(-1, width))
    result = layer.emit("MatMul", [value, kernel], (value.shape[0], width))
    if "bias" not in arrays:
        return result
    bias = layer.graph.constant(f"{layer.name}.{part}.bias", arrays["bias"].reshape(-1))
    return layer.emit("Add", [result, bias], result.shape)


def emit_global_average_pooling1d(layer: Layer) -> Value:
    """GlobalAveragePooling1D over the positions."""
    return _pool(layer, "ReduceMean")


def emit_global_max_pooling1d(layer: Layer) -> Value:
    """GlobalMaxPooling1D over the positions."""
    return _pool(layer, "ReduceMax")


def _pool(layer: Layer, op: str) -> Value:
    layer.options.require("data_format", "channels_last")
    value = layer.input_of_rank(2)
    keeps = layer.options.flag("keepdims", False)
    axes = layer.graph.integers("axes.positions", [1])
    shape = (1, value.shape[1]) if keeps else (value.shape[1],)
    return layer.emit(op, [value, axes], shape, keepdims=int(keeps))


def emit_permute(layer: Layer) -> Value:
    """Permute: axes counted from 1, the batch stays."""
    value, dims = layer.graph.as_pixels(layer.input), layer.options.raw("dims")
    order = [find_axis(layer, axis, len(value.shape)) for axis in dims] if isinstance(dims, list) else []
    if sorted(order) != list(range(len(value.shape))):
        raise layer.refuse_option(f"dims {str(dims)[:80]} is no order of {len(value.shape)} axes.")
    shape = [value.shape[axis] for axis in order]
    return layer.emit("Transpose", [value], shape, perm=[0, *(axis + 1 for axis in order)])


SEQUENCES: Final[Mapping[str, LayerEmitter]] = {
    "GlobalAveragePooling1D": emit_global_average_pooling1d,
    "GlobalMaxPooling1D": emit_global_max_pooling1d,
    "MultiHeadAttention": emit_multi_head_attention,
    "Permute": emit_permute,
}
