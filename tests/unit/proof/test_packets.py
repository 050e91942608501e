"""Frames are read so that nothing with a payload can pass for nothing."""

import struct

from proof.packets import MARKER_PORT, Packet, read_dns_name, read_packet

ETHERNET = b"\0" * 12


def read(body: bytes, ethertype: int = 0x0800) -> Packet:
    return read_packet(ETHERNET + struct.pack(">H", ethertype) + body, time=1.0, outgoing=True)


def make_ipv4(protocol: int, rest: bytes) -> bytes:
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(rest), 0, 0, 64, protocol, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return header + rest


def make_tcp(payload: bytes) -> bytes:
    return struct.pack(">HHIIBBHHH", 40000, 80, 0, 0, 5 << 4, 0x10, 0, 0, 0) + payload


def make_udp(port: int, payload: bytes) -> bytes:
    return struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload


def test_tcp_with_a_payload_is_data() -> None:
    packet = read(make_ipv4(6, make_tcp(b"GET / HTTP/1.1\r\n")))
    assert ("data", "10.0.0.2", 80, b"GET / HTTP/1.1\r\n") == (packet.kind, packet.target, packet.port, packet.payload)


def test_tcp_without_a_payload_is_control_even_when_the_frame_is_padded() -> None:
    assert "tcp" == read(make_ipv4(6, make_tcp(b"")) + b"\0" * 6).kind


def test_a_segment_whose_length_the_card_will_set_keeps_its_payload() -> None:
    frame = bytearray(make_ipv4(6, make_tcp(b"large")))
    frame[2:4] = b"\0\0"
    assert b"large" == read(bytes(frame)).payload


def test_any_datagram_is_data_but_a_marker() -> None:
    kinds = [read(make_ipv4(17, make_udp(port, b"x"))).kind for port in (53, 3478, MARKER_PORT)]
    assert ["data", "data", "marker"] == kinds


def test_neighbour_discovery_is_apart_and_an_echo_is_data() -> None:
    header = struct.pack(">IHBB", 6 << 28, 8, 58, 255) + b"\xfe" * 16 + b"\xff" * 16
    solicitation, echo = (read(header + bytes([kind]) + b"\0" * 7, 0x86DD).kind for kind in (135, 128))
    assert ("icmp", "data") == (solicitation, echo)


def test_what_is_not_understood_counts_as_data() -> None:
    packets = [read(b"\1\2\3", 0x88CC), read(b"\x45"), read(make_ipv4(132, b""))]
    assert ["data", "data", "data"] == [packet.kind for packet in packets]


def test_the_name_of_a_query_is_read_in_lower_case() -> None:
    query = b"\0\1\1\0\0\1\0\0\0\0\0\0\3ABC\4leak\4test\0\0\1\0\1"
    assert "abc.leak.test" == read_dns_name(query)


def test_a_damaged_query_has_no_name() -> None:
    assert "" == read_dns_name(b"\0" * 12 + b"\x09abc")
