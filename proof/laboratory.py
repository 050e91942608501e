"""The place of the experiments: a wire under observation, the site's host beyond it, and an attacker's zone."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from proof.capture import Capture
from proof.copies import WORKER
from proof.hosts import SITE_ZONE, VENDOR_ZONES, SiteHost, start_marker_port, start_resolver, start_sinks
from proof.network import RESOLVER_ADDRESS, SINK_ADDRESS, SITE_ADDRESS, Network
from proof.packets import Packet, read_dns_name
from proof.site import Site


class Recording(Protocol):
    """What crosses the wire: a Capture, or the servers' logs where there are no namespaces."""

    def mark(self) -> float: ...

    def list_packets(self, start: float, end: float | None = None) -> list[Packet]: ...

    def count_lost(self) -> int: ...


@dataclass(slots=True)
class Laboratory:
    """Everything that the tiers on the wire share."""

    site: Site
    images: list[Path]
    scratch: Path
    network: Network | None
    """None where there is no wire but the loopback interface."""
    capture: Recording
    host: SiteHost

    def has_settled(self, host: str) -> bool:
        """Whether the browser has looked for a newer service worker, as it does some time after a load."""
        if WORKER not in self.site.files:
            return True
        return sum(request.target == f"/{WORKER}" for request in self.host.list_requests(host)) > 1

    def unplug(self) -> None:
        """Pull the wire out."""
        if self.network is not None:
            self.network.unplug()

    def plug(self) -> None:
        """Put the wire in again."""
        if self.network is not None:
            self.network.plug()

    def publish(self, name: str, files: dict[str, bytes]) -> str:
        """Serve a copy under a host name of its own and return its address."""
        host = f"{name}.{SITE_ZONE}"
        self.host.publish(host, lambda: files)
        return f"http://{host}/"

    def copy_images(self, names: Iterable[str], folder: str) -> list[Path]:
        """Return copies of the sample images, in turn, under the given names."""
        place = self.scratch / folder
        place.mkdir(parents=True, exist_ok=True)
        paths = []
        for index, name in enumerate(names):
            source = self.images[index % len(self.images)]
            path = place / f"{name}{source.suffix}"
            path.hardlink_to(_keep_copy(source, place))
            paths.append(path)
        return paths


def open_laboratory(site: Site, images: list[Path], scratch: Path) -> Laboratory:
    """Lay the wire and start the servers; raises NoNamespaceError where that is impossible."""
    network = Network()
    capture = Capture(network)
    network.on_far_side(_start_servers)
    host = network.on_far_side(lambda: SiteHost(SITE_ADDRESS, 80))
    return Laboratory(site=site, images=images, scratch=scratch, network=network, capture=capture, host=host)


def _start_servers() -> None:
    start_marker_port(SITE_ADDRESS)
    start_resolver(RESOLVER_ADDRESS, SITE_ADDRESS, SINK_ADDRESS)
    start_sinks(SINK_ADDRESS)


def _keep_copy(source: Path, place: Path) -> Path:
    """One copy of a sample a folder; the many names are links to it."""
    kept = place / f".{source.name}"
    if not kept.exists():
        kept.write_bytes(source.read_bytes())
    return kept


def is_vendors(packet: Packet) -> bool:
    """Whether a packet is the browser's own lookup, in either direction; the site never asks for these names."""
    name = read_dns_name(packet.payload) if packet.protocol == "UDP" else ""
    return any(name == zone or name.endswith(f".{zone}") for zone in VENDOR_ZONES)


def measure(start: float) -> float:
    """Return the seconds since `start` of the monotonic clock."""
    return time.monotonic() - start
