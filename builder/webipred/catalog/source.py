"""Where the weights of an entry come from: one node per type of source."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from webipred.catalog.node import Node, Sha256, Text, describe_unsafe_path, raise_problems

LOOPBACK_HOSTS = frozenset(["localhost", "127.0.0.1", "::1"])

FileName = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class ZenodoSource(Node):
    """A file of a Zenodo record."""

    type: Literal["zenodo"]
    record: Annotated[int, Field(ge=1)]
    """Number of the version record (preferred) or of the concept record; the lock pins the version."""
    file: FileName
    """Exact file name, or a pattern with * and ? that matches exactly one file of the record."""


class HuggingfaceSource(Node):
    """A file of a Hugging Face model repository at one commit."""

    type: Literal["huggingface"]
    repository: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    """owner/name."""
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
    """Full commit, 40 hexadecimal digits; a branch or tag can move and is refused."""
    file: FileName
    """Path of the file inside the repository."""

    @model_validator(mode="after")
    def check_address(self) -> "HuggingfaceSource":
        if describe_unsafe_path(self.file):  # `../main/x` would be another address than that of the commit
            raise_problems([("file", f"{self.file!r} may leave the repository at its commit")])
        if any(set(part) == {"."} for part in self.repository.split("/")):
            raise_problems([("repository", f"{self.repository!r} is no owner/name")])
        return self


class UrlSource(Node):
    """A file at an https address."""

    type: Literal["url"]
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=2000)]
    """https, or http for an address of the own machine (tests)."""

    @model_validator(mode="after")
    def check_url(self) -> "UrlSource":
        parts = urlsplit(self.url)
        if not parts.hostname or parts.port == 0:
            raise_problems([("url", f"{self.url!r} names no host")])
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            raise_problems([("url", f"{self.url!r} is not encrypted; write https")])
        if parts.username is not None or parts.password is not None:
            raise_problems([("url", "a user name or password in an address would be published; remove it")])
        return self


class FolderSource(Node):
    """A file, or a folder that is taken as one archive, beside the catalog."""

    type: Literal["folder"]
    path: Text
    """Relative to the catalog file, with / between its parts; may not leave the catalog's folder."""
    sha256: Sha256 | None = None
    """Expected digest of the file; checked when given. Not for folders."""

    @model_validator(mode="after")
    def check_path(self) -> "FolderSource":
        fault = describe_unsafe_path(self.path)
        raise_problems([("path", fault)] if fault else [])
        return self


Source = Annotated[ZenodoSource | HuggingfaceSource | UrlSource | FolderSource, Field(discriminator="type")]
