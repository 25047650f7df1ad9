"""Bands by closed form and by law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.vpp.flexibility import Assets, aggregate, sustained_hours

BIG = 1e6


def idle(sites: int = 1, steps: int = 8) -> Assets:
    """Sites that only take 100 kW: no storage, no flexible charging."""
    by_step, by_site = np.zeros((sites, steps)), np.zeros(sites)
    return Assets(
        step_h=0.25,
        import_kw=by_step + 100.0,
        export_kw=by_step,
        charge_kw=by_step,
        discharge_kw=by_step,
        store_kwh=by_step,
        flex_kw=by_step,
        flex_limit_kw=by_step,
        flex_deferrable_kwh=by_step,
        flex_headroom_kwh=by_step,
        store_capacity_kwh=by_site,
        charge_limit_kw=by_site,
        discharge_limit_kw=by_site,
        charge_efficiency=by_site + 0.95,
        discharge_efficiency=by_site + 0.9,
        import_limit_kw=by_site + BIG,
        export_limit_kw=by_site,
    )


def battery(kwh: float = 50.0, limit: float = 40.0) -> Assets:
    plain = idle()
    one = np.ones(1)
    return replace(
        plain,
        store_kwh=plain.store_kwh + kwh,
        store_capacity_kwh=one * 100.0,
        charge_limit_kw=one * limit,
        discharge_limit_kw=one * limit,
    )


def test_nothing_to_move_gives_no_flexibility() -> None:
    found = aggregate(idle(3))
    assert not found.total_down_kw.any()
    assert not found.total_up_kw.any()


def test_an_idle_battery_by_hand() -> None:
    found = aggregate(battery())
    assert found.total_down_kw[0] == pytest.approx(40.0)  # 50 kWh * 0.9 / 0.25 h = 180 > 40
    assert found.total_up_kw[0] == pytest.approx(40.0)
    long = aggregate(battery(), sustain_steps=8)
    assert long.total_down_kw[0] == pytest.approx(50.0 * 0.9 / 2.0)  # 22.5 kW over two hours
    assert long.total_up_kw[0] == pytest.approx(50.0 / 0.95 / 2.0)


def test_deferring_charging_is_bound_by_power_and_slack() -> None:
    plain = idle()
    flexible = replace(
        plain,
        flex_kw=plain.flex_kw + 30.0,
        flex_limit_kw=plain.flex_kw + 50.0,
        flex_deferrable_kwh=plain.flex_kw + 10.0,
        flex_headroom_kwh=plain.flex_kw + 2.0,
    )
    found = aggregate(flexible)
    assert found.total_down_kw[0] == pytest.approx(30.0)
    assert found.total_up_kw[0] == pytest.approx(8.0)
    assert aggregate(flexible, 8).total_down_kw[0] == pytest.approx(5.0)


def test_export_limit_bounds_relief() -> None:
    tight = replace(battery(limit=400.0), import_kw=np.full((1, 8), 20.0))
    assert aggregate(tight).total_down_kw[0] == pytest.approx(20.0)


def test_duration_of_an_idle_battery() -> None:
    hours = sustained_hours(battery(), np.array([[22.5]]))
    assert hours[0, 0] == pytest.approx(2.0)
    assert sustained_hours(battery(), np.array([[500.0]]))[0, 0] == 0.0
    assert sustained_hours(battery(), np.array([[45.0 / 1.75 + 0.1]]))[0, 0] == pytest.approx(1.5)


limits = st.floats(0.0, 200.0)


@given(st.floats(0.0, 100.0), limits, limits, st.integers(1, 8))
def test_more_limit_never_less_band(kwh: float, low: float, high: float, steps: int) -> None:
    low, high = sorted((low, high))
    small, large = (aggregate(battery(kwh, x), steps) for x in (low, high))
    assert (large.down_kw >= small.down_kw - 1e-9).all()
    assert (large.up_kw >= small.up_kw - 1e-9).all()
    assert (small.down_kw >= 0.0).all()


@given(st.floats(0.0, 100.0), st.integers(1, 7))
def test_holding_longer_never_gives_more(kwh: float, steps: int) -> None:
    short, long = aggregate(battery(kwh), steps), aggregate(battery(kwh), steps + 1)
    assert (long.down_kw <= short.down_kw + 1e-9).all()


def test_bad_shapes_and_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="store_capacity_kwh"):
        replace(idle(), store_capacity_kwh=np.zeros(2))
    with pytest.raises(InputError, match="flex_kw"):
        replace(idle(), flex_kw=np.zeros((1, 3)))
    with pytest.raises(InputError, match="step_h"):
        replace(idle(), step_h=0.0)
    with pytest.raises(InputError, match="at least 1"):
        aggregate(idle(), 0)
