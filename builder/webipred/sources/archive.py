"""SourceArchive: the bytes of one entry's weights, verified."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceArchive:
    """One verified file on this machine; made only by the functions of this package after the digest matched.

    `path` may be named after its digest; `file` is the name at the origin (its ending tells zip from h5).
    """

    entry_id: str
    path: Path
    file: str
    size_bytes: int
    sha256: str
    origin: str
