"""The EXIF orientation: read from the TIFF structure inside the EXIF block, applied to pixels.

Only tag 0x0112 of the first directory counts; XMP is not asked, since browsers do not ask it either.
"""

import struct
from typing import Final

import numpy
from numpy.typing import NDArray

ORIENTATION_TAG: Final = 0x0112
SHORT: Final = 3
UPRIGHT: Final = 1
EXIF_PREFIX: Final = b"Exif\x00\x00"


def read_orientation(exif: bytes) -> int:
    """Return the orientation 1–8 of an EXIF block (with or without its `Exif` prefix); 1 when it states none."""
    tiff = exif.removeprefix(EXIF_PREFIX)
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return UPRIGHT
    directory = struct.unpack_from(f"{order}I", tiff, 4)[0]
    if directory + 2 > len(tiff):
        return UPRIGHT
    count = struct.unpack_from(f"{order}H", tiff, directory)[0]
    for entry in range(directory + 2, min(directory + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
        if tag == ORIENTATION_TAG and kind == SHORT:
            return value if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT


def turn_upright(pixels: NDArray[numpy.uint8], orientation: int) -> NDArray[numpy.uint8]:
    """Return the (height, width, channels) pixels as they are meant to be seen; EXIF 2.3, table of tag 0x0112."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return numpy.ascontiguousarray(pixels)
