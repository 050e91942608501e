"""Reading a built site back: its manifest, and its files, each checked against its digest."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from webipred.digests import hash_bytes
from webipred.errors import refuse
from webipred.site.listing import MANIFEST_PATH, SiteListing
from webipred.site.manifest import BundleManifest, FileRef, SiteManifest
from webipred.site.table import FileTable

_REBUILD = "Build the site again with `webipred-build build`."


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltSite:
    """A built site on the disk; made by `read_site`."""

    folder: Path
    listing: SiteListing

    @property
    def manifest(self) -> SiteManifest:
        return self.listing.site

    def read_file(self, file: FileRef) -> bytes:
        """Return the bytes of `file`; raises FindingsError when they are absent or not the published ones."""
        path = self.folder / file.path
        _check_path(file.path, path)
        try:
            data = path.read_bytes()
        except OSError as error:
            reason = f"cannot be read ({error.strerror})."
            raise refuse("E-SITE-FILE", str(path), reason, _REBUILD) from error
        found = hash_bytes(data)
        if found != file.sha256:
            what = f"is not the file that was built: sha256 {found}, expected {file.sha256}."
            raise refuse("E-SITE-DIGEST", str(path), what, _REBUILD)
        return data

    def read_weights(self, model: BundleManifest) -> bytes:
        """Return the joined weights of `model`, each part and the whole checked against its digest."""
        data = b"".join(self.read_file(part) for part in model.weights_parts)
        found = hash_bytes(data)
        if found != model.weights.sha256:
            what = f"the joined weights have sha256 {found}, expected {model.weights.sha256}."
            raise refuse("E-SITE-DIGEST", f"{self.folder}: model {model.id}", what, _REBUILD)
        return data


def read_site(folder: Path) -> BuiltSite:
    """Return the built site in `folder`; raises FindingsError when there is none or its manifest is not ours."""
    path = folder / MANIFEST_PATH
    try:
        text = path.read_bytes()
    except OSError as error:
        what = f"there is no built site here ({error.strerror})."
        raise refuse("E-SITE-MISSING", str(path), what, "Run `webipred-build build` first.") from error
    try:
        return BuiltSite(folder=folder, listing=SiteListing.model_validate_json(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        what = f"is not a manifest that this version reads: {field}: {first['msg']}."
        raise refuse("E-SITE-MANIFEST", str(path), what, _REBUILD) from error


def _check_path(relative: str, path: Path) -> None:
    FileTable([(relative, b"")])  # a manifest from elsewhere may not lead out of its folder
    if path.is_symlink():
        raise refuse("E-SITE-FILE", str(path), "is a link, not a file.", _REBUILD)
