"""Image files that are damaged, ambiguous or of a rare kind, written by hand: programs disagree about most of them."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from browser.images import HEIGHT, WIDTH, Case, make_chunk, make_pixels, make_png, save

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB_HEADER = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
PALETTE_HEADER = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
END = make_chunk(b"IEND", b"")
PLAIN_MASKS = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)
SCAN = b"\xff\xda"


def list_odd_readable() -> Iterator[Case]:
    """Yield rare files that both sides give the same pixels for."""
    pixels, gray = make_pixels(), make_pixels(1)
    image = Image.fromarray(pixels)
    raw = make_rows(pixels)
    unused = struct.pack(">HHH", 1, 2, 3)
    yield Case("png-many-data-chunks", write_png(RGB_HEADER, raw, piece=7))
    yield Case("png-trailing-bytes", write_png(RGB_HEADER, raw) + bytes(99))
    yield Case("png-key-unused", write_png(RGB_HEADER, raw, (b"tRNS", unused)))
    yield Case("png-key-dropped", write_png(RGB_HEADER, raw, (b"tRNS", pixels[0, 0].astype(">u2").tobytes())), drop())
    yield Case("png-rgb-with-palette", write_png(RGB_HEADER, raw, (b"PLTE", bytes(range(30)))))
    for depth in (1, 2, 4):
        for interlaced in (False, True):
            data = insert(make_png(gray >> (8 - depth), depth, interlaced=interlaced), b"tRNS", b"\0\1")
            yield Case(f"png-{depth}-bit-key-dropped-{interlaced}", data, drop())
    samples = np.random.default_rng(5).integers(0, 65536, (HEIGHT, WIDTH, 4))
    for rule in ("shift", "saturate"):
        rules = {"bit_depth": rule}
        yield Case(f"png-16-rgba-dropped-{rule}", write_deep(samples, 6), rules | drop())
        yield Case(f"png-16-la-dropped-{rule}", write_deep(samples[..., :2], 4), rules | drop())
        yield Case(f"png-16-interlaced-{rule}", make_png(samples[..., :3], 16, interlaced=True), rules)
        yield Case(f"png-16-as-gray-{rule}", write_deep(samples[..., :3], 2), rules | {"channels": "gray"})
    almost = samples.copy()
    almost[..., 3] = 65300
    yield Case("png-16-almost-opaque", write_deep(almost, 6), {"bit_depth": "shift"})
    yield Case("apng", save(image, "png", save_all=True, append_images=[Image.fromarray(255 - pixels)]))
    yield Case("jpeg-trailing-bytes", save(image, "jpeg") + bytes(500))
    yield Case("jpeg-rgb", save(image, "jpeg", keep_rgb=True))
    yield Case("jpeg-411", save(image, "jpeg", subsampling="4:1:1"))
    progressive = save(image, "jpeg", progressive=True, restart_marker_blocks=2)
    yield Case("jpeg-progressive-restarts", progressive)
    yield Case("jpeg-fill-before-end", progressive[:-2] + b"\xff\xff" + progressive[-2:])
    rows = make_bmp_rows()
    yield Case("bmp-top-down", make_bmp(24, 0, rows, height=-HEIGHT))
    yield Case("bmp-core", make_core_bmp(rows))
    opaque = make_bmp_rows(alpha=255)
    yield Case("bmp-32", make_bmp(32, 0, make_bmp_rows(alpha=0)))
    yield Case("bmp-32-fields", make_bmp(32, 3, make_bmp_rows(alpha=0), extra=PLAIN_MASKS))
    yield Case("bmp-32-v4-opaque", make_bmp(32, 3, opaque, extra=PLAIN_MASKS + b"\0\0\0\xff" + bytes(52), header=108))
    yield Case(
        "bmp-32-v4-plain-opaque", make_bmp(32, 0, opaque, extra=PLAIN_MASKS + b"\0\0\0\xff" + bytes(52), header=108)
    )
    yield Case(
        "webp-animated", save(image, "webp", save_all=True, append_images=[Image.new("RGB", image.size)], lossless=True)
    )
    yield Case("gif-local-table", move_gif_table(save(image.quantize(200), "gif")))


def list_odd_unreadable() -> Iterator[Case]:
    """Yield files that one side or the other would decode, to other pixels or none."""
    yield from _list_png()
    yield from _list_jpeg()
    yield from _list_bmp()
    table = 13 + 3 * 256
    gif = save(Image.fromarray(make_pixels()).quantize(200), "gif")
    yield Case("gif-without-table", gif[:10] + b"\x70" + gif[11:13] + gif[table:])
    yield Case("gif-too-large", gif[:6] + b"\xff\xff\xff\xff" + gif[10:])
    for background in (bytes(4), b"\xff\xff\xff\xff"):
        yield Case(f"webp-first-frame-smaller-{background.hex()}", make_small_frame(background))


def _list_png() -> Iterator[Case]:
    pixels, gray = make_pixels(), make_pixels(1)
    raw = make_rows(pixels)
    stream = zlib.compress(raw)
    row = 3 * WIDTH + 1
    for rows in (0, 1, HEIGHT - 1):
        yield Case(f"png-{rows}-rows", write_png(RGB_HEADER, raw[: rows * row]))
    interlaced = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1)
    yield Case("png-interlaced-first-pass-only", write_png(interlaced, raw[: 4 * (1 + 15)]))
    yield Case("png-last-row-cut", write_png(RGB_HEADER, raw[:-1]))
    yield Case("png-too-many-rows", write_png(RGB_HEADER, raw + raw[:row]))
    yield Case("png-bomb", write_png(RGB_HEADER, raw + bytes(50_000_000)))
    yield Case("png-adler-wrong", write_stream(stream[:-4] + bytes(4)))
    yield Case("png-adler-missing", write_stream(stream[:-4]))
    yield Case("png-stream-cut", write_stream(stream[: len(stream) // 2]))
    yield Case("png-stream-with-tail", write_stream(stream + b"tail"))
    parts = make_chunk(b"IDAT", stream[:50]), make_chunk(b"tEXt", b"a\0b"), make_chunk(b"IDAT", stream[50:])
    yield Case("png-data-in-two-runs", PNG_SIGNATURE + make_chunk(b"IHDR", RGB_HEADER) + b"".join(parts) + END)
    yield Case("png-filter-unknown", write_png(RGB_HEADER, b"\x09" + raw[1:]))
    indices = np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 16
    yield Case("png-palette-too-short", write_png(PALETTE_HEADER, make_rows(indices), (b"PLTE", bytes(30))))
    yield Case("png-palette-missing", write_png(PALETTE_HEADER, make_rows(indices)))
    packed = insert(make_png(gray >> 4, 4), b"tEXt", b"a\0b")
    yield Case("png-text-checksum-wrong", packed[:41] + bytes([packed[41] ^ 1]) + packed[42:])
    for depth in (1, 2, 4):
        for is_interlaced in (False, True):
            data = make_png(gray >> (8 - depth), depth, interlaced=is_interlaced)
            yield Case(f"png-{depth}-bit-key-{is_interlaced}", insert(data, b"tRNS", b"\0\1"))
    key = pixels[0, 0].astype(">u2").tobytes()
    yield Case("png-key", write_png(RGB_HEADER, raw, (b"tRNS", key)))
    yield Case("png-key-cut", write_png(RGB_HEADER, raw, (b"tRNS", key[:4])), drop())


def _list_jpeg() -> Iterator[Case]:
    image = Image.fromarray(make_pixels())
    kinds: dict[str, dict[str, object]] = {
        "baseline": {},
        "optimized": {"optimize": True},
        "restarts": {"restart_marker_blocks": 1},
        "420": {"subsampling": 2},
        "progressive": {"progressive": True},
    }
    for name, options in kinds.items():
        data = save(image, "jpeg", quality=90, **options)
        start = data.rindex(SCAN)
        for eighths in (0, 3, 7):
            cut = start + 14 + (len(data) - start - 16) * eighths // 8
            yield Case(f"jpeg-{name}-{eighths}-eighths-then-end", data[:cut].rstrip(b"\xff") + b"\xff\xd9")
    progressive = save(image, "jpeg", progressive=True, quality=90)
    scans = [at for at in range(len(progressive)) if progressive[at : at + 2] == SCAN]
    for kept in range(len(scans)):
        yield Case(f"jpeg-progressive-{kept}-scans", progressive[: scans[kept]] + b"\xff\xd9")
    plain = save(image, "jpeg")
    yield Case("jpeg-reserved-marker", plain[:2] + b"\xff\x01" + plain[2:])


def _list_bmp() -> Iterator[Case]:
    rows, deep = make_bmp_rows(), make_bmp_rows(alpha=0)
    masks = {
        "swapped": (0xFF, 0xFF00, 0xFF0000),
        "10-bit": (0x3FF00000, 0xFFC00, 0x3FF),
        "5-bit": (0x7C00, 0x3E0, 0x1F),
    }
    for name, values in masks.items():
        yield Case(f"bmp-masks-{name}", make_bmp(32, 3, deep, extra=struct.pack("<III", *values)))
    yield Case("bmp-24-fields", make_bmp(24, 3, rows, extra=PLAIN_MASKS))
    yield Case("bmp-alpha-fields", make_bmp(32, 6, deep, extra=PLAIN_MASKS + b"\0\0\0\xff"))
    yield Case("bmp-v4-hidden-alpha", make_bmp(32, 0, deep, extra=PLAIN_MASKS + b"\0\0\0\xff" + bytes(52), header=108))
    yield Case("bmp-jpeg-inside", make_bmp(24, 4, rows))
    yield Case("bmp-16", make_bmp(16, 0, bytes(68 * HEIGHT)))
    yield Case("bmp-2", make_bmp(2, 0, bytes(12 * HEIGHT), extra=bytes(16), colours=4))
    yield Case("bmp-run-lengths", make_bmp(8, 1, b"\x01\x02\0\0" * HEIGHT + b"\0\1", extra=bytes(64), colours=16))
    indices = bytes(36 * HEIGHT)
    yield Case("bmp-palette-too-long", make_bmp(8, 0, indices, extra=bytes(1024), colours=300))
    yield Case("bmp-palette-in-the-pixels", make_bmp(8, 0, indices, extra=bytes(64)))
    yield Case("bmp-offset-0", make_bmp(24, 0, rows, start=0))
    yield Case("bmp-offset-in-header", make_bmp(24, 0, rows, start=50))
    yield Case("bmp-header-unknown", make_bmp(24, 0, rows, header=41, extra=b"\0"))
    yield Case("bmp-width-negative", make_bmp(24, 0, rows, width=-WIDTH))
    yield Case("bmp-too-large", make_bmp(24, 0, rows, width=65535, height=65535))


def drop() -> dict[str, str]:
    return {"alpha": "drop"}


def make_rows(samples: np.ndarray) -> bytes:
    """Return the unfiltered rows of a PNG."""
    return b"".join(b"\0" + row.tobytes() for row in samples)


def write_png(header: bytes, raw: bytes, *extra: tuple[bytes, bytes], piece: int = 1 << 30) -> bytes:
    stream = zlib.compress(raw)
    chunks = [(b"IHDR", header), *extra]
    chunks += [(b"IDAT", stream[at : at + piece]) for at in range(0, len(stream), piece)]
    return PNG_SIGNATURE + b"".join(make_chunk(*chunk) for chunk in chunks) + END


def write_stream(stream: bytes) -> bytes:
    return PNG_SIGNATURE + make_chunk(b"IHDR", RGB_HEADER) + make_chunk(b"IDAT", stream) + END


def write_deep(samples: np.ndarray, colour: int) -> bytes:
    """Return a 16-bit PNG of the colour type."""
    return write_png(struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, colour, 0, 0, 0), make_rows(samples.astype(">u2")))


def insert(png: bytes, kind: bytes, data: bytes) -> bytes:
    return png[:33] + make_chunk(kind, data) + png[33:]


def make_bmp_rows(alpha: int | None = None) -> bytes:
    """Return rows of 24 bits, or of 32 with that alpha."""
    pixels = make_pixels()[::-1, :, ::-1]
    if alpha is None:
        return b"".join(row.tobytes() + bytes(-WIDTH * 3 % 4) for row in pixels)
    return np.dstack([pixels, np.full((HEIGHT, WIDTH), alpha, np.uint8)]).tobytes()


def make_bmp(
    bits: int,
    compression: int,
    rows: bytes,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    header: int = 40,
    extra: bytes = b"",
    colours: int = 0,
    start: int | None = None,
) -> bytes:
    """Return a BMP whose `extra` stands between the first 40 bytes of the header and the pixels."""
    head = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(rows), 0, 0, colours, 0) + extra
    at = 14 + len(head) if start is None else start
    return struct.pack("<2sIHHI", b"BM", at + len(rows), 0, 0, at) + head + rows


def make_core_bmp(rows: bytes) -> bytes:
    head = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24)
    return struct.pack("<2sIHHI", b"BM", 26 + len(rows), 0, 0, 26) + head + rows


def move_gif_table(gif: bytes) -> bytes:
    """Return the GIF with its global colour table as that of the first image."""
    table_end = 13 + 3 * 256
    image = gif.index(b"\x2c", table_end)
    head = gif[:10] + b"\x70" + gif[11:13] + gif[table_end : image + 9]
    return head + b"\x87" + gif[13:table_end] + gif[image + 10 :]


def make_small_frame(background: bytes) -> bytes:
    """Return an animated WebP, without alpha flag, whose frames leave a part of the canvas free."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)

    def three(*values: int) -> bytes:
        return b"".join(value.to_bytes(3, "little") for value in values)

    still = save(Image.fromarray(make_pixels(height=11, width=15)), "webp", lossless=True)[12:]
    frame = chunk(b"ANMF", three(2, 3, 14, 10, 100) + b"\x02" + still)
    canvas = chunk(b"VP8X", b"\x02\0\0\0" + three(WIDTH - 1, HEIGHT - 1))
    body = b"WEBP" + canvas + chunk(b"ANIM", background + b"\0\0") + frame + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body
