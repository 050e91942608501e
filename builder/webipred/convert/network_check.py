"""The last gate: the network as the parent process reads it, whatever made it."""

from collections import Counter
from math import prod

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # comes with onnx
from onnx import TensorProto

from webipred.convert.compute import check_compute
from webipred.convert.model import INPUT_NAME, OPSET, OUTPUT_NAME, OnnxModel
from webipred.convert.onnx_guard import check_model_proto, find_opset
from webipred.convert.target import ConversionTarget
from webipred.digests import hash_bytes
from webipred.errors import FindingsError, refuse


def check_network(data: bytes, target: ConversionTarget, converter: str) -> OnnxModel:
    """Return the model that `data` holds if it is what the entry says and nothing else. Raises FindingsError."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise _refuse("it is not an ONNX file", target) from error
    model.DiscardUnknownFields()
    check_model_proto(model, target)
    _check_ends(model, target)
    check_compute(model, target)
    clean: bytes = model.SerializeToString(deterministic=True)
    operators = Counter(node.op_type for node in model.graph.node)
    floats = (tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT)
    return OnnxModel(
        entry_id=target.entry_id,
        data=clean,
        sha256=hash_bytes(clean),
        height=target.height,
        width=target.width,
        channels=target.channels,
        classes=target.classes,
        operators=dict(sorted(operators.items())),
        parameters=sum(prod(tensor.dims) for tensor in floats),
        converter=converter,
    )


def _check_ends(model: onnx.ModelProto, target: ConversionTarget) -> None:
    wanted_input = (INPUT_NAME, (1, target.height, target.width, target.channels))
    wanted_output = (OUTPUT_NAME, (1, target.classes))
    for ends, wanted in ((model.graph.input, wanted_input), (model.graph.output, wanted_output)):
        found = [_describe(value) for value in ends]
        if found != [wanted]:
            raise _refuse(f"it has {found} where {wanted} belongs", target)
    if find_opset(model) != OPSET or len(model.opset_import) != 1:
        raise _refuse(f"its opset is {find_opset(model)}, not {OPSET}", target)
    if model.metadata_props or model.graph.doc_string or model.doc_string:
        raise _refuse("it carries free text", target)


def _describe(value: onnx.ValueInfoProto) -> tuple[str, tuple[int, ...]]:
    tensor = value.type.tensor_type
    sides = tuple(side.dim_value for side in tensor.shape.dim)
    return value.name, sides if tensor.elem_type == TensorProto.FLOAT else ()


def _refuse(what: str, target: ConversionTarget) -> FindingsError:
    return refuse(
        "E-CONVERT-ONNX",
        target.where,
        f"the converted network is not usable: {what}.",
        "Please report this model; the converter made a mistake.",
    )
