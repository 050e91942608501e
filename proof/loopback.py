"""A laboratory without namespaces: the servers' logs stand in for the wire, so only what reaches a server is seen."""

import time
from pathlib import Path

from proof.hosts import LEAK_ZONE, SITE_ZONE, VENDOR_ZONES, HostRequest, SiteHost
from proof.laboratory import Laboratory
from proof.network import SINK_ADDRESS, SITE_ADDRESS
from proof.packets import Packet
from proof.site import Site


class ServerLog:
    """Requests at the site's and the attacker's server, in the form of a recording."""

    def __init__(self, site: SiteHost, sink: SiteHost) -> None:
        self._servers = ((site, SITE_ADDRESS), (sink, SINK_ADDRESS))

    def mark(self) -> float:
        """Return the time: a phase begins."""
        return time.monotonic()

    def list_packets(self, start: float, end: float | None = None) -> list[Packet]:
        """Return one outgoing packet for every request from `start` to `end` or now."""
        limit = end or time.monotonic()
        return [
            _make_packet(request, address)
            for server, address in self._servers
            for request in list(server.requests)
            if start <= request.time <= limit
        ]

    def count_lost(self) -> int:
        """Return 0: a server hears all that reaches it, and nothing else."""
        return 0


def open_loopback(site: Site, images: list[Path], scratch: Path) -> tuple[Laboratory, tuple[str, ...]]:
    """Start both servers on the loopback interface; returns the switches that lead Chromium there."""
    host, sink = SiteHost("127.0.0.1", 0), SiteHost("127.0.0.1", 0)
    log = ServerLog(host, sink)
    laboratory = Laboratory(site=site, images=images, scratch=scratch, network=None, capture=log, host=host)
    rules = [f"MAP *.{SITE_ZONE} 127.0.0.1:{host.port}", f"MAP *.{LEAK_ZONE} 127.0.0.1:{sink.port}"]
    rules += [f"MAP {name} ~NOTFOUND" for zone in VENDOR_ZONES for name in (zone, f"*.{zone}")]
    return laboratory, (f"--host-resolver-rules={','.join(rules)}",)


def _make_packet(request: HostRequest, address: str) -> Packet:
    text = f"{request.method} {request.target} HTTP/1.1\r\nHost: {request.host}\r\n"
    return Packet(
        time=request.time,
        outgoing=True,
        kind="data",
        protocol="TCP",
        source="127.0.0.1",
        target=address,
        port=80,
        payload=text.encode(),
    )
