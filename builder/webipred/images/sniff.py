"""Find the format of an image file from its bytes; names and media types are never asked."""

from typing import Final, Literal

from webipred.errors import FindingsError, refuse

Format = Literal["PNG", "JPEG", "BMP", "WEBP", "GIF"]

READ_FORMATS: Final = "PNG, JPEG, BMP, WebP and GIF"
TEXT_SAMPLE_BYTES: Final = 1024

_SIGNATURES: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)

_FOREIGN: Final[tuple[tuple[int, bytes, str], ...]] = (
    (128, b"DICM", "a DICOM file"),
    (0, b"II*\x00", "a TIFF file"),
    (0, b"MM\x00*", "a TIFF file"),
    (0, b"II+\x00", "a BigTIFF file"),
    (0, b"MM\x00+", "a BigTIFF file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (0, b"\x1f\x8b", "a gzip file, perhaps a compressed NIfTI volume"),
    (344, b"n+1\x00", "a NIfTI volume"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 file"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL file"),
    (0, b"\xff\x0a", "a JPEG XL file"),
    (4, b"ftypavif", "an AVIF file"),
    (4, b"ftyphei", "a HEIC file"),
    (4, b"ftypmif1", "a HEIF file"),
    (4, b"ftyp", "a video or another MP4-like file"),
    (0, b"\x00\x00\x01\x00", "an icon file"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"\x93NUMPY", "a NumPy array"),
)


def sniff_format(data: bytes) -> Format:
    """Return the format of `data`; raises FindingsError E-IMAGE-EMPTY or E-IMAGE-FORMAT, naming what it looks like."""
    if not data:
        raise refuse("E-IMAGE-EMPTY", "image", "The file is empty.", "Copy or export it again.")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    raise _refuse_foreign(_name_foreign(data))


def _name_foreign(data: bytes) -> str:
    for offset, signature, name in _FOREIGN:
        if data[offset : offset + len(signature)] == signature:
            return name
    text = data[:TEXT_SAMPLE_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML)"
    if b"<svg" in text:
        return "an SVG drawing"
    if text.startswith(b"<?xml"):
        return "an XML file"
    return "none of the formats that are read"


def _refuse_foreign(name: str) -> FindingsError:
    if name == "a DICOM file":
        what = "The file looks like a DICOM file; DICOM is not read yet."
        return refuse(
            "E-IMAGE-FORMAT", "image", what, "Export the image as PNG, with the window that the model expects."
        )
    what = f"The file looks like {name}; {READ_FORMATS} are read."
    return refuse("E-IMAGE-FORMAT", "image", what, "Export the image as PNG.")
