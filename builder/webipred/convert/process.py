"""A converter process: started with nothing but its folder, watched, and ended with all that it started."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from webipred.convert.limits import ConversionLimits
from webipred.errors import FindingsError, refuse

SETTLING_S: Final = 5.0
WATCHING_S: Final = 0.25
ENTRY_BYTES: Final = 4096  # what an empty file costs the disk
PIECE_BYTES: Final = 1 << 14
OUT_OF_MEMORY: Final = (b"MemoryError", b"bad_alloc", b"Cannot allocate memory", b"failed to map segment")
LIMIT_FIX: Final = "Nothing of it was kept; if you trust the model, raise the limit."
DENIED: Final = (b"PermissionError: [Errno 1]", b"PermissionError: [Errno 13]")
HOSTILE_FIX: Final = "Nothing of it was kept. Treat the file with suspicion: no conversion needs this."
REPORT_FIX: Final = "Nothing of it was kept. Please report this file; the converter should have said why."
# One thread each: conversions run side by side, and a fixed order of sums keeps the bytes the same everywhere.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TZ": "UTC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended: exit status (negative: signal), its last words, and which watch ended it, if any."""

    status: int
    printed: bytes
    timed_out: bool
    flooded: bool
    overfilled: bool = False


def run_process(command: Sequence[str], folder: Path, limits: ConversionLimits) -> Ending:
    """Run a command in `folder` with a clean environment; it and its descendants are gone when this returns."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        close_fds=True,
    )
    listener = _Listener(process, limits.printed_bytes)
    try:
        timed_out, overfilled = _watch(process, folder, limits)
    finally:
        _end_group(process)
    listener.join(SETTLING_S)
    return Ending(
        status=process.returncode,
        printed=bytes(listener.heard),
        timed_out=timed_out,
        flooded=listener.flooded,
        overfilled=overfilled,
    )


def _watch(process: subprocess.Popen[bytes], folder: Path, limits: ConversionLimits) -> tuple[bool, bool]:
    """Wait for the end of the process; return whether its time ran out or its folder ran over.

    The limit on one file does not hold for many files, so all of them are added up now and then.
    """
    end = time.monotonic() + limits.wall_s
    while True:
        left = end - time.monotonic()
        try:
            process.wait(timeout=max(0.0, min(left, WATCHING_S)))
        except subprocess.TimeoutExpired:
            if _measure_folder(folder) > limits.folder_bytes:
                return False, True
            if left <= 0:
                return True, False
        else:
            return False, _measure_folder(folder) > limits.folder_bytes


def _measure_folder(folder: Path) -> int:
    """Return the bytes that the files below a folder take on the disk; holes in a file take none."""
    total = 0
    for parent, folders, names in os.walk(folder):
        total += ENTRY_BYTES * (len(folders) + len(names))
        for name in names:
            with contextlib.suppress(OSError):  # the process goes on removing and renaming
                total += _measure_file(Path(parent, name).lstat())
    return total


def _measure_file(status: os.stat_result) -> int:
    return int(getattr(status, "st_blocks", status.st_size // 512 + 1)) * 512


def refuse_ending(ending: Ending, where: str, limits: ConversionLimits) -> FindingsError | None:
    """Return what went wrong, or None for a process that ended by itself with status 0."""
    if ending.flooded:
        what = f"the converter printed more than {limits.printed_bytes} bytes and was stopped."
        return refuse("E-CONVERT-PRINTED", where, what, REPORT_FIX)
    if ending.overfilled:
        what = f"the conversion wrote more than {limits.folder_bytes} bytes in several files and was stopped."
        return refuse("E-CONVERT-SIZE", where, what, LIMIT_FIX)
    if ending.timed_out:
        what = f"the conversion took more than {limits.wall_s:g} s and was stopped."
        return refuse("E-CONVERT-TIMEOUT", where, what, LIMIT_FIX)
    if ending.status == 0:
        return None
    died_of = _signal_name(ending.status)
    if died_of == "SIGXCPU":
        what = f"the conversion took more than {limits.cpu_s} s of processor time and was stopped."
        return refuse("E-CONVERT-TIMEOUT", where, what, LIMIT_FIX)
    if died_of == "SIGXFSZ" or b"File too large" in ending.printed:
        what = f"the conversion wrote more than {limits.output_bytes} bytes and was stopped."
        return refuse("E-CONVERT-SIZE", where, what, LIMIT_FIX)
    # The kernel kills with SIGKILL when the machine runs out of memory; nobody else here does.
    if died_of == "SIGKILL" or any(word in ending.printed for word in OUT_OF_MEMORY):
        what = f"the conversion needs more than {limits.memory_bytes} bytes of memory."
        return refuse("E-CONVERT-MEMORY", where, what, LIMIT_FIX)
    if died_of == "SIGSYS":
        what = "the conversion asked for a network, a program or another process; the jail ended it."
        return refuse("E-JAIL-VIOLATION", where, what, HOSTILE_FIX)
    if any(word in ending.printed for word in DENIED):
        what = f"the conversion reached for what the jail denies: {last_words(ending.printed)}."
        return refuse("E-JAIL-VIOLATION", where, what, HOSTILE_FIX)
    how = f"signal {died_of}" if died_of else f"status {ending.status}"
    return refuse(
        "E-CONVERT-CRASH", where, f"the converter ended with {how}: {last_words(ending.printed)}.", REPORT_FIX
    )


def last_words(printed: bytes) -> str:
    """Return the last line that a process printed, with plain characters only."""
    lines = printed.decode("utf-8", "replace").strip().splitlines()
    return ascii(lines[-1][:200])[1:-1] if lines else "it said nothing"


class _Listener(threading.Thread):
    """Reads what a process prints, up to a limit, and kills it beyond."""

    def __init__(self, process: subprocess.Popen[bytes], limit_bytes: int) -> None:
        super().__init__(daemon=True)
        self.heard = bytearray()
        self.flooded = False
        self._process = process
        self._limit_bytes = limit_bytes
        self.start()

    def run(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        with stream:
            self._listen(stream)

    def _listen(self, stream: IO[bytes]) -> None:
        while piece := os.read(stream.fileno(), PIECE_BYTES):
            if len(self.heard) + len(piece) > self._limit_bytes:
                self.flooded = True
                _kill_group(self._process)
                return
            self.heard += piece


def _clean_environment() -> dict[str, str]:
    if sys.platform == "win32":  # Python does not start without it there
        return {**ENVIRONMENT, "SYSTEMROOT": "C:\\Windows"}
    return dict(ENVIRONMENT)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process, if it still runs, and what it left behind."""
    _kill_group(process)
    process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # it and its descendants are gone (macOS says EPERM for zombies)
        return


def _signal_name(status: int) -> str:
    return signal.Signals(-status).name if -status in {number.value for number in signal.Signals} else ""
