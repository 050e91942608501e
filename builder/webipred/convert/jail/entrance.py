"""The way into the jail: a fresh process takes every layer upon itself, says which held, and starts its work.

It runs before anything heavy is imported, while the process has one thread and has seen nothing untrusted.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from webipred.convert.jail.kernel import LayerError
from webipred.convert.jail.landlock import check_confined, confine_files
from webipred.convert.jail.namespaces import leave_namespaces
from webipred.convert.jail.record import LIMITS, JailRecord
from webipred.convert.jail.seccomp import check_filtered, load_filter
from webipred.convert.limits import ConversionLimits, limit_process, limit_processes

UNAVAILABLE_STATUS: Final = 78
SYSTEM_FILES: Final = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/nix/store"),
    *("/usr/share/zoneinfo", "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/sys/devices/system/cpu"),
    *("/dev/urandom", "/dev/zero"),
)
SINK: Final = Path("/dev/null")


class Work(Protocol):
    """A module that does the work inside."""

    def main(self, seal: Callable[[], None]) -> int:
        """Import what is needed, call `seal`, and only then touch what is untrusted; return the exit status."""


def enter(request: str) -> int:
    """Take on the layers that `request` (JSON, see `command.build_command`) asks for, report them, run the module.

    Returns the module's status, or UNAVAILABLE_STATUS if a jail was asked for and not one layer could be had.
    """
    fields = json.loads(request)
    limits = ConversionLimits(**fields["limits"])
    os.umask(0o077)
    sys.dont_write_bytecode = True
    readable = [Path(path) for path in fields["readable"]]
    record = take_layers(limits, Path.cwd(), readable) if fields["jailed"] else waive_layers(limits)
    sys.stdout.buffer.write(record.to_line())
    sys.stdout.flush()
    if fields["jailed"] and not record.isolated:
        return UNAVAILABLE_STATUS
    work: Work = importlib.import_module(fields["module"])
    return work.main(seal if fields["jailed"] else _stay_open)


def _stay_open() -> None:
    """Do nothing: there is no jail to seal."""


def waive_layers(limits: ConversionLimits) -> JailRecord:
    """Take on the limits alone, as the builder asked."""
    return JailRecord(held=(LIMITS,) if limit_process(limits) else (), waived=True)


def take_layers(limits: ConversionLimits, folder: Path, readable: Sequence[Path]) -> JailRecord:
    """Take on every layer that this machine offers; `folder` stays writable, `readable` and Python readable."""
    held: list[str] = []
    missing: list[str] = []
    reasons: list[str] = []

    def take(name: str, *steps: Callable[[], object]) -> None:
        try:
            for step in steps:
                step()
            held.append(name)
        except (LayerError, OSError, AttributeError) as error:  # AttributeError: a system without that call
            missing.append(name)
            reasons.append(str(error))

    library = [Path(os.__file__).parents[1]]  # the folder that holds Python's own library, and libpython
    inside = [*map(Path, SYSTEM_FILES), *library, *readable]
    take("namespaces", leave_namespaces, limit_processes)
    take("landlock", lambda: confine_files(inside, [folder, SINK]), check_confined)
    take("seccomp", lambda: load_filter(deadly=False), check_filtered)
    if limit_process(limits):
        held.append(LIMITS)
    else:
        missing.append(LIMITS)
        reasons.append(f"{sys.platform} has none")
    return JailRecord(held=tuple(sorted(held)), missing=tuple(missing), reasons=tuple(reasons))


def seal() -> None:
    """From now on what was refused ends the process; called when all imports are done. Without seccomp, nothing."""
    try:
        load_filter(deadly=True)
    except (LayerError, OSError, AttributeError):  # its absence stands in the record since the process began
        return
