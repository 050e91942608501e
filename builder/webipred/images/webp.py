"""WebP: whether the container is all there, and the first frame of an animation fills the canvas (RFC 9649 §2)."""

import struct
from typing import Final

from webipred.images.flaw import Flaw

FLAGS_AT: Final = 20
ANIMATED: Final = 0x02
FIRST_CHUNK_AT: Final = 12


def find_webp_flaw(data: bytes) -> Flaw | None:
    """Return what is wrong; browsers and Pillow fill what a smaller first frame leaves free with different colours."""
    if len(data) < 30 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        return "truncated"
    if data[12:16] != b"VP8X" or not data[FLAGS_AT] & ANIMATED:
        return None
    frame = _find_chunk(data, b"ANMF")
    if frame is None or frame + 12 > len(data):
        return "broken"
    covers = data[frame : frame + 6] == bytes(6) and data[frame + 6 : frame + 12] == data[24:30]
    return None if covers else "frame"


def _find_chunk(data: bytes, name: bytes) -> int | None:
    """Return where the data of the first chunk of that name begin."""
    at = FIRST_CHUNK_AT
    while at + 8 <= len(data):
        if data[at : at + 4] == name:
            return at + 8
        size = struct.unpack_from("<I", data, at + 4)[0]
        at += 8 + size + size % 2
    return None
