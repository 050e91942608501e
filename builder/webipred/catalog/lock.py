"""The lock: which bytes a remote source stood for when a person last looked."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from webipred.catalog.node import Node, Sha256, Slug

Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class LockedFile(Node):
    """One remote file, pinned."""

    source: dict[str, str | int]
    """The entry's source as it was locked; a different source in the catalog makes the lock stale."""
    url: str
    """Address that the bytes came from."""
    record: int | None = None
    """Zenodo: number of the version record that the source resolved to."""
    file: str
    """Name of the file at its origin."""
    size_bytes: Annotated[int, Field(ge=1)]
    """Size in bytes."""
    md5: Md5 | None = None
    """MD5 as the archive states it."""
    sha256: Sha256
    """Our SHA-256 of the bytes."""


class Lock(Node):
    """The content of model_catalog.lock."""

    lock_version: Literal[1] = 1
    """Version of this format."""
    models: dict[Slug, LockedFile] = {}
    """Entry id → pinned file."""
