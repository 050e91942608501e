"""Makes builder/webipred/validate/patterns/: one small made-up image for each format that is read, beside BMP.

Usage: python scripts/make_patterns.py

The files are committed and never made during a build, since another version of an encoder writes other bytes. Run this
only to change the pattern; every published digest of a self-test changes with it. Nothing in the image is taken from
anywhere: smooth gradients, edges and noise, so that chroma subsampling, filters, loop filters and palettes have work.
"""

from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parents[1] / "builder/webipred/validate/patterns"
WIDTH, HEIGHT = 93, 77
"""Odd, so that blocks, chroma and macroblocks have a remainder."""
MAX_BYTES = 6_000
ORIENTATION, TURNED = 0x0112, 6
"""A browser that turns the JPEG by itself shows it in the self-test."""


def make_pattern(noise: int) -> Image.Image:
    """Return the pattern with noise of ± that many levels."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * 255 // WIDTH, y * 255 // HEIGHT, (np.hypot(x - 46, y - 38) * 9).astype(int) % 256]
    pixels = np.stack(planes, axis=-1)
    pixels[20:50, 30:64] = (220, 40, 60)
    pixels[(x // 6 + y // 6) % 2 == 0] //= 2
    pixels += np.random.default_rng(7).integers(-noise, noise + 1, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write_patterns() -> None:
    """Write the files, and refuse to leave one that is too large to be loaded by every visitor."""
    FOLDER.mkdir(exist_ok=True)
    rough, smooth = make_pattern(8), make_pattern(0)
    smooth.save(FOLDER / "pattern.png", optimize=True)
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    rough.save(FOLDER / "pattern.jpg", quality=80, subsampling="4:2:0", progressive=True, exif=exif)
    rough.save(FOLDER / "pattern.webp", quality=80, method=6)
    smooth.quantize(64, dither=Image.Dither.NONE).save(FOLDER / "pattern.gif")
    for path in sorted(FOLDER.iterdir()):
        size = path.stat().st_size
        print(f"{path.name}: {size} bytes")
        assert size <= MAX_BYTES, path.name


if __name__ == "__main__":
    write_patterns()
