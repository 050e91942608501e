"""Tell files that are cut off, damaged or ambiguous from whole ones, before a pixel is decoded.

Browsers decode what there is of a cut-off JPEG, GIF or BMP and paint the rest gray; Pillow forgives a PNG whose last
rows are missing. Either would be a wrong image shown calmly, so both hosts walk through the file's structure first
(twin: site_templates/app/engine/header.ts).
"""

from webipred.images.bmp import holds_bmp_rows
from webipred.images.flaw import Flaw
from webipred.images.gif import find_gif_flaw
from webipred.images.jpeg import find_jpeg_flaw
from webipred.images.png import find_png_flaw
from webipred.images.sniff import Format
from webipred.images.webp import find_webp_flaw


def find_flaw(data: bytes, kind: Format) -> Flaw | None:
    """Return what is wrong with the structure of a file; a BMP must have sound headers."""
    match kind:
        case "JPEG":
            return find_jpeg_flaw(data)
        case "GIF":
            return find_gif_flaw(data)
        case "WEBP":
            return find_webp_flaw(data)
        case "BMP":
            return None if holds_bmp_rows(data) else "truncated"
        case "PNG":
            return find_png_flaw(data)
