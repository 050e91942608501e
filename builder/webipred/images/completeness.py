"""Tell files that end too early from whole ones.

Browsers decode what there is of a cut-off JPEG, GIF or BMP and paint the rest gray. That would be a wrong image shown
calmly, so both hosts walk through the file's structure first. Pillow forgives a PNG whose last bytes are missing or
whose pixels fail their checksum; the browser's PNG decoder does not, so neither do we.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from webipred.images.sniff import Format

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_STANDALONE: Final = frozenset({0x01, _SOI, *range(0xD0, 0xD8)})


def is_complete(data: bytes, kind: Format) -> bool:
    """Whether the file's structure reaches its end: EOI, the last block of the first frame, or the stated size."""
    match kind:
        case "JPEG":
            return _reaches_end_of_jpeg(data)
        case "GIF":
            return _holds_first_gif_frame(data)
        case "WEBP":
            return len(data) >= 12 and struct.unpack_from("<I", data, 4)[0] + 8 <= len(data)
        case "BMP":
            return _holds_bmp_rows(data)
        case "PNG":
            return any(kind == b"IEND" for kind, _ in _walk_png_chunks(data))


def has_valid_checksums(data: bytes) -> bool:
    """Whether every chunk of a whole PNG up to IEND has the CRC that it states."""
    return all(is_valid for _, is_valid in _walk_png_chunks(data))


def _walk_png_chunks(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield the type of each whole chunk up to IEND and whether its CRC fits."""
    at = 8
    while at + 12 <= len(data):
        size = struct.unpack_from(">I", data, at)[0]
        if at + 12 + size > len(data):
            return
        kind = data[at + 4 : at + 8]
        stated = struct.unpack_from(">I", data, at + 8 + size)[0]
        yield kind, stated == zlib.crc32(data[at + 4 : at + 8 + size])
        if kind == b"IEND":
            return
        at += 12 + size


def _reaches_end_of_jpeg(data: bytes) -> bool:
    """Walk from segment to segment, past the coded data of every scan, until the EOI marker."""
    at = 2
    while at + 2 <= len(data):
        if data[at] != 0xFF:
            at = _skip_to_marker(data, at)
            continue
        marker = data[at + 1]
        if marker == _EOI:
            return True
        if marker == 0xFF:
            at += 1
        elif marker == 0 or marker in _STANDALONE:
            at += 2
        else:
            if at + 4 > len(data):
                return False
            at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])
            if marker == _SOS:
                at = _skip_to_marker(data, at)
    return False


def _skip_to_marker(data: bytes, at: int) -> int:
    """Return the position of the next marker that is neither stuffing (FF 00) nor a restart (FF D0 … FF D7)."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        follower = data[at + 1]
        if follower != 0 and not 0xD0 <= follower <= 0xD7 and follower != 0xFF:
            return at
        at += 1 if follower == 0xFF else 2
    return len(data)


def _holds_first_gif_frame(data: bytes) -> bool:
    """Walk over extensions to the first image and over its data blocks to their terminator."""
    if len(data) < 13:
        return False
    at = 13 + _color_table_bytes(data[10])
    while at < len(data):
        if data[at] == 0x21:
            at = _skip_gif_blocks(data, at + 2)
        elif data[at] == 0x2C and at + 10 < len(data):
            at += 11 + _color_table_bytes(data[at + 9])
            return _skip_gif_blocks(data, at) <= len(data)
        else:
            return False
    return False


def _color_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_gif_blocks(data: bytes, at: int) -> int:
    """Return the position after the zero-length block, beyond the end of the data if there is none."""
    while at < len(data):
        if data[at] == 0:
            return at + 1
        at += data[at] + 1
    return len(data) + 1


def _holds_bmp_rows(data: bytes) -> bool:
    """Whether the rows fit into the file; compressed files have been refused before."""
    if len(data) < 26:
        return False
    start, header_bytes = struct.unpack_from("<II", data, 10)
    if header_bytes == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    elif len(data) >= 34:
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    else:
        return False
    row_bytes = (abs(width) * bits + 31) // 32 * 4
    return int(start + row_bytes * abs(height)) <= len(data)
