"""GIF: whether the first frame is all there (GIF89a §18–22)."""

from webipred.images.flaw import Flaw


def find_gif_flaw(data: bytes) -> Flaw | None:
    """Walk over extensions to the first image, which must have a colour table, and to the end of its data blocks."""
    if len(data) < 13:
        return "truncated"
    at = 13 + _color_table_bytes(data[10])
    while at < len(data) and data[at] == 0x21:
        at = _skip_blocks(data, at + 2)
    if at + 10 >= len(data):
        return "truncated"
    if data[at] != 0x2C or not (data[10] | data[at + 9]) & 0x80:
        return "broken"
    at += 11 + _color_table_bytes(data[at + 9])
    return None if _skip_blocks(data, at) <= len(data) else "truncated"


def _color_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(data: bytes, at: int) -> int:
    """Return the position after the zero-length block, beyond the end of the data if there is none."""
    while at < len(data):
        if data[at] == 0:
            return at + 1
        at += data[at] + 1
    return len(data) + 1
