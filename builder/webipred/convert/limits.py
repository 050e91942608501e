"""Limits of one conversion, and how a process takes them upon itself."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

try:
    import resource
except ImportError:  # Windows has no POSIX limits; the wall clock and the output cap still hold there
    resource = None  # type: ignore[assignment]

MEBIBYTE: Final = 1 << 20
OPEN_FILES: Final = 64
PROCESSES: Final = 64
SECONDS_TO_DIE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionLimits:
    """Budgets of one converter process and of the network it makes.

    `memory_bytes` counts writable memory of the process, `output_bytes` one file that it writes, `folder_bytes` all
    files of its work folder, the archive among them, `printed_bytes` what it may write to stdout and stderr,
    `tensor_bytes` one tensor of the network, `total_bytes` all its tensors together, at batch 1 in float32,
    `multiply_adds` the multiplications with addition for one image (VGG16 at 224 × 224 needs 15.5 · 10⁹).
    """

    wall_s: float = 120.0
    cpu_s: int = 100
    memory_bytes: int = 3 << 30
    output_bytes: int = 1 << 30
    folder_bytes: int = 5 << 30
    printed_bytes: int = 64 << 10
    unpacked_bytes: int = 1 << 30
    json_bytes: int = 32 << 20
    layers: int = 5_000
    nodes: int = 20_000
    tensor_bytes: int = 1 << 29
    total_bytes: int = 8 << 30
    multiply_adds: int = 100_000_000_000


def limit_process(limits: ConversionLimits) -> tuple[str, ...]:
    """Set the limits of the running process for good and return the names of those the system knows.

    Linux counts all private writable memory under DATA; AS would also count the mapped libraries.
    """
    if resource is None:
        return ()
    memory = "DATA" if sys.platform == "linux" else "AS"
    wanted = {
        memory: limits.memory_bytes,
        "CPU": limits.cpu_s,
        "FSIZE": limits.output_bytes,
        "NOFILE": OPEN_FILES,
        "CORE": 0,
    }
    return tuple(name for name, value in wanted.items() if _lower_limit(name, value))


def limit_processes() -> None:
    """Limit the threads and processes of this user namespace; outside of one, all of a person's programs would count.

    Root is exempt, which is why the filter of system calls forbids processes as well.
    """
    if resource is not None:
        _lower_limit("NPROC", PROCESSES)


def _lower_limit(name: str, value: int) -> bool:
    kind = getattr(resource, f"RLIMIT_{name}", None)
    if kind is None:
        return False
    _, hard = resource.getrlimit(kind)
    ceiling = value + SECONDS_TO_DIE if name == "CPU" else value  # the first second too many is a signal with a name
    if hard != resource.RLIM_INFINITY:
        value, ceiling = min(value, hard), min(ceiling, hard)
    try:
        resource.setrlimit(kind, (value, ceiling))
    except (OSError, ValueError):  # macOS refuses some; the wall clock still holds
        return False
    return True


def read_peak_bytes() -> int:
    """Return the largest resident memory of this process so far, 0 where the system does not tell.

    Linux' getrusage would count the process that started this one, too; /proc does not.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii", errors="replace"))
        return int(peak[1]) * 1024 if peak else 0
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) if resource is not None else 0
