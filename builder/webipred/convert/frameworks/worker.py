"""The process that runs a framework: request and archive in, ONNX and findings out, as `convert.worker` has it."""

import dataclasses
import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from webipred.convert.guards.recognition import check_content
from webipred.convert.limits import read_peak_bytes
from webipred.convert.target import ConversionTarget, parse_target
from webipred.errors import FindingsError, refuse
from webipred.findings import Finding

REQUEST: Final = "request.json"
ARCHIVE: Final = "archive"
NETWORK: Final = "network.onnx"
RESULT: Final = "result.json"
EXPORTERS: Final[Mapping[str, str]] = {
    "saved-model": "webipred.convert.frameworks.saved_model",
    "torchscript": "webipred.convert.frameworks.torchscript",
    "torch-export": "webipred.convert.frameworks.torch_export",
}
Numbers: TypeAlias = NDArray[np.float32]
IMAGES: Final = 3
TOLERANCE: Final = 1e-5
"""Largest difference of an output, relative to the largest number (at least 1): the order of sums, nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What a framework made: ONNX, and how it runs the original itself, for images in its own layout."""

    network: bytes
    run: Callable[[Numbers], Numbers]
    shape: tuple[int, ...]


class Exporter(Protocol):
    """What each route offers. Its module imports the framework."""

    CONVERTER: str

    def export(self, path: Path, folder: Path, target: ConversionTarget) -> Exported:
        """Return the ONNX of a file; raises FindingsError."""


def run_worker(folder: Path) -> None:
    """Export the archive in `folder`; the outcome is in `result.json`, whatever it is.

    The jail is not sealed: frameworks ask for programs and graphics cards whenever they like and take a
    refusal. What is refused stays refused, it only does not end the process.
    """
    target = parse_target((folder / REQUEST).read_text(encoding="utf-8"))
    exporter: Exporter = importlib.import_module(EXPORTERS[target.format])
    findings: tuple[Finding, ...] = ()
    try:
        check_content(folder / ARCHIVE, target.format, target.where)
        exported = exporter.export(folder / ARCHIVE, folder, target)
        compare(exported, target)
        (folder / NETWORK).write_bytes(exported.network)
    except FindingsError as error:
        findings = error.findings
    except MemoryError:
        what = f"the framework needs more than {target.limits.memory_bytes} bytes of memory."
        findings = (Finding(code="E-CONVERT-MEMORY", where=target.where, what=what, fix="Publish a smaller model."),)
    outcome = {
        "converter": exporter.CONVERTER,
        "peak_bytes": read_peak_bytes(),
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }
    (folder / RESULT).write_text(json.dumps(outcome), encoding="utf-8")


def compare(exported: Exported, target: ConversionTarget) -> None:
    """Raise FindingsError if the framework and onnxruntime disagree about images of noise."""
    onnxruntime = importlib.import_module("onnxruntime")
    session = onnxruntime.InferenceSession(exported.network, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    random = np.random.default_rng(7)
    for low, high in ((0.0, 1.0), (-2.0, 2.0), (0.0, 255.0))[:IMAGES]:
        image = random.uniform(low, high, exported.shape).astype(np.float32)
        expected, found = exported.run(image), np.asarray(session.run(None, {name: image})[0])
        if expected.shape != found.shape or not np.isfinite(expected).all():
            what = f"the framework gives {_show(expected.shape)}, its ONNX {_show(found.shape)}, or NaN or infinity."
            raise refuse("E-CONVERT-DIFFERS", target.where, what, "Export the model as ONNX yourself.")
        difference = float(np.abs(expected - found).max(initial=0.0))
        if difference > TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0.0))):
            what = f"the framework and its ONNX differ by {difference:.1e} for an image of noise."
            raise refuse(
                "E-CONVERT-DIFFERS", target.where, what, "Export the model as ONNX yourself, and report the file."
            )


def _show(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape)) or "one number"


def main(seal: Callable[[], None]) -> int:
    """Export in the current folder; the entrance of the jail starts this and lends `seal`, which is not used."""
    del seal
    run_worker(Path.cwd())
    return 0
