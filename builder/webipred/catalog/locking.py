"""Reads and writes model_catalog.lock: YAML in one fixed form, so that a change shows as a small difference."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from webipred.catalog.entry import CatalogEntry
from webipred.catalog.loading import read_bounded
from webipred.catalog.lock import Lock, LockedFile
from webipred.catalog.reading import read_node
from webipred.catalog.source import FolderSource, Source
from webipred.catalog.yaml_tree import parse_yaml
from webipred.errors import refuse

HEAD: Final = "# Written by `webipred-build lock`: which bytes each remote source stood for. Do not edit it.\n"
# Line separators and invisible marks that JSON leaves as they are but YAML would not.
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


def describe_source(source: Source) -> dict[str, str | int]:
    """Return the source as the lock stores it: the fields that are set."""
    described: dict[str, str | int] = source.model_dump(mode="json", exclude_none=True)
    return described


def needs_lock(entry: CatalogEntry) -> bool:
    """Whether the entry's bytes come from elsewhere and must be pinned."""
    return not isinstance(entry.source, FolderSource)


def is_stale(entry: CatalogEntry, locked: LockedFile) -> bool:
    """Whether the entry's source was changed after it was locked."""
    return locked.source != describe_source(entry.source)


def read_lock(path: Path) -> Lock:
    """Return the lock in `path`, an empty one if there is no such file.

    Raises FindingsError with all its problems (E-YAML-, E-CATALOG-).
    """
    if not path.exists():
        return Lock()
    return parse_lock(read_bounded(path), path.name)


def parse_lock(data: bytes, name: str) -> Lock:
    """Return the lock that `data` holds; `name` names the file in findings."""
    lock, _ = read_node(Lock, parse_yaml(data, name), name)
    return lock


def write_lock(path: Path, lock: Lock) -> None:
    """Replace the lock at once and whole; the same lock gives the same bytes.

    Raises FindingsError E-LOCK-TEXT as `encode_lock` does, E-LOCK-WRITE if the disk refuses it.
    """
    data = encode_lock(lock, path.name)
    try:
        _replace_file(path, data)
    except OSError as error:
        what = f"the lock cannot be written ({error.strerror or error}); an earlier one is untouched."
        raise refuse("E-LOCK-WRITE", str(path), what, "Make room, or allow writing into that folder.") from error


def encode_lock(lock: Lock, name: str) -> bytes:
    """Return the bytes of the lock file; `name` names it in findings.

    Raises FindingsError E-LOCK-TEXT if a text in it, for instance a file name, could not be read again.
    """
    data = render_lock(lock).encode(errors="replace")  # half of a surrogate pair comes back as another name
    if parse_lock(data, name) != lock:
        what = "a name in it does not survive writing and reading."
        raise refuse("E-LOCK-TEXT", name, what, "Choose a file with an ordinary name.")
    return data


def _replace_file(path: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def render_lock(lock: Lock) -> str:
    """Return the text of the lock file: entries by id, fields in the order of the schema, one line each."""
    lines = [f"lock_version: {lock.lock_version}"]
    if not lock.models:
        lines.append("models: {}")
    else:
        lines.append("models:")
        for entry_id in sorted(lock.models):
            lines.append(f"  {_quote(entry_id)}:")
            lines += [f"    {name}: {value}" for name, value in _render_fields(lock.models[entry_id])]
    return HEAD + "\n".join(lines) + "\n"


def _render_fields(locked: LockedFile) -> Iterator[tuple[str, str]]:
    for name, value in locked.model_dump(mode="json", exclude_none=True).items():
        if isinstance(value, dict):
            pairs = ", ".join(f"{_quote(key)}: {_quote(value[key])}" for key in sorted(value))
            yield name, f"{{{pairs}}}"
        else:
            yield name, _quote(value)


def _quote(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    text = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
