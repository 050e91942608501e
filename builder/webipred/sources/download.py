"""Downloads one file into the cache: streamed, counted, resumed, verified, then renamed."""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from webipred.digests import CHUNK_BYTES, hash_bytes
from webipred.errors import NetworkError, WebipredError, refuse
from webipred.progress import Progress, Transfer
from webipred.sources.cache import Cache
from webipred.sources.connection import REPORT_IT, TRY_LATER, Backoff, Connection, describe_transport, fail

RELOCK: Final = "If this change is known and wanted, run `webipred-build lock` again and look at the difference."


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file at its origin and what is known about it; None where the origin does not say.

    `record` is the number of a Zenodo version record.
    """

    url: str
    file: str
    size_bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None
    record: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedFile:
    """A verified file in the cache."""

    path: Path
    size_bytes: int
    sha256: str


class _Hashing:
    """A part file with running digests."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.restart_digests()
        stream.seek(0)
        while piece := stream.read(CHUNK_BYTES):
            self._count(piece)

    def restart_digests(self) -> None:
        self.size_bytes = 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha256 = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._stream.write(piece)
        self._count(piece)

    def clear(self) -> None:
        self._stream.seek(0)
        self._stream.truncate()
        self.restart_digests()

    def _count(self, piece: bytes) -> None:
        self.size_bytes += len(piece)
        self.md5.update(piece)
        self.sha256.update(piece)


def download(connection: Connection, remote: RemoteFile, cache: Cache, progress: Progress) -> CachedFile:
    """Return the file, verified against every fact that `remote` holds, from its place in the cache.

    Raises NetworkError (E-HTTP-, E-DOWNLOAD-) when the transfer fails and keeps what arrived for the next attempt;
    raises FindingsError (E-SOURCE-SIZE, -MD5, -SHA256, -EMPTY) when the bytes are not those expected and keeps nothing.
    """
    transfer = progress.start(remote.file, remote.size_bytes)
    complete = False
    try:
        with cache.report_faults():
            cached = _download(connection, remote, cache, transfer)
        complete = True
        return cached
    finally:
        transfer.finish(complete=complete)


def _download(connection: Connection, remote: RemoteFile, cache: Cache, transfer: Transfer) -> CachedFile:
    key = hash_bytes(f"{remote.url} {remote.sha256 or remote.md5}".encode(errors="surrogatepass"))[:32]
    part = cache.claim_part(key)
    try:
        with part.open("rb+") as stream:
            hashing = _Hashing(stream)
            resumed = hashing.size_bytes > 0
            _receive_all(connection, remote, hashing, transfer)
            if resumed and _find_mismatch(remote, hashing, connection.where):
                hashing.clear()
                _receive_all(connection, remote, hashing, transfer)
        mismatch = _find_mismatch(remote, hashing, connection.where)
        if mismatch:
            raise mismatch
        sha256 = hashing.sha256.hexdigest()
        return CachedFile(path=cache.add(part, sha256), size_bytes=hashing.size_bytes, sha256=sha256)
    except (NetworkError, KeyboardInterrupt):
        # Only what a digest will judge in the end may be continued later.
        if remote.sha256 or remote.md5:
            cache.return_part(key, part)
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def _receive_all(connection: Connection, remote: RemoteFile, hashing: _Hashing, transfer: Transfer) -> None:
    """Fill the part until it is complete; every interruption continues where it stopped if the server lets us."""
    backoff = Backoff(connection.options, connection.where)
    deadline = connection.options.clock() + connection.options.deadline_s
    validator: str | None = None
    while True:
        start = hashing.size_bytes
        if start and start == remote.size_bytes:
            return
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and validator:
            headers["If-Range"] = validator
        response = connection.open(remote.url, headers, backoff)
        try:
            if _prepare(connection, remote, response, hashing, backoff):
                transfer.reach(hashing.size_bytes)
                validator = _read_validator(response)
                _receive(connection, remote, response, hashing, transfer, deadline)
                if remote.size_bytes is None or hashing.size_bytes >= remote.size_bytes:
                    return
                backoff.pause(f"the transfer ended after {hashing.size_bytes} of {remote.size_bytes} bytes")
        except httpx.TransportError as error:
            backoff.pause(f"the transfer broke off after {hashing.size_bytes} bytes ({describe_transport(error)})")
        finally:
            response.close()


