"""A static server on this machine for looking at a built site, as a host that adds no headers or as policies/ say."""

import posixpath
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urlsplit

from webipred.errors import UsageError
from webipred.site.headers import MEDIA_TYPES, OTHER_TYPE, ServingPolicy, read_serving_policy

MIME_TYPES: Final[Mapping[str, str]] = MappingProxyType({f".{ending}": kind for ending, kind in MEDIA_TYPES.items()})
"""By ending with its dot; the rest is application/octet-stream."""

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


def serve_site(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    prefix: str = "/",
    headers: Mapping[str, str] = _NO_HEADERS,
    policy: ServingPolicy | None = None,
) -> ThreadingHTTPServer:
    """Return a bound server for `folder` under `prefix`; the caller runs serve_forever, shutdown and server_close.

    `port` 0 takes a free one (see `server_port`). GET and HEAD only, index.html for folders, never a listing,
    404.html with status 404 for the rest, no path outside `folder`. `headers` are added to every answer.
    With `policy` each file comes with its headers, and queries are refused as the emitted configurations do.
    Raises UsageError when there is no index.html or the address cannot be used.
    """
    root = folder.resolve()
    if not (root / "index.html").is_file():
        raise UsageError(f"{folder}: there is no index.html here. Run `webipred-build build` first.")
    base = f"/{prefix.strip('/')}/" if prefix.strip("/") else "/"
    handler = partial(_StaticHandler, root=root, base=base, headers=dict(headers), policy=policy)
    try:
        return _PreviewServer((host, port), handler)
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot listen on {host}:{port} ({error}). Choose another address or port.") from error


def read_folder_policy(folder: Path) -> ServingPolicy:
    """Return the policy of the built site in `folder`, from its pages."""
    pages = ((path.relative_to(folder).as_posix(), path.read_bytes()) for path in sorted(folder.rglob("*.html")))
    return read_serving_policy(pages)


class _PreviewServer(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class _StaticHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def __init__(
        self, *args: object, root: Path, base: str, headers: dict[str, str], policy: ServingPolicy | None
    ) -> None:
        self._root, self._base, self._headers, self._policy = root, base, headers, policy
        super().__init__(*args)  # type: ignore[arg-type]  # handed through from socketserver unchanged

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the standard library's
        """Stay silent: only the command line prints."""

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        if self._policy is not None and "?" in self.path:
            self._send(
                HTTPStatus.BAD_REQUEST, b"no query is answered\n", "text/plain", self._find_headers(""), body=body
            )
            return
        file = _find_file(self._root, self._base, path)
        if file is not None and file.is_dir():
            where = {"Location": urlsplit(self.path).path + "/"}
            self._send(HTTPStatus.MOVED_PERMANENTLY, b"", "text/plain", {**self._find_headers(""), **where})
            return
        status = HTTPStatus.OK if file is not None else HTTPStatus.NOT_FOUND
        shown = file or self._root / "404.html"
        try:
            data = shown.read_bytes()
        except OSError:
            data, shown = b"not found\n", Path("missing.txt")
        mime = MIME_TYPES.get(shown.suffix, OTHER_TYPE)
        inside = shown.relative_to(self._root).as_posix() if shown.is_relative_to(self._root) else ""
        self._send(status, data, mime, self._find_headers(inside), body=body)

    def _find_headers(self, path: str) -> dict[str, str]:
        if self._policy is None:
            return {"Cache-Control": "no-cache", **self._headers}  # a preview shows the build of this moment
        named = self._policy.list_headers(path)
        return {**{name: value for name, value in named.items() if name != "Content-Type"}, **self._headers}

    def _send(
        self, status: HTTPStatus, data: bytes, mime: str, headers: Mapping[str, str], *, body: bool = True
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", mime)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


def _find_file(root: Path, base: str, path: str) -> Path | None:
    """Return the file for a decoded request path, the folder when its final slash is missing, or None."""
    if not path.startswith(base) or "\0" in path or "\\" in path:
        return None
    relative = path[len(base) :]
    if relative and posixpath.normpath(relative) != relative.rstrip("/"):
        return None  # '..', '.', '//'
    file = root / relative
    if relative.endswith("/") or not relative:
        file = file / "index.html"
    resolved = file.resolve()
    if not resolved.is_relative_to(root) or not resolved.exists():
        return None
    if resolved.is_dir() and not (resolved / "index.html").is_file():
        return None
    return resolved
