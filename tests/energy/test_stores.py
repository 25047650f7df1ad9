"""The exact dispatch of one store, against HiGHS and against laws."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_cases import optimum, random_days

from zerocity.energy.store_batch import solve_range
from zerocity.energy.stores import (
    TIES,
    StoreDays,
    StorePlans,
    dispatch_stores,
    dispatch_with_demand,
)
from zerocity.errors import InputError

SEEDS = st.integers(0, 10**6)


def one_day(**changes: Any) -> StoreDays:
    """Two cheap hours, two dear ones; a lossless battery of 10 kWh and 5 kW, no load, no sun."""
    four, one = np.ones((1, 4)), np.ones(1)
    days = StoreDays(
        step_h=1.0,
        load_kw=0.0 * four,
        pv_kw=0.0 * four,
        buy_cny_per_kwh=np.array([[0.3, 0.3, 1.0, 1.0]]),
        sell_cny_per_kwh=np.array([[0.2, 0.2, 0.9, 0.9]]),
        import_limit_kw=100.0 * four,
        export_limit_kw=100.0 * four,
        charge_limit_kw=5.0 * four,
        discharge_limit_kw=5.0 * four,
        low_kwh=0.0 * four,
        high_kwh=10.0 * four,
        initial_kwh=0.0 * one,
        charge_efficiency=one,
        discharge_efficiency=one,
        self_discharge=0.0 * one,
        wear_cny_per_kwh=0.0 * one,
        final_value_cny_per_kwh=0.0 * one,
        overload_cny_per_kwh=np.inf * one,
    )
    return replace(days, **changes)


def assert_lawful(days: StoreDays, plans: StorePlans) -> None:
    """Energy balances, every limit holds, and the objective is the plan's own cost."""
    ok, h = plans.feasible, days.step_h
    meter = plans.import_kw - plans.export_kw + plans.pv_used_kw - days.load_kw
    store = plans.charge_kw - plans.discharge_kw
    assert np.abs(meter - store)[ok].max(initial=0.0) < 1e-9
    before = np.hstack([days.initial_kwh[:, None], plans.energy_kwh[:, :-1]])
    gained = plans.charge_kw * days.charge_efficiency[:, None]
    gained = h * (gained - plans.discharge_kw / days.discharge_efficiency[:, None])
    kept = before * (1.0 - days.self_discharge[:, None])
    assert np.abs(plans.energy_kwh - kept - gained)[ok].max(initial=0.0) < 1e-9
    for low, value, high in (
        (days.low_kwh, plans.energy_kwh, days.high_kwh),
        (0.0, plans.charge_kw, days.charge_limit_kw),
        (0.0, plans.discharge_kw, days.discharge_limit_kw),
        (0.0, plans.import_kw - plans.overload_kw, days.import_limit_kw),
        (0.0, plans.export_kw, days.export_limit_kw),
        (0.0, plans.pv_used_kw, days.pv_kw),
        (0.0, plans.overload_kw, np.inf),
    ):
        assert ((value - low)[ok] > -1e-9).all()
        assert ((high - value)[ok] > -1e-9).all()


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("negative", [False, True])
def test_agrees_with_the_linear_program(tie: str, negative: bool) -> None:
    for seed in range(25):
        days = random_days(seed, negative_prices=negative)
        plans = dispatch_stores(days, tie)  # type: ignore[arg-type]
        assert_lawful(days, plans)
        for b in range(days.load_kw.shape[0]):
            wanted = optimum(days, b)
            assert bool(plans.feasible[b]) == (wanted is not None), (seed, b)
            if wanted is not None:
                scale = max(1.0, abs(wanted))
                assert plans.objective_cny[b] == pytest.approx(wanted, abs=1e-9 * scale)
                assert abs(plans.gap_cny[b]) <= 1e-9 * scale


@pytest.mark.parametrize("negative", [False, True])
def test_demand_charge_agrees_with_the_linear_program(negative: bool) -> None:
    for seed in range(25):
        days, rng = random_days(seed, negative_prices=negative), np.random.default_rng(seed)
        charge, floor = rng.choice([0.0, 0.5, 3.0, 30.0], 4), rng.uniform(0.0, 10.0, 4)
        plans = dispatch_with_demand(days, charge, floor, "level")
        assert_lawful(days, plans)
        for b in np.flatnonzero(plans.feasible):
            wanted = optimum(days, int(b), float(charge[b]), float(floor[b]))
            assert wanted is not None
            scale = max(1.0, abs(wanted))
            assert plans.objective_cny[b] == pytest.approx(wanted, abs=1e-9 * scale)
            assert abs(plans.gap_cny[b]) <= 1e-9 * scale


def test_arbitrage_by_hand() -> None:
    plans = dispatch_stores(one_day())
    assert plans.objective_cny[0] == pytest.approx(10 * 0.3 - 10 * 0.9)
    assert plans.energy_kwh[0] == pytest.approx([5.0, 10.0, 5.0, 0.0])
    # Full at 10 kWh: one more kWh of room is what a kWh is worth between buying and selling.
    assert 0.3 <= plans.stored_price_cny_per_kwh[0, 1] <= 0.9


