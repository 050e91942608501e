"""Catalog entries for tests, as plain dictionaries that a test may change, and their sample images."""

import copy
import io
from pathlib import Path

from PIL import Image
from pydantic import JsonValue

from webipred.catalog.entry import CatalogEntry
from webipred.digests import hash_bytes

RED, BLUE = (220, 30, 40), (20, 40, 230)

_COLOUR_ENTRY: dict[str, JsonValue] = {
    "id": "red-or-blue",
    "version": "1.0.0",
    "status": "published",
    "name": {"en": "Red or blue", "de": "Rot oder blau"},
    "summary": "Tells red images from blue ones.",
    "task": "classification",
    "discipline": "Testing",
    "modality": ["XC"],
    "body_part": "none",
    "source": {"type": "folder", "path": "colour.onnx"},
    "format": "onnx",
    "input": {"width": 8, "height": 8, "channels": "rgb"},
    "preprocessing": [{"op": "resize", "method": "bilinear"}, {"op": "rescale", "divide_by": 255}],
    "classes": [{"id": "red"}, {"id": "blue"}],
    "samples": [],
    "intended_use": "Tests.",
    "out_of_scope": "Patients.",
    "limitations": ["Knows two colours."],
    "license": {"weights": "CC0-1.0", "data": "CC0-1.0"},
}


def encode_png(colour: tuple[int, int, int], size: tuple[int, int] = (20, 16)) -> bytes:
    """Return a PNG of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def write_samples(folder: Path) -> list[JsonValue]:
    """Write one red and one blue image and return their catalog nodes."""
    nodes: list[JsonValue] = []
    for name, colour in (("red", RED), ("blue", BLUE)):
        data = encode_png(colour)
        (folder / f"{name}.png").write_bytes(data)
        nodes.append({"file": f"{name}.png", "class": name, "license": "CC0-1.0", "sha256": hash_bytes(data)})
    return nodes


def make_entry_data(folder: Path, **changes: JsonValue) -> dict[str, JsonValue]:
    """Return the colour entry with its samples in `folder`, changed at the top level."""
    return {**copy.deepcopy(_COLOUR_ENTRY), "samples": write_samples(folder), **changes}


def make_entry(folder: Path, **changes: JsonValue) -> CatalogEntry:
    """Return the colour entry, parsed."""
    return CatalogEntry.model_validate(make_entry_data(folder, **changes))
