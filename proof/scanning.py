"""Searching folders for what must not be there: as it is, as UTF-16, and inside the containers of browsers."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.codecs_of_browsers import unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One needle in one file; `how` is plain, utf-16, unpacked or file name."""

    path: Path
    needle: bytes
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What was found, and how much was looked at."""

    hits: tuple[Hit, ...]
    files: int
    size_bytes: int


def scan_folders(folders: Iterable[Path], needles: Sequence[bytes]) -> Scan:
    """Search every file below `folders` for every needle."""
    hits: list[Hit] = []
    files = size = 0
    for path in _list_files(folders):
        try:
            data = path.read_bytes()
        except OSError:
            continue  # a socket, or a file that has gone
        files, size = files + 1, size + len(data)
        hits += scan_bytes(path, data, needles)
    return Scan(hits=tuple(hits), files=files, size_bytes=size)


def scan_bytes(path: Path, data: bytes, needles: Sequence[bytes]) -> Iterator[Hit]:
    """Yield every needle that a file holds or is named by, once for each way."""
    unpacked = list(unpack(data))
    for needle in needles:
        wide = widen(needle)
        if needle in os.fsencode(path):
            yield Hit(path=path, needle=needle, how="file name")
        if needle in data:
            yield Hit(path=path, needle=needle, how="plain")
        if wide and wide in data:
            yield Hit(path=path, needle=needle, how="utf-16")
        if any(needle in part or (wide and wide in part) for part in unpacked):
            yield Hit(path=path, needle=needle, how="unpacked")


def widen(needle: bytes) -> bytes | None:
    """Return a needle of ASCII as UTF-16LE, None for others."""
    return needle.decode().encode("utf-16-le") if needle.isascii() else None


def _list_files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for place, _, names in os.walk(folder):
            yield from (Path(place) / name for name in names)