def test_no_kind_of_array_is_compiled_for_anew() -> None:
    plain = dispatch_stores(one_day())
    kinds = len(solve_range.signatures)
    strided = np.repeat(one_day().buy_cny_per_kwh, 2, axis=1)[:, ::2]
    frozen = np.broadcast_to(np.full(4, 100.0), (1, 4))
    plans = dispatch_stores(one_day(buy_cny_per_kwh=strided, import_limit_kw=frozen))
    none = np.broadcast_to(np.zeros(1), (1,))
    dispatch_with_demand(one_day(), none, none)
    assert plans.objective_cny == plain.objective_cny
    assert len(solve_range.signatures) == kinds


def test_losses_and_wear_make_a_small_spread_worthless() -> None:
    days = one_day(
        sell_cny_per_kwh=np.array([[0.2, 0.2, 0.4, 0.4]]),
        charge_efficiency=np.array([0.9]),
        discharge_efficiency=np.array([0.9]),
    )
    assert dispatch_stores(days).charge_kw.sum() > 0.0
    worn = replace(days, wear_cny_per_kwh=np.array([0.05]))
    assert dispatch_stores(worn).charge_kw.sum() == 0.0


def test_ties_are_early_late_or_level() -> None:
    """Two kWh into a store in four equal hours of at most 1 kW."""
    end = np.array([[0.0, 0.0, 0.0, 2.0]])
    days = one_day(
        buy_cny_per_kwh=np.full((1, 4), 0.3),
        sell_cny_per_kwh=np.zeros((1, 4)),
        charge_limit_kw=np.ones((1, 4)),
        low_kwh=end,
        high_kwh=np.full((1, 4), 2.0),
    )
    assert dispatch_stores(days, "early").charge_kw[0] == pytest.approx([1, 1, 0, 0])
    assert dispatch_stores(days, "late").charge_kw[0] == pytest.approx([0, 0, 1, 1])
    assert dispatch_stores(days, "level").charge_kw[0] == pytest.approx([0.5] * 4)


def test_peak_is_shaved_to_where_it_pays() -> None:
    """A load of 4, 10, 4, 4 kW and a full store: the peak falls until the store is empty."""
    days = one_day(
        load_kw=np.array([[4.0, 10.0, 4.0, 4.0]]),
        buy_cny_per_kwh=np.full((1, 4), 0.5),
        sell_cny_per_kwh=np.zeros((1, 4)),
        initial_kwh=np.array([4.0]),
    )
    plans = dispatch_with_demand(days, np.array([30.0]), np.array([0.0]))
    # 22 kWh of load, 4 in store, and a store to fill in the first hour: all hours alike.
    assert plans.import_kw[0].max() == pytest.approx(5.0)
    floor = dispatch_with_demand(days, np.array([30.0]), np.array([9.0]))
    assert floor.objective_cny[0] == pytest.approx(0.5 * 18.0)


def test_negative_prices_burn_energy_only_where_it_pays() -> None:
    days = one_day(
        buy_cny_per_kwh=np.full((1, 4), -0.5),
        sell_cny_per_kwh=np.full((1, 4), -0.6),
        charge_efficiency=np.array([0.8]),
        discharge_efficiency=np.array([0.8]),
    )
    plans = dispatch_stores(days)
    assert (np.minimum(plans.charge_kw, plans.discharge_kw) > 0.0).any()
    assert plans.objective_cny[0] == pytest.approx(optimum(days, 0))


def test_impossible_bounds_are_named_by_their_step() -> None:
    low = np.array([[0.0, 0.0, 9.0, 0.0]])
    plans = dispatch_stores(one_day(low_kwh=low, charge_limit_kw=np.full((1, 4), 2.0)))
    assert not plans.feasible[0]
    assert plans.broken_step[0] == 2
    assert np.isnan(plans.objective_cny[0])


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("load_kw", np.nan, "load_kw, problem 0, step 2"),
        ("buy_cny_per_kwh", np.nan, "buy_cny_per_kwh, problem 0, step 2"),
        ("buy_cny_per_kwh", 0.1, "sell_cny_per_kwh, problem 0, step 2"),
        ("pv_kw", -1.0, "pv_kw, problem 0, step 2"),
        ("charge_limit_kw", np.inf, "charge_limit_kw, problem 0, step 2"),
    ],
)
def test_unlawful_input_is_named(field: str, value: float, where: str) -> None:
    days = one_day()
    values = getattr(days, field).copy()
    values[0, 2] = value
    with pytest.raises(InputError, match=where):
        dispatch_stores(replace(days, **{field: values}))


