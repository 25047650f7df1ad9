"""Fuzzing in short: thousands of inputs a run, the long study is in `benchmarks/`."""

from __future__ import annotations

import time
import tracemalloc
from random import Random

import pytest
from frames_grown import LOGIN, REALTIME, START, VIN, bend_bytes, framed, grow_frame
from frames_judged import (
    AT,
    Tally,
    change_input,
    judge_desk,
    make_input,
    scenery,
    sealed_input,
    typed,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.frames import Skipped, Splitter
from zerocity.protocols.gbt32960.seats import Batch, Caller

CLOCK = bytes((26, 5, 1, 20, 0, 0))
VEHICLE_2016, VEHICLE_2025, PLATFORM_2025 = 1, 5, 6


def assert_clean(tally: Tally) -> None:
    tally.settle()
    assert not tally.problems, [(why, data.hex()) for why, data in tally.problems[:3]]


@settings(max_examples=40)
@given(st.integers(0, 2**64 - 1))
def test_every_way_of_reading_says_the_same_of_nearly_lawful_frames(seed: int) -> None:
    tally, rng = Tally(), Random(seed)
    for _ in range(5):
        data, lawful = make_input(rng)
        tally.run(data, lawful)
        tally.run(change_input(data, rng))
    assert_clean(tally)


@settings(max_examples=100)
@given(st.integers(0, 31), st.sampled_from([b"", *START.values()]), st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(scene: int, start: bytes, data: bytes) -> None:
    tally = Tally()
    tally.run(bytes((scene, len(data) % 7)) + start + data)
    assert_clean(tally)


def test_five_hundred_inputs_reach_every_outcome_and_hold_no_memory() -> None:
    rng, tally = Random(20261122), Tally()
    tracemalloc.start()
    try:
        for number in range(500):
            if number == 200:
                before, _ = tracemalloc.get_traced_memory()
            if number % 20:
                tally.run(*make_input(rng))
            else:
                tally.run(sealed_input(rng))
        tally.settle()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert_clean(tally)
    wanted = {"Report", "Login", "Sealed", "block-length", "block-type", "trailing"}
    wanted |= {"desk: stored", "desk: block-length", "desk: order", "desk: time"}
    assert wanted <= set(tally.outcomes)
    assert tally.outcomes["desk: stored"] > 50
    assert after - before < 2_000_000


@pytest.mark.parametrize("edition", [2016, 2025])
def test_what_is_grown_lawful_is_taken(edition: int) -> None:
    rng = Random(edition)
    for _ in range(200):
        frame = grow_frame(rng, edition)
        assert not isinstance(typed(frame, keep_unknown=False), tuple), frame.hex()


def refusal(scene: int, frame: bytes) -> tuple[str, int] | None:
    """Rule and byte by which the desk refuses; the judge finds no other reader that disagrees."""
    desk, caller = scenery(scene)
    judge_desk(desk, caller, frame)
    return again(*scenery(scene), frame)


def again(desk: Desk, caller: Caller, frame: bytes) -> tuple[str, int] | None:
    batch = Batch()
    desk.take(caller, frame, AT, 1.0, batch)
    assert bool(batch.frames) != bool(batch.faults)
    return (batch.faults[0].rule, batch.faults[0].offset) if batch.faults else None


def test_254_motors_of_2016_are_motors() -> None:
    """Found by fuzzing: the desk took FE for a code, which 2016 does not give this number."""
    motors = b"\x02\xfe" + bytes(12 * 254)
    assert refusal(VEHICLE_2016, framed(2016, REALTIME, CLOCK + motors)) is None
    cut = framed(2016, REALTIME, CLOCK + motors[:-1])
    assert refusal(VEHICLE_2016, cut) == ("block-length", 24 + 6 + 2 + 12 * 253)


def test_nothing_may_follow_a_signature() -> None:
    """Found by fuzzing: the desk took a block behind the signature, which covers it not."""
    signature = b"\xff\x01\x00\x01r\x00\x01s"
    assert refusal(VEHICLE_2025, framed(2025, REALTIME, CLOCK + signature)) is None
    more = framed(2025, REALTIME, CLOCK + signature + b"\x80\0\0")
    assert refusal(VEHICLE_2025, more) == ("trailing", 24 + 6 + len(signature))


@pytest.mark.parametrize("year", [100, 255])
def test_years_end_with_2099(year: int) -> None:
    """Found by fuzzing: the desk read year 100 as 2100."""
    unit = bytes((year,)) + CLOCK[1:]
    assert refusal(VEHICLE_2016, framed(2016, REALTIME, unit)) == ("time", 24)
    login = framed(2016, LOGIN, unit + b"\0\1" + bytes(20) + b"\0\0", VIN)
    assert refusal(0, login) == ("time", 24)


def test_a_platform_passes_on_what_the_reader_takes() -> None:
    unknown = framed(2025, REALTIME, CLOCK + b"\x7f??")
    assert refusal(PLATFORM_2025, unknown) is None


@pytest.mark.parametrize("piece", [25, 1_000, 65_536])
@pytest.mark.parametrize("junk", [b"#", b"$#", b"##\x02\xfe", b"##\xff\xff", b"\x02", b"#\n"])
def test_a_flood_of_false_starts_costs_little(junk: bytes, piece: int) -> None:
    """Found by fuzzing: each false start searched the whole buffer, seconds for 200 KB."""
    stream = junk * (200_000 // len(junk))
    splitter, found = Splitter(), []
    began_s = time.thread_time()
    for at in range(0, len(stream), piece):
        found += splitter.feed(stream[at : at + piece])
    found += splitter.close()
    took_s = time.thread_time() - began_s
    assert sum(each.size for each in found if isinstance(each, Skipped)) == len(stream)
    assert took_s < 2.0  # a fiftieth of that, on a quiet machine


def test_bent_bytes_stay_reproducible() -> None:
    data = framed(2016, REALTIME, CLOCK)
    assert bend_bytes(data, Random(3)) == bend_bytes(data, Random(3))
