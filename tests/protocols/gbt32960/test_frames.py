from __future__ import annotations

import pickle
from functools import reduce
from operator import xor

import pytest
from frames_made import VIN
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import (
    HEAD,
    LONGEST,
    LONGEST_UNIT,
    Command,
    Encryption,
    Frame,
    FrameFault,
    Response,
    Skipped,
    Splitter,
    check_byte,
    mask_vin,
    read_frame,
    write_frame,
)

FRAMES = st.builds(
    Frame,
    st.sampled_from(Edition),
    st.integers(0, 255),
    st.sampled_from(Response).map(int),
    st.text("ABCXYZ0123456789", max_size=17),
    st.sampled_from(Encryption).map(int),
    st.binary(max_size=300),
)


def frame(data: bytes = b"", edition: Edition = Edition.Y2016) -> bytes:
    return write_frame(Frame(edition, Command.REALTIME, Response.COMMAND, VIN, 1, data))


def fault_of(data: bytes) -> FrameFault:
    with pytest.raises(FrameFault) as caught:
        read_frame(data)
    return caught.value


@given(st.binary(max_size=600))
def test_the_check_byte_is_the_xor_of_all_bytes(data: bytes) -> None:
    assert check_byte(data) == reduce(xor, data, 0)


@given(FRAMES)
def test_a_written_frame_reads_equal(made: Frame) -> None:
    assert read_frame(write_frame(made)) == made


def test_the_envelope_stands_where_the_standard_puts_it() -> None:
    data = write_frame(Frame(Edition.Y2025, 0x07, 0xFE, VIN, 0x05, b"\x01\x02\x03"))
    assert data[:4] == b"$$\x07\xfe"
    assert data[4:21] == VIN.encode()
    assert data[21:HEAD] == b"\x05\x00\x03"
    assert data[-1] == reduce(xor, data[2:-1])


def test_the_longest_unit_fits_and_one_byte_more_does_not() -> None:
    longest = frame(bytes(LONGEST_UNIT))
    assert len(longest) == LONGEST
    assert len(read_frame(longest).data) == LONGEST_UNIT
    with pytest.raises(InputError, match="65531"):
        frame(bytes(LONGEST_UNIT + 1))


@pytest.mark.parametrize(
    ("change", "rule", "offset"),
    [
        (lambda d: b"", "start", 0),
        (lambda d: b"#$" + d[2:], "start", 0),
        (lambda d: d[:20], "short", 20),
        (lambda d: d[:3] + b"\x09" + d[4:], "response", 3),
        (lambda d: d[:21] + b"\x06" + d[22:], "encryption", 21),
        (lambda d: d[:22] + b"\xff\xfc" + d[24:], "length", 22),
        (lambda d: d + b"\x00", "length", 22),
        (lambda d: d[:-1], "length", 22),
        (lambda d: d[:-1] + bytes((d[-1] ^ 1,)), "bcc", 29),
    ],
)
def test_a_broken_envelope_is_refused_with_byte_and_rule(
    change: object, rule: str, offset: int
) -> None:
    fault = fault_of(change(frame(b"12345")))  # type: ignore[operator]
    assert (fault.rule, fault.offset) == (rule, offset)


@given(FRAMES, st.data())
def test_one_changed_bit_is_never_accepted_as_it_was(made: Frame, data: st.DataObject) -> None:
    whole = bytearray(write_frame(made))
    at = data.draw(st.integers(2, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    fault_of(bytes(whole))


def test_faults_travel_between_processes() -> None:
    fault = fault_of(b"")
    assert pickle.loads(pickle.dumps(fault)) == fault


def test_a_vin_that_is_too_long_is_not_written() -> None:
    with pytest.raises(InputError, match="vin"):
        write_frame(Frame(Edition.Y2016, 1, 0xFE, "X" * 18, 1, b""))


@given(st.lists(FRAMES, max_size=6), st.data())
def test_the_splitter_finds_all_frames_in_any_pieces(
    made: list[Frame], data: st.DataObject
) -> None:
    written = [write_frame(each) for each in made]
    stream, splitter, found = b"".join(written), Splitter(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:cut])
        stream = stream[cut:]
    assert found + splitter.close() == written
    assert splitter.held == 0


def test_garbage_between_frames_is_named_and_the_frames_are_found() -> None:
    first, second = frame(b"one"), frame(b"two", Edition.Y2025)
    garbage = b"noise # $ ##"
    found = Splitter().feed(first + garbage + second)
    assert [found[0], found[2]] == [first, second]
    assert isinstance(found[1], Skipped)
    assert (found[1].offset, found[1].size) == (len(first), len(garbage))


def test_a_lost_byte_costs_one_frame_and_not_the_next() -> None:
    damaged = frame(b"0123456789")
    found = Splitter().feed(damaged[:26] + damaged[27:] + frame(b"next") * 2)
    assert found[1:] == [frame(b"next")] * 2
    assert isinstance(found[0], Skipped)
    assert found[0].fault.rule == "bcc"


def test_a_false_start_that_claims_much_gives_the_frames_behind_it_back() -> None:
    false = b"##\x02\xfe" + VIN.encode() + b"\x01\x01\x00"
    splitter = Splitter()
    assert splitter.feed(false + frame(b"x")) == []
    found = splitter.close()
    assert found[-1] == frame(b"x")
    assert isinstance(found[0], Skipped)


def test_the_splitter_holds_one_frame_at_most() -> None:
    splitter, most = Splitter(), 0
    head = b"##\x02\xfe" + VIN.encode() + b"\x01" + LONGEST_UNIT.to_bytes(2, "big")
    for _ in range(30):
        splitter.feed(head + bytes(9_000))
        most = max(most, splitter.held)
    assert most <= LONGEST


def test_a_stream_cut_within_a_frame_says_what_is_missing() -> None:
    splitter = Splitter()
    splitter.feed(frame(b"12345")[:-2])
    (left,) = splitter.close()
    assert isinstance(left, Skipped)
    assert left.fault == FrameFault("short", 28, "28 of 30 bytes")


@given(st.lists(st.binary(max_size=200) | st.just(b"##") | st.just(b"$$"), max_size=20))
def test_every_byte_is_a_frame_or_skipped(pieces: list[bytes]) -> None:
    splitter, total = Splitter(), 0
    found = [each for piece in pieces for each in splitter.feed(piece)] + splitter.close()
    for each in found:
        total += each.size if isinstance(each, Skipped) else len(each)
        if isinstance(each, bytes):
            read_frame(each)
    assert total == sum(map(len, pieces))


def test_a_masked_vin_shows_four_characters_and_no_control_codes() -> None:
    assert mask_vin(VIN) == "*" * 13 + "0001"
    assert mask_vin("AB\x1b[2J") == "**?" + "?2J"
    assert mask_vin("") == ""
