"""Read the image archive and split it by patient.

File names are the only patient information there is. `personN_bacteria_M.jpeg` and `personN_virus_M.jpeg`
are grouped by (N, type), because the numbers count per type; `IM-N-…` and `NORMAL2-IM-N-…` by the part up to N.
"""

import hashlib
import io
import random
import re
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CLASSES: Final = ("NORMAL", "PNEUMONIA")
SIDE: Final = 224
TEST_SHARE: Final = 0.20
VALIDATION_SHARE: Final = 0.12
PERSON: Final = re.compile(r"(person\d+_(bacteria|virus))_")
NORMAL: Final = re.compile(r"((?:NORMAL2-)?IM-\d+)-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One image: its member name in the archive, class index, kind (normal, bacteria, virus) and patient group."""

    name: str
    label: int
    kind: str
    group: str
    jpeg: bytes

    def read_gray(self) -> NDArray[np.uint8]:
        """Decode to uint8 (224, 224); the three channels of every image are equal, which is checked."""
        pixels = np.asarray(Image.open(io.BytesIO(self.jpeg)))
        if pixels.shape != (SIDE, SIDE, 3) or np.ptp(pixels, axis=2).any():
            raise ValueError(f"{self.name}: expected 224×224 gray in RGB, got {pixels.shape}")
        return pixels[..., 0]


def describe(name: str) -> tuple[str, str]:
    """Return (group, kind) of a file name."""
    stem = name.rsplit("/", 1)[-1]
    if person := PERSON.match(stem):
        return person[1], person[2]
    if normal := NORMAL.match(stem):
        return normal[1], "normal"
    raise ValueError(f"{name}: no patient number in this name; teach split.py the pattern")


def read_photos(archive: Path) -> tuple[list[Photo], int]:
    """Read all images in name order without byte-identical repeats; also return how many were left out."""
    photos: list[Photo] = []
    seen: dict[bytes, str] = {}
    repeats = 0
    with zipfile.ZipFile(archive) as members:
        for name in sorted(members.namelist()):
            if name.endswith("/"):
                continue
            group, kind = describe(name)
            jpeg = members.read(name)
            known = seen.setdefault(hashlib.sha256(jpeg).digest(), group)
            if known != group:
                raise ValueError(f"{name}: the same bytes belong to {known} and to {group}; merge these groups")
            if any(photo.jpeg == jpeg for photo in photos[-3:]):
                repeats += 1
                continue
            label = CLASSES.index(name.split("/")[0])
            photos.append(Photo(name=name, label=label, kind=kind, group=group, jpeg=jpeg))
    return photos, repeats


def split_by_patient(photos: Sequence[Photo], seed: int) -> Mapping[str, list[Photo]]:
    """Split into test, validation and train, so that no patient group is in two parts.

    Groups of each kind are shuffled and dealt until a part holds its share of the kind's images.
    """
    parts: dict[str, list[Photo]] = {"test": [], "validation": [], "train": []}
    for kind in ("normal", "bacteria", "virus"):
        groups: dict[str, list[Photo]] = defaultdict(list)
        for photo in photos:
            if photo.kind == kind:
                groups[photo.group].append(photo)
        names = sorted(groups)
        random.Random(f"{seed}/{kind}").shuffle(names)  # noqa: S311 (a split, not a secret)
        total = sum(len(members) for members in groups.values())
        dealt = 0
        for name in names:
            share = dealt / total
            part = "test" if share < TEST_SHARE else "validation" if share < TEST_SHARE + VALIDATION_SHARE else "train"
            parts[part] += groups[name]
            dealt += len(groups[name])
    return parts
