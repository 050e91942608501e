"""How much a network computes, from its shapes alone, before anything runs it."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import onnx
from onnx import helper, shape_inference

from webipred.convert.quoting import quote_error
from webipred.convert.target import ConversionTarget
from webipred.errors import refuse

Shapes = Mapping[str, Sequence[int]]

SMALL: Final = 64  # elements; shapes, axes and scales are smaller, and inference needs their numbers


def check_compute(model: onnx.ModelProto, target: ConversionTarget) -> None:
    """Raise FindingsError: E-CONVERT-COMPUTE beyond the budget, E-CONVERT-ONNX for shapes that stay open."""
    try:
        found = count_multiply_adds(model)
    except (shape_inference.InferenceError, KeyError, RuntimeError, ValueError) as error:
        what = f"the shapes inside of the converted network are not known: {quote_error(error)}."
        fix = "Please report this model; the converter made a mistake."
        raise refuse("E-CONVERT-ONNX", target.where, what, fix) from error
    limit = target.limits.multiply_adds
    if found > limit:
        needed = f"{found / 1e9:.1f} · 10⁹ multiplications for one image"
        what = f"the network needs {needed}, the limit is {limit / 1e9:g} · 10⁹."
        fix = "Publish a smaller model, or one for a smaller input."
        raise refuse("E-CONVERT-COMPUTE", target.where, what, fix)


def count_multiply_adds(model: onnx.ModelProto) -> int:
    """Return the multiplications with addition for one image; a step of a pooling window counts as one.

    Raises KeyError for a tensor without a fixed shape, and what ONNX' shape inference raises.
    """
    inferred = shape_inference.infer_shapes(_strip_weights(model), strict_mode=True, data_prop=True)
    shapes = {tensor.name: list(tensor.dims) for tensor in inferred.graph.initializer}
    for value in (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape") and all(side.HasField("dim_value") for side in tensor.shape.dim):
            shapes[value.name] = [side.dim_value for side in tensor.shape.dim]
    return sum(_count(node, shapes) for node in inferred.graph.node)


def _strip_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with its large constants as inputs, so that inference copies no weights."""
    graph = model.graph
    large = [tensor for tensor in graph.initializer if math.prod(tensor.dims) > SMALL]
    names = {tensor.name for tensor in large}
    ends = [helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims) for tensor in large]
    kept = [tensor for tensor in graph.initializer if tensor.name not in names]
    stripped = helper.make_graph(graph.node, "stripped", [*graph.input, *ends], graph.output, kept)
    return helper.make_model(stripped, opset_imports=model.opset_import, ir_version=model.ir_version)


def _count(node: onnx.NodeProto, shapes: Shapes) -> int:
    results = math.prod(shapes[node.output[0]])
    match node.op_type:
        case "Conv":
            return results * math.prod(shapes[node.input[1]][1:])
        case "ConvTranspose":
            return math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])
        case "MatMul":
            return results * shapes[node.input[0]][-1]
        case "Gemm":
            return results * shapes[node.input[0]][0 if _read(node, "transA") else 1]
        case "AveragePool" | "MaxPool":
            return results * math.prod(_list(node, "kernel_shape"))
        case "LRN":
            return results * _read(node, "size")
        case _:
            return results


def _read(node: onnx.NodeProto, name: str) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), 0)


def _list(node: onnx.NodeProto, name: str) -> Sequence[int]:
    return next((list(attribute.ints) for attribute in node.attribute if attribute.name == name), [])
