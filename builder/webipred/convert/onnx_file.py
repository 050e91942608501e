"""ONNX files: guarded, brought to batch 1 and the catalog's opset, and rebuilt node by node."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # comes with onnx
from onnx import NodeProto, TensorProto, checker, helper, numpy_helper, version_converter

from webipred.convert.graph import Array, Attribute, GraphBuilder, Value
from webipred.convert.model import INPUT_NAME, OPSET
from webipred.convert.onnx_guard import check_model_proto, find_opset, name_type
from webipred.convert.onnx_shapes import TensorType, fix_input, infer_types, list_inputs, size_bytes
from webipred.convert.quoting import quote_error
from webipred.convert.tail import find_tail, read_nodes
from webipred.convert.target import ConversionTarget
from webipred.errors import refuse

CONVERTER: Final = "onnx/1"
PASSING: Final = ("Identity", "Dropout")
CENTRED_RESIZE: Final = 11  # the opset that gave Resize half-pixel centres
FILLABLE: Final = 1 << 20  # elements that a ConstantOfShape may write into the file


def convert(path: Path, target: ConversionTarget) -> tuple[GraphBuilder, Value]:
    """Return the network of an ONNX file. Raises FindingsError."""
    model = parse_model(path, target)
    check_model_proto(model, target)
    _check_validity(model, target.where)
    planes = fix_input(model, target)
    model, types = infer_types(upgrade(model, target.where), target)
    check_model_proto(model, target)
    return Rebuild(model, types, target).run(planes)


def parse_model(path: Path, target: ConversionTarget) -> onnx.ModelProto:
    """Return the parsed file. Raises FindingsError for a file that is too large or not ONNX."""
    size = path.stat().st_size
    if size > target.limits.unpacked_bytes:
        what = f"the file has {size} bytes, the limit is {target.limits.unpacked_bytes}."
        raise refuse("E-CONVERT-SIZE", target.where, what, "Publish a smaller model.")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        what = "the file is not an ONNX model."
        raise refuse("E-CONVERT-FORMAT", target.where, what, "Check source.file and format.") from error
    return model


def _check_validity(model: onnx.ModelProto, where: str) -> None:
    try:
        checker.check_model(model)
    except (checker.ValidationError, ValueError) as error:
        what = f"the file is not valid ONNX: {quote_error(error)}."
        raise refuse("E-CONVERT-FORMAT", where, what, "Export the model again.") from error


def upgrade(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """Return the model in the catalog's opset. Raises FindingsError if ONNX' converter cannot do it."""
    opset = find_opset(model)
    if opset == OPSET:
        return model
    try:
        upgraded = version_converter.convert_version(model, OPSET)
    except (RuntimeError, ValueError) as error:
        what = f"opset {opset} cannot be converted to opset {OPSET}: {quote_error(error)}."
        raise refuse("E-CONVERT-OPSET", where, what, f"Export the model with opset {OPSET}.") from error
    if opset < CENTRED_RESIZE:
        _keep_old_resize(upgraded)
    return upgraded


def _keep_old_resize(model: onnx.ModelProto) -> None:
    """Say in today's words what Resize meant before opset 11; ONNX' converter leaves today's defaults in place."""
    for node in model.graph.node:
        if node.op_type == "Resize":
            node.attribute.append(helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
            node.attribute.append(helper.make_attribute("nearest_mode", "floor"))


class Rebuild:
    """Copies a checked model into a GraphBuilder: plain names, no comments, constants folded where shapes tell them."""

    def __init__(self, model: onnx.ModelProto, types: Mapping[str, TensorType], target: ConversionTarget) -> None:
        self._model = model
        self._types = types
        self._target = target
        self._graph = GraphBuilder(target.where, target.limits)
        self._names: dict[str, str] = {"": ""}

    def run(self, planes: bool) -> tuple[GraphBuilder, Value]:
        """Return the network; `planes` says that the model takes (batch, channel, height, width)."""
        target = self._target
        pixels = Value(name=INPUT_NAME, shape=(target.height, target.width, target.channels))
        source = self._graph.as_planes(pixels) if planes else pixels
        self._names[list_inputs(self._model)[0].name] = source.name
        for tensor in self._model.graph.initializer:
            self._add_constant(tensor.name, self._read(tensor, tensor.name))
        for node in self._model.graph.node:
            self._add_node(node)
        return self._graph, self._finish(self._model.graph.output[0].name)

    def _finish(self, name: str) -> Value:
        kind = self._types[name]
        count = max(kind.shape, default=0)
        shown = " × ".join(map(str, kind.shape))
        if kind.element != TensorProto.FLOAT:
            what = f"the network gives {name_type(kind.element)} numbers, as decisions are; scores are float."
            raise refuse("E-CONVERT-OUTPUT", self._target.where, what, "Export the model with its scores as output.")
        if int(np.prod(kind.shape)) != count or len(kind.shape) < 2:
            what = f"the network gives {shown or 'one'} numbers, a list of class scores is needed."
            raise refuse("E-CONVERT-OUTPUT", self._target.where, what, "Only image classifiers can be published.")
        self._check_softmax(name, count)
        value = Value(name=self._names[name], shape=(count,))
        if len(kind.shape) == 2:
            return value
        shape = self._graph.integers("scores.shape", [1, count])
        return self._graph.emit("Reshape", [value, shape], (count,), wish="scores")

    def _check_softmax(self, name: str, count: int) -> None:
        """Raise FindingsError for a softmax of the tail that is not over classes: the last one must be over all."""
        tail = find_tail(read_nodes(self._model.graph.node), list_inputs(self._model)[0].name, name)
        last = tail.last.outputs[0] if tail.last is not None else ""
        made = {output for node in tail.activations for output in node.outputs}
        for node in self._model.graph.node:
            if node.op_type not in ("Softmax", "LogSoftmax") or made.isdisjoint(node.output):
                continue
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1)
            shape = self._types[node.output[0]].shape
            side = shape[axis] if -len(shape) <= axis < len(shape) else 0
            if side == count if node.output[0] == last else side > 1:
                continue
            what = f"the last softmax runs along axis {axis}, not over the {count} classes."
            raise refuse("E-CONVERT-ACTIVATION", self._target.where, what, "Correct the axis and export again.")

    def _add_constant(self, name: str, value: Array) -> None:
        self._names[name] = self._graph.constant(name, value)

    def _read(self, tensor: TensorProto, name: str) -> Array:
        value = numpy_helper.to_array(tensor)
        # one infinite number is a limit or the padding of a pooling, a weight never is
        if value.dtype.kind == "f" and (np.isnan(value).any() or (value.size > 1 and np.isinf(value).any())):
            what = f"the constant {ascii(name)[:80]} holds NaN or infinity."
            raise refuse("E-CONVERT-NAN", self._target.where, what, "Get other weights: these are damaged.")
        return value

    def _add_node(self, node: NodeProto) -> None:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type in PASSING:
            self._pass_on(node)
        elif node.op_type == "Constant":
            self._add_constant(node.output[0], self._read_constant(node, attributes))
        elif node.op_type == "Shape" and not attributes:
            self._add_constant(node.output[0], np.array(self._types[node.input[0]].shape, np.int64))
        elif node.op_type == "ConstantOfShape":
            self._fill(node, attributes)
        else:
            self._copy(node, attributes)

    def _pass_on(self, node: NodeProto) -> None:
        given = node.input[2] if len(node.input) > 2 else ""
        mode = self._graph.constants.get(self._names[given]) if given else np.array(False)
        if mode is None or mode.any() or len([name for name in node.output if name]) > 1:
            what = f"{node.op_type} {ascii(node.name)[:60]} may run in training mode."
            raise refuse("E-CONVERT-OPERATOR", self._target.where, what, "Export the model for inference.")
        self._names[node.output[0]] = self._names[node.input[0]]

    def _read_constant(self, node: NodeProto, attributes: Mapping[str, object]) -> Array:
        value = next(iter(attributes.values()), None)
        if isinstance(value, TensorProto):
            return self._read(value, node.output[0])
        kind = self._types[node.output[0]]
        return np.array(value, helper.tensor_dtype_to_np_dtype(kind.element))

    def _fill(self, node: NodeProto, attributes: Mapping[str, object]) -> None:
        kind = self._types[node.output[0]]
        if int(np.prod(kind.shape)) > FILLABLE:
            what = f"ConstantOfShape makes {' × '.join(map(str, kind.shape))} numbers, the limit is {FILLABLE}."
            raise refuse("E-CONVERT-SIZE", self._target.where, what, "Publish a smaller model.")
        given = attributes.get("value")
        single = self._read(given, node.output[0]) if isinstance(given, TensorProto) else np.zeros(1, np.float32)
        self._add_constant(node.output[0], np.full(kind.shape, single.reshape(-1)[0], single.dtype))

    def _copy(self, node: NodeProto, attributes: Mapping[str, object]) -> None:
        inputs = [self._names[name] for name in node.input]
        if node.op_type in ("Reshape", "Expand"):  # the shape is known now, whatever the exporter computed it from
            inputs[1] = self._graph.integers(f"{node.output[0]}.shape", self._types[node.output[0]].shape)
        plain = {name: self._plain(node, name, value) for name, value in attributes.items()}
        if node.op_type == "Reshape":
            plain.pop("allowzero", None)
        if node.op_type == "BatchNormalization" and plain.pop("training_mode", 0):
            what = "BatchNormalization is in training mode."
            raise refuse("E-CONVERT-OPERATOR", self._target.where, what, "Export the model for inference.")
        sizes = [size_bytes(self._types[name]) if name else 0 for name in node.output]
        names = self._graph.append(node.op_type, inputs, list(node.output), sizes, plain)
        self._names.update(zip(node.output, names, strict=True))

    def _plain(self, node: NodeProto, name: str, value: object) -> Attribute:
        if isinstance(value, bytes):
            return value.decode("ascii", "replace")
        if isinstance(value, int | float):
            return value
        if isinstance(value, list) and all(isinstance(item, int | float) for item in value):
            return value
        what = f"the attribute {ascii(name)[:60]} of {node.op_type} has a type that is not allowed."
        raise refuse("E-CONVERT-OPERATOR", self._target.where, what, "Export the model again.")
