"""Damaged and ambiguous files are refused by their structure; rare but sound ones are read as Pillow reads them."""

import io

import numpy
import PIL.Image
import pytest

from browser.images import HEIGHT, WIDTH, Case, make_pixels, save
from browser.odd_images import list_odd_readable, list_odd_unreadable
from webipred.catalog.preprocessing import InputSpec
from webipred.errors import FindingsError
from webipred.images.decode import decode_image
from webipred.images.jpeg import stuff_scans

DAMAGED = {"E-IMAGE-TRUNCATED", "E-IMAGE-BROKEN"}
EXPECTED = {
    "bmp-masks": {"E-IMAGE-FORMAT"},
    "bmp-24-fields": {"E-IMAGE-FORMAT"},
    "bmp-alpha-fields": {"E-IMAGE-FORMAT"},
    "bmp-v4-hidden-alpha": {"E-IMAGE-ALPHA"},
    "bmp-jpeg-inside": {"E-IMAGE-FORMAT"},
    "bmp-16": {"E-IMAGE-FORMAT"},
    "bmp-2": {"E-IMAGE-FORMAT"},
    "bmp-run-lengths": {"E-IMAGE-FORMAT"},
    "bmp-too-large": {"E-IMAGE-TOO-LARGE"},
    "gif-too-large": {"E-IMAGE-TOO-LARGE"},
    "webp-first-frame-smaller": {"E-IMAGE-FRAME"},
    "png-key-cut": DAMAGED,
    "png-key": {"E-IMAGE-ALPHA"},
    "png-1-bit-key": {"E-IMAGE-ALPHA"},
    "png-2-bit-key": {"E-IMAGE-ALPHA"},
    "png-4-bit-key": {"E-IMAGE-ALPHA"},
}


def make_rules(case: Case) -> InputSpec:
    return InputSpec.model_validate({"width": WIDTH, "height": HEIGHT, **case.rules})


@pytest.mark.parametrize("case", list(list_odd_unreadable()), ids=lambda case: case.name)
def test_a_damaged_or_ambiguous_file_is_refused(case: Case) -> None:
    with pytest.raises(FindingsError) as refusal:
        decode_image(case.data, make_rules(case))
    codes = next((codes for name, codes in EXPECTED.items() if case.name.startswith(name)), DAMAGED)
    assert {refusal.value.findings[0].code} <= codes


@pytest.mark.parametrize("case", [c for c in list_odd_readable() if "16" not in c.name], ids=lambda case: case.name)
def test_a_rare_file_gives_the_pixels_that_pillow_gives(case: Case) -> None:
    image = PIL.Image.open(io.BytesIO(case.data)).convert("RGB")
    assert numpy.array_equal(numpy.asarray(image), decode_image(case.data, make_rules(case)))


def test_bytes_after_the_coded_data_of_each_scan_do_not_change_a_whole_jpeg() -> None:
    data = save(PIL.Image.fromarray(make_pixels()), "jpeg", progressive=True)
    stuffed = stuff_scans(data)
    assert len(data) + 64 * data.count(b"\xff\xda") == len(stuffed)
    assert PIL.Image.open(io.BytesIO(data)).tobytes() == PIL.Image.open(io.BytesIO(stuffed)).tobytes()
