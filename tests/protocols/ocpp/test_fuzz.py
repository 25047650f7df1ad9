"""Fuzzing in short: thousands of inputs a run, the long study is in `benchmarks/`."""

from __future__ import annotations

import tracemalloc
from random import Random

from fuzzing import SCENES, Tally, bend_bytes, make_input, warm_up
from hypothesis import given, settings
from hypothesis import strategies as st


def assert_clean(tally: Tally) -> None:
    assert not tally.crashes, tally.crashes[:3]
    assert not tally.wrong_accepts, tally.wrong_accepts[:3]
    assert tally.slowest_s < 3.0  # a collection of all garbage in a long test process is one


@settings(max_examples=400)
@given(st.integers(0, 2**64 - 1))
def test_nearly_lawful_frames_never_crash_a_peer_nor_pass_unlawfully(seed: int) -> None:
    tally = Tally()
    tally.run(make_input(Random(seed)), also_refusals=True)
    assert_clean(tally)


@settings(max_examples=400)
@given(st.integers(0, len(SCENES) - 1), st.binary(max_size=2), st.binary(max_size=200))
def test_any_bytes_never_crash_a_peer(scene: int, waiting: bytes, data: bytes) -> None:
    tally = Tally()
    tally.run(bytes([scene]) + waiting.rjust(2, b"\0") + data)
    assert_clean(tally)


def test_fifteen_hundred_inputs_reach_every_event_and_hold_no_memory() -> None:
    warm_up()
    rng, tally = Random(20261122), Tally()
    tracemalloc.start()
    try:
        for number in range(1500):
            if number == 500:
                before, _ = tracemalloc.get_traced_memory()
            tally.run(make_input(rng))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert_clean(tally)
    assert set(tally.events) == {"Asked", "Answered", "Refused", "Told", "Broke"}
    assert min(tally.events["Asked"], tally.events["Broke"]) > 150
    assert after - before < 2_000_000


def test_what_is_stricter_than_the_published_schemas_is_known() -> None:
    rng, tally = Random(7), Tally()
    for _ in range(1500):
        tally.run(make_input(rng), also_refusals=True)
    assert_clean(tally)
    for reason in tally.stricter:
        assert reason.startswith((
            "the value is greater than the maximum of 90071",
            "the value is less than the minimum of -90071",
            "the value is not a date-time",
            "the value is not a \"uri\"",
            "the value is not of type \"integer\"",
            "a NUL character",
            "nested deeper",
            "too many calls",
            "the message id is not",
            "the id",
            "no low surrogate",
        )), reason  # fmt: skip


def test_bent_bytes_stay_reproducible() -> None:
    data = b'[2,"a","Heartbeat",{}]'
    assert bend_bytes(data, Random(3)) == bend_bytes(data, Random(3))
