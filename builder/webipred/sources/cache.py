"""The content-addressed cache: a file is in it only whole, verified, and named after its SHA-256."""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from webipred.digests import hash_file
from webipred.errors import refuse

TAG_TEXT: Final = "Signature: 8a477f597d28d172789f06886806bc55\n# Cache of webipred; may be deleted at any time.\n"
KEEP_PARTS_S: Final = 7 * 24 * 3600


class Cache:
    """Files below one folder: `sha256/ab/abcd…` and, while they arrive, `parts/…part`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self.report_faults():
            (folder / "parts").mkdir(parents=True, exist_ok=True)
            tag = folder / "CACHEDIR.TAG"
            if not tag.exists():
                tag.write_text(TAG_TEXT, encoding="utf-8")

    @contextlib.contextmanager
    def report_faults(self) -> Iterator[None]:
        """Turn what the disk refuses inside the block into FindingsError E-CACHE-FOLDER."""
        try:
            yield
        except OSError as error:
            place = error.filename2 or error.filename or self._folder  # of a rename, the target is the second name
            what = f"the folder cannot be used ({error.strerror or error}: {Path(os.fsdecode(place)).name})."
            fix = "Make room or remove what stands there, or give another folder with --cache-dir."
            raise refuse("E-CACHE-FOLDER", str(self._folder), what, fix) from error

    def find(self, sha256: str) -> Path | None:
        """Return the file with that digest, hashed again now; a file that no longer fits its name is removed."""
        path = self._place(sha256)
        if not path.is_file():
            return None
        if hash_file(path) != sha256:
            path.unlink(missing_ok=True)
            return None
        return path

    def add(self, part: Path, sha256: str) -> Path:
        """Move a verified part to its place, durably and atomically; raises FindingsError E-CACHE-FOLDER."""
        path = self._place(sha256)
        with self.report_faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
            part.replace(path)
        with contextlib.suppress(OSError):  # Windows cannot open a folder; there the rename itself is durable
            descriptor = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return path

    def claim_part(self, key: str) -> Path:
        """Return a part file that nobody else writes: what an interrupted transfer left for `key`, or an empty one."""
        self._remove_old_parts()
        mine = self._folder / "parts" / f"{key}.{secrets.token_hex(8)}.part"
        try:
            self._shelf(key).replace(mine)
        except FileNotFoundError:
            mine.touch()
        return mine

    def return_part(self, key: str, part: Path) -> None:
        """Keep an interrupted part so that a later run can resume it."""
        if part.exists():
            part.replace(self._shelf(key))

    def _place(self, sha256: str) -> Path:
        return self._folder / "sha256" / sha256[:2] / sha256

    def _shelf(self, key: str) -> Path:
        return self._folder / "parts" / f"{key}.part"

    def _remove_old_parts(self) -> None:
        oldest = time.time() - KEEP_PARTS_S
        for part in (self._folder / "parts").glob("*.part"):
            with contextlib.suppress(OSError):  # another process may take or remove it at the same time
                if part.stat().st_mtime < oldest:
                    part.unlink()
