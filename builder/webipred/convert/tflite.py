"""TFLite files, read without TensorFlow: a FlatBuffer of operators and weights in float32 or float16."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from webipred.convert.graph import GraphBuilder, Value
from webipred.convert.model import INPUT_NAME
from webipred.convert.target import ConversionTarget, expect_input
from webipred.convert.tflite_file import EXPORT_FIX, TfliteGraph, TfliteOperator, TfliteTensor, read_graph
from webipred.convert.tflite_operators.elementwise import ELEMENTWISE
from webipred.convert.tflite_operators.operation import Constant, Emitter, Operand, Operation, Tensor
from webipred.convert.tflite_operators.shapes import SHAPES
from webipred.convert.tflite_operators.windows import WINDOWS
from webipred.errors import FindingsError, refuse
from webipred.findings import Finding

CONVERTER: Final = "tflite/1"
EMITTERS: Final[Mapping[str, Emitter]] = {**ELEMENTWISE, **SHAPES, **WINDOWS}
WHOLE: Final = ("int8", "uint8", "int16")
HYBRID: Final = ("BATCH_MATMUL", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def convert(path: Path, target: ConversionTarget) -> tuple[GraphBuilder, Value]:
    """Return the network of a TFLite file. Raises FindingsError."""
    source = read_graph(path, target.where, target.limits)
    check_operators(source, target.where)
    return _Emission(source, target).run()


def check_operators(source: TfliteGraph, where: str) -> None:
    """Raise FindingsError with every operator that is not converted, each once, and for a quantised graph."""
    computed = [source.tensors[number] for operator in source.operators for number in operator.outputs]
    ends = [source.tensors[number] for number in (*source.inputs, *source.outputs)]
    whole = next((tensor for tensor in (*ends, *computed) if tensor.element in WHOLE), None)
    if whole is not None:
        what = (
            f"the network computes in whole numbers (tensor {whole.name!r} is {whole.element}): it is fully quantised."
        )
        fix = "Its rounding cannot be repeated exactly; publish the float32 or float16 file of the same network."
        raise refuse("E-CONVERT-QUANTISED", where, what, fix)
    unknown = sorted({operator.name for operator in source.operators} - set(EMITTERS))
    if unknown:
        fix = "docs/conversion.md lists the operators that are converted; exporting the model as ONNX may help."
        raise FindingsError(
            Finding(code="E-CONVERT-OPERATOR", where=where, what=f"the operator {name} is not converted.", fix=fix)
            for name in unknown
        )


class _Emission:
    """Walks the operators in their order; constants are read when they are first used."""

    def __init__(self, source: TfliteGraph, target: ConversionTarget) -> None:
        self._source = source
        self._target = target
        self._graph = GraphBuilder(target.where, target.limits)
        self._operands: dict[int, Operand] = {}

    def run(self) -> tuple[GraphBuilder, Value]:
        """Return the network."""
        self._place_input()
        for operator in self._source.operators:
            self._emit(operator)
        return self._graph, self._find_result()

    def _place_input(self) -> None:
        target, inputs = self._target, self._source.inputs
        if len(inputs) != 1:
            what = f"the model has {len(inputs)} inputs, one image is all it may take."
            raise refuse("E-CONVERT-INPUT", target.where, what, "Publish a model with a single image input.")
        tensor = self._source.tensors[inputs[0]]
        if (
            len(tensor.shape) != 4
            or tensor.element != "float32"
            or (tensor.shape[0] != 1 and 0 not in tensor.open_axes)
        ):
            what = f"the input is {tensor.element} {list(tensor.shape)}, one float32 image is needed."
            raise refuse("E-CONVERT-INPUT", target.where, what, "Export the model for images, batch 1.")
        sides = [None if axis in tensor.open_axes else tensor.shape[axis] for axis in (1, 2, 3)]
        refusal = expect_input(sides, target)
        if refusal is not None:
            raise refusal
        dims = (1, target.height, target.width, target.channels)
        self._operands[inputs[0]] = Tensor(name=INPUT_NAME, dims=dims)

    def _emit(self, operator: TfliteOperator) -> None:
        where = f"{self._target.where} operator {operator.name}"
        if operator.outputs:
            where = f"{where} {self._source.tensors[operator.outputs[0]].name[:80]!r}"
        operation = Operation(
            name=operator.name,
            where=where,
            operands=tuple(None if number < 0 else self._find(number, where) for number in operator.inputs),
            options=operator.options,
            graph=self._graph,
            wish=self._source.tensors[operator.outputs[0]].name if operator.outputs else operator.name,
        )
        _refuse_hybrid(operation)
        results = EMITTERS[operator.name](operation)
        found = results if isinstance(results, list) else [results]
        unread = operator.options.unread() if operator.options is not None else []
        if len(found) != len(operator.outputs) or unread:
            what = f"{len(operator.outputs)} results and the options {unread[:9]} are asked for, which are not known."
            raise operation.refuse_option(what)
        for number, operand in zip(operator.outputs, found, strict=True):
            _check_shape(operation, self._source.tensors[number], operand)
            if number in self._operands:
                raise operation.refuse_shape(f"tensor {number} is computed twice.")
            self._operands[number] = operand

    def _find(self, number: int, where: str) -> Operand:
        if number not in self._operands:
            tensor = self._source.tensors[number]
            if tensor.data is None:
                what = f"tensor {number} ({tensor.name!r}) is used before it is computed."
                raise refuse("E-CONVERT-TOPOLOGY", where, what, EXPORT_FIX)
            self._operands[number] = Constant(array=tensor.read(where), quantization=tensor.quantization)
        return self._operands[number]

    def _find_result(self) -> Value:
        outputs = self._source.outputs
        if len(outputs) != 1:
            what = f"the model has {len(outputs)} outputs, one list of class scores is needed."
            raise refuse("E-CONVERT-OUTPUT", self._target.where, what, "Export a model with only the class scores.")
        result = self._operands.get(outputs[0])
        if not isinstance(result, Tensor) or len(result.dims) < 2 or result.dims[0] != 1:
            shown = list(result.dims) if isinstance(result, Tensor) else "nothing that depends on the image"
            what = f"the network gives {shown}, a list of class scores for one image is needed."
            raise refuse("E-CONVERT-OUTPUT", self._target.where, what, "Only image classifiers can be published.")
        return Value(name=result.name, shape=result.dims[1:], planes=result.planes)


def _refuse_hybrid(operation: Operation) -> None:
    """Whole-number weights beside float activations: TFLite then rounds the activations, too, image by image."""
    if operation.name not in HYBRID:
        return
    for operand in operation.operands[:2]:
        if isinstance(operand, Constant) and operand.array.dtype.kind in "iu" and operand.quantization is not None:
            what = "its weights are whole numbers (dynamic-range quantisation), and TFLite rounds its inputs as well."
            fix = "That rounding cannot be repeated exactly; publish the float32 or float16 file of the same network."
            raise refuse("E-CONVERT-QUANTISED", operation.where, what, fix)


def _check_shape(operation: Operation, tensor: TfliteTensor, operand: Operand) -> None:
    """The shape that was computed here must be the one that the file states, where it states one."""
    found = operand.dims if isinstance(operand, Tensor) else operand.array.shape
    fixed = [side for axis, side in enumerate(tensor.shape) if axis not in tensor.open_axes]
    same_rank = len(found) == len(tensor.shape)
    if not tensor.open_axes and tuple(found) != tensor.shape and tensor.shape:
        raise operation.refuse_shape(f"it gives {list(found)}, the file states {list(tensor.shape)}.")
    if tensor.open_axes and same_rank and fixed != [s for a, s in enumerate(found) if a not in tensor.open_axes]:
        raise operation.refuse_shape(f"it gives {list(found)}, the file states {list(tensor.shape)}.")
