"""BMP: only the kinds that all programs decode alike (BITMAPCOREHEADER to BITMAPV5HEADER, rows uncompressed)."""

import struct
from dataclasses import dataclass
from typing import Final

from webipred.images.flaw import Flaw

FILE_HEADER_BYTES: Final = 14
CORE_HEADER_BYTES: Final = 12
HEADER_BYTES: Final = (CORE_HEADER_BYTES, 40, 52, 56, 64, 108, 124)
OS2_HEADER_BYTES: Final = 64
BITS: Final = (1, 4, 8, 24, 32)
UNCOMPRESSED, BITFIELDS = 0, 3
PLAIN_MASKS: Final = (0xFF0000, 0xFF00, 0xFF)
ALPHA_MASKS: Final = (0, 0xFF000000)
MASKS_AT: Final = 54
ALPHA_MASK_AT: Final = 66


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    start: int
    bytes: int
    width: int
    height: int
    bits: int
    compression: int
    colours: int

    @property
    def palette_bytes(self) -> int:
        if self.bits > 8:
            return 0
        return (self.colours or 1 << self.bits) * (3 if self.bytes == CORE_HEADER_BYTES else 4)


def find_bmp_flaw(data: bytes) -> Flaw | None:
    """Return what is wrong with the headers; the rows are not looked at."""
    if len(data) < FILE_HEADER_BYTES + CORE_HEADER_BYTES:
        return "truncated"
    size = struct.unpack_from("<I", data, FILE_HEADER_BYTES)[0]
    if size not in HEADER_BYTES:
        return "broken"
    if len(data) < FILE_HEADER_BYTES + size or len(data) < MASKS_AT:
        return "truncated"
    header = _read_header(data)
    if header.bits not in BITS or not _is_plain(data, header):
        return "foreign"
    masks = 12 if header.compression == BITFIELDS and header.bytes == 40 else 0
    is_sound = (
        header.width > 0
        and header.height != 0
        and (header.bits > 8 or header.colours <= 1 << header.bits)
        and header.start >= FILE_HEADER_BYTES + header.bytes + masks + header.palette_bytes
    )
    return None if is_sound else "broken"


def holds_bmp_rows(data: bytes) -> bool:
    """Whether all rows of a file with sound headers fit into it."""
    header = _read_header(data)
    row_bytes = (header.width * header.bits + 31) // 32 * 4
    return header.start + row_bytes * abs(header.height) <= len(data)


def has_hidden_alpha(data: bytes) -> bool:
    """Whether a file without BITFIELDS has an alpha mask, ignored by Pillow and not by browsers, and is not opaque."""
    header = _read_header(data)
    if header.bits != 32 or header.compression == BITFIELDS or header.bytes < 56 or header.bytes == OS2_HEADER_BYTES:
        return False
    if struct.unpack_from("<I", data, ALPHA_MASK_AT)[0] == 0:
        return False
    alpha = data[header.start + 3 : header.start + 4 * header.width * abs(header.height) : 4]
    return alpha.count(255) < len(alpha)


def _is_plain(data: bytes, header: _Header) -> bool:
    """Whether pixels are stored uncompressed, with 8 bits a channel, blue first."""
    if header.compression == UNCOMPRESSED:
        return True
    if header.compression != BITFIELDS or header.bits != 32 or header.bytes == OS2_HEADER_BYTES:
        return False
    alpha = struct.unpack_from("<I", data, ALPHA_MASK_AT)[0] if header.bytes >= 56 else 0
    return (
        len(data) >= MASKS_AT + 12
        and struct.unpack_from("<III", data, MASKS_AT) == PLAIN_MASKS
        and alpha in ALPHA_MASKS
    )


def _read_header(data: bytes) -> _Header:
    start, size = struct.unpack_from("<II", data, 10)
    if size == CORE_HEADER_BYTES:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression, colours = UNCOMPRESSED, 0
    else:
        width, height, _, bits, compression, _, _, _, colours = struct.unpack_from("<iiHHIIiiI", data, 18)
    return _Header(
        start=start, bytes=size, width=width, height=height, bits=bits, compression=compression, colours=colours
    )
