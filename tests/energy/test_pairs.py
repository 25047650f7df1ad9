"""Stores and charging planned in turns: the proof must hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from days import made_days

from zerocity.energy.dispatch import plan_sites
from zerocity.energy.pairs import plan_pairs, servable
from zerocity.energy.site_days import SiteDays, pick


def both(seed: int, sites: int = 12) -> SiteDays:
    """Sites with a store and flexible charging that can be served."""
    days = made_days(sites, 24, seed)
    wanted = (days.store_kwh > 0.0) & (days.flex_max_kwh[:, -1] > 0.0)
    return pick(days, np.flatnonzero(wanted & (servable(days)[2] == 0.0)))


@pytest.mark.parametrize("seed", range(12))
def test_the_bound_is_never_above_the_optimum(seed: int) -> None:
    days = both(seed)
    if seed % 2:
        days = replace(days, demand_charge_cny_per_kw=np.full(days.sites, 20.0))
    store, flex, lost, gap_cny = plan_pairs(days)
    best = plan_sites(days)
    assert (lost == 0.0).all()
    assert not best.overload_kw.any()
    scale = 1.0 + np.abs(best.objective_cny)
    quiet = ~store.overload_kw.any(axis=1)
    bound = store.objective_cny - gap_cny
    assert (bound <= best.objective_cny + 1e-8 * scale)[quiet].all()
    assert (store.objective_cny >= best.objective_cny - 1e-8 * scale)[quiet].all()
    balance = store.import_kw - store.export_kw + store.pv_used_kw - days.load_kw
    used = flex.charge_kw + store.charge_kw - store.discharge_kw
    np.testing.assert_allclose(balance, used, atol=1e-9)


def test_most_easy_days_are_proven() -> None:
    """Without a demand charge and with wide limits hardly anything couples the two."""
    proven, count = 0, 0
    for seed in range(6):
        days = both(seed)
        easy = replace(
            days,
            demand_charge_cny_per_kw=np.zeros(days.sites),
            import_limit_kw=10.0 * days.import_limit_kw,
        )
        store, _, _, gap_cny = plan_pairs(easy)
        proven += int((gap_cny <= 1e-6 * (1.0 + np.abs(store.objective_cny))).sum())
        count += days.sites
    assert proven >= 0.6 * count


def test_what_cannot_be_served_is_lost_late_and_not_caught_up() -> None:
    days = pick(made_days(3, 4, 1), slice(0, 1))
    days = replace(
        days,
        step_h=1.0,
        load_kw=np.zeros((1, 4)),
        pv_kw=np.zeros((1, 4)),
        import_limit_kw=np.array([5.0]),
        flex_limit_kw=np.full((1, 4), 2.0),
        flex_min_kwh=np.array([[0.0, 5.0, 5.0, 8.0]]),
        flex_max_kwh=np.array([[6.0, 6.0, 8.0, 8.0]]),
    )
    low, high, lost = servable(days)
    assert lost == pytest.approx([1.0])
    assert low[0] == pytest.approx([0.0, 4.0, 4.0, 7.0])
    assert high[0] == pytest.approx([6.0, 5.0, 7.0, 7.0])


@pytest.mark.parametrize("seed", range(4))
def test_losses_are_those_of_the_plain_rule(seed: int) -> None:
    days = made_days(30, 24, seed)
    days = replace(days, import_limit_kw=0.4 * days.import_limit_kw)
    room = np.clip(
        days.import_limit_kw[:, None] + days.pv_kw - days.load_kw, 0.0, days.flex_limit_kw
    )
    low, high = days.flex_min_kwh.copy(), days.flex_max_kwh.copy()
    level, lost = np.zeros(days.sites), np.zeros(days.sites)
    for t in range(days.steps):
        level = np.minimum(level + room[:, t] * days.step_h, days.flex_max_kwh[:, t])
        missing = np.maximum(days.flex_min_kwh[:, t] - level, 0.0)
        missing[missing <= 1e-9 * (1.0 + level)] = 0.0
        lost += missing
        level = level + missing
        low[:, t] = np.minimum(np.maximum(low[:, t] - lost, 0.0), level - lost)
        high[:, t] = np.maximum(high[:, t] - lost, low[:, t])
    assert lost.any()
    for found, wanted in zip(servable(days), (low, high, lost), strict=True):
        np.testing.assert_array_equal(found, wanted)
