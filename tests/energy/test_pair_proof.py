"""The proof of a pair of plans: never above the optimum, and at it where the plans are optimal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from days import made_days
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zerocity.energy import dispatch_lp as lp
from zerocity.energy.pair_proof import (
    EVEN,
    HIGH,
    LESS_IN,
    LESS_OUT,
    LOW,
    MORE_IN,
    MORE_OUT,
    ODD,
    raise_worth,
)
from zerocity.energy.pairs import plan_pairs, proven, servable
from zerocity.energy.site_days import SiteDays, penalties, pick


def served(seed: int, charge: float, floor: float) -> SiteDays:
    """Sites with both, wide enough connections, and a price on the peak above ``floor`` [kW]."""
    days = made_days(16, 24, seed)
    wanted = (days.store_kwh > 0.0) & (days.flex_max_kwh[:, -1] > 0.0)
    days = pick(days, np.flatnonzero(wanted & (servable(days)[2] == 0.0)))
    return replace(
        days,
        demand_charge_cny_per_kw=np.full(days.sites, charge),
        peak_so_far_kw=np.full(days.sites, floor),
    )


def optimum_cny(days: SiteDays) -> np.ndarray:
    """Cost of the linear program's plans, the preference for early charging taken out."""
    cost = []
    for k in range(days.sites):
        one = pick(days, slice(k, k + 1))
        trip = float(one.store_charge_efficiency[0] * one.store_discharge_efficiency[0])
        missing, over = penalties(one)
        batch = lp.whole_batch(one, missing, over)
        found = lp.Table(lp.WHOLE_COLUMNS, 1, one.steps)
        found.values[:] = lp.solve(lp.whole_matrix(one.steps, one.step_h, trip), batch)
        h, wear = one.step_h, one.wear_cny_per_kwh[0] / 2.0
        total = one.buy_cny_per_kwh * found["import"] - one.sell_cny_per_kwh * found["export"]
        total = total + (one.buy_cny_per_kwh + over) * found["overload"]
        total = total + wear * (found["charge"] + found["discharge"])
        rise = found.values[0, -1] - one.peak_so_far_kw[0]
        cost.append(h * total.sum() + one.demand_charge_cny_per_kw[0] * rise)
    return np.array(cost)


@pytest.mark.parametrize("charge", [0.0, 5.0, 40.0])
@pytest.mark.parametrize("floor", [0.0, 60.0, 1e4])
def test_plans_are_proven_where_they_are_optimal_and_nowhere_else(
    charge: float, floor: float
) -> None:
    optimal, found = 0, 0
    for seed in range(4):
        days = served(seed, charge, floor)
        store, _, _, gap_cny = plan_pairs(days)
        best, scale = optimum_cny(days), 1.0 + np.abs(store.objective_cny)
        assert (store.objective_cny - gap_cny <= best + 1e-8 * scale).all()
        is_best = store.objective_cny <= best + 1e-9 * scale
        assert is_best[gap_cny < 1e-10 * scale].all()
        optimal += int(is_best.sum())
        found += int((is_best & proven(store, gap_cny)).sum())
    assert found >= 0.9 * optimal


def test_a_mirror_image_swaps_each_bit_with_its_neighbour() -> None:
    for one, other in ((MORE_IN, LESS_IN), (MORE_OUT, LESS_OUT), (LOW, HIGH)):
        for flag, image in ((one, other), (other, one)):
            assert (flag & ODD) << 1 | (flag & EVEN) >> 1 == image


@given(
    arrays(np.uint8, 12, elements=st.integers(0, 63)),
    arrays(np.float64, 12, elements=st.floats(-2.0, 2.0)),
)
@settings(max_examples=200, deadline=None)
def test_worth_is_raised_to_the_least_that_every_rule_allows(
    flags: np.ndarray, bus: np.ndarray
) -> None:
    into, out, wear = 0.95, 0.9, 0.05
    worth = np.full(12, -9.0)
    raise_worth(flags, np.array([into, out, wear, 0.0]), wear, bus, worth)
    # The same by brute force: one rule after another until none raises anything.
    least = np.full(12, -9.0)
    for _ in range(30):
        for t in range(12):
            if flags[t] & LESS_IN:
                least[t] = max(least[t], (bus[t] + wear) / into)
            if flags[t] & MORE_OUT:
                least[t] = max(least[t], (bus[t] - wear) * out)
            if t and not flags[t - 1] & LOW:
                least[t] = max(least[t], least[t - 1])
            if not flags[t] & HIGH:
                least[t] = max(least[t], least[t + 1] if t < 11 else 0.0)
    np.testing.assert_array_equal(worth, least)
