"""The calendar follows the steady clock, and takes a jump over only when asked to."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from live_cities import NOON, Hand

from zerocity.live.clock import JUMP_S


@given(st.floats(0.0, 1e6), st.floats(-1e6, 1e6))
def test_a_jump_of_the_calendar_changes_nothing_until_it_is_followed(
    passed_s: float, jump_s: float
) -> None:
    hand = Hand()
    clock = hand.clock()
    hand.s += passed_s
    hand.jump = timedelta(seconds=jump_s)
    assert clock.now_s() == hand.s
    assert abs((clock.utc() - NOON).total_seconds() - passed_s) < 1e-3


@given(st.floats(-1e7, 1e7), st.floats(-10.0, 10.0))
def test_a_jump_is_taken_over_once_and_counted(jump_s: float, shift_h: float) -> None:
    hand = Hand()
    shift = timedelta(hours=shift_h)
    clock = hand.clock(shift)
    hand.jump = timedelta(seconds=jump_s)
    if abs(abs(jump_s) - JUMP_S) < 1e-3:
        return
    assert clock.follow() == (abs(jump_s) > JUMP_S)
    assert not clock.follow()
    assert clock.jumps == (abs(jump_s) > JUMP_S)
    if clock.jumps:
        assert abs(clock.utc() - (NOON + hand.jump + shift)) < timedelta(milliseconds=1)


def test_a_shifted_clock_is_ahead_by_its_shift() -> None:
    assert Hand().clock(timedelta(hours=5)).utc() == NOON + timedelta(hours=5)
