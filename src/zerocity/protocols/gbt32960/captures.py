"""Frames out of packet captures: classic pcap and pcapng, TCP streams put together per direction.

Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; TCP reassembly by sequence numbers as RFC
9293 counts them. Reads as it goes; what it keeps is bounded: packets by `MOST_PACKET`, flows by
`MOST_FLOWS` (the longest silent one ends first), data ahead of a hole by `MOST_AHEAD` a flow (then
the hole is given up and the frames behind it are found again).
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from zerocity.errors import InputError
from zerocity.protocols.gbt32960.frames import FrameFault, Skipped, Splitter

MOST_PACKET = 262_144
"""The snapshot length that capture tools use at most."""
MOST_BLOCK = 1 << 24
MOST_FLOWS = 20_000
MOST_AHEAD = 1 << 20
PCAP_MAGICS = {
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
}
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
_NULL, _ETHERNET, _RAW, _LOOP, _SLL, _IPV4, _IPV6, _SLL2 = 0, 1, 101, 108, 113, 228, 229, 276
_OPENING = {_ETHERNET: 14, _SLL: 16, _SLL2: 20, _NULL: 4, _LOOP: 4, _RAW: 0, _IPV4: 0, _IPV6: 0}


class Packet(NamedTuple):
    """A captured packet: when [s since 1970, UTC], how its link frames it, and its bytes."""

    at_s: float
    link: int
    data: bytes


class Segment(NamedTuple):
    """The TCP part of a packet."""

    flow: tuple[bytes, int, bytes, int]
    sequence: int
    opens: bool
    ends: bool
    payload: bytes


class Captured(NamedTuple):
    """A frame, or bytes that are none, of one flow."""

    at_s: float
    flow: str
    found: bytes | Skipped


def captured_frames(stream: BinaryIO) -> Iterator[Captured]:
    """All frames of a capture, in the order in which they became whole; raises `InputError`."""
    flows = Flows()
    at_s = 0.0
    for packet in read_packets(stream):
        at_s = packet.at_s
        segment = tcp_segment(packet)
        if segment is not None:
            for found in flows.add(segment):
                yield Captured(at_s, flow_name(segment.flow), found)
    for flow, found in flows.close():
        yield Captured(at_s, flow_name(flow), found)


def flow_name(flow: tuple[bytes, int, bytes, int]) -> str:
    """Addresses and ports of a flow, readable."""
    source, source_port, target, target_port = flow
    return f"{_address(source)}:{source_port} > {_address(target)}:{target_port}"


def _address(address: bytes) -> str:
    if len(address) == 4:
        return ".".join(map(str, address))
    return "[" + ":".join(address[i : i + 2].hex() for i in range(0, 16, 2)) + "]"


def read_packets(stream: BinaryIO) -> Iterator[Packet]:
    """The packets of a capture; raises `InputError` where it is none or is damaged."""
    magic = stream.read(4)
    if magic in PCAP_MAGICS:
        yield from _classic(stream, *PCAP_MAGICS[magic])
    elif magic == PCAPNG_MAGIC:
        yield from _next_generation(stream)
    else:
        raise InputError("capture", magic.hex() or "nothing", "a pcap or pcapng file")


def _classic(stream: BinaryIO, order: str, unit: float) -> Iterator[Packet]:
    head = _exactly(stream, 20, "its head")
    link = struct.unpack(order + "HHiIII", head)[5] & 0xFFFF
    while record := stream.read(16):
        if len(record) < 16:
            return  # a capture that was cut short while it was written
        seconds, parts, size, _ = struct.unpack(order + "IIII", record)
        if size > MOST_PACKET:
            raise InputError("capture", f"a packet of {size} bytes", f"at most {MOST_PACKET}")
        data = stream.read(size)
        if len(data) < size:
            return
        yield Packet(seconds + parts * unit, link, data)


def _next_generation(stream: BinaryIO) -> Iterator[Packet]:
    order, links = "<", [(0, 1e-6)]
    kind_bytes = PCAPNG_MAGIC
    while len(kind_bytes) == 4:
        size_bytes = _exactly(stream, 4, "the length of a block")
        start = b""
        if kind_bytes == PCAPNG_MAGIC:
            start = _exactly(stream, 4, "the byte order")
            order, links = ("<" if start == b"\x4d\x3c\x2b\x1a" else ">"), []
        size = struct.unpack(order + "I", size_bytes)[0]
        if size < 12 + len(start) or size > MOST_BLOCK or size % 4:
            raise InputError("capture", f"a block of {size} bytes", f"12 to {MOST_BLOCK}")
        body = stream.read(size - 8 - len(start))
        if len(body) < size - 8 - len(start):
            return
        kind = struct.unpack(order + "I", kind_bytes)[0]
        if kind == 1:
            links.append(_interface(body, order))
        elif kind in (2, 6) and (packet := _enhanced(body, order, links, kind)):
            yield packet
        elif kind == 3 and links and len(body) >= 8:
            seen = struct.unpack(order + "I", body[:4])[0]
            yield Packet(0.0, links[0][0], body[4 : 4 + min(seen, len(body) - 8)])
        kind_bytes = stream.read(4)


def _interface(body: bytes, order: str) -> tuple[int, float]:
    """Link type and time unit [s] of an interface description."""
    link, at, unit = struct.unpack(order + "H", body[:2])[0], 8, 1e-6
    while at + 4 <= len(body) - 4:
        code, size = struct.unpack(order + "HH", body[at : at + 4])
        if code == 9 and size == 1:
            raw = body[at + 4]
            unit = 2.0 ** -(raw & 0x7F) if raw & 0x80 else 10.0**-raw
        at += 4 + (size + 3) // 4 * 4
        if code == 0:
            break
    return link, unit


def _enhanced(body: bytes, order: str, links: list[tuple[int, float]], kind: int) -> Packet | None:
    """The packet of an enhanced (6) or of an obsolete (2) packet block."""
    if len(body) < 24:
        return None
    which, high, low, size = struct.unpack(order + "IIII", body[:16])
    if kind == 2:
        which = struct.unpack(order + "H", body[:2])[0]
    if which >= len(links) or size > min(MOST_PACKET, len(body) - 24):
        return None
    link, unit = links[which]
    return Packet((high << 32 | low) * unit, link, body[20 : 20 + size])


def _exactly(stream: BinaryIO, size: int, what: str) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise InputError("capture", f"its end within {what}", f"{size} bytes")
    return data


def tcp_segment(packet: Packet) -> Segment | None:
    """The TCP segment that a packet carries, if any; fragments of IP packets are left out."""
    opening = _OPENING.get(packet.link)
    if opening is None:
        return None
    data, at = packet.data, opening
    if packet.link == _ETHERNET:
        while data[at - 2 : at] in (b"\x81\x00", b"\x88\xa8"):
            at += 4
    data = data[at:]
    if len(data) >= 20 and data[0] >> 4 == 4:
        return _over_ipv4(data)
    if len(data) >= 40 and data[0] >> 4 == 6:
        return _over_ipv6(data)
    return None


def _over_ipv4(data: bytes) -> Segment | None:
    head, size = (data[0] & 15) * 4, data[2] << 8 | data[3]
    fragment = (data[6] & 0x3F) << 8 | data[7]
    if data[9] != 6 or fragment or head < 20:
        return None
    # Hardware that cuts streams itself leaves the size 0; then all that was captured counts.
    return _segment(data[head : size or None], data[12:16], data[16:20])


def _over_ipv6(data: bytes) -> Segment | None:
    following, at = data[6], 40
    while following in (0, 43, 60) and at + 8 <= len(data):
        following, at = data[at], at + 8 + data[at + 1] * 8
    size = data[4] << 8 | data[5]
    if following != 6:
        return None
    return _segment(data[at : 40 + size if size else None], data[8:24], data[24:40])


def _segment(data: bytes, source: bytes, target: bytes) -> Segment | None:
    if len(data) < 20:
        return None
    source_port, target_port, sequence = struct.unpack(">HHI", data[:8])
    start, flags = (data[12] >> 4) * 4, data[13]
    flow = source, source_port, target, target_port
    return Segment(flow, sequence, bool(flags & 2), bool(flags & 5), data[max(start, 20) :])


@dataclass(slots=True)
class _Flow:
    splitter: Splitter = field(default_factory=Splitter)
    due: int | None = None
    ahead: dict[int, bytes] = field(default_factory=dict)
    waiting: int = 0


class Flows:
    """Puts the segments of all flows in order and cuts them into frames."""

    def __init__(self) -> None:
        self._flows: OrderedDict[tuple[bytes, int, bytes, int], _Flow] = OrderedDict()

    def add(self, segment: Segment) -> list[bytes | Skipped]:
        """What a segment makes whole."""
        flow = self._flows.get(segment.flow)
        found: list[bytes | Skipped] = []
        first = segment.sequence + segment.opens & 0xFFFFFFFF
        if flow is None or (segment.opens and flow.due != first):
            found += flow.splitter.close() if flow else []
            flow = self._flows[segment.flow] = _Flow()
        self._flows.move_to_end(segment.flow)
        if flow.due is None:
            flow.due = first
        found += _advance(flow, first, segment.payload)
        if segment.ends and not flow.ahead:
            found += flow.splitter.close()
            del self._flows[segment.flow]
        while len(self._flows) > MOST_FLOWS:
            _, silent = self._flows.popitem(last=False)
            found += silent.splitter.close()
        return found

    def close(self) -> Iterator[tuple[tuple[bytes, int, bytes, int], bytes | Skipped]]:
        """What is left of all flows; holes that nothing filled are given up."""
        for key, flow in self._flows.items():
            while flow.ahead:
                for found in _leap(flow):
                    yield key, found
            for found in flow.splitter.close():
                yield key, found
        self._flows.clear()


def _advance(flow: _Flow, first: int, payload: bytes) -> list[bytes | Skipped]:
    """Take a segment that begins at ``first``: now, later, or not at all (it came before)."""
    found: list[bytes | Skipped] = []
    if payload:
        behind = _distance(flow.due or 0, first)
        if behind < 0:
            payload, behind = payload[-behind:], 0
        if behind and (first not in flow.ahead or len(flow.ahead[first]) < len(payload)):
            flow.waiting += len(payload) - len(flow.ahead.get(first, b""))
            flow.ahead[first] = payload
        elif not behind and payload:
            found += _take(flow, payload)
    while flow.waiting > MOST_AHEAD:
        found += _leap(flow)
    return found


def _take(flow: _Flow, payload: bytes) -> list[bytes | Skipped]:
    """Feed what is due, and what it connects to."""
    found = flow.splitter.feed(payload)
    flow.due = (flow.due or 0) + len(payload) & 0xFFFFFFFF
    while flow.ahead:
        first = min(flow.ahead, key=lambda start: _distance(flow.due or 0, start))
        behind = _distance(flow.due, first)
        if behind > 0:
            break
        later = flow.ahead.pop(first)
        flow.waiting -= len(later)
        if rest := later[-behind:]:
            found += flow.splitter.feed(rest)
            flow.due = flow.due + len(rest) & 0xFFFFFFFF
    return found


def _leap(flow: _Flow) -> list[bytes | Skipped]:
    """Give up the hole before the nearest data that is ahead."""
    first = min(flow.ahead, key=lambda start: _distance(flow.due or 0, start))
    missing = _distance(flow.due or 0, first)
    found: list[bytes | Skipped] = [*flow.splitter.close()]
    found.append(Skipped(0, missing, FrameFault("lost", 0, f"{missing} bytes not captured")))
    flow.splitter, flow.due = Splitter(), first
    later = flow.ahead.pop(first)
    flow.waiting -= len(later)
    return found + _take(flow, later)


def _distance(due: int, first: int) -> int:
    """How far ``first`` is ahead of what is due (negative: behind), modulo 2^32."""
    return (first - due + 0x80000000 & 0xFFFFFFFF) - 0x80000000
