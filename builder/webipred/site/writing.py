"""Writing a site into a folder, whole or not at all."""

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from webipred.errors import refuse
from webipred.site.assembly import Site
from webipred.site.listing import GENERATOR_NAME, MANIFEST_PATH
from webipred.site.table import FileTable


def write_site(site: Site, out: Path) -> None:
    """Write `site` to the folder `out`, replacing an earlier site of ours there.

    The files are written beside `out` and flushed to the disk; then two renames swap the folders. After an error
    or an interrupt `out` is as it was and nothing is left beside it; after a power cut between the two renames the
    earlier site stands in `.<name>.old-…`. Raises FindingsError when `out` is a file, or holds anything but an
    earlier site of ours.
    """
    target = out.absolute()
    _check_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.new-", dir=target.parent))
    try:
        _write_files(site.table, staging)
        _swap(staging, target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


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


def _write_files(table: FileTable, folder: Path) -> None:
    for path, data in table:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    for directory in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        directory.chmod(0o755)  # mkdtemp makes a private folder, a web server must read it
        _sync_folder(directory)


def _swap(staging: Path, target: Path) -> None:
    retired: Path | None = None
    if target.exists():
        retired = Path(tempfile.mkdtemp(prefix=f".{target.name}.old-", dir=target.parent))
        target.rename(retired / "site")
    try:
        staging.rename(target)
    except BaseException:
        if retired is not None:
            (retired / "site").rename(target)
            retired.rmdir()
        raise
    _sync_folder(target.parent)
    if retired is not None:
        shutil.rmtree(retired, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # folders cannot be opened on Windows
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
