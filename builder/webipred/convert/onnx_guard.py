"""Static guard of ONNX files: says why a file must not be processed, before any of its numbers are."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from onnx import AttributeProto, ModelProto, NodeProto, TensorProto

from webipred.convert.operators import DEFAULT_DOMAINS, check_operators
from webipred.convert.target import ConversionTarget
from webipred.errors import FindingsError
from webipred.findings import Finding

OLDEST_OPSET: Final = 7
NEWEST_OPSET: Final = 28
IR_VERSIONS: Final = range(3, 15)
ITEM_BYTES: Final[Mapping[int, int]] = {
    TensorProto.FLOAT: 4,
    TensorProto.INT32: 4,
    TensorProto.INT64: 8,
    TensorProto.BOOL: 1,
}
PLAIN_ATTRIBUTES: Final = frozenset(
    [
        AttributeProto.FLOAT,
        AttributeProto.FLOATS,
        AttributeProto.INT,
        AttributeProto.INTS,
        AttributeProto.STRING,
        AttributeProto.TENSOR,
    ]
)
EXPORT_FIX: Final = "Export the model again as one plain ONNX file in float32."


def check_model_proto(model: ModelProto, target: ConversionTarget) -> None:
    """Raise FindingsError with every objection (at most twenty)."""
    findings = [
        Finding(code=code, where=target.where, what=what, fix=EXPORT_FIX) for code, what in _object(model, target)
    ][:20]
    if findings:
        raise FindingsError(findings)
    check_operators(((node.domain, node.op_type) for node in model.graph.node), target.where)


def find_opset(model: ModelProto) -> int:
    """Return the version of the default domain, 0 if it is missing or stands twice."""
    versions = [opset.version for opset in model.opset_import if opset.domain in DEFAULT_DOMAINS]
    return versions[0] if len(versions) == 1 else 0


def _object(model: ModelProto, target: ConversionTarget) -> Iterator[tuple[str, str]]:
    graph, opset = model.graph, find_opset(model)
    if len(graph.node) > target.limits.nodes:  # counted before anything looks at each of them
        yield "E-CONVERT-SIZE", f"the network has {len(graph.node)} nodes, the limit is {target.limits.nodes}."
        return
    if not all(isinstance(text, str) for text in _list_texts(model)):  # protobuf gives bytes for broken UTF-8
        yield "E-CONVERT-FORMAT", "a name in the file is not readable text."
        return
    if model.ir_version not in IR_VERSIONS:
        yield "E-CONVERT-OPSET", f"the ONNX format version {model.ir_version} is not known."
    if not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        yield "E-CONVERT-OPSET", f"opset {opset} is not between {OLDEST_OPSET} and {NEWEST_OPSET}."
    if model.functions or model.training_info or graph.sparse_initializer or graph.quantization_annotation:
        yield "E-CONVERT-OPERATOR", "local functions, training graphs, sparse and quantized tensors are not allowed."
    yield from _object_to_names(model)
    for tensor in graph.initializer:
        yield from _object_to_tensor(tensor, target)
    for node in graph.node:
        yield from _object_to_node(node, target)


def _list_texts(model: ModelProto) -> Iterator[object]:
    yield from (opset.domain for opset in model.opset_import)
    yield from (value.name for value in (*model.graph.input, *model.graph.output, *model.graph.initializer))
    for node in model.graph.node:
        yield from (node.op_type, node.domain, *node.input, *node.output)
        yield from (text for item in node.attribute for text in (item.name, item.ref_attr_name, item.t.name))


def _object_to_names(model: ModelProto) -> Iterator[tuple[str, str]]:
    graph = model.graph
    constants = [tensor.name for tensor in graph.initializer]
    inputs = [value.name for value in graph.input if value.name not in set(constants)]
    results = [name for node in graph.node for name in node.output if name]
    repeated = [name for name, count in Counter([*constants, *inputs, *results]).items() if count > 1]
    if repeated:
        yield "E-CONVERT-TOPOLOGY", f"the name {ascii(repeated[0])[:80]} is used for several tensors."
    if "" in constants or "" in inputs:
        yield "E-CONVERT-TOPOLOGY", "a tensor has no name."
    known = {*constants, *inputs, ""}
    for node in graph.node:
        unknown = [name for name in node.input if name not in known]
        if unknown:
            what = f"{ascii(node.op_type)[:40]} takes {ascii(unknown[0])[:80]}, which is not computed before it."
            yield "E-CONVERT-TOPOLOGY", what
            return
        known.update(node.output)


def _object_to_tensor(tensor: TensorProto, target: ConversionTarget) -> Iterator[tuple[str, str]]:
    name = ascii(tensor.name)[:80]
    if tensor.external_data or tensor.data_location == TensorProto.EXTERNAL or tensor.HasField("segment"):
        yield "E-CONVERT-EXTERNAL", f"the tensor {name} keeps its data outside of the file."
        return
    item = ITEM_BYTES.get(tensor.data_type)
    if item is None:
        kind = name_type(tensor.data_type)
        yield "E-CONVERT-TYPE", f"the tensor {name} has the type {kind}; float32, int32, int64 and bool are read."
        return
    if any(side < 0 for side in tensor.dims) or len(tensor.dims) > 8:
        yield "E-CONVERT-SIZE", f"the tensor {name} has the shape {list(tensor.dims)[:9]}."
        return
    count = math.prod(tensor.dims)
    if count * item > target.limits.tensor_bytes:
        yield (
            "E-CONVERT-SIZE",
            f"the tensor {name} declares {count * item} bytes, the limit is {target.limits.tensor_bytes}.",
        )
    elif _stored_count(tensor, item) != count:
        yield "E-CONVERT-SIZE", f"the tensor {name} declares {count} numbers and holds {_stored_count(tensor, item)}."


def _stored_count(tensor: TensorProto, item: int) -> float:
    if tensor.HasField("raw_data"):
        return len(tensor.raw_data) / item
    if tensor.data_type == TensorProto.FLOAT:
        return len(tensor.float_data)
    return len(tensor.int64_data if tensor.data_type == TensorProto.INT64 else tensor.int32_data)


def _object_to_node(node: NodeProto, target: ConversionTarget) -> Iterator[tuple[str, str]]:
    names = Counter(attribute.name for attribute in node.attribute)
    for attribute in node.attribute:
        place = f"the attribute {ascii(attribute.name)[:60]} of {ascii(node.op_type)[:60]}"
        if names[attribute.name] > 1 or attribute.ref_attr_name:
            yield "E-CONVERT-OPERATOR", f"{place} stands twice or refers to another one."
        elif attribute.type not in PLAIN_ATTRIBUTES or attribute.name.startswith("value_string"):
            yield "E-CONVERT-OPERATOR", f"{place} is a subgraph or of another type that is not allowed."
        elif attribute.type == AttributeProto.TENSOR:
            yield from _object_to_tensor(attribute.t, target)


def name_type(number: int) -> str:
    """Return the name of a TensorProto element type, or its number."""
    names: Iterable[tuple[str, int]] = TensorProto.DataType.items()
    return next((name.lower() for name, value in names if value == number), str(number))
