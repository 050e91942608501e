"""Decoding by the rules of docs/preprocessing.md, against Pillow and the reference's cases."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from webipred.catalog.preprocessing import InputSpec
from webipred.errors import FindingsError
from webipred.images.decode import decode_image

VECTORS = json.loads((Path(__file__).parents[2] / "data/preprocessing_vectors.json").read_text(encoding="utf-8"))
CASES = {case["id"]: case for case in VECTORS["cases"]}
NOISE = numpy.random.default_rng(5).integers(0, 256, (21, 34, 3), dtype=numpy.uint8)

Pixels = NDArray[numpy.uint8]


def rules(**given: str) -> InputSpec:
    return InputSpec.model_validate({"width": 8, "height": 8, **given})


def encode(image: PIL.Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def encode_pixels(pixels: Pixels, kind: str = "PNG", **options: object) -> bytes:
    return encode(PIL.Image.fromarray(pixels), kind, **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def make_png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """Write a PNG by hand, for what Pillow does not write: 16-bit colour, colour keys, lying headers."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    stride = len(rows) // height
    raw = b"".join(b"\0" + rows[y * stride : (y + 1) * stride] for y in range(height))
    body = chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def refusal(data: bytes, **given: str) -> str:
    with pytest.raises(FindingsError) as caught:
        decode_image(data, rules(**given))
    assert 1 == len(caught.value.findings)
    return caught.value.findings[0].code


def as_aucmedi(data: bytes, channels: str) -> Pixels:
    """The loader of AUCMEDI 0.11: convert('RGB'), or the first plane of convert('LA')."""
    image = PIL.Image.open(io.BytesIO(data))
    if channels == "rgb":
        return numpy.asarray(image.convert("RGB"))
    return numpy.asarray(image.convert("LA"))[:, :, :1]


FILES = {
    "png-rgb": encode_pixels(NOISE),
    "png-gray": encode_pixels(NOISE[..., 0]),
    "png-1-bit": encode(PIL.Image.fromarray(NOISE[..., 0]).convert("1"), "PNG"),
    "png-palette": encode(PIL.Image.fromarray(NOISE).quantize(37), "PNG"),
    "png-opaque-alpha": encode(PIL.Image.fromarray(NOISE).convert("RGBA"), "PNG"),
    "png-gamma": make_png(2, 1, 8, 2, b"abcdef", chunk(b"gAMA", struct.pack(">I", 100000))),
    "jpeg-420": encode_pixels(NOISE, "JPEG", quality=70),
    "jpeg-444": encode_pixels(NOISE, "JPEG", subsampling=0),
    "jpeg-progressive": encode_pixels(NOISE, "JPEG", progressive=True),
    "jpeg-gray": encode_pixels(NOISE[..., 0], "JPEG"),
    "jpeg-cmyk": encode(PIL.Image.fromarray(NOISE).convert("CMYK"), "JPEG"),
    "bmp-24": encode_pixels(NOISE, "BMP"),
    "bmp-8": encode_pixels(NOISE[..., 0], "BMP"),
    "webp-lossy": encode_pixels(NOISE, "WEBP"),
    "webp-lossless": encode_pixels(NOISE, "WEBP", lossless=True),
    "gif": encode(PIL.Image.fromarray(NOISE).quantize(40), "GIF"),
}


@pytest.mark.parametrize("channels", ["rgb", "gray"])
@pytest.mark.parametrize("name", FILES)
def test_pixels_are_those_of_the_training_loader(name: str, channels: str) -> None:
    result = decode_image(FILES[name], rules(channels=channels))
    assert numpy.uint8 == result.dtype
    assert numpy.array_equal(as_aucmedi(FILES[name], channels), result)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), colours=st.integers(2, 256))
