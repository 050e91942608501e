"""The reference: native onnxruntime on one thread, against which every device proves itself."""

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    RuntimeException,
)
from onnxruntime.capi.onnxruntime_pybind11_state import (
    NotImplemented as NotAvailable,
)

from webipred.convert.model import INPUT_NAME, OUTPUT_NAME
from webipred.errors import FindingsError, refuse

REFUSALS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotAvailable, RuntimeException)
"""What onnxruntime raises for a network that it cannot run."""

SUM_TOLERANCE = 1e-4
"""A float32 softmax over up to 1000 classes sums to 1 within this; more means the output is no softmax."""


class ReferenceNetwork:
    """A canonical ONNX model under native onnxruntime: load once, run often.

    Raises FindingsError E-REFERENCE-RUN when onnxruntime cannot load or run the network.
    """

    def __init__(self, data: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4  # what it refuses becomes a finding
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except REFUSALS as error:
            raise _explain(error) from error

    def run(self, tensor: NDArray[np.float32], output: str = OUTPUT_NAME) -> tuple[float, ...]:
        """Return one output, flat, for one image, float32 (height, width, channels)."""
        try:
            values = self._session.run([output], {INPUT_NAME: tensor[np.newaxis]})[0]
        except REFUSALS as error:
            raise _explain(error) from error
        return tuple(float(value) for value in np.asarray(values).reshape(-1))


def _explain(error: Exception) -> FindingsError:
    reason = str(error).strip().splitlines()[0][:200]
    return refuse(
        "E-REFERENCE-RUN",
        "network",
        f"onnxruntime cannot run it: {reason}.",
        "Export the model with other operators or types; docs/conversion.md lists what is known to work.",
    )


def check_probabilities(values: Sequence[float], *, exclusive: bool, where: str) -> tuple[float, ...]:
    """Return the values limited to 0…1; refuse what is no probability.

    That is: not finite, outside 0…1 by more than rounding, or not summing to 1 where classes exclude each other.
    Raises FindingsError with E-PROBABILITY-RANGE or E-PROBABILITY-SUM.
    """
    if not all(np.isfinite(value) and -SUM_TOLERANCE <= value <= 1 + SUM_TOLERANCE for value in values):
        raise refuse(
            "E-PROBABILITY-RANGE",
            where,
            f"the network gives {_show(values)}, which are no probabilities.",
            "Set output.activation to what must still be applied (softmax or sigmoid).",
        )
    if exclusive and abs(sum(values) - 1) > SUM_TOLERANCE:
        raise refuse(
            "E-PROBABILITY-SUM",
            where,
            f"the probabilities {_show(values)} sum to {sum(values):.4f}, not 1.",
            "Set output.activation: softmax, or task: multi-label if classes do not exclude each other.",
        )
    return tuple(min(1.0, max(0.0, value)) for value in values)


def _show(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:4])
    return f"[{shown}{', …' if len(values) > 4 else ''}]"
