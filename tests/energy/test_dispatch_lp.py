"""The plans against an independent formulation, solved by another interface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from days import made_days
from scipy.optimize import linprog

from zerocity.energy.dispatch import SiteDays, plan_sites
from zerocity.energy.site_days import penalties


def oracle(days: SiteDays, i: int) -> float:
    """Penalised optimum of site ``i``: no states, only cumulative sums of powers."""
    T, h = days.steps, days.step_h
    missing, overload = (float(p[i, 0]) for p in penalties(days))
    one, zero, lower = np.eye(T), np.zeros((T, T)), np.tril(np.ones((T, T))) * h
    column = np.zeros((T, 1))
    # import, export, sun, charge, discharge, flex, lost [kW], overload, peak rise
    wear = np.full(T, days.wear_cny_per_kwh[i] / 2)
    cost = np.concatenate([
        days.buy_cny_per_kwh[i] * h, -days.sell_cny_per_kwh[i] * h, np.zeros(T), wear * h, wear * h,
        np.zeros(T), np.full(T, missing * h), np.full(T, overload * h),
        [days.demand_charge_cny_per_kw[i]],
    ])  # fmt: skip
    balance = np.hstack([one, -one, one, -one, one, -one, zero, zero, column])
    into, out = days.store_charge_efficiency[i], 1 / days.store_discharge_efficiency[i]
    store = np.hstack([zero, zero, zero, lower * into, -lower * out, zero, zero, zero, column])
    flex = np.hstack([zero, zero, zero, zero, zero, lower, lower, zero, column])
    peak = np.hstack([one, zero, zero, zero, zero, zero, zero, zero, column - 1])
    limit = np.hstack([one, zero, zero, zero, zero, zero, zero, -one, column])
    start, size = days.store_initial_kwh[i], days.store_kwh[i]
    reach = min(size, start + into * days.store_charge_kw[i] * h * T)
    final = np.zeros(T)
    final[-1] = min(days.store_final_kwh[i], reach * (1 - 1e-12))
    found = linprog(
        cost,
        np.vstack([store, -store, flex, -flex, peak, limit]),
        np.concatenate([
            np.full(T, size - start), start - final, days.flex_max_kwh[i], -days.flex_min_kwh[i],
            np.full(T, days.peak_so_far_kw[i]), np.full(T, days.import_limit_kw[i]),
        ]),
        balance, days.load_kw[i],
        [(0, None)] * T + [(0, days.export_limit_kw[i])] * T + [(0, p) for p in days.pv_kw[i]]
        + [(0, days.store_charge_kw[i])] * T + [(0, days.store_discharge_kw[i])] * T
        + [(0, f) for f in days.flex_limit_kw[i]] + [(0, None)] * (2 * T + 1),
        method="highs-ipm",
    )  # fmt: skip
    assert found.status == 0, found.message
    return float(found.fun)


@pytest.mark.parametrize("seed", range(12))
def test_objective_equals_the_independent_optimum(seed: int) -> None:
    days = made_days(6, 24, seed)
    if seed % 3 == 2:
        days = replace(days, import_limit_kw=0.3 * days.import_limit_kw)
    if seed % 4 == 3:
        noise = np.random.default_rng(seed).normal(0, 0.2, days.load_kw.shape)
        buy = days.buy_cny_per_kwh + noise
        days = replace(days, buy_cny_per_kwh=buy, sell_cny_per_kwh=buy - 0.05)
    plans = plan_sites(days)
    missing, overload = penalties(days)
    penalty = missing[:, 0] * plans.shortfall_kwh
    penalty += overload[:, 0] * days.step_h * plans.overload_kw.sum(axis=1)
    wanted = np.array([oracle(days, i) for i in range(days.sites)])
    np.testing.assert_allclose(plans.objective_cny + penalty, wanted, rtol=1e-7, atol=1e-6)
