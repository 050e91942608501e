"""The far side's servers: static hosts for sites, a resolver, and sinks that take whatever an attacker would."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from proof.packets import MARKER_PORT, read_dns_name

SITE_ZONE, LEAK_ZONE = "site.test", "leak.test"
VENDOR_ZONES = ("google.com", "googleapis.com", "gvt1.com", "gstatic.com", "mozilla.org", "mozilla.com", "firefox.com")
"""Where browsers go on their own account; a page's leak to them would be a leak by its name in the table."""
_TYPES = {
    "html": "text/html; charset=utf-8", "js": "text/javascript", "wasm": "application/wasm", "png": "image/png",
    "jpg": "image/jpeg", "svg": "image/svg+xml", "json": "application/json", "webp": "image/webp", "gif": "image/gif",
    "txt": "text/plain; charset=utf-8",
}  # fmt: skip
_TIMEOUT_S = 2
"""Idle connections are closed: an open one sends keep-alive probes, and the wire is no longer silent."""
_SINK_TCP, _SINK_UDP = (80, 443, 3478, 4433, 8080), (443, 3478, 4433, 19302)
_TURN_ALLOCATE = b"\x00\x03"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRequest:
    """One request that reached a site's server."""

    time: float
    host: str
    method: str
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    """Lower-case names."""


class SiteHost:
    """Serves sites from memory, one a host name; sends no security headers unless told to."""

    def __init__(self, address: str, port: int, headers: Mapping[str, str] | None = None) -> None:
        self.requests: list[HostRequest] = []
        self._sites: dict[str, Callable[[], Mapping[str, bytes]]] = {}
        self._headers = dict(headers or {})
        self._server = _Server((address, port), self._make_handler())
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def publish(self, name: str, make: Callable[[], Mapping[str, bytes]]) -> None:
        """Serve what `make` returns under the host name; it is asked at every request."""
        self._sites[name] = make

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def list_requests(self, host: str, start: float = 0.0) -> list[HostRequest]:
        return [request for request in list(self.requests) if request.host == host and request.time >= start]

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        sites, requests, headers = self._sites, self.requests, self._headers

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = _TIMEOUT_S

            def do_GET(self) -> None:
                host = (self.headers.get("Host") or "").partition(":")[0].lower()
                sent = {name.lower(): value for name, value in self.headers.items()}
                request = HostRequest(
                    time=time.monotonic(), host=host, method=self.command, target=self.path, headers=sent
                )
                requests.append(request)
                make = sites.get(host)
                path = self.path.partition("?")[0].lstrip("/")
                name = f"{path}index.html" if not path or path.endswith("/") else path
                data = make().get(name) if make else None
                self._answer(200 if data is not None else 404, name, b"not found" if data is None else data)

            do_POST = do_PUT = do_HEAD = do_OPTIONS = do_GET  # noqa: N815  the names that the library calls

            def _answer(self, status: int, name: str, data: bytes) -> None:
                self.send_response(status)
                kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream") if status == 200 else "text/html"
                for key, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
                    self.send_header(key, value)
                self.send_header("Connection", "close")
                self.end_headers()
                with suppress(OSError):  # the browser may have gone
                    self.wfile.write(data)

            def log_message(self, *arguments: object) -> None:
                """Keep quiet: the requests are in the list."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: browsers drop connections that they opened in advance."""


def start_resolver(address: str, site_address: str, sink_address: str) -> None:
    """Answer for the two zones of the proof; every other name does not exist."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))

    def serve() -> None:
        while True:
            query, sender = server.recvfrom(4096)
            with suppress(OSError, IndexError):
                server.sendto(answer_query(query, site_address, sink_address), sender)

    threading.Thread(target=serve, daemon=True).start()


def answer_query(query: bytes, site_address: str, sink_address: str) -> bytes:
    """Return the DNS answer: an address for type A in the two zones, nothing for other types, else NXDOMAIN."""
    name = read_dns_name(query)
    end = 12 + len(name) + 2
    zone = next((zone for zone in (SITE_ZONE, LEAK_ZONE) if name == zone or name.endswith(f".{zone}")), None)
    is_address = query[end : end + 2] == b"\x00\x01"
    flags = b"\x81\x80" if zone else b"\x81\x83"
    head = query[:2] + flags + b"\x00\x01" + (b"\x00\x01" if zone and is_address else b"\x00\x00") + b"\x00\x00\x00\x00"
    answer = query[12 : end + 4]
    if zone and is_address:
        target = site_address if zone == SITE_ZONE else sink_address
        answer += b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + socket.inet_aton(target)
    return head + answer


def start_marker_port(address: str) -> None:
    """Take the markers of the recording, so that nobody complains about them."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((address, MARKER_PORT))

    def serve() -> None:
        while True:
            receiver.recv(4096)

    threading.Thread(target=serve, daemon=True).start()


def start_sinks(address: str) -> None:
    """Take connections and datagrams on the ports that browsers know; the recording shows what came."""
    for port in _SINK_TCP:
        server = socket.create_server((address, port), backlog=128)
        threading.Thread(target=_serve_sink, args=(server,), daemon=True).start()
    for port in _SINK_UDP:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind((address, port))
        threading.Thread(target=_serve_datagrams, args=(receiver,), daemon=True).start()


def _serve_sink(server: socket.socket) -> None:
    while True:
        connection, _ = server.accept()
        threading.Thread(target=_answer_sink, args=(connection,), daemon=True).start()


def _answer_sink(connection: socket.socket) -> None:
    body = b"/**/"
    headers = "Content-Type: text/javascript\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *"
    head = f"HTTP/1.1 200 OK\r\n{headers}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with connection, suppress(OSError):
        connection.settimeout(_TIMEOUT_S)
        connection.recv(65536)
        connection.sendall(head.encode() + body)


def _serve_datagrams(receiver: socket.socket) -> None:
    while True:
        data, sender = receiver.recvfrom(65536)
        if data[:2] == _TURN_ALLOCATE:  # ask for a password: the client then sends its user name
            attributes = b"\x00\x09\x00\x04\x00\x00\x04\x01\x00\x14\x00\x04sink\x00\x15\x00\x04once"
            with suppress(OSError):
                size = len(attributes).to_bytes(2, "big")
                receiver.sendto(b"\x01\x13" + size + data[4:20] + attributes, sender)
