"""Processes of this machine by what /proc says: whose child is whose, and what kind of browser process it is."""

import re
from collections import defaultdict
from pathlib import Path

_PROC = Path("/proc")


def find_process(argument: str) -> int | None:
    """Return the oldest process with this argument on its command line that is no child of such a one."""
    matching = {pid for pid in _list() if argument in _read_arguments(pid)}
    roots = [pid for pid in matching if _read_parent(pid) not in matching]
    return min(roots, default=None)


def list_family(root: int) -> list[int]:
    """Return `root` and all its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for pid in _list():
        children[_read_parent(pid)].append(pid)
    family, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        family.append(pid)
        waiting += children[pid]
    return family


def describe_process(pid: int) -> str:
    """Return browser, renderer, gpu-process …, as Chromium names its processes, else the program's name."""
    arguments = _read_arguments(pid)
    kind = next((found[1] for text in arguments if (found := re.fullmatch(r"--type=(\S+)", text))), None)
    return kind or (Path(arguments[0]).name if arguments else "gone")


def _list() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _read_arguments(pid: int) -> list[str]:
    try:
        text = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return []
    parts = text.rstrip("\0").split("\0")
    return parts if len(parts) > 1 else text.split(" ")  # Chromium's children join theirs by spaces


def _read_parent(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[1])
