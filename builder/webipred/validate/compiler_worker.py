"""The compiler process: compiles the network in its folder under limits; the outcome is in files, whatever it is.

The parent (validate/compiling.py) starts it with a clean environment in a folder that holds `network.onnx` and
`storage`. It leaves `network.plan`, or `refusal.json` with why there is none.
"""

import json
from pathlib import Path
from typing import Final

from webipred.convert.limits import ConversionLimits, limit_process
from webipred.engine.compiler.compilation import CompilerError, Storage, compile_network
from webipred.engine.compiler.graph import UnsupportedOperator

NETWORK: Final = "network.onnx"
STORAGE: Final = "storage"
PLAN: Final = "network.plan"
REFUSAL: Final = "refusal.json"
LIMITS: Final = ConversionLimits(wall_s=900.0, cpu_s=600, memory_bytes=6 << 30, output_bytes=4 << 30)
"""Compiling holds up to nine copies of the weights: ViT-B/16 (346 MB of them) takes 3.2 GB and 10 s of CPU time."""


def run_worker(folder: Path) -> None:
    """Compile the network in `folder`."""
    half = (folder / STORAGE).read_text(encoding="ascii") == "float16"
    storage: Storage = "float16" if half else "float32"
    limit_process(LIMITS)
    try:
        (folder / PLAN).write_bytes(compile_network((folder / NETWORK).read_bytes(), storage).data)
    except UnsupportedOperator as error:
        refusal = {"operator": error.operator, "node": error.node, "why": error.why}
        (folder / REFUSAL).write_text(json.dumps(refusal), encoding="utf-8")
    except CompilerError as error:
        (folder / REFUSAL).write_text(json.dumps({"step": error.step, "kind": error.kind}), encoding="utf-8")


def main() -> int:
    """Compile in the current folder; the parent starts this."""
    run_worker(Path.cwd())
    return 0