def test_gray_of_a_palette_is_the_luma_of_its_colours(seed: int, colours: int) -> None:
    pixels = numpy.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=numpy.uint8)
    data = encode(PIL.Image.fromarray(pixels).quantize(colours), "PNG")
    red, green, blue = (decode_image(data, rules())[..., c].astype(int) for c in range(3))
    expected = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    gray = decode_image(data, rules(channels="gray"))
    assert numpy.array_equal(expected[..., None], gray)
    assert numpy.array_equal(as_aucmedi(data, "gray"), gray)


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [PIL.Image.new("L", (9, 9), shade) for shade in (10, 200)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert {10} == set(decode_image(data, rules()).flat)


def test_a_first_frame_smaller_than_the_image_is_refused() -> None:
    data = bytearray(encode(PIL.Image.new("L", (9, 9), 10), "GIF"))
    data[6:8] = struct.pack("<H", 12)
    assert "E-IMAGE-FRAME" == refusal(bytes(data))


# Orientation


def with_orientation(orientation: int, kind: str = "PNG") -> bytes:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    pixels = numpy.array(CASES["exif-orientation-1"]["input"]["data"], numpy.uint8)
    return encode_pixels(pixels, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_turns_the_pixels_when_the_entry_says_so(orientation: int, kind: str) -> None:
    expected = numpy.array(CASES[f"exif-orientation-{orientation}"]["expected"]["data"])[..., None]
    data = with_orientation(orientation, kind)
    assert numpy.array_equal(expected, decode_image(data, rules(channels="gray", exif="apply")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_ignored_by_default(orientation: int) -> None:
    assert (2, 3, 1) == decode_image(with_orientation(orientation), rules(channels="gray")).shape


@pytest.mark.parametrize("orientation", [3, 6])
def test_the_orientation_of_a_jpeg_is_applied_like_pillow_does(orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    data = encode_pixels(NOISE, "JPEG", exif=exif)
    from_pillow = PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(data)))
    assert from_pillow is not None
    assert numpy.array_equal(numpy.asarray(from_pillow), decode_image(data, rules(exif="apply")))


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12"]
)
def test_a_broken_exif_block_means_upright(exif: bytes) -> None:
    data = encode_pixels(NOISE, "JPEG", exif=exif)
    assert numpy.array_equal(decode_image(data, rules()), decode_image(data, rules(exif="apply")))


# Depth


def make_gray16() -> bytes:
    values = numpy.array(CASES["pil-gray16-png-to-rgb"]["input"]["data"], numpy.uint16)
    return encode(PIL.Image.fromarray(values), "PNG")


def test_16_bits_are_refused_by_default() -> None:
    assert "E-IMAGE-BIT-DEPTH" == refusal(make_gray16())


def test_16_bit_gray_saturates_as_pillow_does() -> None:
    expected = numpy.array(CASES["pil-gray16-png-to-rgb"]["expected"]["data"])
    assert numpy.array_equal(expected, decode_image(make_gray16(), rules(bit_depth="saturate")))


def test_16_bit_gray_keeps_its_upper_byte_under_shift() -> None:
    values = numpy.array(CASES["pil-gray16-png-to-rgb"]["input"]["data"])
    result = decode_image(make_gray16(), rules(bit_depth="shift", channels="gray"))
    assert numpy.array_equal((values >> 8)[..., None], result)


@pytest.mark.parametrize("rule", ["saturate", "shift"])
def test_16_bit_colour_keeps_its_upper_byte_as_in_pillow(rule: str) -> None:
    values = numpy.array([[[0, 254, 255], [256, 1000, 4095]], [[32767, 65535, 128], [127, 383, 384]]])
    data = make_png(2, 2, 16, 2, values.astype(">u2").tobytes())
    result = decode_image(data, rules(bit_depth=rule))
    assert numpy.array_equal(values >> 8, result)
    assert numpy.array_equal(as_aucmedi(data, "rgb"), result)


def test_16_bit_colour_is_refused_by_default() -> None:
    assert "E-IMAGE-BIT-DEPTH" == refusal(make_png(1, 1, 16, 2, b"abcdef"))


# Transparency

SEE_THROUGH = numpy.array(CASES["pil-rgba-to-rgb"]["input"]["data"], numpy.uint8)


def test_transparent_pixels_are_refused_by_default() -> None:
    assert "E-IMAGE-ALPHA" == refusal(encode_pixels(SEE_THROUGH))


def test_dropping_alpha_keeps_the_hidden_colours() -> None:
    expected = numpy.array(CASES["pil-rgba-to-rgb"]["expected"]["data"])
    assert numpy.array_equal(expected, decode_image(encode_pixels(SEE_THROUGH), rules(alpha="drop")))


@pytest.mark.parametrize("kind", ["WEBP", "GIF"])
def test_transparency_outside_png_is_refused_in_any_case(kind: str) -> None:
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert "E-IMAGE-ALPHA" == refusal(encode_pixels(SEE_THROUGH, kind, **options), alpha="drop")


def test_a_colour_key_counts_only_where_it_occurs() -> None:
    for key, expected in ((5, "E-IMAGE-ALPHA"), (7, "")):
        data = make_png(3, 1, 8, 0, bytes([4, 5, 6]), chunk(b"tRNS", struct.pack(">H", key)))
        if expected:
            assert expected == refusal(data)
        else:
            assert [4, 5, 6] == decode_image(data, rules(channels="gray")).flatten().tolist()


# Refusals


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"II*\0" + bytes(99), "a TIFF file"),
        (bytes(128) + b"DICM" + bytes(9), "DICOM is not read yet"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "an SVG drawing"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\n <!DOCTYPE html><p>", "a web page"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\0\0\0\x18ftypheic", "a HEIC file"),
        (b"hello", "none of the formats"),
    ],
)
def test_other_files_are_named_for_what_they_look_like(data: bytes, sentence: str) -> None:
    assert "E-IMAGE-FORMAT" == refusal(data)
    with pytest.raises(FindingsError, match=sentence):
        decode_image(data, rules())


