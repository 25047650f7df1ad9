"""The kernel's answer is the linear program's, and lawful where two stores share a meter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from days import made_days
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.energy.dispatch import plan_sites
from zerocity.energy.site_days import SiteDays
from zerocity.errors import InputError
from zerocity.vpp.response import answer


def days_of(seed: int) -> SiteDays:
    # No overload and no missed charging, which the two price differently.
    days = made_days(sites=6, steps=24, seed=seed)
    wide = np.full(6, 1e5)
    return replace(
        days, demand_charge_cny_per_kw=np.zeros(6), import_limit_kw=wide,
        flex_limit_kw=np.full((6, 24), 1e4),
    )  # fmt: skip


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_one_store_is_planned_exactly_and_two_nearly(seed: int) -> None:
    days = days_of(seed)
    ours, best = answer(days), plan_sites(days)
    gap = ours.objective_cny - best.objective_cny
    both = (days.store_kwh > 0.0) & (days.flex_max_kwh[:, -1] > 0.0)
    scale = 1.0 + np.abs(best.objective_cny)
    assert (gap >= -1e-6 * scale).all()
    assert (gap[~both] <= 1e-6 * scale[~both]).all()
    assert (gap[both] <= 0.1 * scale[both]).all()


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.floats(-1.0, 1.0))
def test_answers_are_lawful_at_any_signal(seed: int, signal: float) -> None:
    days = days_of(seed)
    days = replace(
        days, buy_cny_per_kwh=days.buy_cny_per_kwh + signal,
        sell_cny_per_kwh=days.sell_cny_per_kwh + signal,
    )  # fmt: skip
    plans = answer(days)
    done = np.cumsum(plans.flex_kw, axis=1) * days.step_h
    assert (done <= days.flex_max_kwh + 1e-6).all()
    assert (done >= days.flex_min_kwh - 1e-6).all()
    assert (plans.store_kwh <= days.store_kwh[:, None] + 1e-6).all()
    assert (plans.export_kw <= days.export_limit_kw[:, None] + 1e-6).all()
    used = days.load_kw + plans.flex_kw + plans.charge_kw - plans.discharge_kw
    net = plans.import_kw - plans.export_kw
    assert used - plans.pv_used_kw == pytest.approx(net, abs=1e-6)
    assert plans.objective_cny == pytest.approx(cost(days, plans), abs=1e-6)


def cost(days: SiteDays, plans: object) -> np.ndarray:
    p: object = plans
    trade = days.buy_cny_per_kwh * p.import_kw - days.sell_cny_per_kwh * p.export_kw  # type: ignore[attr-defined]
    wear = days.wear_cny_per_kwh[:, None] / 2 * (p.charge_kw + p.discharge_kw)  # type: ignore[attr-defined]
    return np.asarray(days.step_h * (trade + wear).sum(axis=1))


def test_charging_that_cannot_be_done_in_time_is_told() -> None:
    days = replace(days_of(1), flex_limit_kw=np.full((6, 24), 1.0))
    plans = answer(days)
    assert (plans.shortfall_kwh[days.flex_min_kwh[:, -1] > 30.0] > 0.0).all()


def test_prices_that_are_missing_are_named() -> None:
    days = days_of(1)
    days.buy_cny_per_kwh[2, 5] = np.nan
    with pytest.raises(InputError, match="buy_cny_per_kwh, site 2, step 5"):
        answer(days)
