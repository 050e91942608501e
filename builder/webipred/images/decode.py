"""Decode an image file to the 8-bit pixels that the preprocessing starts from.

The rules are those of docs/preprocessing.md, "Decoding"; the browser's engine follows the same text. Pillow does the
work, since it is what the training code used; everything that Pillow would do silently is decided here by a rule.
"""

import io
import struct
import warnings
from typing import Final

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFile

from webipred.catalog.preprocessing import InputSpec
from webipred.errors import FindingsError, refuse
from webipred.images.bmp import find_bmp_flaw, has_hidden_alpha
from webipred.images.completeness import find_flaw
from webipred.images.flaw import Flaw
from webipred.images.jpeg import stuff_scans
from webipred.images.orientation import read_orientation, turn_upright
from webipred.images.png import count_palette, read_key
from webipred.images.sniff import Format, sniff_format

PIXEL_BUDGET: Final = 64_000_000
PNG_BIT_DEPTH_AT: Final = 24
KEYED_MODES: Final = ("1", "L", "RGB")
DEEP_MODES: Final = ("I", "F")
ALPHA_MODES: Final = ("RGBA", "LA", "PA", "La", "RGBa")

Pixels = NDArray[numpy.uint8]


def decode_image(data: bytes, rules: InputSpec) -> Pixels:
    """Return the pixels of an image file: uint8, (height, width, 3) for `rgb`, (height, width, 1) for `gray`.

    Raises FindingsError E-IMAGE-EMPTY, -FORMAT, -TOO-LARGE, -TRUNCATED, -BROKEN, -BIT-DEPTH, -ALPHA or -FRAME.
    The sentences never hold the file's name or content.
    """
    kind = sniff_format(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = _open_image(data, kind)
        is_deep = _check_depth(data, kind, image, rules)
        _load_pixels(data, kind, image)
        _check_alpha(data, kind, image, rules, is_deep=is_deep)
        pixels = _convert(image, rules)
    if rules.exif == "apply":
        exif = image.info.get("exif")
        pixels = turn_upright(pixels, read_orientation(exif)) if isinstance(exif, bytes) else pixels
    return pixels


def _open_image(data: bytes, kind: Format) -> Image.Image:
    """Read the header only, and check the size that it states before a pixel is decoded."""
    if kind == "BMP":
        _refuse_flaw(kind, find_bmp_flaw(data))
    try:
        image = Image.open(io.BytesIO(data), formats=[kind])
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _refuse_size() from error
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError, KeyError, TypeError) as error:
        raise _refuse_broken(kind) from error
    width, height = image.size
    if width * height > PIXEL_BUDGET:
        raise _refuse_size()
    return image


def _check_depth(data: bytes, kind: Format, image: Image.Image, rules: InputSpec) -> bool:
    is_deep = image.mode.startswith(DEEP_MODES) or (kind == "PNG" and data[PNG_BIT_DEPTH_AT] == 16)
    if is_deep and rules.bit_depth == "reject":
        what = "The file has 16 bits per channel, and how to bring them to 8 is not stated for this model."
        raise refuse("E-IMAGE-BIT-DEPTH", "image", what, "Export the image with 8 bits per channel.")
    return is_deep


def _load_pixels(data: bytes, kind: Format, image: Image.Image) -> None:
    _refuse_flaw(kind, find_flaw(data, kind))
    if kind == "GIF" and not _covers_image(image):
        _refuse_flaw(kind, "frame")
    try:
        image.load()
        has_gaps = kind == "JPEG" and _has_gaps(data, image)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError, KeyError, TypeError) as error:
        raise (_refuse_truncated() if "truncated" in str(error) else _refuse_broken(kind)) from error
    except (MemoryError, Image.DecompressionBombError) as error:
        raise _refuse_size() from error
    if has_gaps:
        raise _refuse_truncated()
    if kind == "PNG" and image.mode == "P" and _count_used(image) > count_palette(data):
        raise _refuse_broken(kind)


def _has_gaps(data: bytes, image: Image.Image) -> bool:
    """Whether coded data are missing, so that what is put behind them becomes a part of the image."""
    stuffed = Image.open(io.BytesIO(stuff_scans(data)), formats=["JPEG"])
    return ImageChops.difference(image, stuffed).getbbox() is not None


