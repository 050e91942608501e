"""The converter process: reads a request, converts one file, writes the network and the findings.

The parent starts it with a clean environment in a folder that holds `request.json` and `archive`; it leaves
`network.onnx` and `result.json` there. Heavy modules are imported first, then the limits are set, and only
then the untrusted file is touched.
"""

import dataclasses
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from webipred.convert.graph import GraphBuilder, Value
from webipred.convert.limits import limit_process, read_peak_bytes
from webipred.convert.target import ConversionTarget, parse_target
from webipred.errors import FindingsError
from webipred.findings import Finding

REQUEST: Final = "request.json"
ARCHIVE: Final = "archive"
NETWORK: Final = "network.onnx"
RESULT: Final = "result.json"
# Names, not modules: a conversion imports only what its format needs (h5py alone takes 0.2 s).
CONVERTERS: Final[Mapping[str, str]] = {
    "tfjs-layers": "webipred.convert.tfjs_layers",
    "keras-h5": "webipred.convert.keras_h5",
    "keras-v3": "webipred.convert.keras_v3",
    "onnx": "webipred.convert.onnx_file",
}


class Converter(Protocol):
    """What each converter module offers."""

    CONVERTER: str

    def convert(self, path: Path, target: ConversionTarget) -> tuple[GraphBuilder, Value]:
        """Return the network of a file; raises FindingsError."""


def run_worker(folder: Path) -> None:
    """Convert the archive in `folder` as its request says; the outcome is in `result.json`, whatever it is."""
    target = parse_target((folder / REQUEST).read_text(encoding="utf-8"))
    converter: Converter = importlib.import_module(CONVERTERS[target.format])
    finishing = importlib.import_module("webipred.convert.finishing")
    limits = limit_process(target.limits)
    findings: tuple[Finding, ...] = ()
    try:
        graph, result = converter.convert(folder / ARCHIVE, target)
        (folder / NETWORK).write_bytes(finishing.finish_network(graph, result, target))
    except FindingsError as error:
        findings = error.findings
    except MemoryError:
        what = f"the conversion needs more than {target.limits.memory_bytes} bytes of memory."
        fix = "Raise the limit if you trust the model, or publish a smaller one."
        findings = (Finding(code="E-CONVERT-MEMORY", where=target.where, what=what, fix=fix),)
    outcome = {
        "converter": converter.CONVERTER,
        "limits": limits,
        "peak_bytes": read_peak_bytes(),
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }
    (folder / RESULT).write_text(json.dumps(outcome), encoding="utf-8")


def main() -> int:
    """Convert in the current folder; the parent starts this."""
    run_worker(Path.cwd())
    return 0