def test_an_empty_file_is_refused() -> None:
    assert "E-IMAGE-EMPTY" == refusal(b"")


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (30000, 30000), (2**31 - 1, 2**31 - 1)])
def test_a_header_over_the_pixel_budget_is_refused_before_decoding(width: int, height: int) -> None:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )
    assert "E-IMAGE-TOO-LARGE" == refusal(data)


@pytest.mark.parametrize("name", [name for name in FILES if name != "png-gamma"])
def test_cut_off_files_are_refused(name: str) -> None:
    data = FILES[name]
    codes = {refusal(data[: len(data) * part // 8]) for part in range(1, 8)} | {refusal(data[:-20])}
    assert codes <= {"E-IMAGE-TRUNCATED", "E-IMAGE-BROKEN"}


def test_bytes_after_the_end_of_a_jpeg_do_no_harm() -> None:
    data = FILES["jpeg-420"]
    assert numpy.array_equal(decode_image(data, rules()), decode_image(data + b"trailing \xff\xd8", rules()))


@pytest.mark.parametrize(("bits", "compression"), [(16, 0), (8, 1), (4, 2)])
def test_a_bmp_that_programs_decode_differently_is_refused(bits: int, compression: int) -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, bits, compression, 4, 0, 0, 1, 0)
    data = b"BM" + struct.pack("<IHHI", 62, 0, 0, 58) + header + bytes(8)
    assert "E-IMAGE-FORMAT" == refusal(data)


def test_16_bit_gray_with_alpha_keeps_its_upper_byte_as_in_pillow() -> None:
    values = numpy.array([[0x1234, 0xFFFF], [0x00FF, 0xFFFF], [0x0180, 0xFFFF]])
    data = make_png(3, 1, 16, 4, values.astype(">u2").tobytes())
    assert [0x12, 0x00, 0x01] == decode_image(data, rules(bit_depth="saturate", channels="gray")).flatten().tolist()


@settings(max_examples=300, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(FILES)))
def test_damaged_files_give_pixels_or_one_finding(data: st.DataObject, name: str) -> None:
    damaged = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(2, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = decode_image(bytes(damaged), rules(alpha="drop", bit_depth="shift", exif="apply"))
    except FindingsError as error:
        outcome = error.findings[0].code[:8]
    else:
        outcome = f"{pixels.shape[2]} channels"
    assert outcome in ("3 channels", "E-IMAGE-")
