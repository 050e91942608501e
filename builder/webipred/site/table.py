"""FileTable: the one table path → bytes that everything about the built site is derived from."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from webipred.digests import hash_bytes
from webipred.errors import FindingsError
from webipred.findings import Finding
from webipred.site.manifest import FileRef

MAX_FILE_BYTES = 95_000_000
"""GitHub refuses files over 100 MB; larger weights are split into parts."""

ASSET_DIGITS = 16

_PATH = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


@dataclass(frozen=True, slots=True)
class FileTable:
    """The files of a site, in the order of their paths.

    Paths are relative, POSIX, of a–z, A–Z, 0–9, dot, hyphen and underscore, so that no server and no file system
    needs to escape them. Raises FindingsError with every bad path: absolute, with `..`, equal to another but for
    case, a file where another path needs a folder, or a file over MAX_FILE_BYTES.
    """

    files: tuple[tuple[str, bytes], ...]

    def __init__(self, files: Iterable[tuple[str, bytes]]) -> None:
        ordered = tuple(sorted(files, key=lambda file: file[0]))
        findings = [*_check_paths([path for path, _ in ordered]), *_check_sizes(ordered)]
        if findings:
            raise FindingsError(findings)
        object.__setattr__(self, "files", ordered)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(path for path, _ in self.files)

    def read(self, path: str) -> bytes:
        """Return the bytes at `path`; raises KeyError when the site has no such file."""
        for known, data in self.files:
            if known == path:
                return data
        raise KeyError(path)

    def list_files(self) -> tuple[FileRef, ...]:
        """Return path, digest and size of every file, in order."""
        return tuple(describe_file(path, data) for path, data in self.files)


def describe_file(path: str, data: bytes) -> FileRef:
    """Return the reference to a file of the site."""
    return FileRef(path=path, sha256=hash_bytes(data), size_bytes=len(data))


def place_asset(data: bytes, extension: str) -> tuple[str, bytes]:
    """Return the file under its content-addressed path assets/<first 16 digits of its SHA-256>.<extension>."""
    return f"assets/{hash_bytes(data)[:ASSET_DIGITS]}.{extension}", data


def split_bytes(data: bytes, limit: int = MAX_FILE_BYTES) -> list[bytes]:
    """Return `data` cut into as few equal-sized parts as fit `limit` bytes each; the last may be shorter."""
    count = max(1, -(-len(data) // limit))
    size = max(1, -(-len(data) // count))
    return [data[start : start + size] for start in range(0, max(len(data), 1), size)]


def _check_paths(paths: list[str]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path in paths:
        if not _PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
            yield Finding(
                code="E-SITE-PATH",
                where=f"site: {path!r}",
                what="the path is not relative, or holds a part that is empty, '.', '..' or not plain ASCII.",
                fix="Use letters, digits, dot, hyphen and underscore, separated by single slashes.",
            )
        elif path.casefold() in seen:
            yield Finding(
                code="E-SITE-DUPLICATE",
                where=f"site: {path!r}",
                what=f"the path stands twice (as {seen[path.casefold()]!r}; case does not count).",
                fix="Give one of the two files another name.",
            )
        seen[path.casefold()] = path
    yield from _check_folders(seen)


def _check_folders(seen: dict[str, str]) -> Iterator[Finding]:
    for folded, path in seen.items():
        parts = folded.split("/")
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in seen:
                yield Finding(
                    code="E-SITE-DUPLICATE",
                    where=f"site: {path!r}",
                    what=f"{seen['/'.join(parts[:depth])]!r} is a file and a folder at once.",
                    fix="Give one of the two another name.",
                )


def _check_sizes(files: Iterable[tuple[str, bytes]]) -> Iterator[Finding]:
    for path, data in files:
        if len(data) > MAX_FILE_BYTES:
            yield Finding(
                code="E-SITE-FILE-SIZE",
                where=f"site: {path!r}",
                what=f"the file has {len(data):,} bytes, more than the {MAX_FILE_BYTES:,} that static hosts take.",
                fix="Split the file into parts.",
            )
