"""Golden vectors: images with the digest of their tensor and the reference's probabilities."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webipred.catalog.entry import CatalogEntry, Sample
from webipred.digests import hash_bytes
from webipred.engine.preprocessor import Preprocessor
from webipred.errors import refuse
from webipred.images.decode import decode_image
from webipred.validate.bundle import GoldenVector
from webipred.validate.reference import ReferenceNetwork, check_probabilities

TOLERANCE = 1e-5
"""Largest difference between two float32 runtimes on one network: measured ≤ 4e-6 on the 14 reference nets."""
MAX_SAMPLE_GOLDENS = 4
DECIMALS = 6
"""Rounding hides the last bits, which differ between processors, in all but about 1 of 250 values."""
PATTERNS = files("webipred.validate") / "patterns"
PATTERN_FORMATS = ("png", "jpg", "webp", "gif")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What turns an image file into probabilities at build time: the shipped wasm and the reference network."""

    entry: CatalogEntry
    program: bytes
    preprocessor: Preprocessor
    network: ReferenceNetwork

    def predict(self, image: bytes, where: str) -> tuple[NDArray[np.float32], tuple[float, ...]]:
        """Return the tensor, float32 (height, width, channels), and the checked probabilities of one image file."""
        pixels = decode_image(image, self.entry.input)
        tensor = self.preprocessor.run(self.program, pixels)
        exclusive = self.entry.task == "classification"
        return tensor, check_probabilities(self.network.run(tensor), exclusive=exclusive, where=where)


def read_sample(sample: Sample, folder: Path, entry_id: str) -> bytes:
    """Return the bytes of a sample; raises FindingsError if the file is missing or not the locked one."""
    path = folder / sample.file
    if not path.is_file():
        raise refuse(
            "E-SAMPLE-FILE",
            f"{entry_id}.samples",
            f"{sample.file} does not exist.",
            "Add the file or the right path.",
        )
    data = path.read_bytes()
    if hash_bytes(data) != sample.sha256:
        raise refuse(
            "E-SAMPLE-SHA256",
            f"{entry_id}.samples",
            f"{sample.file} has sha256 {hash_bytes(data)}, the catalog says {sample.sha256}.",
            "Restore the file, or enter the new digest after looking at the image.",
        )
    return data


def record_goldens(chain: Chain, samples: Sequence[tuple[Sample, bytes]]) -> tuple[GoldenVector, ...]:
    """Record golden vectors from one sample a class (at most four) and the made-up images."""
    chosen = _choose_samples(samples)
    goldens = [_record(chain, f"sample-{i + 1}", data, sample.class_id) for i, (sample, data) in enumerate(chosen)]
    goldens += [_record(chain, name, data, None) for name, data in list_patterns()]
    return tuple(goldens)


def _choose_samples(samples: Sequence[tuple[Sample, bytes]]) -> list[tuple[Sample, bytes]]:
    first_of_class: dict[str, tuple[Sample, bytes]] = {}
    for sample, data in samples:
        first_of_class.setdefault(sample.class_id, (sample, data))
    return list(first_of_class.values())[:MAX_SAMPLE_GOLDENS]


def _record(chain: Chain, name: str, image: bytes, class_id: str | None) -> GoldenVector:
    tensor, probabilities = chain.predict(image, f"{chain.entry.id}, golden vector {name}")
    return GoldenVector(
        name=name,
        image=image,
        image_sha256=hash_bytes(image),
        class_id=class_id,
        tensor_sha256=hash_bytes(tensor.astype("<f4").tobytes()),
        probabilities=tuple(round(value, DECIMALS) for value in probabilities),
        tolerance=TOLERANCE,
    )


def list_patterns() -> list[tuple[str, bytes]]:
    """Return named made-up images of every format that is read, so that the self-test proves every decoder.

    The BMP files, a colour gradient taller than wide and noise wider than tall, exercise resizing; the others are
    committed, made by scripts/make_patterns.py, since their bytes depend on the version of a compression library.
    """
    y, x = np.mgrid[0:150, 0:110]
    gradient = np.stack([x * 255 // 109, y * 255 // 149, (x + y) * 255 // 258], axis=-1).astype(np.uint8)
    noise = _noise_bytes(seed=1, count=64 * 90 * 3).reshape(64, 90, 3)
    made = [("gradient", _encode_bmp(gradient)), ("noise", _encode_bmp(noise))]
    return made + [(f"pattern-{ending}", (PATTERNS / f"pattern.{ending}").read_bytes()) for ending in PATTERN_FORMATS]


def _noise_bytes(seed: int, count: int) -> NDArray[np.uint8]:
    """Numerical Recipes' linear congruential generator modulo 2³², upper byte of each state."""
    state, values = seed, np.empty(count, np.uint8)
    for i in range(count):
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        values[i] = state >> 24
    return values


def _encode_bmp(pixels: NDArray[np.uint8]) -> bytes:
    """Encode RGB pixels (height, width, 3) as a 24-bit BMP: rows bottom up, blue first, padded to four bytes."""
    height, width, _ = pixels.shape
    padding = b"\0" * (-width * 3 % 4)
    rows = b"".join(row.tobytes() + padding for row in pixels[::-1, :, ::-1])
    header = struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54)
    return header + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 2835, 2835, 0, 0) + rows
