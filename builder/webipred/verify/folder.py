"""A folder → SiteCopy: every file below it, hashed in pieces by several threads."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

from webipred.errors import refuse
from webipred.findings import Finding
from webipred.site.listing import SUMS_PATH
from webipred.verify.copy import CopiedFile, SiteCopy, keeps_data
from webipred.verify.sums import DigestList, parse_sums

_PIECE_BYTES = 1 << 20


def read_folder(folder: Path, jobs: int = 2) -> SiteCopy:
    """Return what is below `folder`; links are not followed and become problems E-VERIFY-LINK.

    Files that cannot be read become problems E-VERIFY-READ. Special files (sockets, devices) count as unreadable.
    """
    paths = sorted(_walk(folder), key=lambda path: path.relative_to(folder).as_posix())
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda path: _read_file(folder, path), paths))
    return SiteCopy(
        where=str(folder),
        kind="folder",
        files=MappingProxyType({item.path: item for item in found if isinstance(item, CopiedFile)}),
        problems=tuple(item for item in found if isinstance(item, Finding)),
    )


def read_folder_sums(folder: Path) -> DigestList:
    """Return the digests that SHA256SUMS in `folder` lists; raises FindingsError E-VERIFY-SUMS where there is none."""
    path = folder / SUMS_PATH
    try:
        data = path.read_bytes()
    except OSError as error:
        what = f"cannot be read ({error.strerror}); this is no site of webipred, or not a whole one."
        raise refuse("E-VERIFY-SUMS", str(path), what, "Name the folder of a built site.") from error
    return parse_sums(data, str(path))


def _walk(folder: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(folder):
        links = [name for name in names if (Path(directory) / name).is_symlink()]
        yield from (Path(directory) / name for name in [*files, *links])


def _read_file(folder: Path, path: Path) -> CopiedFile | Finding:
    name = path.relative_to(folder).as_posix()
    if path.is_symlink():
        what = "is a link, not a file; what it leads to may change."
        return Finding(code="E-VERIFY-LINK", where=name, what=what, fix="Put the file itself there.")
    try:
        if not path.is_file():
            raise OSError(None, "not a regular file")
        return _hash_file(name, path)
    except OSError as error:
        what = f"cannot be read ({error.strerror})."
        return Finding(code="E-VERIFY-READ", where=name, what=what, fix="Give this user the right to read it.")


def _hash_file(name: str, path: Path) -> CopiedFile:
    digest, size, pieces = hashlib.sha256(), 0, []
    with path.open("rb") as stream:
        keeps = keeps_data(name, os.fstat(stream.fileno()).st_size)
        while piece := stream.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            if keeps:
                pieces.append(piece)
    data = b"".join(pieces) if keeps else None
    return CopiedFile(path=name, sha256=digest.hexdigest(), size_bytes=size, data=data, answer=None)
