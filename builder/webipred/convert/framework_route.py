"""The first of two steps for formats that only their framework can read: archive → ONNX, in its environment."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from webipred.convert.limits import ConversionLimits
from webipred.environments.environment import Environment, require_environment
from webipred.errors import refuse

WORKER: Final = "webipred.convert.frameworks.worker"
ENVIRONMENTS: Final[Mapping[str, str]] = {
    "saved-model": "tensorflow",
    "torchscript": "torch",
    "torch-export": "torch",
}
NEEDED: Final = ConversionLimits(
    wall_s=900.0, cpu_s=900, memory_bytes=12 << 30, output_bytes=2 << 30, folder_bytes=8 << 30, printed_bytes=1 << 20
)


def find_route(file_format: str, cache_dir: Path | None, where: str) -> Environment | None:
    """Return the environment that a format needs, None for a format that is read directly.

    Raises FindingsError E-ENVIRONMENT-MISSING.
    """
    name = ENVIRONMENTS.get(file_format)
    if name is None:
        return None
    if cache_dir is None:
        what = f"this format needs the {name} environment, and no cache folder is given where it could be."
        raise refuse("E-ENVIRONMENT-MISSING", where, what, f"Run `webipred-build env create {name}`.")
    return require_environment(name, cache_dir, where)


def widen_limits(limits: ConversionLimits) -> ConversionLimits:
    """Return limits that a framework fits into: it imports for seconds and maps gigabytes before it sees a file."""
    wider = {
        field.name: max(getattr(limits, field.name), getattr(NEEDED, field.name))
        for field in dataclasses.fields(limits)
    }
    return ConversionLimits(**wider)