def test_unlawful_scalars_are_named() -> None:
    one = np.ones(1)
    for changes, where in (
        ({"step_h": 0.0}, "step_h"),
        ({"charge_efficiency": 1.1 * one}, "charge_efficiency"),
        ({"self_discharge": one}, "self_discharge"),
        ({"initial_kwh": np.ones(2)}, "initial_kwh"),
        ({"load_kw": np.ones(4)}, "load_kw"),
    ):
        with pytest.raises(InputError, match=where):
            dispatch_stores(one_day(**changes))
    with pytest.raises(InputError, match="tie"):
        dispatch_stores(one_day(), "sometimes")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="demand_charge"):
        dispatch_with_demand(one_day(), -one, one)


def same(a: StorePlans, b: StorePlans) -> bool:
    """Whether two answers are the same bits."""
    return all(
        np.array_equal(getattr(a, f.name), getattr(b, f.name), equal_nan=True) for f in fields(a)
    )


def test_the_answer_does_not_depend_on_threads_or_company() -> None:
    days = random_days(7, problems=23)
    alone = dispatch_stores(days)
    assert same(alone, dispatch_stores(days, threads=3))
    half = {f.name: getattr(days, f.name)[5:9] for f in fields(days) if f.name != "step_h"}
    few = dispatch_stores(StoreDays(days.step_h, **half))
    assert np.array_equal(few.objective_cny, alone.objective_cny[5:9], equal_nan=True)


@given(SEEDS, st.floats(1.0, 3.0))
@settings(max_examples=40, deadline=None)
def test_a_wider_limit_never_costs_more(seed: int, factor: float) -> None:
    days = random_days(seed)
    cost = dispatch_stores(days).objective_cny
    for name in ("import_limit_kw", "export_limit_kw", "charge_limit_kw", "discharge_limit_kw"):
        wider = dispatch_stores(replace(days, **{name: factor * getattr(days, name)}))
        ok = ~np.isnan(cost)
        assert (wider.objective_cny[ok] <= cost[ok] + 1e-9 * (1.0 + np.abs(cost[ok]))).all()


@given(SEEDS, st.floats(0.1, 10.0))
@settings(max_examples=40, deadline=None)
def test_scaling_prices_scales_the_bill(seed: int, factor: float) -> None:
    days = random_days(seed, negative_prices=True)
    priced = {f.name: factor * getattr(days, f.name) for f in fields(days) if "_cny_" in f.name}
    bill, scaled = dispatch_stores(days), dispatch_stores(replace(days, **priced))
    wanted = factor * bill.objective_cny
    np.testing.assert_allclose(scaled.objective_cny, wanted, rtol=1e-9, atol=1e-8)


@given(SEEDS, SEEDS)
@settings(max_examples=40, deadline=None)
def test_merging_two_sites_never_costs_more(seed: int, other: int) -> None:
    """A site with a store and one with sun and load, behind one meter or behind two."""
    days, rng = random_days(seed), np.random.default_rng(other)
    shape, none = days.load_kw.shape, np.zeros_like(days.load_kw)
    load, sun = rng.uniform(0.0, 5.0, shape), rng.uniform(0.0, 9.0, shape)
    plain = replace(
        days, load_kw=load, pv_kw=sun, charge_limit_kw=none, discharge_limit_kw=none,
        low_kwh=none, high_kwh=none, initial_kwh=none[:, 0],
    )  # fmt: skip
    merged = replace(
        days,
        load_kw=days.load_kw + load,
        pv_kw=days.pv_kw + sun,
        import_limit_kw=2.0 * days.import_limit_kw,
        export_limit_kw=2.0 * days.export_limit_kw,
    )
    apart = dispatch_stores(days).objective_cny + dispatch_stores(plain).objective_cny
    together, ok = dispatch_stores(merged).objective_cny, ~np.isnan(apart)
    assert (together[ok] <= apart[ok] + 1e-9 * (1.0 + np.abs(apart[ok]))).all()


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_price_of_stored_energy_is_what_a_little_more_would_save(seed: int) -> None:
    """With a demand charge too: the cost falls along the price when the store starts fuller."""
    days, rng = random_days(seed), np.random.default_rng(seed)
    charge, floor, little = rng.choice([0.0, 3.0, 30.0], 4), rng.uniform(0.0, 5.0, 4), 1e-5
    plans = dispatch_with_demand(days, charge, floor)
    keep = 1.0 - days.self_discharge
    worth = plans.stored_price_cny_per_kwh[:, 0] * keep
    moved = [
        dispatch_with_demand(replace(days, initial_kwh=days.initial_kwh + step), charge, floor)
        for step in (little, -little)
    ]
    ok = plans.feasible & moved[0].feasible & moved[1].feasible
    saved = (plans.objective_cny - moved[0].objective_cny)[ok] / little
    lost = (moved[1].objective_cny - plans.objective_cny)[ok] / little
    # The cost is convex in the start, so its slope lies between the two differences.
    slack = 1e-4 * (1.0 + np.abs(worth[ok]))
    assert (saved - slack <= worth[ok]).all()
    assert (worth[ok] <= lost + slack).all()
