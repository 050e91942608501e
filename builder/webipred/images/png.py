"""PNG: what Pillow forgives and another decoder may not is refused (PNG, third edition, §5, §7, §10, §11)."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from webipred.images.flaw import Flaw

DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PALETTE: Final = 3
ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
SINGLE: Final = (b"IHDR", b"PLTE", b"tRNS")
PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    kind: bytes
    start: int
    size: int
    is_valid: bool


def find_png_flaw(data: bytes) -> Flaw | None:
    """Return what is wrong: order, number or checksum of chunks, a senseless header, too few or too many rows."""
    chunks = list(_walk_chunks(data))
    if not chunks or chunks[-1].kind != b"IEND":
        return "truncated"
    if not all(chunk.is_valid for chunk in chunks) or not _are_in_order(chunks):
        return "broken"
    width, height, depth, colour, compression, filtering, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    if depth not in DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        return "broken"
    if colour == PALETTE and not count_palette(data):
        return "broken"
    expected = _count_raw_bytes(width, height, depth * CHANNELS[colour], is_interlaced=interlace == 1)
    return None if _inflates_to(data, chunks, expected) else "broken"


def count_palette(data: bytes) -> int:
    """Return the number of colours in PLTE, 0 without one."""
    return next((chunk.size // 3 for chunk in _walk_chunks(data) if chunk.kind == b"PLTE"), 0)


def read_key(data: bytes) -> tuple[int, ...] | None:
    """Return the sample of each channel that tRNS declares transparent, None without one."""
    chunk = next((chunk for chunk in _walk_chunks(data) if chunk.kind == b"tRNS"), None)
    return None if chunk is None else struct.unpack_from(f">{chunk.size // 2}H", data, chunk.start)


def _walk_chunks(data: bytes) -> Iterator[_Chunk]:
    """Yield each whole chunk up to IEND."""
    at = 8
    while at + 12 <= len(data):
        size = struct.unpack_from(">I", data, at)[0]
        if at + 12 + size > len(data):
            return
        kind = data[at + 4 : at + 8]
        stated = struct.unpack_from(">I", data, at + 8 + size)[0]
        actual = zlib.crc32(memoryview(data)[at + 4 : at + 8 + size])
        yield _Chunk(kind=kind, start=at + 8, size=size, is_valid=stated == actual)
        if kind == b"IEND":
            return
        at += 12 + size


def _are_in_order(chunks: list[_Chunk]) -> bool:
    """IHDR first, image data in one run, palette and transparency once and before it."""
    kinds = [chunk.kind for chunk in chunks]
    if kinds[0] != b"IHDR" or chunks[0].size != 13 or b"IDAT" not in kinds:
        return False
    first, count = kinds.index(b"IDAT"), kinds.count(b"IDAT")
    is_one_run = kinds[first : first + count] == [b"IDAT"] * count
    return is_one_run and all(kinds.count(kind) == kinds[:first].count(kind) <= 1 for kind in SINGLE)


def _count_raw_bytes(width: int, height: int, pixel_bits: int, *, is_interlaced: bool) -> int:
    """Return the size of all filtered rows, each with its filter byte."""
    total = 0
    for x, y, x_step, y_step in ADAM7 if is_interlaced else ((0, 0, 1, 1),):
        columns, rows = -((x - width) // x_step), -((y - height) // y_step)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * pixel_bits + 7) // 8)
    return total


def _inflates_to(data: bytes, chunks: list[_Chunk], expected: int) -> bool:
    """Whether the image data are one whole zlib stream of exactly that size; stops at the first byte too many."""
    stream = zlib.decompressobj()
    size = 0
    view = memoryview(data)
    for chunk in chunks:
        if chunk.kind != b"IDAT":
            continue
        rest: bytes | memoryview = view[chunk.start : chunk.start + chunk.size]
        while len(rest):
            try:
                size += len(stream.decompress(rest, PIECE_BYTES))
            except zlib.error:
                return False
            if size > expected or stream.unused_data:
                return False
            rest = stream.unconsumed_tail
    return stream.eof and size == expected
