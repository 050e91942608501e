"""The numeric gate of ONNX files: the network as delivered and the network as rebuilt must give the same numbers.

One version of ONNX may mean something else by an operator than the next; only running both shows that nothing changed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states

from webipred.convert.model import INPUT_NAME, OUTPUT_NAME
from webipred.convert.onnx_file import parse_model
from webipred.convert.onnx_shapes import fix_input, list_inputs
from webipred.convert.quoting import quote_error
from webipred.convert.tail import find_tail, read_nodes
from webipred.convert.target import ConversionTarget
from webipred.errors import FindingsError, refuse

Image = NDArray[np.float32]
Numbers = NDArray[np.float64]

TOLERANCE: Final = 1e-4  # of the largest number, at least of 1; folded normalisations differ by about 1e-6
RANGES: Final = ((0.0, 1.0), (-2.0, 2.0), (0.0, 255.0))  # what preprocessing delivers, one of them at least
SEED: Final = 20
SILENT: Final = 4
EXPORT_FIX: Final = "Export the model again with opset 21."
RUNTIME_ERRORS: Final = (
    states.EPFail,
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NotImplemented,
    states.RuntimeException,
    RuntimeError,
    ValueError,
)


def compare_networks(path: Path, network: bytes, target: ConversionTarget) -> None:
    """Raise FindingsError E-CONVERT-DIFFERS if file and network disagree, E-CONVERT-UNCOMPARED if that stays open."""
    images = make_images(target)
    original = _run_original(path, images, target)
    converted = _run_converted(network, images, target)
    if len(original[0]) != len(converted[0]):  # the walk met other activations, which only an unusual tail can cause
        original, converted = [numbers[:1] for numbers in original], [numbers[:1] for numbers in converted]
    _check_difference([_finish(numbers, target) for numbers in original], converted, target)


def make_images(target: ConversionTarget) -> list[Image]:
    """Return one seeded image of noise, (1, height, width, channel), for each of RANGES."""
    random = np.random.default_rng(SEED)
    shape = (1, target.height, target.width, target.channels)
    return [random.uniform(low, high, shape).astype(np.float32) for low, high in RANGES]


def _run_original(path: Path, images: Sequence[Image], target: ConversionTarget) -> list[list[Numbers]]:
    """Run the file as it was delivered, which may take planes."""
    model = parse_model(path, target)
    image, output = list_inputs(model)[0].name, model.graph.output[0].name
    watched = _list_logits(model, image, output) if target.activation == "none" else [output]
    if fix_input(_copy_ends(model), target):
        images = [np.moveaxis(pixels, 3, 1) for pixels in images]
    return _run(model, image, [output, *watched], images, target)


def _copy_ends(model: onnx.ModelProto) -> onnx.ModelProto:
    ends = onnx.ModelProto()
    ends.graph.input.extend(model.graph.input)
    ends.graph.output.extend(model.graph.output)
    ends.graph.initializer.extend(onnx.TensorProto(name=tensor.name) for tensor in model.graph.initializer)
    return ends


def _run_converted(network: bytes, images: Sequence[Image], target: ConversionTarget) -> list[list[Numbers]]:
    model = onnx.load_from_string(network)
    watched = _list_logits(model, INPUT_NAME, OUTPUT_NAME)
    return _run(model, INPUT_NAME, [OUTPUT_NAME, *watched], images, target)


def _list_logits(model: onnx.ModelProto, image: str, output: str) -> list[str]:
    """Names of what goes into softmax or sigmoid; where those saturate, the output hides what went wrong before."""
    tail = find_tail(read_nodes(model.graph.node), image, output)
    return [node.inputs[0] for node in tail.activations if node.inputs[0] != image]


def _run(
    model: onnx.ModelProto, name: str, outputs: Sequence[str], images: Sequence[Image], target: ConversionTarget
) -> list[list[Numbers]]:
    """Return the outputs, flat, for every image; the model is empty afterwards, because memory is short."""
    extra = dict.fromkeys(watched for watched in outputs if watched != outputs[0])
    model.graph.output.extend(onnx.ValueInfoProto(name=watched) for watched in extra)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_cpu_mem_arena = False
    options.log_severity_level = SILENT
    try:
        data = model.SerializeToString()
        model.Clear()
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        results = [session.run(list(outputs), {name: image}) for image in images]
    except RUNTIME_ERRORS as error:
        if "Failed to allocate memory" in str(error):
            raise MemoryError from error
        what = f"the network cannot be run, so nothing shows that it stays the same: {quote_error(error)}."
        raise refuse("E-CONVERT-UNCOMPARED", target.where, what, EXPORT_FIX) from error
    return [[np.asarray(value, np.float64).reshape(-1) for value in result] for result in results]


def _finish(numbers: Sequence[Numbers], target: ConversionTarget) -> list[Numbers]:
    """Apply to the original's output what the entry adds to it."""
    output = numbers[0]
    if target.activation == "softmax":
        with np.errstate(invalid="ignore"):  # infinite logits become NaN, as in the runtime
            exponents = np.exp(output - output.max())
            output = exponents / exponents.sum()
    elif target.activation == "sigmoid":
        output = 0.5 + 0.5 * np.tanh(output / 2)  # the logistic function without overflow
    if len(output) == 1:
        output = np.concatenate([1 - output, output])
    return [output, *numbers[1:]]


def _check_difference(
    expected: Sequence[Sequence[Numbers]], found: Sequence[Sequence[Numbers]], target: ConversionTarget
) -> None:
    compared = 0
    for wanted, given, bounds in zip(expected, found, RANGES, strict=True):
        for left, right in zip(wanted, given, strict=True):
            if left.shape != right.shape:
                raise _refuse_difference(f"gives {right.size} numbers in place of {left.size}", bounds, target)
            if not np.array_equal(np.isfinite(left), np.isfinite(right)):
                raise _refuse_difference("gives infinity or NaN at other places", bounds, target)
            finite = np.isfinite(left)
            compared += int(finite.any())
            scale = max(1.0, np.abs(left[finite]).max(initial=0.0))
            difference = np.abs(left[finite] - right[finite]).max(initial=0.0) / scale
            if difference > TOLERANCE:
                raise _refuse_difference(f"differs by {difference:.2g} of the largest number", bounds, target)
    if not compared:
        what = "both networks give nothing but infinity or NaN, so nothing shows that they are the same."
        raise refuse("E-CONVERT-UNCOMPARED", target.where, what, "Get other weights: these are damaged.")


def _refuse_difference(how: str, bounds: tuple[float, float], target: ConversionTarget) -> FindingsError:
    low, high = bounds
    return refuse(
        "E-CONVERT-DIFFERS",
        target.where,
        f"the converted network {how} from the file itself for noise in {low:g} … {high:g}; {TOLERANCE:g} is allowed.",
        EXPORT_FIX,
    )
