"""A file at an https address, named after the last part of its path."""

from urllib.parse import unquote, urlsplit

from webipred.catalog.source import UrlSource
from webipred.sources.download import RemoteFile


def resolve_url(source: UrlSource) -> RemoteFile:
    """Return the file behind the address; its size and digests are only known after the first download."""
    name = unquote(urlsplit(source.url).path).rsplit("/", 1)[-1]
    return RemoteFile(url=source.url, file=name or "download")
