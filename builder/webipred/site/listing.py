"""SiteListing: the content of manifest.json, and SHA256SUMS."""

from typing import Literal

from webipred.digests import canonical_json, hash_bytes
from webipred.site.manifest import FORMAT_VERSION, FileRef, ManifestNode, SiteManifest
from webipred.site.table import FileTable

MANIFEST_PATH = "manifest.json"
SUMS_PATH = "SHA256SUMS"
GENERATOR_NAME = "webipred"


class SiteListing(ManifestNode):
    """What a built site consists of; also the mark by which a folder is recognised as a site of ours."""

    format_version: Literal[1]
    """Version of this contract."""
    generator: str
    """webipred and its version."""
    build_id: str
    """Same as in `site`."""
    site: SiteManifest
    """What the workspace knows."""
    files: list[FileRef]
    """Every file of the site but manifest.json and SHA256SUMS, ordered by path."""


def list_site(manifest: SiteManifest, table: FileTable) -> SiteListing:
    """Return the listing of a site whose other files are in `table`."""
    return SiteListing(
        format_version=FORMAT_VERSION,
        generator=manifest.generator,
        build_id=manifest.build_id,
        site=manifest,
        files=list(table.list_files()),
    )


def write_listing(listing: SiteListing) -> bytes:
    """Return manifest.json: one canonical JSON text with a final line feed."""
    return canonical_json(listing.model_dump(mode="json")) + b"\n"


def write_sums(table: FileTable) -> bytes:
    """Return SHA256SUMS for `sha256sum --check`, every file of `table` in order."""
    lines = [f"{hash_bytes(data)}  {path}\n" for path, data in table]
    return "".join(lines).encode()


def complete_table(manifest: SiteManifest, table: FileTable) -> FileTable:
    """Return `table` with manifest.json and then SHA256SUMS over all of it."""
    listed = FileTable([*table, (MANIFEST_PATH, write_listing(list_site(manifest, table)))])
    return FileTable([*listed, (SUMS_PATH, write_sums(listed))])
