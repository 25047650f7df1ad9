"""Capacity from a charge whose battery is known."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zerocity.aftersales.session_capacity import (
    KEPT,
    METER_ERROR,
    Point,
    Range,
    Supply,
    usable_capacity,
)

T0 = datetime(2026, 5, 1, 8, tzinfo=UTC)


def made_curve(
    capacity_kwh: float,
    *,
    kept: float = 0.96,
    power_kw: float = 60.0,
    since: float = 0.2,
    until: float = 0.8,
    period_s: float = 15.0,
    meter: float = 1.0,
    step: float = 0.01,
    offset: float = 0.5,
    register_wh: float = 1.0,
    taper: float = 0.0,
) -> list[Point]:
    """A charge as a meter and a vehicle's display show it.

    step, offset : the display shows floor(soc / step + offset) * step. taper : share by which the
    power falls until the end.
    """
    curve, soc, wh, k = [], since, 5_000.0, 0
    while soc < until and k < 3000:
        power = power_kw * (1.0 - taper * (soc - since) / (until - since))
        shown = math.floor(soc / step + offset + 1e-9) * step
        register = math.floor(wh * meter / register_wh) * register_wh
        at = T0 + timedelta(seconds=k * period_s)
        curve.append((at, power, register, min(shown, 1.0), None, None))
        wh += power * period_s / 3.6
        soc += power * kept * period_s / 3600.0 / capacity_kwh
        k += 1
    return curve


@settings(max_examples=150, deadline=None)
@given(
    capacity=st.floats(20.0, 400.0),
    kept=st.floats(KEPT[Supply.DC].low, KEPT[Supply.DC].high),
    c_rate=st.floats(0.1, 2.0),
    since=st.floats(0.05, 0.6),
    span=st.floats(0.05, 0.4),
    period_s=st.sampled_from([5.0, 15.0, 60.0]),
    meter=st.floats(1.0 - METER_ERROR, 1.0 + METER_ERROR),
    step=st.sampled_from([0.01, 0.005, 0.001]),
    offset=st.sampled_from([0.0, 0.5, 0.99]),
    register_wh=st.sampled_from([1.0, 10.0, 100.0]),
    taper=st.floats(0.0, 0.7),
)
# A meter that shows 2 % too little measured 1/0.98 of what it shows, which is more than 1.02.
@example(capacity=34.0, kept=0.99, c_rate=0.365234375, since=0.5, span=0.34375, period_s=5.0,
         meter=0.98, step=0.01, offset=0.0, register_wh=1.0, taper=0.5)  # fmt: skip
def test_the_true_capacity_lies_in_the_range(
    capacity: float, c_rate: float, span: float, since: float, **kwargs: float
) -> None:
    curve = made_curve(
        capacity, power_kw=c_rate * capacity, since=since, until=since + span, **kwargs
    )
    found = usable_capacity(curve, KEPT[Supply.DC])
    if found.capacity_kwh is None:
        assert found.cannot_say
        assert span < 0.26 or len(curve) < 20
        return
    assert found.rise >= 0.2 - 1e-6
    c = found.capacity_kwh
    assert c.low <= capacity * (1 + 1e-9)
    assert capacity <= c.high * (1 + 1e-9)
    assert c.low <= c.middle <= c.high


def test_frequent_readings_narrow_the_range_to_what_is_assumed() -> None:
    found = usable_capacity(made_curve(60.0, since=0.1, until=0.9), KEPT[Supply.DC]).capacity_kwh
    assert found is not None
    assert found.spread < 0.09
    exact = Range(0.96, 0.96, 0.96)
    known = usable_capacity(made_curve(60.0, since=0.1, until=0.9), exact).capacity_kwh
    assert known is not None
    assert known.middle == pytest.approx(60.0, rel=0.01)
    assert known.spread < 0.03


def test_without_a_state_of_charge_nothing_is_said() -> None:
    curve = [(*point[:3], None, None, None) for point in made_curve(60.0)]
    assert "did not tell" in usable_capacity(curve, KEPT[Supply.DC]).cannot_say
    assert "did not tell" in usable_capacity([], KEPT[Supply.DC]).cannot_say


def test_a_short_charge_says_how_short_it_is() -> None:
    found = usable_capacity(made_curve(60.0, until=0.35), KEPT[Supply.DC])
    assert found.capacity_kwh is None
    assert "at least 20 % is wanted" in found.cannot_say
    assert 0.1 < found.rise < 0.2


def _shift(curve: list[Point], from_soc: float, by: float) -> list[Point]:
    return [
        (*p[:3], min(p[3] + by, 1.0) if p[3] is not None and p[3] >= from_soc else p[3], None, None)
        for p in curve
    ]


@pytest.mark.parametrize(("where", "by"), [(0.5, 0.1), (0.75, 0.08), (0.25, 0.1)])
def test_a_jump_of_the_display_is_found(where: float, by: float) -> None:
    found = usable_capacity(_shift(made_curve(60.0), where, by), KEPT[Supply.DC])
    assert found.capacity_kwh is None
    assert "corrected" in found.cannot_say


def test_a_display_that_stands_still_is_found() -> None:
    def late(soc: float) -> float:
        return soc if soc < 0.4 else max(0.4, soc - 0.1)

    curve = [(*p[:3], late(p[3] or 0.0), None, None) for p in made_curve(60.0)]
    assert "corrected" in usable_capacity(curve, KEPT[Supply.DC]).cannot_say


def test_a_fall_of_charge_or_register_is_refused() -> None:
    falling = _shift(made_curve(60.0), 0.5, -0.05)
    assert "fell while" in usable_capacity(falling, KEPT[Supply.DC]).cannot_say
    curve = made_curve(60.0)
    curve[50] = (curve[50][0], 60.0, 0.0, curve[50][3], None, None)
    assert "register fell" in usable_capacity(curve, KEPT[Supply.DC]).cannot_say


def test_a_wobble_of_the_last_digit_does_no_harm() -> None:
    curve = made_curve(60.0)
    at = next(k for k in range(40, len(curve)) if curve[k][3] > curve[k - 1][3])  # type: ignore[operator]
    curve[at + 1] = (*curve[at + 1][:3], curve[at - 1][3], None, None)
    found = usable_capacity(curve, KEPT[Supply.DC]).capacity_kwh
    assert found is not None
    assert found.low < 60.0 < found.high


def test_balancing_at_the_top_is_left_out() -> None:
    curve = made_curve(60.0, since=0.5, until=1.0)
    last = curve[-1]
    for k in range(200):
        curve.append((last[0] + timedelta(seconds=15 * k + 15), 2.0, last[2] + 9.0 * k, 1.0, None,
                      None))  # fmt: skip
    found = usable_capacity(curve, KEPT[Supply.DC]).capacity_kwh
    assert found is not None
    assert found.low < 60.0 < found.high
