"""Containers that browsers keep text in, unpacked: Mozilla's LZ4 blocks, gzip, LevelDB tables with Snappy blocks."""

import struct
import zlib
from collections.abc import Iterator

MOZLZ4 = b"mozLz40\0"
_GZIP = b"\x1f\x8b\x08"
_TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
_TABLE_FOOTER = 48
_SNAPPY = 1
_LIMIT = 256 << 20


class DamagedError(ValueError):
    """The bytes are no such container, or not whole."""


def unpack(data: bytes) -> Iterator[bytes]:
    """Yield what the containers in `data` hold; what is damaged is unpacked as far as it goes."""
    if data.startswith(MOZLZ4):
        try:
            yield unpack_lz4_block(data[len(MOZLZ4) + 4 :])
        except DamagedError:
            return
    at = data.find(_GZIP)
    while at >= 0:
        yield from _inflate(data[at:])
        at = data.find(_GZIP, at + 1)
    if data[-8:] == _TABLE_MAGIC:
        yield from _unpack_table(data)


def unpack_lz4_block(data: bytes) -> bytes:
    """Decompress one LZ4 block (format of lz4.org). Raises DamagedError."""
    out, at = bytearray(), 0
    try:
        while at < len(data):
            token = data[at]
            literals, at = _read_length(data, at + 1, token >> 4)
            out += data[at : at + literals]
            at += literals
            if at >= len(data):
                break
            (distance,) = struct.unpack_from("<H", data, at)
            length, at = _read_length(data, at + 2, token & 15)
            _copy_back(out, distance, length + 4)
    except (IndexError, struct.error) as error:
        raise DamagedError("the LZ4 block ends early") from error
    return bytes(out)


def unpack_snappy(data: bytes) -> bytes:
    """Decompress one raw Snappy block (format of google/snappy). Raises DamagedError."""
    out = bytearray()
    try:
        size, at = _read_varint(data, 0)
        while at < len(data):
            tag = data[at]
            at += 1
            if tag & 3 == 0:
                length, at = _read_snappy_literal(data, at, tag >> 2)
                out += data[at : at + length]
                at += length
                continue
            length, distance, at = _read_snappy_copy(data, at, tag)
            _copy_back(out, distance, length)
    except (IndexError, struct.error) as error:
        raise DamagedError("the Snappy block ends early") from error
    if len(out) != size:
        raise DamagedError("the Snappy block has another size than it says")
    return bytes(out)


def _read_length(data: bytes, at: int, start: int) -> tuple[int, int]:
    length = start
    if start == 15:
        while True:
            length += data[at]
            at += 1
            if data[at - 1] != 255:
                break
    return length, at


def _copy_back(out: bytearray, distance: int, length: int) -> None:
    if not 0 < distance <= len(out) or len(out) + length > _LIMIT:
        raise DamagedError("a copy points outside")
    for _ in range(length):
        out.append(out[-distance])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
        shift += 7


def _read_snappy_literal(data: bytes, at: int, code: int) -> tuple[int, int]:
    if code < 60:
        return code + 1, at
    extra = code - 59
    return int.from_bytes(data[at : at + extra], "little") + 1, at + extra


def _read_snappy_copy(data: bytes, at: int, tag: int) -> tuple[int, int, int]:
    if tag & 3 == 1:
        return (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at], at + 1
    extra = 2 if tag & 3 == 2 else 4
    return (tag >> 2) + 1, int.from_bytes(data[at : at + extra], "little"), at + extra


def _inflate(data: bytes) -> Iterator[bytes]:
    machine = zlib.decompressobj(wbits=31)
    try:
        yield machine.decompress(data, _LIMIT)
    except zlib.error:
        return


def _unpack_table(data: bytes) -> Iterator[bytes]:
    """Yield every block of a LevelDB table: the footer leads to the index, the index to the blocks."""
    try:
        footer = data[-_TABLE_FOOTER:]
        _, at = _read_varint(footer, 0)
        _, at = _read_varint(footer, at)
        index_offset, at = _read_varint(footer, at)
        index_size, at = _read_varint(footer, at)
        for value in _list_values(_read_block(data, index_offset, index_size)):
            offset, end = _read_varint(value, 0)
            size, _ = _read_varint(value, end)
            yield _read_block(data, offset, size)
    except (IndexError, DamagedError, struct.error):
        return


def _read_block(data: bytes, offset: int, size: int) -> bytes:
    block = data[offset : offset + size]
    return unpack_snappy(block) if data[offset + size] == _SNAPPY else block


def _list_values(block: bytes) -> Iterator[bytes]:
    (restarts,) = struct.unpack("<I", block[-4:])
    end, at = len(block) - 4 * (restarts + 1), 0
    while at < end:
        _, at = _read_varint(block, at)
        fresh, at = _read_varint(block, at)
        length, at = _read_varint(block, at)
        at += fresh
        yield block[at : at + length]
        at += length
