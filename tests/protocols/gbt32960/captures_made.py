"""Packet captures for tests, made byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

ETHERNET, RAW, SLL, NULL = 1, 101, 113, 0


class Part(NamedTuple):
    """Payload of one TCP segment at a sequence number."""

    sequence: int
    payload: bytes
    flags: int = 0x18
    port: int = 40_000


def tcp(part: Part) -> bytes:
    sequence = part.sequence & 0xFFFFFFFF
    head = struct.pack(">HHIIBBHHH", part.port, 32_960, sequence, 0, 0x50, part.flags, 0, 0, 0)
    return head + part.payload


def ipv4(segment: bytes, fragment: int = 0, protocol: int = 6) -> bytes:
    addresses = bytes((10, 0, 0, 1, 10, 0, 0, 2))
    size = 20 + len(segment)
    return (
        struct.pack(">BBHHHBBH", 0x45, 0, size, 0, fragment, 64, protocol, 0) + addresses + segment
    )


def ipv6(segment: bytes, hop_by_hop: bool = False) -> bytes:
    body = (b"\x06" + bytes(7) if hop_by_hop else b"") + segment
    following = 0 if hop_by_hop else 6
    return struct.pack(">IHBB", 6 << 28, len(body), following, 64) + bytes(31) + b"\x01" * 1 + body


def ethernet(packet: bytes, vlan: bool = False) -> bytes:
    kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
    # Short Ethernet frames are padded; the IP packet says what counts.
    return (bytes(12) + (b"\x81\x00\x00\x01" if vlan else b"") + kind + packet).ljust(60, b"\0")


def pcap(
    packets: Iterable[bytes], link: int = ETHERNET, order: str = "<", nano: bool = False
) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, link)
    for i, packet in enumerate(packets):
        data += struct.pack(order + "IIII", 1_700_000_000 + i, 500, len(packet), len(packet))
        data += packet
    return data


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body = body.ljust((len(body) + 3) // 4 * 4, b"\0")
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def pcapng(packets: Iterable[bytes], link: int = ETHERNET, order: str = "<") -> bytes:
    head = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    nanoseconds = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)
    data = block(0x0A0D0D0A, head, order)
    data += block(1, struct.pack(order + "HHI", link, 0, 0) + nanoseconds, order)
    for i, packet in enumerate(packets):
        at = (1_700_000_000 + i) * 10**9
        size = len(packet)
        body = struct.pack(order + "IIIII", 0, at >> 32, at & 0xFFFFFFFF, size, size) + packet
        data += block(6, body, order)
        data += block(5, b"statistics", order)
    return data
