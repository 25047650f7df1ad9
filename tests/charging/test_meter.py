"""A session's energy by its meter: what is proved counts, what is not is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.charging.meter import Reading, account

AT = datetime(2026, 5, 1, 1, 0, tzinfo=UTC)


def at(minutes: float, wh: float) -> Reading:
    return Reading(AT + timedelta(minutes=minutes), wh)


def test_whole_register_gives_its_difference() -> None:
    made = account(at(0, 1000), [at(10, 3000), at(20, 6000)], at(30, 9000), 60.0)
    assert (made.energy_kwh, made.held_kwh, made.notes) == (8.0, 0.0, ())
    assert [part.kwh for part in made.parts] == [2.0, 3.0, 3.0]


def test_no_energy_without_two_readings() -> None:
    assert account(None, [], None).notes == ("fewer than two readings: no energy is proved",)
    made = account(at(0, 5), [], None)
    assert (made.energy_kwh, made.parts) == (0.0, ())


def test_missing_ends_are_named() -> None:
    made = account(None, [at(5, 2000), at(1, 1000)], None)
    assert made.energy_kwh == 1.0
    assert len(made.notes) == 2


def test_long_silence_is_named_and_its_energy_counts() -> None:
    made = account(at(0, 0), [], at(60, 7000))
    assert made.energy_kwh == 7.0
    assert "no reading for 60 min" in made.notes[0]


def test_register_that_was_reset_counts_its_rises() -> None:
    made = account(at(0, 90_000), [at(5, 92_000), at(6, 100)], at(10, 1100))
    assert made.energy_kwh == 3.0
    assert "fell from 92000 to 100 Wh" in made.notes[0]


def test_meter_that_ran_backwards_bills_nothing() -> None:
    made = account(at(0, 5000), [], at(10, 4000))
    assert (made.energy_kwh, made.parts) == (0.0, ())
    assert "fell" in made.notes[0]


def test_single_wrong_reading_is_left_out() -> None:
    made = account(at(0, 1000), [at(5, 900_000), at(6, 2000), at(7, 3)], at(10, 3000))
    assert made.energy_kwh == 2.0
    assert made.notes == ("2 readings contradict the register at start and end: left out",)


def test_more_than_the_plug_can_give_is_held_back() -> None:
    made = account(at(0, 0), [], at(60, 30_000), 11.0)
    assert made.energy_kwh == 30.0
    assert made.held_kwh == pytest.approx(30.0 - 11.0 * 1.1 - 0.1)
    assert "held back" in made.notes[-1]


def test_clock_that_ran_backwards_is_named() -> None:
    made = account(at(60, 1000), [], at(0, 2000))
    assert made.energy_kwh == 1.0
    assert made.parts[0].since == made.parts[0].until
    assert any("ran backwards" in note for note in made.notes)


READINGS = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 50_000)), max_size=12)


@given(readings=READINGS, ends=st.tuples(st.integers(0, 50_000), st.integers(0, 50_000)))
def test_laws(readings: list[tuple[int, int]], ends: tuple[int, int]) -> None:
    between = [at(minutes, wh) for minutes, wh in readings]
    first, last = at(0, ends[0]), at(120, ends[1])
    made = account(first, between, last, 10.0)
    again = account(first, [*reversed(between), *between], last, 10.0)
    assert made == again
    assert 0.0 <= made.held_kwh <= made.energy_kwh
    assert sum(part.kwh for part in made.parts) == pytest.approx(made.energy_kwh)
    assert all(part.kwh >= 0.0 and part.since <= part.until for part in made.parts)
    if ends[1] >= ends[0]:
        assert made.energy_kwh == pytest.approx((ends[1] - ends[0]) / 1000.0)
