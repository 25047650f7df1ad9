from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import HISTORY_DAYS, made_run

from zerocity.energy.forecasting import LOAD, study
from zerocity.energy.history import Past, screen
from zerocity.energy.outlooks import Exact, FromHistory, Outlook
from zerocity.energy.rolling import (
    DAY_AHEAD,
    ROLLING,
    SCENARIOS,
    Policy,
    Rolled,
    judge,
    roll,
)
from zerocity.energy.stores import StoreDays, dispatch_stores
from zerocity.errors import InputError

START = HISTORY_DAYS * 96


class Wrong:
    """What comes, times an error of each issue's own."""

    def __init__(self, truth: StoreDays, seed: int, horizon: int = 24) -> None:
        self._truth, self._seed, self._horizon = truth, seed, horizon

    def __call__(self, first: int, count: int) -> Outlook:
        exact = Exact(self._truth.load_kw, self._truth.pv_kw, self._horizon)(first, count)
        error = np.stack([
            np.random.default_rng((self._seed, first + k)).uniform(0.5, 1.5, (2, self._horizon))
            for k in range(count)
        ])  # fmt: skip
        return Outlook(exact.load_kw * error[None, :, :1], exact.pv_kw * error[None, :, 1:])


def random_truth(seed: int, steps: int = 30) -> StoreDays:
    rng = np.random.default_rng(seed)
    whole, _, _ = made_run(1, sites=1, seed=seed % 7)
    cut = {
        f.name: getattr(whole, f.name)[:, :steps].copy()
        for f in fields(StoreDays)
        if f.name != "step_h" and getattr(whole, f.name).ndim == 2
    }
    cut["sell_cny_per_kwh"] = rng.uniform(-0.1, 0.3, (1, steps))
    cut["buy_cny_per_kwh"] = np.maximum(rng.uniform(0.2, 1.0, (1, steps)), cut["sell_cny_per_kwh"])
    cut["pv_kw"] = rng.uniform(0.0, 900.0, (1, steps)) * (rng.random((1, steps)) < 0.6)
    cut["import_limit_kw"] = np.full((1, steps), rng.uniform(600.0, 1500.0))
    cut["export_limit_kw"] = np.full((1, steps), rng.uniform(0.0, 300.0))
    return replace(whole, **cut)


def step_cost(truth: StoreDays, t: int, power: float, price: float) -> float:
    """Cost of a step less what the energy it stores is worth, straight from the definition."""
    net = truth.load_kw[0, t] + power - truth.pv_kw[0, t]
    sell = truth.sell_cny_per_kwh[0, t]
    grid = max(net, -truth.export_limit_kw[0, t] if sell > 0.0 else 0.0)
    money = truth.buy_cny_per_kwh[0, t] * max(grid, 0.0) - sell * max(-grid, 0.0)
    out = truth.discharge_efficiency[0]
    stored = power * truth.charge_efficiency[0] if power > 0.0 else power / out
    return money + truth.wear_cny_per_kwh[0] * abs(power) - price * stored


def settled(truth: StoreDays, t: int, now: float, power: float, price: float) -> float:
    """The power nearest to the planned one among the cheapest, found by trying every corner."""
    net = truth.load_kw[0, t] - truth.pv_kw[0, t]
    spare, limit = truth.export_limit_kw[0, t], truth.import_limit_kw[0, t]
    low, high = -truth.load_kw[0, t] - spare, limit - net
    corners = [low, high, 0.0, -net, -net - spare, min(max(power, low), high)]
    corners = [x for x in corners if low - 1e-9 <= x <= high + 1e-9]
    costs = [step_cost(truth, t, x, price) for x in corners]
    best = min(costs) + 1e-7
    cheap = [x for x, cost in zip(corners, costs, strict=True) if cost <= best]
    power = min(max(power, min(cheap)), max(cheap))
    power = max(min(power, high), low)
    h, eta = truth.step_h, (truth.charge_efficiency[0], truth.discharge_efficiency[0])
    into = min(truth.charge_limit_kw[0, t], (truth.high_kwh[0, t] - now) / h / eta[0])
    out = min(truth.discharge_limit_kw[0, t], (now - truth.low_kwh[0, t]) * eta[1] / h)
    return min(max(power, -out), into)


def reference_roll(truth: StoreDays, foreseer: Wrong) -> np.ndarray:
    """The rolling policy, step by step through the public kernel, (steps,) [kW]."""
    steps = truth.load_kw.shape[1]
    now, value = float(truth.initial_kwh[0]), float(truth.buy_cny_per_kwh.mean())
    value *= float(truth.discharge_efficiency[0])
    powers = np.zeros(steps)
    for t in range(steps):
        seen, width = foreseer(t, 1), min(24, steps - t)
        cut = {
            f.name: getattr(truth, f.name)[:, t : t + width]
            for f in fields(StoreDays)
            if f.name != "step_h" and getattr(truth, f.name).ndim == 2
        }
        cut["load_kw"], cut["pv_kw"] = seen.load_kw[0, 0, :, :width], seen.pv_kw[0, 0, :, :width]
        plan = dispatch_stores(
            replace(
                truth,
                **cut,
                initial_kwh=np.array([now]),
                overload_cny_per_kwh=np.array([100.0]),
                final_value_cny_per_kwh=np.array([0.0 if t + width == steps else value]),
            )
        )
        assert plan.feasible.all()
        value = float(plan.stored_price_cny_per_kwh[0, 0])
        planned = float(plan.charge_kw[0, 0] - plan.discharge_kw[0, 0])
        power = settled(truth, t, now, planned, value)
        eta = (truth.charge_efficiency[0], truth.discharge_efficiency[0])
        now += truth.step_h * (power * eta[0] if power > 0.0 else power / eta[1])
        powers[t] = power
    return powers


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_the_compiled_run_is_the_plain_one(seed: int) -> None:
    truth = random_truth(seed)
    low, high = truth.low_kwh.copy(), truth.high_kwh.copy()
    low[:, -1], high[:, -1] = 0.0, 1500.0
    truth = replace(truth, low_kwh=low, high_kwh=high)
    lived = roll(truth, Wrong(truth, seed))
    assert lived.store_kw[0] == pytest.approx(reference_roll(truth, Wrong(truth, seed)), abs=1e-5)


