"""JPEG: whether the file reaches its end and every coefficient of every component was sent (ITU-T T.81 B, G)."""

import struct
from dataclasses import dataclass, field
from typing import Final

from webipred.images.flaw import Flaw

_SOI, _EOI, _SOS, _FILL = 0xD8, 0xD9, 0xDA, 0xFF
_STANDALONE: Final = frozenset({_SOI, *range(0xD0, 0xD8)})
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_COEFFICIENTS: Final = 64
_UNSENT: Final = -1
_STUFFING: Final = bytes((73 * i + 181) % 251 for i in range(64))
"""Coded data that mean something, without FF; the first bit is 1, unlike the zeros that stand in for missing data."""


@dataclass(slots=True)
class _Walk:
    """What has been seen: the lowest bit sent of each coefficient of each component, and where the scans' data end."""

    sent: dict[int, list[int]] = field(default_factory=dict)
    scan_ends: list[int] = field(default_factory=list)
    is_progressive: bool = False
    reaches_end: bool = False
    is_broken: bool = False


def find_jpeg_flaw(data: bytes) -> Flaw | None:
    """Return what is wrong; a progressive file without its last scans is truncated, though it ends with EOI."""
    walk = _walk(data)
    if walk.is_broken:
        return "broken"
    is_complete = bool(walk.sent) and all(bit == 0 for bits in walk.sent.values() for bit in bits)
    return None if walk.reaches_end and is_complete else "truncated"


def stuff_scans(data: bytes) -> bytes:
    """Return the file with meaningful bytes after the coded data of each scan.

    A decoder that has all data skips them (T.81 B.1.1.2 lets it look for the next marker only); one that lacks some
    takes them for the rest of the image. So a whole file gives the same pixels, and one with gaps gives others.
    """
    parts: list[bytes] = []
    start = 0
    for end in _walk(data).scan_ends:
        parts += [data[start:end], _STUFFING]
        start = end
    return b"".join([*parts, data[start:]])


def _walk(data: bytes) -> _Walk:
    """Walk from segment to segment, past the coded data of every scan, until the EOI marker."""
    walk = _Walk()
    at = 2
    while at + 2 <= len(data):
        marker = data[at + 1]
        if data[at] != _FILL:
            at = _skip_to_marker(data, at)
        elif marker == _FILL:
            at += 1
        elif marker == _EOI:
            walk.reaches_end = True
            break
        elif marker in _STANDALONE or marker == 0:
            at += 2
        elif marker < 0xC0:
            walk.is_broken = True
            break
        else:
            at = _read_segment(data, at, walk)
    return walk


def _read_segment(data: bytes, at: int, walk: _Walk) -> int:
    """Note what a segment says, and return where the next marker is."""
    marker = data[at + 1]
    if at + 4 > len(data):
        return len(data)
    end = at + 2 + int(struct.unpack_from(">H", data, at + 2)[0])
    body = data[at + 4 : end]
    if marker in _FRAMES:
        walk.is_progressive = marker in _PROGRESSIVE
        walk.sent = (
            {number: [_UNSENT] * _COEFFICIENTS for number in body[6 : 6 + 3 * body[5] : 3]} if len(body) > 5 else {}
        )
    if marker != _SOS:
        return end
    _note_scan(body, walk)
    end = _skip_to_marker(data, end)
    fill = end
    while fill > 0 and data[fill - 1] == _FILL:
        fill -= 1
    walk.scan_ends.append(fill)
    return end


def _note_scan(body: bytes, walk: _Walk) -> None:
    """Enter the coefficients of a scan: all of them, or the band and bit of a progressive one."""
    count = body[0] if body else 0
    if len(body) < 4 + 2 * count:
        walk.is_broken = True
        return
    first, last, bits = body[1 + 2 * count : 4 + 2 * count]
    band = range(first, min(last, _COEFFICIENTS - 1) + 1) if walk.is_progressive else range(_COEFFICIENTS)
    for number in body[1 : 1 + 2 * count : 2]:
        for coefficient in band:
            if number in walk.sent:
                walk.sent[number][coefficient] = bits & 15 if walk.is_progressive else 0


def _skip_to_marker(data: bytes, at: int) -> int:
    """Return the position of the next marker that is neither stuffing (FF 00) nor a restart (FF D0 … FF D7)."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        follower = data[at + 1]
        if follower != 0 and not 0xD0 <= follower <= 0xD7 and follower != _FILL:
            return at
        at += 1 if follower == _FILL else 2
    return len(data)
