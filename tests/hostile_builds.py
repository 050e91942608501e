"""One build over a catalog with many hostile entries and one good one: what was refused, and what was touched."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import JsonValue

from command_line import run_inside
from entries import make_entry_data
from tiny_models import make_colour_network

GOOD = "red-or-blue"
CANARY = b"canary 4d6f7273 of the builder, never to be published"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileCase:
    """One numbered case: how to make its file, the format that its entry claims, and the code of the refusal."""

    name: str
    make: Callable[[], bytes]
    file_format: str
    code: str
    changes: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def entry_id(self) -> str:
        """The id of its entry."""
        return f"case-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileBuild:
    """What a build left: codes of findings per entry, published ids, digests before and after, temporary leftovers."""

    codes: Mapping[str, tuple[str, ...]]
    published: tuple[str, ...]
    touched: tuple[str, ...]
    leftovers: tuple[str, ...]
    site: bytes


def build_hostile(folder: Path, cases: Sequence[HostileCase], *arguments: str) -> HostileBuild:
    """Build a catalog of the cases and one good entry; `folder` also holds a home with a canary."""
    catalog, home, temporary = folder / "catalog", folder / "home", folder / "temporary"
    for place in (catalog, home, temporary):
        place.mkdir(parents=True)
    (home / "secret").write_bytes(CANARY)
    (catalog / "colour.onnx").write_bytes(make_colour_network())
    entries: list[JsonValue] = [make_entry_data(catalog)]
    for case in cases:
        (catalog / case.entry_id).write_bytes(case.make())
        source: JsonValue = {"type": "folder", "path": case.entry_id}
        changes: dict[str, JsonValue] = {"source": source, **case.changes}
        entries.append(make_entry_data(catalog, id=case.entry_id, format=case.file_format, **changes))
    text: JsonValue = {
        "catalog_version": 1,
        "site": {"title": "Test", "operator": "Tests", "languages": ["en"]},
        "policy": {"licenses": {"allow": ["CC0-1.0"]}},
        "models": entries,
    }
    (catalog / "model_catalog.yaml").write_text(yaml.safe_dump(text, sort_keys=False), encoding="utf-8")
    before = hash_files(catalog, home)
    earlier, tempfile.tempdir = tempfile.tempdir, str(temporary)
    try:
        places = (
            "--catalog",
            catalog / "model_catalog.yaml",
            "--cache-dir",
            folder / "cache",
            "--out",
            folder / "dist",
        )
        run_inside("build", *places, "--jobs", "2", "--report", folder / "report.json", *arguments)
    finally:
        tempfile.tempdir = earlier
    return read_build(folder, before)


def read_build(folder: Path, before: Mapping[str, str]) -> HostileBuild:
    """Return what stands in the folder after a build."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    after = hash_files(folder / "catalog", folder / "home")
    outside = [path.name for path in folder.iterdir()]
    known = ["cache", "catalog", "dist", "home", "report.json", "temporary"]
    touched = [*(name for name in {*before, *after} if before.get(name) != after.get(name)), *(set(outside) - {*known})]
    files = [path for path in sorted((folder / "dist").rglob("*")) if path.is_file()]
    return HostileBuild(
        codes={entry["id"]: tuple(finding["code"] for finding in entry["findings"]) for entry in report["entries"]},
        published=tuple(entry["id"] for entry in report["entries"] if entry["status"] == "published"),
        touched=tuple(touched),
        leftovers=tuple(path.name for path in [*(folder / "temporary").iterdir(), *(folder / "cache/parts").iterdir()]),
        site=b"\0".join(path.read_bytes() for path in files),
    )


def hash_files(*folders: Path) -> dict[str, str]:
    """Return the digests of all files below the folders."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
