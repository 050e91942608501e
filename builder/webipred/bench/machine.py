"""On what was measured: processor, system, versions, and how busy the machine was."""

import os
import platform
from pathlib import Path

import onnxruntime

FEATURES = ("avx2", "fma", "avx512f", "asimd")
CPU_INFO = Path("/proc/cpuinfo")


def name_processor() -> str:
    """Return the processor as the system names it, with the vector units that matter here."""
    fields: dict[str, str] = {}
    if CPU_INFO.is_file():
        for line in CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip().lower(), value.strip())
    name = fields.get("model name") or platform.processor() or platform.machine()
    identity = [
        f"{part} {fields[key]}" for key, part in (("cpu family", "family"), ("model", "model")) if key in fields
    ]
    flags = (fields.get("flags") or fields.get("features") or "").split()
    return ", ".join([name, *identity, *(feature for feature in FEATURES if feature in flags)])


def count_processors() -> int:
    """Return the number of processor threads."""
    return os.cpu_count() or 1


def name_system() -> str:
    """Return system and architecture."""
    return f"{platform.system()} {platform.machine()}"


def name_native() -> str:
    """Return the version of native onnxruntime."""
    return f"onnxruntime {onnxruntime.__version__}"


def read_load() -> float | None:
    """Return how many processes wanted to run in the last minute, on average; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None
