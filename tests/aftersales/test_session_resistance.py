"""Resistance from the steps of a charge whose battery is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.aftersales.session_capacity import Point
from zerocity.aftersales.session_resistance import step_resistance

T0 = datetime(2026, 5, 1, 8, tzinfo=UTC)


def made_steps(
    ohm: float, currents: list[float], *, period_s: float = 15.0, rise: float = 0.1
) -> list[Point]:
    """A pack of 100 kWh and some 360 V whose open-circuit voltage rises by ``rise`` over charge."""
    curve, soc, wh = [], 0.3, 0.0
    for k, amps in enumerate(currents):
        volts = 360.0 * (1.0 + rise * (soc - 0.3)) + ohm * amps
        at = T0 + timedelta(seconds=k * period_s)
        curve.append((at, volts * amps / 1e3, wh, soc, volts, amps))
        wh += volts * amps * period_s / 3600.0
        soc += volts * amps * period_s / 3.6e6 / 100.0
    return curve


@given(st.floats(0.03, 0.3), st.floats(0.0, 0.2), st.integers(3, 9))
def test_the_true_resistance_lies_in_the_range(ohm: float, rise: float, steps: int) -> None:
    currents = [150.0 if k % 2 else 60.0 for k in range(steps + 1)]
    found = step_resistance(made_steps(ohm, currents, rise=rise))
    assert found.steps == steps
    r = found.resistance_mohm
    assert r is not None
    assert r.low - 1.5 <= 1000.0 * ohm <= r.high + 1.5
    assert r.low <= r.middle <= r.high


@pytest.mark.parametrize("currents", [[100.0] * 20, [100.0, 110.0] * 10, [100.0, 60.0], []])
def test_too_few_steps_say_nothing(currents: list[float]) -> None:
    found = step_resistance(made_steps(0.1, currents))
    assert found.resistance_mohm is None
    assert "are wanted" in found.cannot_say


def test_steps_far_apart_or_without_voltage_do_not_count() -> None:
    currents = [150.0, 60.0] * 5
    assert step_resistance(made_steps(0.1, currents, period_s=300.0)).steps == 0
    bare = [(*p[:4], None, p[5]) for p in made_steps(0.1, currents)]
    assert step_resistance(bare).steps == 0


def test_a_voltage_that_goes_against_the_current_says_nothing() -> None:
    found = step_resistance(made_steps(-0.1, [150.0, 60.0] * 5))
    assert "does not follow" in found.cannot_say
