"""ArchiveWriter: zip and tar files whose bytes depend on names and contents only."""

import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from webipred.errors import refuse

ENDINGS: Final = (".zip", ".tar")
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can name."""
_MODE: Final = 0o644


def write_archive(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write `files` (path, bytes) in the given order to `path`, a .zip or .tar by its ending; nothing is compressed,
    because compressors differ from version to version and weights hardly shrink.

    The archive grows beside `path` and takes its name when it is whole. Raises FindingsError E-BUNDLE-WRITE when the
    disk refuses it, ValueError for another ending.
    """
    if path.suffix not in ENDINGS:
        raise ValueError(f"{path}: the ending must be one of {', '.join(ENDINGS)}")
    growing = path.with_name(f".{path.name}.new")
    write = _write_zip if path.suffix == ".zip" else _write_tar
    try:
        write(growing, files)
        growing.replace(path)
    except OSError as error:
        what = f"the archive cannot be written ({error.strerror or error})."
        raise refuse("E-BUNDLE-WRITE", str(path), what, "Make room, or name another file with --out.") from error
    finally:
        growing.unlink(missing_ok=True)  # a half-made archive after a failure or an interrupt


def _write_zip(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = 3  # as on Unix, wherever it is made, so that the mode counts
            entry.external_attr = (0o100000 | _MODE) << 16
            archive.writestr(entry, data)


def _write_tar(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), _MODE  # owner 0, time 0 are the defaults
            archive.addfile(entry, io.BytesIO(data))