def _prepare(
    connection: Connection, remote: RemoteFile, response: httpx.Response, hashing: _Hashing, backoff: Backoff
) -> bool:
    """Judge status and headers before the body; return whether the body is to be received now."""
    status = response.status_code
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and hashing.size_bytes:
        hashing.clear()
        return False
    if status == httpx.codes.PARTIAL_CONTENT and hashing.size_bytes:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {hashing.size_bytes}-"):
            hashing.clear()
            backoff.pause("the server continued at another place than asked")
            return False
    elif status == httpx.codes.OK:
        if hashing.size_bytes:
            hashing.clear()
        if "html" in response.headers.get("Content-Type", "") and not remote.file.endswith((".html", ".htm")):
            backoff.pause(f"the server sent a web page instead of {remote.file!r}")
            return False
    else:
        what = f"{remote.url!r} answered with status {status} instead of the file."
        raise fail("E-DOWNLOAD-STATUS", connection.where, what, "Check the address; lock the entry again if it moved.")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        what = f"{remote.url!r} came with encoding {encoding!r}, which was not asked for."
        raise fail("E-DOWNLOAD-ENCODING", connection.where, what, REPORT_IT)
    return True


def _receive(
    connection: Connection,
    remote: RemoteFile,
    response: httpx.Response,
    hashing: _Hashing,
    transfer: Transfer,
    deadline: float,
) -> None:
    limit = connection.options.max_bytes if remote.size_bytes is None else remote.size_bytes
    # Pieces are taken as they arrive; collected into larger ones, the last would be lost when the connection breaks.
    for piece in response.iter_raw():
        if hashing.size_bytes + len(piece) > limit:
            what = f"the server sends more than {limit} bytes for {remote.file!r}."
            raise refuse("E-SOURCE-SIZE", connection.where, what, RELOCK)
        if connection.options.clock() > deadline:
            what = f"{remote.file!r} had not arrived after {connection.options.deadline_s:.0f} seconds."
            raise fail("E-DOWNLOAD-SLOW", connection.where, what, TRY_LATER)
        hashing.write(piece)
        transfer.reach(hashing.size_bytes)


def _read_validator(response: httpx.Response) -> str | None:
    etag: str = response.headers.get("ETag", "")
    return None if not etag or etag.startswith("W/") else etag


def _find_mismatch(remote: RemoteFile, hashing: _Hashing, where: str) -> WebipredError | None:
    """Return the refusal if the bytes are not the expected ones."""
    found_md5, found_sha256 = hashing.md5.hexdigest(), hashing.sha256.hexdigest()
    if not hashing.size_bytes:
        return refuse("E-SOURCE-EMPTY", where, f"{remote.file!r} is empty.", "Check the address in the catalog.")
    if remote.size_bytes is not None and hashing.size_bytes != remote.size_bytes:
        what = f"{remote.file!r} has {hashing.size_bytes} bytes, expected were {remote.size_bytes}."
        return refuse("E-SOURCE-SIZE", where, what, RELOCK)
    if remote.sha256 is not None and found_sha256 != remote.sha256:
        what = f"{remote.file!r} has sha256 {found_sha256}, the lock says {remote.sha256}."
        return refuse("E-SOURCE-SHA256", where, what, RELOCK)
    if remote.md5 is not None and found_md5 != remote.md5:
        what = f"{remote.file!r} has md5 {found_md5}, its archive says {remote.md5}."
        return refuse("E-SOURCE-MD5", where, what, "Try again; tell the archive if it repeats.")
    return None
