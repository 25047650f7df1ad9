"""A running session: readings as a set, bounded, and the live values that follow from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.charging.session import Event, State
from zerocity.live.sessions import MOST_NOTES, MOST_POINTS, LiveSession, Sample

AT = datetime(2026, 5, 1, tzinfo=UTC)


def new(meter_start_wh: float | None = 0.0) -> LiveSession:
    return LiveSession("s", "A", 1, 1, "T", AT, meter_start_wh)


def sample(minutes: float, wh: float | None, **more: float) -> Sample:
    return Sample(AT + timedelta(minutes=minutes), wh, **more)


@given(data=st.data())
def test_readings_are_a_set(data: st.DataObject) -> None:
    told = data.draw(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9000)), max_size=12))
    order = data.draw(st.permutations(told + told))
    first, second = new(), new()
    for minutes, wh in told:
        first.take(sample(minutes, wh, power_kw=1.0))
    for minutes, wh in order:
        second.take(sample(minutes, wh, power_kw=1.0))
    assert first.curve == second.curve
    assert first.account(60.0) == second.account(60.0)


def test_latest_reading_is_the_live_one() -> None:
    session = new()
    session.take(sample(10, 5000.0, power_kw=30.0, soc=0.5))
    session.take(sample(5, 2500.0, power_kw=20.0, soc=0.4))
    assert (session.meter_wh, session.power_kw, session.soc) == (5000.0, 30.0, 0.5)
    session.take(sample(11, None, soc=0.6))
    assert session.soc == 0.6
    assert len(session.curve) == 2


def test_state_of_charge_of_the_ends_comes_from_the_curve() -> None:
    session = new()
    for minutes, soc in ((10, 0.5), (5, 0.4), (20, 0.7)):
        session.take(sample(minutes, 100.0 * minutes, soc=soc))
    session.settle_soc()
    assert (session.soc_start, session.soc) == (0.4, 0.7)


def test_memory_is_bounded_and_the_register_stays_whole() -> None:
    session = new()
    for n in range(10 * MOST_POINTS):
        session.take(sample(n, 10.0 * n))
    assert len(session.curve) <= MOST_POINTS
    assert session.account(None).energy_kwh == pytest.approx((10 * MOST_POINTS - 1) / 100.0)


def test_readings_that_contradict_each_other_are_bounded_too() -> None:
    session = new()
    for n in range(4 * MOST_POINTS):
        session.take(sample(n, 5000.0 * (n % 2)))
    assert len(session.curve) <= MOST_POINTS
    assert session.notes


def test_reset_survives_thinning() -> None:
    session = new(90_000.0)
    session.take(sample(1, 91_000.0))
    for n in range(2 * MOST_POINTS):
        session.take(sample(2 + n, 10.0 * n))
    assert any("fell" in note for note in session.account(None).notes)


def test_unlawful_step_is_noted_and_changes_nothing() -> None:
    session = new()
    assert session.happen(Event.REFUSE)
    assert not session.happen(Event.CHARGE)
    assert session.state is State.REFUSED
    assert session.notes == ["unlawful: charge while refused"]


def test_notes_are_kept_once_and_bounded() -> None:
    session = new()
    for n in range(3 * MOST_NOTES):
        session.note(f"{n % 60}")
    assert len(session.notes) == MOST_NOTES


def test_what_nobody_said_is_assumed_and_flagged() -> None:
    session = new()
    assert session.need(AT) == (30.0, 2.0, True)
    session.need_kwh = 12.0
    assert session.need(AT + timedelta(hours=3)) == (12.0, 0.0, True)
    session.depart_at = AT + timedelta(hours=4)
    assert session.need(AT + timedelta(hours=3)) == (12.0, 1.0, False)


def test_need_of_a_register_that_starts_high() -> None:
    session = new(None)
    session.need_kwh = 10.0
    session.take(sample(0, 5_000_000.0))
    assert session.need_kwh == 10.0
    session.take(sample(6, 5_004_000.0))
    assert session.need_kwh == 6.0
    assert session.energy_so_far_kwh == 4.0
