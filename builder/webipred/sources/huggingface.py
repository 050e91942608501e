"""Hugging Face: the address of one file of a model repository at one commit."""

from urllib.parse import quote

from webipred.catalog.source import HuggingfaceSource
from webipred.sources.download import RemoteFile


def resolve_huggingface(base: str, source: HuggingfaceSource) -> RemoteFile:
    """Return the file's address; the commit pins its content, so nothing has to be asked."""
    address = f"{base}/{source.repository}/resolve/{source.commit}/{quote(source.file, safe='/')}"
    return RemoteFile(url=address, file=source.file.rsplit("/", 1)[-1])
