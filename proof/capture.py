"""Recording of every frame on the far end of the wire, with markers that put the phases into the same recording."""

import socket
import struct
import threading
import time
from collections.abc import Iterable

from proof.network import FAR, SITE_ADDRESS, Network
from proof.packets import MARKER_PORT, Packet, read_packet

_ALL_PROTOCOLS, _RAW_PACKETS, _STATISTICS = 0x0003, 263, 6
_BUFFER_BYTES = 64 << 20
_MARK_LIMIT_S = 10.0


class Capture:
    """Frames as they come, from the start to the end of the process."""

    def __init__(self, network: Network) -> None:
        self._packets: list[Packet] = []
        self._arrived = threading.Condition()
        self._marks = 0
        self._socket = network.on_far_side(_open_socket)
        threading.Thread(target=self._read, daemon=True).start()

    def mark(self) -> float:
        """Send a marker over the wire, wait until it was recorded, and return its time: a phase begins."""
        self._marks += 1
        text = f"phase {self._marks}".encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(text, (SITE_ADDRESS, MARKER_PORT))
        with self._arrived:
            found = self._arrived.wait_for(lambda: self._find_mark(text), _MARK_LIMIT_S)
        if found is None:
            raise RuntimeError("the recording does not see its own marker: nothing it says would count")
        return found.time

    def list_packets(self, start: float, end: float | None = None) -> list[Packet]:
        """Return what crossed the wire from `start` to `end` or now, without markers."""
        with self._arrived:
            packets = list(self._packets)
        return [
            packet for packet in packets if packet.kind != "marker" and start <= packet.time <= (end or packet.time)
        ]

    def count_lost(self) -> int:
        """Return how many frames the kernel could not hand over since the last call; must be 0 to believe silence."""
        data = self._socket.getsockopt(_RAW_PACKETS, _STATISTICS, 8)
        return int(struct.unpack("II", data)[1])

    def _find_mark(self, text: bytes) -> Packet | None:
        return next((p for p in reversed(self._packets) if p.kind == "marker" and p.payload == text), None)

    def _read(self) -> None:
        while True:
            frame, address = self._socket.recvfrom(1 << 17)
            outgoing = address[2] != socket.PACKET_OUTGOING  # seen from the far end: what it did not send itself
            packet = read_packet(frame, time=time.monotonic(), outgoing=outgoing)
            with self._arrived:
                self._packets.append(packet)
                self._arrived.notify_all()


def _open_socket() -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    opened.setsockopt(socket.SOL_SOCKET, 33, _BUFFER_BYTES)  # SO_RCVBUFFORCE: beyond the usual limit, as root
    opened.bind((FAR, _ALL_PROTOCOLS))
    return opened


def count_kinds(packets: Iterable[Packet]) -> dict[str, int]:
    """Return how many packets of each kind."""
    counts = dict.fromkeys(("data", "tcp", "arp", "icmp"), 0)
    for packet in packets:
        counts[packet.kind] += 1
    return counts
