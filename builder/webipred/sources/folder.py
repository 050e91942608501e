"""A file beside the catalog, or a folder that becomes one zip archive: the same files give the same bytes."""

import os
import shutil
import unicodedata
import zipfile
from pathlib import Path
from typing import BinaryIO, Final

from webipred.catalog.source import FolderSource
from webipred.digests import hash_bytes, hash_file
from webipred.errors import FindingsError, refuse
from webipred.findings import Finding
from webipred.sources.cache import Cache
from webipred.sources.download import CachedFile
from webipred.sources.unpacking import describe_unsafe_name

EARLIEST_DATE: Final = (1980, 1, 1, 0, 0, 0)
FILE_MODE: Final = 0o100644 << 16


def store_folder(source: FolderSource, catalog_folder: Path, cache: Cache, max_bytes: int, where: str) -> CachedFile:
    """Copy the file, or pack the folder, into the cache and return it.

    Raises FindingsError: E-FOLDER-MISSING, -LINK, -KIND, -NAME, -EMPTY, -SIZE, E-SOURCE-SHA256.
    """
    path = catalog_folder / source.path
    if not path.exists():
        what = f"{source.path!r} does not exist beside the catalog."
        raise refuse("E-FOLDER-MISSING", where, what, "Correct the path; it is relative to the catalog file.")
    _refuse_escape(path, catalog_folder, source.path, where)
    if path.is_dir() and source.sha256 is not None:
        raise refuse("E-FOLDER-KIND", where, f"{source.path!r} is a folder; sha256 is for files.", "Remove sha256.")
    files = _list_files(path, source.path, where) if path.is_dir() else []
    total = sum(file.stat().st_size for _, file in files) if files else path.stat().st_size
    if total > max_bytes:
        what = f"{source.path!r} has {total} bytes, the limit is {max_bytes}."
        raise refuse("E-FOLDER-SIZE", where, what, "Publish a smaller model.")
    part = cache.claim_part(hash_bytes(f"folder {source.path}".encode())[:32])
    try:
        with part.open("wb") as stream:
            _pack(files, stream) if files else _copy(path, source.path, stream, where)
        sha256 = hash_file(part)
        if source.sha256 is not None and sha256 != source.sha256:
            what = f"{source.path!r} has sha256 {sha256}, the catalog says {source.sha256}."
            fix = "Restore the file, or correct sha256 if the change is wanted."
            raise refuse("E-SOURCE-SHA256", where, what, fix)
        size = part.stat().st_size
        return CachedFile(path=cache.add(part, sha256), size_bytes=size, sha256=sha256)
    finally:
        part.unlink(missing_ok=True)


def _refuse_escape(path: Path, root: Path, shown: str, where: str) -> None:
    if not path.resolve().is_relative_to(root.resolve()):
        what = f"{shown!r} is a link that leaves the catalog's folder."
        raise refuse("E-FOLDER-LINK", where, what, "Copy the files below the catalog instead.")


def _list_files(folder: Path, shown: str, where: str) -> list[tuple[str, Path]]:
    """Return (member name, file) pairs by name; every entry must be an ordinary file inside the folder."""
    files: dict[str, Path] = {}
    findings: list[Finding] = []
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(parent, name)
            member = unicodedata.normalize("NFC", path.relative_to(folder).as_posix())
            code, problem = _judge_file(path, folder, member)
            if problem:
                fix = "Remove it from the folder, or replace it by a file."
                findings.append(Finding(code=code, where=where, what=f"{shown}/{member}: {problem}.", fix=fix))
            elif not path.is_dir():
                files[member] = path
    if findings:
        raise FindingsError(sorted(findings, key=str))
    if not files:
        raise refuse("E-FOLDER-EMPTY", where, f"{shown!r} holds no file.", "Put the model's files into it.")
    return sorted(files.items())


def _judge_file(path: Path, folder: Path, member: str) -> tuple[str, str | None]:
    if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(folder.resolve())):
        return "E-FOLDER-LINK", "a link to a folder, or out of the folder, is not followed"
    if not path.is_dir() and not path.is_file():
        return "E-FOLDER-KIND", "it is not an ordinary file"
    return "E-FOLDER-NAME", describe_unsafe_name(member)


def _pack(files: list[tuple[str, Path]], stream: BinaryIO) -> None:
    """Write a stored zip without times or owners; compression would differ between versions of zlib."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for member, path in files:
            info = zipfile.ZipInfo(member, EARLIEST_DATE)
            info.create_system = 3
            info.external_attr = FILE_MODE
            info.file_size = path.stat().st_size
            with path.open("rb") as content, archive.open(info, "w") as target:
                shutil.copyfileobj(content, target)


def _copy(path: Path, shown: str, stream: BinaryIO, where: str) -> None:
    if not path.is_file():
        raise refuse("E-FOLDER-KIND", where, f"{shown!r} is not an ordinary file.", "Put a file or a folder there.")
    with path.open("rb") as content:
        shutil.copyfileobj(content, stream)
