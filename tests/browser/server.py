"""A plain static host that sends no security headers, as GitHub Pages and most intranets do; files from memory."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PREFIX = "/some/sub-path/"

ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What a host sends for a page that may share memory with threads."""

_TYPES = {"html": "text/html", "js": "text/javascript", "wasm": "application/wasm", "png": "image/png"}


@dataclass
class Host:
    """A running host: its files may be replaced, its requests are listed as method and path."""

    files: dict[str, bytes]
    port: int = 0
    requests: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    """Content types that differ from what the ending says."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with every answer."""
    held: dict[str, threading.Event] = field(default_factory=dict)
    """Files of which only the first half is sent until the event is set."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIX}"


@contextmanager
def run_host(files: Mapping[str, bytes], headers: Mapping[str, str] | None = None) -> Iterator[Host]:
    """Serve `files` below PREFIX until the block ends, with `headers` if they are given (see ISOLATION)."""
    host = Host(files=dict(files), headers=dict(headers or {}))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host.requests.append(f"{self.command} {self.path}")
            path = self.path.removeprefix(PREFIX)
            name = f"{path}index.html" if path.endswith("/") or not path else path
            data = host.files.get(name) if self.path.startswith(PREFIX) else None
            self.send_response(200 if data is not None else 404)
            body = data if data is not None else b"<!doctype html><p>not found"
            ending = name.rpartition(".")[2] if data is not None else "html"
            self.send_header("Content-Type", host.types.get(name, _TYPES.get(ending, "application/octet-stream")))
            self.send_header("Content-Length", str(len(body)))
            for field_name, value in host.headers.items():
                self.send_header(field_name, value)
            self.end_headers()
            half = len(body) // 2 if name in host.held else len(body)
            with suppress(ConnectionError):  # the page may have cancelled
                self.wfile.write(body[:half])
                if half < len(body):
                    self.wfile.flush()
                    host.held[name].wait(timeout=60)
                    self.wfile.write(body[half:])

        def do_POST(self) -> None:
            host.requests.append(f"{self.command} {self.path}")
            self.send_error(405)

        def log_message(self, *arguments: object) -> None:
            """Keep quiet: the requests are in the list."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
