"""Images and words that exist nowhere else, so that finding one means that it was left behind."""

import random
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 64, 48
_RUN = 24
"""So many pixels in a row make a needle: by chance it is nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One image file and what to look for."""

    file_name: str
    data: bytes
    words: tuple[bytes, ...]
    """Parts of the file's name and of its text, to be searched in ASCII and UTF-16."""
    text: bytes
    """A word of the image's text that its name does not hold."""
    pixels: Mapping[str, bytes]
    """Runs of pixels as they stand in memory: RGB and RGBA."""

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.file_name
        path.write_bytes(self.data)
        return path


def make_canary(seed: int) -> Canary:
    """Return a PNG of noise, named as a DICOM export would be, with a patient's name in its text."""
    noise = random.Random(seed)  # noqa: S311  repeatable, no secret
    mark = "".join(noise.choices("BCDFGHJKLMNPQRSTVWXZ", k=10))
    patient, identity = f"KANARIUS{mark}^Zilpzalp", f"PID{mark[::-1]}"
    rows = [bytes(noise.randrange(256) for _ in range(WIDTH * 3)) for _ in range(HEIGHT)]
    inner = f"BEFUND{mark[::2]}{mark[1::2]}"
    text = b"tEXt", f"Comment\0{patient} {identity} {inner}".encode("latin-1")
    header = b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    pixels = b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 0)
    chunks = b"".join(_write_chunk(kind, body) for kind, body in (header, text, pixels, (b"IEND", b"")))
    run = rows[HEIGHT // 2][: _RUN * 3]
    rgba = b"".join(run[at : at + 3] + b"\xff" for at in range(0, len(run), 3))
    return Canary(
        file_name=f"1.2.840.{seed}.{patient.replace('^', '_')}.{identity}.png",
        data=b"\x89PNG\r\n\x1a\n" + chunks,
        words=(f"KANARIUS{mark}".encode(), identity.encode()),
        text=inner.encode(),
        pixels={"pixels (RGB)": run, "pixels (RGBA)": rgba},
    )


def _write_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
