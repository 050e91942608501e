"""The made-up images of the self-test: every format, small, and the same pixels wherever a site is built."""

import io

import PIL.Image
import pytest

from webipred.catalog.preprocessing import InputSpec
from webipred.digests import hash_bytes
from webipred.images.decode import decode_image
from webipred.images.sniff import sniff_format
from webipred.validate.goldens import list_patterns

PATTERNS = dict(list_patterns())
PIXELS = {
    "gradient": "6f36b78ca8ad39becd50fbc1190c33704f803c72ffa5fdd4a14a3dcd8508e1f0",
    "noise": "7873f7b400793837ad19996dd83ce52a047d0c650f9c60751eb8a0bbff583ab8",
    "pattern-png": "3e32feace909a98349390c07f0a007d0e80e8582055db354dd5626cafd767008",
    "pattern-jpg": "b4b4e9dc88221d8a0b5d5003953190d0cc5e883a065588541745157089fc2a35",
    "pattern-webp": "4584f13ebfa66227db66be3ff35edab6c2af3e979a80e29746459bb0e25c2319",
    "pattern-gif": "7c446cbcfae5fbb6c976d4ba226973f281d46dd88a9547b6338de115439d1486",
}


def test_there_is_a_pattern_of_every_format_that_is_read() -> None:
    assert {"BMP", "PNG", "JPEG", "WEBP", "GIF"} == {sniff_format(data) for data in PATTERNS.values()}


def test_the_committed_patterns_are_small_since_every_visitor_loads_them() -> None:
    sizes = [len(data) for name, data in PATTERNS.items() if name.startswith("pattern-")]
    assert max(sizes) <= 6_000
    assert sum(sizes) <= 25_000


@pytest.mark.parametrize("name", PIXELS)
def test_a_pattern_has_the_same_pixels_with_every_version_of_the_decoders(name: str) -> None:
    pixels = decode_image(PATTERNS[name], InputSpec(width=8, height=8))
    assert PIXELS[name] == hash_bytes(pixels.tobytes())


def test_the_jpeg_has_what_decoders_differ_in() -> None:
    image = PIL.Image.open(io.BytesIO(PATTERNS["pattern-jpg"]))
    assert image.info["progressive"]
    assert 6 == image.getexif()[0x0112]
    assert b"\x01\x22\x00\x02\x11\x01\x03\x11\x01" in PATTERNS["pattern-jpg"]  # chroma halved in both directions


def test_the_webp_is_lossy() -> None:
    assert b"VP8 " == PATTERNS["pattern-webp"][12:16]
