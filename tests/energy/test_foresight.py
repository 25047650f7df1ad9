from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.energy.foresight import (
    Metered,
    foresight,
    hindsight_problem,
    joined,
    stored_path,
    worth,
)
from zerocity.errors import InputError

EFFICIENCY = 0.95


def metered(store_kw: Any, demand_kw: Any, pv_kw: Any, **changed: Any) -> Metered:
    """Meters of sites with a 100 kWh, 50 kW store that start half full; dear after noon."""
    store, demand, sun = (np.atleast_2d(np.asarray(a, float)) for a in (store_kw, demand_kw, pv_kw))
    sites, steps = demand.shape
    net = demand + store - sun
    fields = {
        "step_h": 0.25,
        "demand_kw": demand,
        "pv_kw": sun,
        # What exceeds the limit is curtailed sun; a store that still sends more has sent it.
        "grid_kw": np.minimum(np.maximum(net, -30.0), net + sun),
        "store_kw": store,
        "buy_cny_per_kwh": np.where(np.arange(steps) < steps // 2, 0.3, 0.9),
        "sell_cny_per_kwh": np.full(steps, 0.2),
        "low_kwh": np.zeros((sites, steps)),
        "high_kwh": np.full((sites, steps), 100.0),
        "charge_limit_kw": np.full((sites, steps), 50.0),
        "discharge_limit_kw": np.full((sites, steps), 50.0),
        "export_limit_kw": np.full(sites, 30.0),
        "initial_kwh": np.full(sites, 50.0),
        "wear_cny_per_kwh": np.full(sites, 0.03),
        "charge_efficiency": EFFICIENCY,
        "discharge_efficiency": EFFICIENCY,
        "period": np.arange(steps) // 48,
    }
    return Metered(**{**fields, **changed})


def lawful(wish: np.ndarray) -> np.ndarray:
    """What a store that follows ``wish`` (sites, steps) [kW] can really do."""
    power, energy = np.zeros_like(wish), np.full(wish.shape[0], 50.0)
    for t in range(wish.shape[1]):
        most = np.minimum(50.0, (100.0 - energy) / EFFICIENCY / 0.25)
        least = -np.minimum(50.0, energy * EFFICIENCY / 0.25)
        now = np.clip(wish[:, t], least, most)
        energy += 0.25 * (np.maximum(now, 0) * EFFICIENCY - np.maximum(-now, 0) / EFFICIENCY)
        energy, power[:, t] = np.clip(energy, 0.0, 100.0), now
    return power


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(2, 96))
def test_perfect_foresight_is_never_dearer_than_any_policy(
    seed: int, sites: int, steps: int
) -> None:
    rng = np.random.default_rng(seed)
    demand, sun = rng.uniform(0.0, 80.0, (2, sites, steps))
    m = metered(lawful(rng.uniform(-70.0, 70.0, (sites, steps))), demand, sun)
    found = foresight(m)
    assert found.feasible.all()
    assert (found.lost_cny >= -1e-2 * 0.25 * steps * 1e-3).all()
    assert (np.abs(found.gap_cny) <= 1e-9 * (1.0 + np.abs(found.perfect_cny))).all()


def test_a_perfect_store_has_lost_nothing() -> None:
    rng = np.random.default_rng(5)
    demand, sun = rng.uniform(0.0, 80.0, (2, 2, 192))
    best = hindsight_problem(metered(lawful(rng.uniform(-50, 50, (2, 192))), demand, sun))
    from_kernel = foresight(metered(lawful(rng.uniform(-50, 50, (2, 192))), demand, sun))
    assert best.low_kwh[0, -1] == best.high_kwh[0, -1]
    assert from_kernel.lost_cny.min() > 0.0


def test_cheap_hours_could_have_been_moved() -> None:
    """An idle store, two steps: one cheap kWh stored could have replaced a dear one."""
    steps = 2
    m = metered(np.zeros(steps), [10.0, 10.0], np.zeros(steps), period=np.zeros(2, np.int64))
    assert foresight(m).lost_cny[0] == pytest.approx(0.0, abs=1e-3)
    roomy = replace(m, demand_kw=np.array([[0.0, 10.0]]), grid_kw=np.array([[0.0, 10.0]]))
    found = foresight(roomy)
    into = 10.0 * EFFICIENCY * EFFICIENCY  # stored at 10 kW, the peak, in the first quarter hour
    bought = 0.25 * (10.0 * 0.3 + (10.0 - into) * 0.9)
    assert found.perfect_cny[0] == pytest.approx(bought + 0.25 * 0.03 * (10.0 + into), abs=1e-3)
    assert found.realised_cny[0] == pytest.approx(0.25 * 10.0 * 0.9)
    assert found.idle_cny[0] == pytest.approx(found.realised_cny[0])


def test_no_month_imports_more_than_it_did() -> None:
    rng = np.random.default_rng(6)
    demand = rng.uniform(20.0, 80.0, (1, 96))
    problem = hindsight_problem(metered(np.zeros((1, 96)), demand, np.zeros((1, 96))))
    for month in (slice(0, 48), slice(48, 96)):
        assert problem.import_limit_kw[0, month] == pytest.approx(demand[0, month].max(), rel=1e-3)


def test_bounds_that_the_meters_broke_are_widened_to_hold_them() -> None:
    power = np.array([[-50.0] * 4 + [60.0] * 4])
    m = metered(power, np.full((1, 8), 30.0), np.zeros((1, 8)), high_kwh=np.full((1, 8), 40.0))
    problem, path = hindsight_problem(m), stored_path(m)
    assert (problem.low_kwh <= path).all()
    assert (problem.high_kwh >= path).all()
    assert (problem.charge_limit_kw[0, 4:] == 60.0).all()
    assert foresight(m).feasible.all()


def test_sites_do_not_depend_on_each_other() -> None:
    rng = np.random.default_rng(7)
    demand, sun, wish = rng.uniform(0.0, 60.0, (3, 3, 96))
    power = lawful(wish - 30.0)
    whole = foresight(metered(power, demand, sun))
    apart = joined([foresight(metered(power[k], demand[k], sun[k])) for k in range(3)])
    assert apart.perfect_cny == pytest.approx(whole.perfect_cny)
    total = worth(whole)
    assert total["lost_cny"] == pytest.approx(float(whole.lost_cny.sum()))
    assert total["captured_share"] < 1.0
    assert 0.0 <= total["gap"] < 1e-9


def test_meters_that_contradict_each_other_are_left_out_of_the_sum() -> None:
    m = metered(np.zeros((2, 4)), np.full((2, 4), 40.0), np.zeros((2, 4)))
    lied = m.grid_kw.copy()
    lied[1] = 5.0  # less than the load, and the store stood still
    low = np.full((2, 4), 50.0)
    found = foresight(replace(m, grid_kw=lied, low_kwh=low))
    assert found.feasible.tolist() == [True, False]
    assert worth(found)["realised_cny"] == pytest.approx(float(found.realised_cny[0]))


def test_a_missing_value_is_named() -> None:
    demand = np.full((2, 4), 40.0)
    demand[1, 2] = np.nan
    with pytest.raises(InputError, match=r"demand_kw at \(1, 2\)"):
        foresight(metered(np.zeros((2, 4)), demand, np.zeros((2, 4))))
    m = metered(np.zeros((2, 4)), np.zeros((2, 4)), np.zeros((2, 4)))
    with pytest.raises(InputError, match="period"):
        foresight(replace(m, period=np.zeros(3, np.int64)))