@settings(max_examples=20)
@given(
    st.integers(0, 10**6),
    st.sampled_from([DAY_AHEAD, ROLLING, Policy("held", follow=False), Policy("late", every=7)]),
    st.sampled_from([0.0, 30.0]),
)
def test_perfect_foresight_is_never_dearer_and_no_limit_is_broken(
    seed: int, policy: Policy, charge: float
) -> None:
    truth = random_truth(seed)
    demand, period = np.array([charge]), np.arange(30) // 12
    lived = roll(truth, Wrong(truth, seed), policy, demand, period)
    found = judge(truth, lived, demand, period)
    assert found.perfect_cny[0] <= found.paid_cny[0] + 1e-6
    assert (lived.energy_kwh >= truth.low_kwh.min() - 1e-6).all()
    assert (lived.energy_kwh <= truth.high_kwh.max() + 1e-6).all()
    assert (lived.store_kw <= 400.0 + 1e-9).all()
    assert (lived.store_kw >= -400.0 - 1e-9).all()
    assert (lived.grid_kw >= -truth.export_limit_kw - 1e-6).all()
    before = np.concatenate([truth.initial_kwh[:, None], lived.energy_kwh[:, :-1]], axis=1)
    gained = np.where(lived.store_kw > 0.0, lived.store_kw * 0.95, lived.store_kw / 0.94) * 0.25
    assert lived.energy_kwh - before == pytest.approx(gained, abs=1e-6)


def worth(truth: StoreDays, lived: Rolled) -> float:
    return judge(truth, lived).share


def test_the_better_a_policy_looks_ahead_the_more_it_keeps() -> None:
    truth, load, sun = made_run(8)
    day, rolling, scenario = (
        worth(truth, roll(truth, FromHistory(load, sun, START, scenarios=m), policy))
        for policy, m in ((DAY_AHEAD, 0), (ROLLING, 0), (SCENARIOS, 8))
    )
    exact = worth(truth, roll(truth, Exact(truth.load_kw, truth.pv_kw)))
    assert day < rolling < exact <= 1.0 + 1e-9
    assert exact > 0.99
    assert scenario > rolling - 0.01


def test_scenarios_that_agree_change_nothing() -> None:
    truth, _, _ = made_run(1)

    class Sure:
        def __call__(self, first: int, count: int) -> Outlook:
            one = Exact(truth.load_kw, truth.pv_kw)(first, count)
            return Outlook(np.repeat(one.load_kw, 4, 2), np.repeat(one.pv_kw, 4, 2))

    weighed = roll(truth, Sure(), SCENARIOS)
    assert (weighed.weighed == 0.0).all()
    assert np.array_equal(weighed.store_kw, roll(truth, Sure(), ROLLING).store_kw)


def test_a_demand_charge_lowers_the_peak() -> None:
    truth, load, sun = made_run(4)
    foreseer, price = FromHistory(load, sun, START), np.full(2, 40.0)
    free, charged = (roll(truth, foreseer, ROLLING, d) for d in (None, price))
    assert (charged.grid_kw.max(axis=1) < free.grid_kw.max(axis=1)).all()
    assert charged.demand_cny == pytest.approx(40.0 * charged.grid_kw.max(axis=1))


def test_sites_and_threads_do_not_change_each_other() -> None:
    truth, load, sun = made_run(2, sites=3)
    seen = FromHistory(load, sun, START)
    one, two = (roll(truth, seen, ROLLING, threads=n) for n in (1, 2))
    assert np.array_equal(one.store_kw, two.store_kw)


def test_what_is_missing_is_named() -> None:
    truth, _, _ = made_run(1)

    class Blind:
        def __call__(self, first: int, count: int) -> Outlook:
            gap = np.full((2, count, 1, 96), np.nan)
            return Outlook(gap, gap)

    with pytest.raises(InputError, match="outlook load_kw"):
        roll(truth, Blind())
    with pytest.raises(InputError, match="outlook"):
        roll(truth, Exact(truth.load_kw[:1], truth.pv_kw[:1]))
    with pytest.raises(InputError, match="demand_cny_per_kw"):
        roll(truth, Exact(truth.load_kw, truth.pv_kw), ROLLING, np.zeros(5))


def test_a_sensor_that_lies_is_planned_around() -> None:
    """A stuck load meter and a day without any: the store still earns, not silently idle."""
    truth, load, sun = made_run(3, sites=1)
    lied = load.past.values.copy()
    lied[0, 4 * 96 : 5 * 96] = 777.0
    lied[0, START - 96 : START] = np.nan
    believed, faults = screen(lied, 0.25, most=5000.0)
    assert [(f.first // 96, f.why) for f in faults] == [(4, "stuck"), (9, "no value")]
    mended = study(Past(believed, load.past.scale, load.past.workday), LOAD)
    clean, holed = (
        worth(truth, roll(truth, FromHistory(known, sun, START))) for known in (load, mended)
    )
    assert holed > 0.5
    assert holed > clean - 0.15
