"""Frames of the captured wire, read just far enough to tell who sent what to whom and whether it carried anything."""

import struct
from dataclasses import dataclass

ETHERNET_BYTES = 14
_ARP, _IPV4, _IPV6 = 0x0806, 0x0800, 0x86DD
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_HOP_BY_HOP = 0
MARKER_PORT = 9
"""UDP "discard": a datagram to it is ours and starts a phase of the recording."""
KEPT_BYTES = 4096
"""So much of a payload is kept for searching; requests are shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One frame: `kind` is arp, icmp, tcp (no payload), data (anything with a payload) or marker."""

    time: float
    """Seconds of the monotonic clock."""
    outgoing: bool
    """Whether the browser's side sent it."""
    kind: str
    protocol: str
    source: str
    target: str
    port: int
    """Destination port; 0 where there is none."""
    payload: bytes

    def describe(self) -> str:
        """Return one line for a report; never shows a payload."""
        where = f"{self.target}:{self.port}" if self.port else self.target
        return f"{self.protocol} {self.source} → {where}, {len(self.payload)} bytes"


def read_packet(frame: bytes, *, time: float, outgoing: bool) -> Packet:
    """Read one Ethernet frame; what is not understood counts as data, so that nothing slips through unread."""
    (ethertype,) = struct.unpack_from(">H", frame, 12) if len(frame) >= ETHERNET_BYTES else (0,)
    body = frame[ETHERNET_BYTES:]

    def make(
        kind: str, protocol: str, source: str = "", target: str = "", port: int = 0, payload: bytes = b""
    ) -> Packet:
        return Packet(
            time=time, outgoing=outgoing, kind=kind, protocol=protocol, source=source, target=target, port=port,
            payload=payload[:KEPT_BYTES],
        )  # fmt: skip

    if ethertype == _ARP:
        return make("arp", "ARP")
    try:
        if ethertype == _IPV4:
            protocol, source, target, rest = _read_ipv4(body)
        elif ethertype == _IPV6:
            protocol, source, target, rest = _read_ipv6(body)
        else:
            return make("data", f"ethertype {ethertype:#06x}", payload=body)
        if protocol in (_ICMP, _ICMPV6):
            is_neighbour = protocol == _ICMPV6 and rest[:1] and rest[0] in range(130, 144)
            return make("icmp" if is_neighbour else "data", "ICMP", source, target, payload=rest)
        if protocol == _TCP:
            port, payload = _read_tcp(rest)
            return make("data" if payload else "tcp", "TCP", source, target, port, payload)
        if protocol == _UDP:
            (port,) = struct.unpack_from(">H", rest, 2)
            return make("marker" if port == MARKER_PORT else "data", "UDP", source, target, port, rest[8:])
    except (struct.error, IndexError):
        return make("data", "damaged", payload=body)
    return make("data", f"IP protocol {protocol}", source, target, payload=rest)


def _read_ipv4(body: bytes) -> tuple[int, str, str, bytes]:
    (total,) = struct.unpack_from(">H", body, 2)
    header = (body[0] & 15) * 4
    end = total or len(body)  # a segment that the card would cut up later has no length yet
    source, target = (".".join(str(byte) for byte in body[at : at + 4]) for at in (12, 16))
    return body[9], source, target, body[header:end]


def _read_ipv6(body: bytes) -> tuple[int, str, str, bytes]:
    source, target = (":".join(f"{body[at + i]:02x}{body[at + i + 1]:02x}" for i in range(0, 16, 2)) for at in (8, 24))
    protocol, rest = body[6], body[40:]
    if protocol == _HOP_BY_HOP:  # multicast listener reports of the kernel carry one
        protocol, rest = rest[0], rest[(rest[1] + 1) * 8 :]
    return protocol, source, target, rest


def _read_tcp(rest: bytes) -> tuple[int, bytes]:
    (port,) = struct.unpack_from(">H", rest, 2)
    return port, rest[(rest[12] >> 4) * 4 :]


def read_dns_name(payload: bytes) -> str:
    """Return the name that a DNS query asks for, lower case; "" if it is none."""
    labels, at = [], 12
    while at < len(payload) and payload[at] and payload[at] < 64:
        labels.append(payload[at + 1 : at + 1 + payload[at]].decode("latin-1"))
        at += payload[at] + 1
    return ".".join(labels).lower() if at < len(payload) else ""
