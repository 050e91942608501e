"""The reference: native onnxruntime on one thread, against which every device proves itself."""

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from webipred.convert.model import INPUT_NAME, OUTPUT_NAME
from webipred.errors import refuse

SUM_TOLERANCE = 1e-4
"""A float32 softmax over up to 1000 classes sums to 1 within this; more means the output is no softmax."""


class ReferenceNetwork:
    """A canonical ONNX model under native onnxruntime: load once, run often."""

    def __init__(self, data: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(self, tensor: NDArray[np.float32]) -> tuple[float, ...]:
        """Return the outputs for one image, float32 (height, width, channels)."""
        outputs = self._session.run([OUTPUT_NAME], {INPUT_NAME: tensor[np.newaxis]})
        return tuple(float(value) for value in np.asarray(outputs[0]).reshape(-1))


def check_probabilities(values: Sequence[float], *, exclusive: bool, where: str) -> None:
    """Refuse values that are no probabilities: not finite, outside 0…1, or not summing to 1 where classes exclude.

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


def _show(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:4])
    return f"[{shown}{', …' if len(values) > 4 else ''}]"
