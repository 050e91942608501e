"""The built site under test, in memory, and the images that it is given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from proof.copies import read_folder, read_manifest

_IMAGES = (".png", ".jpeg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Files by path, the manifest that the page pins, and the model that the proof uses."""

    folder: Path
    files: Mapping[str, bytes]
    build_id: str
    model: str
    classes: tuple[str, ...]

    @property
    def paths(self) -> frozenset[str]:
        """What a browser may ask for, as sent: folders for their index.html."""
        return list_paths(self.files)


def list_paths(files: Iterable[str]) -> frozenset[str]:
    """Return the addresses of files, from the root of their host."""
    return frozenset(f"/{path}".removesuffix("index.html") for path in files)


def read_site(folder: Path, model: str | None = None) -> Site:
    """Read a built site; `model` is an id, by default the one with the smallest input. Raises SiteShapeError."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    manifest = read_manifest(read_folder(files))
    models = manifest["models"]
    if not isinstance(models, list) or not models:
        raise ValueError(f"{folder} publishes no model")
    chosen = min(models, key=lambda item: item["input"]["width"] if model is None else item["id"] != model)
    if model not in (None, chosen["id"]):
        raise ValueError(f"{folder} publishes no model {model!r}")
    classes = tuple(item["id"] for item in chosen["classes"])
    return Site(folder=folder, files=files, build_id=str(manifest["build_id"]), model=chosen["id"], classes=classes)


def find_images(repository: Path, model: str) -> list[Path]:
    """Return the sample images of a demo model, in order; raises ValueError when there are none."""
    folder = repository / "demo_models" / model / "samples"
    found = sorted(path for path in folder.glob("*") if path.suffix in _IMAGES)
    if not found:
        raise ValueError(f"there are no sample images of {model!r} in demo_models/")
    return found
