"""SiteCopy: the files of a copy as they were found, in a folder or at an address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from webipred.findings import Finding

KEPT_ENDINGS: Final = (".html", ".js", ".css", ".svg", ".json")
"""Files that are looked into, beside being hashed; the others may be large."""

KEPT_BYTES: Final = 32_000_000
"""A page or script beyond this is only hashed; no site of ours has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server sent beside the bytes; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedFile:
    """One file: digest, size, the bytes themselves if they are looked into, and the server's answer if one sent it."""

    path: str
    sha256: str
    size_bytes: int
    data: bytes | None
    answer: Answer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCopy:
    """A copy: every file that could be read by its path, and why others could not.

    A folder is listed, so files that no list names are among `files`; a server is asked for the listed files only.
    """

    where: str
    kind: Literal["folder", "address"]
    files: Mapping[str, CopiedFile]
    problems: tuple[Finding, ...]


def keeps_data(path: str, size_bytes: int) -> bool:
    """Whether the bytes of a file are kept for a look inside."""
    return path.endswith(KEPT_ENDINGS) and size_bytes <= KEPT_BYTES
