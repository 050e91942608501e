"""Writing a site into a folder, whole or not at all."""

import contextlib
import glob
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

from webipred.errors import refuse
from webipred.site.assembly import Site
from webipred.site.listing import GENERATOR_NAME, MANIFEST_PATH
from webipred.site.table import FileTable

_LEFTOVER_AGE_S = 24 * 3600


def write_site(site: Site, out: Path) -> None:
    """Write `site` to the folder `out`, replacing an earlier site of ours there.

    The files are written beside `out` and flushed to the disk; then two renames swap the folders. After an error
    or an interrupt `out` is as it was and nothing is left beside it. After a kill or a power cut `.<name>.new-…` or
    `.<name>.old-…` may stand beside `out`; a later success removes them once they are a day old. Raises FindingsError
    when `out` is a file, holds anything but an earlier site of ours, or cannot be written.
    """
    target = out.absolute()
    _check_replaceable(target)
    try:
        _replace(site.table, target)
    except OSError as error:
        what = f"the site could not be written ({error.strerror or error}); an earlier one is untouched."
        raise refuse("E-SITE-WRITE", str(target), what, "Make room, or choose another folder with --out.") from error
    _remove_leftovers(target)


def is_built_site(folder: Path) -> bool:
    """Whether `folder` holds a manifest.json of ours; any other content makes no difference."""
    try:
        manifest = json.loads((folder / MANIFEST_PATH).read_bytes())
    except (OSError, ValueError):
        return False
    generator = manifest.get("generator") if isinstance(manifest, dict) else None
    return isinstance(generator, str) and generator.split(" ")[0] == GENERATOR_NAME


def _check_replaceable(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise refuse("E-SITE-OUT", str(target), "is not a folder.", "Name a folder for the site with --out.")
    if target.exists() and any(target.iterdir()) and not is_built_site(target):
        raise refuse(
            "E-SITE-OUT",
            str(target),
            f"is not empty and holds no {MANIFEST_PATH} of an earlier site of webipred; it stays untouched.",
            "Choose another folder with --out, or empty this one yourself.",
        )


def _replace(table: FileTable, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.new-", dir=target.parent))
    try:
        _write_files(table, staging)
        _swap(staging, target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _remove_leftovers(target: Path) -> None:
    """Remove what killed runs left; a day, because a fresh folder may belong to a run that is still going on."""
    limit = time.time() - _LEFTOVER_AGE_S
    for prefix in (f".{target.name}.new-", f".{target.name}.old-"):
        for folder in target.parent.glob(f"{glob.escape(prefix)}*"):
            if folder.is_dir() and not folder.is_symlink() and folder.stat().st_mtime < limit:
                shutil.rmtree(folder, ignore_errors=True)


def _write_files(table: FileTable, folder: Path) -> None:
    for path, data in table:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            stream.write(data)
            file.chmod(0o644)  # whatever the umask: a web server must read it
            stream.flush()
            os.fsync(stream.fileno())
    for directory in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        directory.chmod(0o755)  # mkdtemp makes a private folder, a web server must read it
        _sync_folder(directory)


def _swap(staging: Path, target: Path) -> None:
    if target.exists():
        retired = Path(tempfile.mkdtemp(prefix=f".{target.name}.old-", dir=target.parent))
        earlier = retired / "site"
        try:
            target.rename(earlier)
            staging.rename(target)
        finally:
            if earlier.exists() and not target.exists():
                earlier.rename(target)
            shutil.rmtree(retired, ignore_errors=True)
    else:
        staging.rename(target)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # folders cannot be opened on Windows
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
