from __future__ import annotations

import io
import json

import pytest
from captures_made import Part, ethernet, ipv4, pcap, pcapng, tcp
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.frames import Command, FrameFault
from zerocity.protocols.gbt32960.message_writer import write
from zerocity.protocols.gbt32960.sources import MOST_LINE, Item, Kind, items, kind_of

ONE, TWO = (write("CAR", Command.HEARTBEAT, m.Heartbeat(bytes(n))) for n in (0, 3))


def read(data: bytes, kind: Kind) -> list[Item]:
    return list(items(io.BufferedReader(io.BytesIO(data)), kind))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (ONE, Kind.RAW),
        (b"$$\x02", Kind.RAW),
        (b"\x00\x01" + ONE, Kind.RAW),
        (ONE.hex().encode(), Kind.HEX),
        (b"\n 0x23 23,02", Kind.HEX),
        (b"\xef\xbb\xbf23 23", Kind.HEX),
        (b'  {"hex": ""}', Kind.JSON),
        (pcap([]), Kind.PCAP),
        (pcap([], order=">", nano=True), Kind.PCAP),
        (pcapng([]), Kind.PCAP),
    ],
)
def test_the_first_bytes_tell_what_a_file_is(head: bytes, kind: Kind) -> None:
    assert kind_of(head) is kind


@pytest.mark.parametrize("head", [b"", b"hello", b"\x00\x01\x02"])
def test_a_file_of_another_kind_is_refused(head: bytes) -> None:
    with pytest.raises(InputError, match="--from"):
        kind_of(head)


def test_hex_lines_may_be_spaced_and_hold_several_frames() -> None:
    spaced = " ".join(f"{byte:02X}" for byte in ONE)
    data = f"{ONE.hex()}\r\n\n{spaced}\n0x{TWO.hex()}{ONE.hex()}\n".encode()
    assert read(data, Kind.HEX) == [
        Item("line 1", ONE),
        Item("line 3", ONE),
        Item("line 4", TWO),
        Item("line 4", ONE),
    ]


def test_a_damaged_line_stays_one_frame() -> None:
    damaged = ONE[:-1] + b"\xaa" + TWO
    assert read(damaged.hex().encode(), Kind.HEX) == [Item("line 1", damaged)]


def test_json_lines_have_a_field_hex() -> None:
    lines = [json.dumps({"hex": ONE.hex(), "more": 1}), "[]", '{"hex": 5}', "{", '{"hex": "zz"}']
    found = read("\n".join(lines).encode(), Kind.JSON)
    assert found[0] == Item("line 1", ONE)
    assert [item.where for item in found[1:]] == ["line 2", "line 3", "line 4", "line 5"]
    assert all(isinstance(item.data, FrameFault) and item.data.rule == "text" for item in found[1:])


def test_raw_bytes_say_where_each_frame_stood() -> None:
    found = read(ONE + b"noise" + TWO + ONE, Kind.RAW)
    offsets = [0, len(ONE), len(ONE) + 5, len(ONE) + 5 + len(TWO)]
    assert [item.where for item in found] == [f"byte {offset}" for offset in offsets]
    assert [found[0].data, found[2].data, found[3].data] == [ONE, TWO, ONE]
    assert isinstance(found[1].data, FrameFault)
    assert "5 bytes skipped" in found[1].data.came


def test_captures_bring_the_time_of_receipt() -> None:
    (found,) = read(pcap([ethernet(ipv4(tcp(Part(1, ONE))))]), Kind.PCAP)
    assert found.data == ONE
    assert found.at_s == pytest.approx(1_700_000_000.0005)


def test_a_line_without_an_end_is_refused() -> None:
    with pytest.raises(InputError, match="line 1"):
        read(b"2" * (MOST_LINE + 1), Kind.HEX)


@given(st.binary(max_size=300), st.sampled_from([Kind.HEX, Kind.JSON, Kind.RAW]))
def test_any_bytes_are_frames_or_faults(data: bytes, kind: Kind) -> None:
    for item in read(data, kind):
        assert isinstance(item.data, bytes | FrameFault)
