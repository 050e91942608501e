"""The converter process: reads a request, converts one file, writes the network and the findings.

The parent starts it through `jail/entrance`, with a clean environment in a folder that holds `request.json` and
`archive`; it leaves `network.onnx` and `result.json` there. Heavy modules are imported first, then the jail is sealed,
and only then the untrusted file is touched.
"""

import dataclasses
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from webipred.convert.graph import GraphBuilder, Value
from webipred.convert.guards.recognition import check_content
from webipred.convert.limits import read_peak_bytes
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
    "tflite": "webipred.convert.tflite",
}


# A file that can be run as it is gets compared with what was made of it; the other formats have no runtime here.
COMPARED: Final = frozenset(["onnx"])


class Converter(Protocol):
    """What each converter module offers."""

    CONVERTER: str

    def convert(self, path: Path, target: ConversionTarget) -> tuple[GraphBuilder, Value]:
        """Return the network of a file; raises FindingsError."""


class Finishing(Protocol):
    """What `convert/finishing` offers."""

    def finish_network(self, graph: GraphBuilder, result: Value, target: ConversionTarget) -> bytes:
        """Return the ONNX bytes of a network; raises FindingsError."""


class Comparison(Protocol):
    """What `convert/comparison` offers."""

    def compare_networks(self, path: Path, network: bytes, target: ConversionTarget) -> None:
        """Raise FindingsError if file and network disagree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The modules of one format, in the order in which they work."""

    converter: Converter
    finishing: Finishing
    comparison: Comparison | None

    def run(self, path: Path, target: ConversionTarget) -> bytes:
        """Return the network of a file. Raises FindingsError."""
        network = self._convert(path, target)  # a call of its own, so that the weights in it are free again
        if self.comparison is not None:
            self.comparison.compare_networks(path, network, target)
        return network

    def _convert(self, path: Path, target: ConversionTarget) -> bytes:
        graph, result = self.converter.convert(path, target)
        return self.finishing.finish_network(graph, result, target)


def load_stages(file_format: str) -> Stages:
    """Import what a format needs."""
    converter: Converter = importlib.import_module(CONVERTERS[file_format])
    finishing: Finishing = importlib.import_module("webipred.convert.finishing")
    comparison: Comparison | None = None
    if file_format in COMPARED:
        comparison = importlib.import_module("webipred.convert.comparison")
    return Stages(converter=converter, finishing=finishing, comparison=comparison)


def run_worker(folder: Path, seal: Callable[[], None]) -> None:
    """Convert the archive in `folder` as its request says; the outcome is in `result.json`, whatever it is.

    `seal` is called between the last import and the first look at the archive.
    """
    target = parse_target((folder / REQUEST).read_text(encoding="utf-8"))
    stages = load_stages(target.format)
    findings: tuple[Finding, ...] = ()
    seal()
    try:
        check_content(folder / ARCHIVE, target.format, target.where)
        (folder / NETWORK).write_bytes(stages.run(folder / ARCHIVE, target))
    except FindingsError as error:
        findings = error.findings
    except MemoryError:
        what = f"the conversion needs more than {target.limits.memory_bytes} bytes of memory."
        fix = "Raise the limit if you trust the model, or publish a smaller one."
        findings = (Finding(code="E-CONVERT-MEMORY", where=target.where, what=what, fix=fix),)
    outcome = {
        "converter": stages.converter.CONVERTER,
        "peak_bytes": read_peak_bytes(),
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }
    (folder / RESULT).write_text(json.dumps(outcome), encoding="utf-8")


def main(seal: Callable[[], None]) -> int:
    """Convert in the current folder; the entrance of the jail starts this."""
    run_worker(Path.cwd(), seal)
    return 0
