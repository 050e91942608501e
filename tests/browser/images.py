"""Image files of every kind that is read, and of many that are not, made with Pillow and by hand."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

WIDTH, HEIGHT = 33, 25
"""Odd, so that chroma subsampling, packed rows and interlacing all have a remainder."""

_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True)
class Case:
    """A file and the entry's rules that it is decoded by."""

    name: str
    data: bytes
    rules: dict[str, str] = field(default_factory=dict)


def make_pixels(channels: int = 3, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """Return a smooth gradient with noise: JPEG and WebP have something to do, and no two pixels are alike."""
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], axis=-1)
    noise = np.random.default_rng(1).integers(-30, 30, base.shape)
    pixels = (base + noise).clip(0, 255).astype(np.uint8)
    return pixels if channels == 3 else pixels[..., 0]


def save(image: Image.Image, form: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def list_readable() -> Iterator[Case]:
    """Yield files that give pixels."""
    rgb, gray = Image.fromarray(make_pixels()), Image.fromarray(make_pixels(1))
    for channels in ("rgb", "gray"):
        rules = {"channels": channels}
        yield Case(f"png-rgb-as-{channels}", save(rgb, "png"), rules)
        yield Case(f"png-gray-as-{channels}", save(gray, "png"), rules)
        yield Case(f"jpeg-as-{channels}", save(rgb, "jpeg"), rules)
    yield from _list_png(rgb, gray)
    yield from _list_jpeg(rgb, gray)
    yield Case("bmp-24", save(rgb, "bmp"))
    yield Case("bmp-palette", save(rgb.quantize(200), "bmp"))
    yield Case("bmp-1", save(gray.convert("1"), "bmp"))
    yield Case("webp-lossy", save(rgb, "webp", quality=80))
    yield Case("webp-lossless", save(rgb, "webp", lossless=True))
    yield Case("gif", save(rgb.quantize(200), "gif"))
    yield Case("gif-animated", save(rgb.quantize(100), "gif", save_all=True, append_images=[gray.quantize(50)]))
    yield from _list_oriented()


def _list_png(rgb: Image.Image, gray: Image.Image) -> Iterator[Case]:
    alpha = rgb.copy()
    alpha.putalpha(Image.fromarray(make_pixels(1)))
    opaque = rgb.convert("RGBA")
    deep = Image.fromarray((np.arange(WIDTH * HEIGHT, dtype=np.uint16) * 79).reshape(HEIGHT, WIDTH))
    gamma = PngImagePlugin.PngInfo()
    gamma.add(b"gAMA", struct.pack(">I", 100000))
    yield Case("png-palette", save(rgb.quantize(200), "png"))
    yield Case("png-palette-4-bit", save(rgb.quantize(13), "png", bits=4))
    yield Case("png-palette-2-bit", save(rgb.quantize(4), "png", bits=2))
    yield Case("png-1-bit", save(gray.convert("1"), "png"))
    yield Case("png-rgba-opaque", save(opaque, "png"))
    yield Case("png-rgba-dropped", save(alpha, "png"), {"alpha": "drop"})
    yield Case("png-la-dropped", save(alpha.convert("LA"), "png"), {"alpha": "drop"})
    yield Case("png-la-dropped-as-gray", save(alpha.convert("LA"), "png"), {"alpha": "drop", "channels": "gray"})
    yield Case("png-palette-alpha-dropped", save(alpha.quantize(50), "png"), {"alpha": "drop"})
    yield Case("png-gamma", save(rgb, "png", pnginfo=gamma))
    yield Case("png-16-saturated", save(deep, "png"), {"bit_depth": "saturate"})
    yield Case("png-16-shifted", save(deep, "png"), {"bit_depth": "shift"})
    yield Case("png-16-rgb-shifted", make_png(make_pixels().astype(np.uint16) * 250 + 3, 16), {"bit_depth": "shift"})
    yield Case("png-16-rgb-saturated", make_png(make_pixels().astype(np.uint16) * 250, 16), {"bit_depth": "saturate"})
    yield Case("png-gray-2-bit", make_png(make_pixels(1) >> 6, 2))
    yield Case("png-gray-4-bit", make_png(make_pixels(1) >> 4, 4))
    yield Case("png-interlaced-rgb", make_png(make_pixels(), 8, interlaced=True))
    yield Case("png-interlaced-gray", make_png(make_pixels(1), 8, interlaced=True))
    yield Case("png-interlaced-1-bit", make_png(make_pixels(1) >> 7, 1, interlaced=True))
    yield Case("png-interlaced-4-bit", make_png(make_pixels(1) >> 4, 4, interlaced=True))
    yield Case("png-damaged-text", _insert_chunk(save(rgb, "png"), b"iCCP", b"p\0\0not zlib"))


def _list_jpeg(rgb: Image.Image, gray: Image.Image) -> Iterator[Case]:
    yield Case("jpeg-444", save(rgb, "jpeg", subsampling=0))
    yield Case("jpeg-422", save(rgb, "jpeg", subsampling=1))
    yield Case("jpeg-420-progressive", save(rgb, "jpeg", subsampling=2, progressive=True))
    yield Case("jpeg-gray", save(gray, "jpeg"))
    yield Case("jpeg-cmyk", save(rgb.convert("CMYK"), "jpeg"))
    yield Case("jpeg-restart-markers", save(rgb, "jpeg", restart_marker_blocks=1))
    yield Case("jpeg-profile", save(rgb, "jpeg", icc_profile=b"no profile at all"))


def _list_oriented() -> Iterator[Case]:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        upright = Image.fromarray(make_pixels())
        turned = Image.fromarray(make_pixels(height=WIDTH, width=HEIGHT)) if orientation > 4 else upright
        yield Case(f"jpeg-orientation-{orientation}-ignored", save(upright, "jpeg", exif=exif))
        yield Case(f"jpeg-orientation-{orientation}-applied", save(turned, "jpeg", exif=exif), {"exif": "apply"})
    exif = Image.Exif()
    exif[0x0112] = 3
    for form in ("png", "webp"):
        data = save(Image.fromarray(make_pixels()), form, exif=exif, lossless=True)
        yield Case(f"{form}-orientation-ignored", data)
        yield Case(f"{form}-orientation-applied", data, {"exif": "apply"})

    yield from _list_odd_exif()


def _list_odd_exif() -> Iterator[Case]:
    """Yield orientations at places where decoders find them and a simple walk from segment to segment does not."""
    plain = save(Image.fromarray(make_pixels()), "jpeg", quality=90)
    for orientation in (3, 6):
        block = make_exif_segment(orientation)
        openings = {
            "fill-byte": b"\xff" + block,
            "restart-marker": b"\xff\xd0" + block,
            "other-name": make_exif_segment(orientation, b"Exif\0\xff"),
            "second-block": make_exif_segment(1) + block,
        }
        for name, opening in openings.items():
            yield Case(f"jpeg-orientation-{orientation}-after-{name}-ignored", plain[:2] + opening + plain[2:])
        later = plain[:20] + b"\xff" + block + plain[20:]
        yield Case(f"jpeg-orientation-{orientation}-after-fill-byte-later-ignored", later)
    applied = plain[:2] + b"\xff" + make_exif_segment(3) + plain[2:]
    yield Case("jpeg-orientation-3-after-fill-byte-applied", applied, {"exif": "apply"})
    unnamed = plain[:2] + make_exif_segment(3, b"Exif\0\xff") + plain[2:]
    yield Case("jpeg-orientation-3-of-another-name-applied", unnamed, {"exif": "apply"})


def make_exif_segment(orientation: int, name: bytes = b"Exif\0\0") -> bytes:
    """Return an APP1 segment of a JPEG that states an orientation."""
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", 2 + len(name) + len(tiff)) + name + tiff


def list_unreadable() -> Iterator[Case]:
    """Yield files that are refused."""
    rgb = Image.fromarray(make_pixels())
    alpha = rgb.copy()
    alpha.putalpha(Image.fromarray(make_pixels(1)))
    for form in ("png", "jpeg", "bmp", "webp", "gif"):
        data = save(rgb, form)
        yield Case(f"{form}-half", data[: len(data) // 2])
        yield Case(f"{form}-header-only", data[:30])
    yield Case("jpeg-without-end", save(rgb, "jpeg")[:-2])
    yield Case("jpeg-broken", b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9")
    yield Case("jpeg-second-start", b"\xff\xd8" + save(rgb, "jpeg"))
    yield Case("png-wrong-checksum", _flip_byte(save(rgb, "png"), 60))
    yield Case("png-rgba", save(alpha, "png"))
    yield Case("png-palette-alpha", save(alpha.quantize(50), "png"))
    yield Case("webp-alpha", save(alpha, "webp", lossless=True))
    yield Case("webp-alpha-dropped", save(alpha, "webp", lossless=True), {"alpha": "drop"})
    yield Case("gif-transparent", save(rgb.quantize(20), "gif", transparency=0))
    yield Case("png-16", save(Image.fromarray(np.full((HEIGHT, WIDTH), 700, np.uint16)), "png"))
    yield Case("png-huge", _insert_size(save(rgb, "png"), 9000, 9000))
    yield Case("empty", b"")
    yield Case("dicom", b"\0" * 128 + b"DICM" + b"\0" * 40)
    yield Case("tiff", save(rgb, "tiff"))
    yield Case("pdf", b"%PDF-1.7\n")
    yield Case("html", b"<!doctype html><p>log in")
    yield Case("text", b"patient,age\n")


def make_png(samples: NDArray[np.integer], depth: int, *, interlaced: bool = False) -> bytes:
    """Return a PNG of gray (height, width) or RGB samples with `depth` bits, rows unfiltered."""
    height, width = samples.shape[:2]
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    parts = [samples[y::y_step, x::x_step] for x, y, x_step, y_step in passes]
    rows = b"".join(b"\0" + _pack_row(row, depth) for part in parts if part.size for row in part)
    header = struct.pack(">IIBBBBB", width, height, depth, 2 if samples.ndim == 3 else 0, 0, 0, int(interlaced))
    chunks = make_chunk(b"IHDR", header) + make_chunk(b"IDAT", zlib.compress(rows)) + make_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _pack_row(row: NDArray[np.integer], depth: int) -> bytes:
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = (row[:, None] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8).ravel()).tobytes()


def make_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _insert_chunk(png: bytes, name: bytes, data: bytes) -> bytes:
    return png[:33] + make_chunk(name, data) + png[33:]


def _insert_size(png: bytes, width: int, height: int) -> bytes:
    header = struct.pack(">II", width, height) + png[24:29]
    return png[:8] + make_chunk(b"IHDR", header) + png[33:]


def _flip_byte(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