def _count_used(image: Image.Image) -> int:
    """Return the smallest number of colours that a palette image needs."""
    _, highest = image.getextrema()
    return int(highest) + 1 if isinstance(highest, int | float) else 0


def _covers_image(image: Image.Image) -> bool:
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    return all(tuple(tile.extents or ()) == (0, 0, *image.size) for tile in tiles)


def _check_alpha(data: bytes, kind: Format, image: Image.Image, rules: InputSpec, *, is_deep: bool) -> None:
    """Refuse transparent pixels if the rules say so, and where a browser cannot see the colour below them."""
    if kind == "PNG" and image.mode in KEYED_MODES:
        key = read_key(data)
        is_transparent = key is not None and (is_deep or _shows(image, key, data[PNG_BIT_DEPTH_AT]))
    else:
        is_transparent = _is_transparent(image, is_deep) or (kind == "BMP" and has_hidden_alpha(data))
    if not is_transparent:
        return
    if rules.alpha == "reject":
        what = "The image has transparent pixels, and what lies below them is not stated for this model."
        raise refuse("E-IMAGE-ALPHA", "image", what, "Export the image without transparency.")
    if kind != "PNG":
        what = "The image has transparent pixels; the colour below them is read from PNG files only."
        raise refuse("E-IMAGE-ALPHA", "image", what, "Export the image as PNG, or without transparency.")


def _shows(image: Image.Image, key: tuple[int, ...], depth: int) -> bool:
    """Whether the colour that tRNS declares transparent occurs; Pillow has scaled samples of few bits to 0…255."""
    samples = numpy.asarray(image.convert("L") if image.mode == "1" else image)
    scaled = numpy.multiply(key[: len(image.getbands())], 255 // (2**depth - 1))
    return bool((samples.reshape(-1, len(scaled)) == scaled).all(axis=1).any())


def _is_transparent(image: Image.Image, is_deep: bool) -> bool:
    has_key = "transparency" in image.info
    if is_deep and has_key:
        return True
    if image.mode not in ALPHA_MODES and not has_key:
        return False
    low, _ = image.convert("RGBA").getchannel("A").getextrema()
    return isinstance(low, int | float) and low < 255


def _convert(image: Image.Image, rules: InputSpec) -> Pixels:
    if image.mode.startswith(DEEP_MODES):
        gray = _reduce_depth(image, rules)
        return numpy.repeat(gray[..., None], 3 if rules.channels == "rgb" else 1, axis=2)
    if rules.channels == "rgb":
        return numpy.array(image.convert("RGB"), numpy.uint8)
    if image.mode not in ("1", "L", "LA"):
        image = image.convert("RGB")
    return numpy.array(image.convert("L"), numpy.uint8)[..., None]


def _reduce_depth(image: Image.Image, rules: InputSpec) -> Pixels:
    """Bring 16-bit gray to 8 bits: cut off at 255 as Pillow's convert does, or keep the upper byte."""
    values = numpy.array(image).astype(numpy.int64)
    values = values >> 8 if rules.bit_depth == "shift" else values
    return values.clip(0, 255).astype(numpy.uint8)


def _refuse_flaw(kind: Format, flaw: Flaw | None) -> None:
    match flaw:
        case "truncated":
            raise _refuse_truncated()
        case "broken":
            raise _refuse_broken(kind)
        case "frame":
            what = "The first frame of the animation does not cover the whole image."
            raise refuse("E-IMAGE-FRAME", "image", what, "Export the image as PNG.")
        case "foreign":
            what = (
                f"The file is a {kind} that is compressed or has odd bits per pixel, which programs decode differently."
            )
            raise refuse("E-IMAGE-FORMAT", "image", what, "Export the image as PNG.")
        case None:
            return


def _refuse_size() -> FindingsError:
    what = f"The image has more than {PIXEL_BUDGET // 1_000_000} million pixels."
    return refuse("E-IMAGE-TOO-LARGE", "image", what, "Use a smaller image or a cut-out.")


def _refuse_truncated() -> FindingsError:
    return refuse("E-IMAGE-TRUNCATED", "image", "The file ends before the image does.", "Copy or export it again.")


def _refuse_broken(kind: Format) -> FindingsError:
    what = f"The file starts as a {kind} image, but cannot be decoded."
    return refuse("E-IMAGE-BROKEN", "image", what, "Open it in an image viewer and export it again.")
