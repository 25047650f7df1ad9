from __future__ import annotations

import io
from itertools import pairwise
from random import Random

import pytest
from captures_made import (
    ETHERNET,
    NULL,
    RAW,
    SLL,
    Part,
    block,
    ethernet,
    ipv4,
    ipv6,
    pcap,
    pcapng,
    tcp,
)
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.protocols.gbt32960 import captures
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.captures import captured_frames
from zerocity.protocols.gbt32960.frames import Command, Skipped
from zerocity.protocols.gbt32960.message_writer import write

FRAMES = [write(f"CAR{i:014}", Command.HEARTBEAT, m.Heartbeat(bytes(i))) for i in range(12)]
STREAM = b"".join(FRAMES)
START = 0xFFFFFFFF - 100  # the sequence numbers begin anew within the stream


def parts(*cuts: int) -> list[Part]:
    edges = [0, *cuts, len(STREAM)]
    return [Part(START + a, STREAM[a:b]) for a, b in pairwise(edges) if b > a]


def frames_of(data: bytes) -> list[bytes | Skipped]:
    return [found.found for found in captured_frames(io.BytesIO(data))]


def on_ethernet(segments: list[Part]) -> list[bytes]:
    return [ethernet(ipv4(tcp(part))) for part in segments]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("make", [pcap, pcapng])
def test_frames_are_found_in_both_formats_and_byte_orders(make: object, order: str) -> None:
    packets = on_ethernet(parts(10, 57, 58, 200))
    assert frames_of(make(packets, order=order)) == FRAMES  # type: ignore[operator]


def test_the_time_is_that_of_the_packet_that_made_the_frame_whole() -> None:
    packets = on_ethernet([Part(0, FRAMES[0][:9]), Part(9, FRAMES[0][9:])])
    for data in (pcap(packets), pcapng(packets)):
        (found,) = captured_frames(io.BytesIO(data))
        assert found.at_s == pytest.approx(1_700_000_001, abs=0.01)
        assert found.flow == "10.0.0.1:40000 > 10.0.0.2:32960"


@pytest.mark.parametrize(
    ("link", "wrap"),
    [
        (ETHERNET, lambda segment: ethernet(ipv4(segment), vlan=True)),
        (ETHERNET, lambda segment: ethernet(ipv6(segment))),
        (RAW, ipv4),
        (RAW, lambda segment: ipv6(segment, hop_by_hop=True)),
        (SLL, lambda segment: bytes(16) + ipv4(segment)),
        (NULL, lambda segment: b"\x02\0\0\0" + ipv4(segment)),
    ],
)
def test_every_usual_link_is_read(link: int, wrap: object) -> None:
    packets = [wrap(tcp(part)) for part in parts(100)]  # type: ignore[operator]
    assert frames_of(pcap(packets, link)) == FRAMES


@given(st.sets(st.integers(1, len(STREAM) - 1), max_size=12), st.randoms(), st.booleans())
def test_segments_out_of_order_repeated_and_overlapping_give_the_same(
    cuts: set[int], random: Random, again: bool
) -> None:
    opening = Part(START - 1, b"", 0x02)
    segments = parts(*sorted(cuts))
    if again:
        segments += random.sample(segments, len(segments) // 2)
        at = random.randrange(len(STREAM))
        segments.append(Part(START + at, STREAM[at : at + 90]))
    random.shuffle(segments)
    assert frames_of(pcap(on_ethernet([opening, *segments]))) == FRAMES


def test_what_was_not_captured_is_told_and_the_rest_is_found() -> None:
    sizes = [len(frame) for frame in FRAMES]
    cut, after = sum(sizes[:3]) + 5, sum(sizes[:4])
    segments = [Part(START, STREAM[:cut]), Part(START + after, STREAM[after:])]
    found = frames_of(pcap(on_ethernet(segments)))
    assert [each for each in found if isinstance(each, bytes)] == FRAMES[:3] + FRAMES[4:]
    rules = [each.fault.rule for each in found if isinstance(each, Skipped)]
    assert rules == ["short", "lost"]


def test_flows_are_kept_apart_and_a_new_connection_begins_anew() -> None:
    one, two = FRAMES[1], FRAMES[2]
    segments = [
        Part(100, one[:8], port=1),
        Part(700, two[:8], port=2),
        Part(108, one[8:], port=1),
        Part(708, two[8:], port=2),
        Part(5_000, b"", 0x02, port=1),
        Part(5_001, two, port=1),
        Part(5_001 + len(two), b"", 0x11, port=1),
        Part(9_000, b"", 0x02, port=1),
        Part(9_001, one, port=1),
    ]
    assert frames_of(pcap(on_ethernet(segments))) == [one, two, two, one]


def test_what_waits_ahead_of_a_hole_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captures, "MOST_AHEAD", 64)
    first, *later = parts(10, 40, 80, 120, 160, 200)
    found = frames_of(pcap(on_ethernet([first, *later[1:]])))
    assert [each.fault.rule for each in found if isinstance(each, Skipped)].count("lost") == 1
    assert FRAMES[-1] in found


def test_the_number_of_flows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captures, "MOST_FLOWS", 2)
    segments = [Part(0, FRAMES[0][:9], port=port) for port in range(1, 9)]
    found = frames_of(pcap(on_ethernet(segments)))
    assert len(found) == 8
    assert all(isinstance(each, Skipped) for each in found)


def test_other_traffic_is_passed_over() -> None:
    packets = [
        ethernet(ipv4(tcp(Part(0, b"x")), protocol=17)),
        ethernet(ipv4(tcp(Part(0, b"x")), fragment=0x2000)),
        b"short",
        bytes(12) + b"\x08\x06" + bytes(40),
        *on_ethernet(parts()),
    ]
    assert frames_of(pcap(packets)) == FRAMES
    assert frames_of(pcap(packets, link=147)) == []


def test_a_capture_that_was_cut_short_gives_what_it_has() -> None:
    for data in (pcap(on_ethernet(parts(100, 200))), pcapng(on_ethernet(parts(100, 200)))):
        found = frames_of(data[:-40])
        assert found[:2] == FRAMES[:2]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nothing of the kind",
        pcap([])[:10],
        pcap([])[:24] + b"\xff" * 16,
        block(0x0A0D0D0A, b"\x4d\x3c\x2b\x1a" + bytes(12)) + b"\x06\0\0\0\x05\0\0\0",
    ],
)
def test_what_is_no_capture_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="capture"):
        frames_of(data)


@given(st.binary(max_size=300), st.booleans())
def test_any_packets_are_survived(noise: bytes, next_generation: bool) -> None:
    data = pcapng([noise]) if next_generation else pcap([ethernet(b"E" + noise)])
    frames_of(data)
