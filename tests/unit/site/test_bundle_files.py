"""Tests of webipred.site.bundles; test_bundles.py holds the browser code."""

import base64

import pytest

import bundles
from webipred.site.bundles import publish_bundle, sniff_extension


def test_texts_are_plain_and_in_every_language() -> None:
    manifest = publish_bundle(bundles.make_bundles(bundles.make_catalog())[0], ["en", "de"]).manifest
    assert "One red blood cell per image: parasitized or not. From the Malaria Screener." == manifest.summary["en"]
    assert {"en": "Parasitized", "de": "Befallen"} == manifest.classes[0].label


def test_a_class_without_label_shows_its_id() -> None:
    manifest = publish_bundle(bundles.make_bundles(bundles.make_catalog())[1], ["en", "de"]).manifest
    assert {"en": "effusion", "de": "effusion"} == manifest.classes[0].label


def test_the_program_and_its_digest_are_handed_on() -> None:
    bundle = bundles.make_bundles(bundles.make_catalog())[0]
    preprocessing = publish_bundle(bundle, ["en"]).manifest.preprocessing
    assert bundle.program == base64.b64decode(preprocessing.program)
    assert bundle.preprocessing_sha256 == preprocessing.sha256
    assert len(bundle.entry.preprocessing) <= len(preprocessing.steps)


def test_goldens_keep_class_probabilities_and_tolerance() -> None:
    bundle = bundles.make_bundles(bundles.make_catalog())[0]
    goldens = publish_bundle(bundle, ["en"]).manifest.goldens
    expected = [(g.class_id, list(g.probabilities), g.tolerance, g.image_sha256) for g in bundle.goldens]
    assert expected == [(g.class_id, g.probabilities, g.tolerance, g.image.sha256) for g in goldens]


@pytest.mark.parametrize(
    ("head", "extension"),
    [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff\xe0", "jpg"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"BM\0\0", "bmp"),
        (b"<svg", "bin"),
        (b"", "bin"),
    ],
)
def test_the_ending_follows_the_bytes(head: bytes, extension: str) -> None:
    assert extension == sniff_extension(head)
