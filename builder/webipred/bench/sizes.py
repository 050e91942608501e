"""Download sizes: raw, and as servers compress them."""

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

try:
    import brotli
except ImportError:  # in the extra `bench`; gzip is always there
    brotli = None

BEST_BELOW = 1 << 20
"""brotli's best level takes minutes on a large file and gains little there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Bytes of some files together: raw, gzip at its best level, brotli (None where it is not installed)."""

    raw: int
    gzip: int
    brotli: int | None


def weigh(files: Iterable[bytes]) -> Size:
    """Return the sizes of files that are compressed one by one, as a server sends them."""
    parts = list(files)
    return Size(
        raw=sum(map(len, parts)),
        gzip=sum(len(gzip.compress(part, zlib.Z_BEST_COMPRESSION, mtime=0)) for part in parts),
        brotli=sum(_count_brotli(part) for part in parts) if brotli is not None else None,
    )


def _count_brotli(data: bytes) -> int:
    return len(brotli.compress(data, quality=11 if len(data) < BEST_BELOW else 9))
