"""Whole plans: laws, a plain program written another way, and cases in which limits must break."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import made_case, plain_optimum_cny, seeds, wild_raw
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from zerocity.energy.case import Case
from zerocity.energy.case_reader import read_case
from zerocity.energy.schedule import Schedule
from zerocity.energy.site_plan import plan_case
from zerocity.errors import InputError

FLAT = {"step_minutes": 60, "steps": 4, "buy_cny_per_kwh": 0.5}
BATTERY = {"name": "b", "capacity_kwh": 10, "charge_limit_kw": 5, "discharge_limit_kw": 5}


def plan(**changes: Any) -> Schedule:
    return plan_case(read_case({**FLAT, **changes}))


def money(found: Schedule) -> float:
    """What the plan minimises."""
    return found.objective_cny + found.penalties_cny


@given(seeds, st.integers(0, 2), st.integers(0, 4))
@example(230866, 2, 0)  # without binaries it would burn energy in a store
@settings(max_examples=60)
def test_it_agrees_with_a_plain_program(seed: int, stores: int, sessions: int) -> None:
    case = made_case(seed, stores=stores, sessions=sessions)
    (best, exact), found = plain_optimum_cny(case), plan_case(case)
    if best is None:
        assert found.status == "limits_broken"
    else:
        assert found.status == "optimal"
        assert found.objective_cny == pytest.approx(best, rel=exact, abs=exact)
    assert found.gap < exact


@given(seeds)
@settings(max_examples=60)
def test_there_is_always_a_lawful_plan(seed: int) -> None:
    case = read_case(wild_raw(seed))
    found = plan_case(case)
    assert found.gap < 2e-6
    assert (found.export_kw <= case.export_limit_kw + 1e-6).all()
    assert (found.pv_used_kw <= case.pv_kw + 1e-9).all()
    assert np.minimum(found.import_kw, found.export_kw).max() <= 1e-6
    for store, went in zip(case.stores, found.stores, strict=True):
        assert np.minimum(went.charge_kw, went.discharge_kw).max() <= 1e-6
        assert (went.charge_kw <= store.charge_limit_kw).all()
        assert (went.discharge_kw <= store.discharge_limit_kw).all()
        assert (went.energy_kwh >= 0.0).all()
    for session, served in zip(case.sessions, found.sessions, strict=True):
        away = np.ones(case.steps, dtype=bool)
        away[session.arrive_step : session.depart_step] = False
        assert not served.power_kw[away].any()
        assert (served.energy_kwh <= session.capacity_kwh + 1e-6).all()
    assert sum(line.cny for line in found.bill) == pytest.approx(found.objective_cny)


@given(seeds, st.sampled_from(["import_limit_kw", "export_limit_kw", "pv_kw"]))
@settings(max_examples=30)
def test_a_wider_limit_never_costs_more(seed: int, name: str) -> None:
    case = made_case(seed, stores=1, sessions=2, fair_sessions=False)
    wider = replace(case, **{name: getattr(case, name) * 1.3 + 1.0})
    assert money(plan_case(wider)) <= money(plan_case(case)) + 1e-6


@given(seeds)
@settings(max_examples=20)
def test_a_larger_store_never_costs_more(seed: int) -> None:
    case = made_case(seed, stores=1, sessions=2, fair_sessions=False)
    store = case.stores[0]
    # The same energy at start and end, and more room above it.
    assume(store.final_soc is None)
    wider = replace(store, soc_max=np.ones(case.steps), charge_limit_kw=store.charge_limit_kw * 2.0)
    wide = plan_case(replace(case, stores=(wider,)))
    assert money(wide) <= money(plan_case(case)) + 1e-6


@given(seeds, st.floats(0.1, 10.0))
@settings(max_examples=30)
def test_scaling_prices_scales_the_bill(seed: int, factor: float) -> None:
    case = made_case(seed, stores=1, sessions=2)
    stores = tuple(
        replace(
            s,
            wear_cny_per_kwh=factor * s.wear_cny_per_kwh,
            final_value_cny_per_kwh=factor * s.final_value_cny_per_kwh,
        )
        for s in case.stores
    )
    sessions = tuple(
        replace(s, discharge_price_cny_per_kwh=factor * s.discharge_price_cny_per_kwh)
        for s in case.sessions
    )
    scaled = replace(
        case,
        sessions=sessions,
        buy_cny_per_kwh=factor * case.buy_cny_per_kwh,
        sell_cny_per_kwh=factor * case.sell_cny_per_kwh,
        demand_charge_cny_per_kw=factor * case.demand_charge_cny_per_kw,
        stores=stores,
    )
    before, after = plan_case(case), plan_case(scaled)
    assume(before.status == "optimal")
    assert after.objective_cny == pytest.approx(factor * before.objective_cny, rel=1e-8, abs=1e-8)


@given(seeds)
@settings(max_examples=30)
def test_merging_two_sites_never_costs_more_than_apart(seed: int) -> None:
    one = made_case(seed, stores=1, sessions=1)
    other = made_case(seed + 1, stores=1, sessions=1, step_minutes=one.step_minutes)
    shared = {
        name: getattr(one, name)
        for name in ("buy_cny_per_kwh", "sell_cny_per_kwh", "demand_charge_cny_per_kw")
    }
    other = replace(other, **shared)
    apart = [plan_case(one), plan_case(other)]
    assume(all(found.status == "optimal" for found in apart))
    together = plan_case(merged(one, other))
    assert together.status == "optimal"
    total = sum(found.objective_cny for found in apart)
    assert together.objective_cny <= total + 1e-6


def merged(one: Case, other: Case) -> Case:
    """Both sites behind one meter, with the sum of their connections."""
    sums = {
        name: getattr(one, name) + getattr(other, name)
        for name in ("load_kw", "pv_kw", "import_limit_kw", "export_limit_kw", "peak_so_far_kw")
    }
    stores = (*one.stores, *(replace(s, name=f"other {s.name}") for s in other.stores))
    sessions = (*one.sessions, *(replace(s, name=f"other {s.name}") for s in other.sessions))
    return replace(one, **sums, stores=stores, sessions=sessions)


@given(seeds)
@settings(max_examples=10)
def test_equal_input_gives_equal_bits(seed: int) -> None:
    case = made_case(seed, stores=2, sessions=3)
    one, other = plan_case(case), plan_case(case)
    assert (one.import_kw == other.import_kw).all()
    assert (one.stores[0].energy_kwh == other.stores[0].energy_kwh).all()


def test_ties_go_early_or_late() -> None:
    session = {"arrive_step": 0, "depart_step": 4, "energy_kwh": 4, "charge_limit_kw": 2}
    case = read_case({**FLAT, "sessions": [session, {**session, "name": "two"}]})
    early, late = (plan_case(case, tie=tie).sessions[0].power_kw for tie in ("early", "late"))
    assert early.tolist() == [2.0, 2.0, 0.0, 0.0]
    assert late.tolist() == [0.0, 0.0, 2.0, 2.0]


def test_an_unknown_tie_is_refused() -> None:
    with pytest.raises(InputError, match="early, late"):
        plan_case(read_case(FLAT), tie="soon")


def test_a_store_full_early_among_equal_prices() -> None:
    """Two stores, so that the program plans and not the kernel."""
    wanted = {"final_soc": 1.0, "charge_limit_kw": 5}
    found = plan(stores=[{**BATTERY, **wanted}, {**BATTERY, **wanted, "name": "c"}])
    for store in found.stores:
        assert store.energy_kwh.tolist() == [5.0, 10.0, 10.0, 10.0]


def test_own_load_above_the_connection_is_named() -> None:
    found = plan(load_kw=[1, 9, 1, 1], import_limit_kw=5)
    assert found.status == "limits_broken"
    [broken] = found.broken_limits
    assert (broken.limit, broken.step, broken.unit) == ("import_limit_kw", 1, "kW")
    assert broken.amount == pytest.approx(4.0)
    assert "9.0 kW" in broken.sentence
    assert found.objective_cny == pytest.approx(6.0)


def test_a_store_brings_the_load_under_the_connection() -> None:
    found = plan(load_kw=[1, 9, 1, 1], import_limit_kw=5, stores=[{**BATTERY, "initial_soc": 0.5}])
    assert found.status == "optimal"


def test_buying_below_selling_makes_no_money_machine() -> None:
    found = plan(sell_cny_per_kwh=0.8, pv_kw=[0, 3, 0, 0], load_kw=1)
    assert found.notes
    assert found.import_kw.tolist() == [1.0, 0.0, 1.0, 1.0]
    assert found.export_kw.tolist() == [0.0, 2.0, 0.0, 0.0]


def test_an_inverter_does_not_burn_at_negative_prices() -> None:
    lossy = {**BATTERY, "charge_efficiency": 0.8, "discharge_efficiency": 0.8, "soc_max": 1.0}
    found = plan(buy_cny_per_kwh=[-1.0, -1.0, -1.0, -1.0], stores=[lossy])
    [store] = found.stores
    assert np.minimum(store.charge_kw, store.discharge_kw).max() <= 1e-9
    assert store.energy_kwh.max() == pytest.approx(10.0)


def test_a_store_outside_its_bounds_comes_back_and_says_so() -> None:
    found = plan(stores=[{**BATTERY, "initial_soc": 0.0, "soc_min": 0.8}])
    assert [one.step for one in found.broken_limits] == [0]
    assert found.stores[0].energy_kwh.tolist() == [5.0, 8.0, 8.0, 8.0]


def test_limits_that_cross_keep_the_upper_one() -> None:
    store = {**BATTERY, "soc_min": [0, 0.6, 0, 0], "soc_max": [1, 0.4, 1, 1]}
    found = plan(stores=[store])
    assert found.stores[0].energy_kwh[1] == pytest.approx(4.0)
    [broken] = found.broken_limits
    assert broken.limit == "stores.b.soc_min"
    assert broken.amount == pytest.approx(2.0)


def test_a_final_content_out_of_reach_is_approached() -> None:
    found = plan(stores=[{**BATTERY, "charge_limit_kw": 1, "final_soc": 1.0}])
    assert found.stores[0].energy_kwh[-1] == pytest.approx(4.0)
    assert found.broken_limits[0].limit == "stores.b.final_soc"


def test_the_demand_charge_counts_above_the_peak_so_far() -> None:
    found = plan(load_kw=[1, 6, 1, 1], demand_charge_cny_per_kw=10, peak_so_far_kw=4)
    lines = {line.name: line.cny for line in found.bill}
    assert lines["demand_charge"] == pytest.approx(20.0)


def test_a_carbon_price_moves_energy_to_clean_steps() -> None:
    case = {
        "carbon_kg_per_kwh": [1, 0, 1, 1],
        "carbon_price_cny_per_t": 1000,
        "load_kw": [0, 0, 2, 2],
        "stores": [{**BATTERY, "wear_cny_per_kwh": 0.01}],
    }
    found = plan(**case)
    assert found.carbon_kg == pytest.approx(0.0)
    dirty = plan(**{**case, "carbon_price_cny_per_t": 0})
    assert dirty.carbon_kg == pytest.approx(4.0)


def test_a_carbon_budget_holds_where_it_can_and_is_named_where_not() -> None:
    case = {
        "carbon_kg_per_kwh": [1, 0.5, 1, 1],
        "load_kw": [0, 0, 2, 2],
        "stores": [{**BATTERY, "wear_cny_per_kwh": 0.01}],
    }
    found = plan(**case, carbon_budget_kg=3)
    assert found.status == "optimal"
    assert found.carbon_kg == pytest.approx(3.0)
    tight = plan(**case, carbon_budget_kg=1)
    assert tight.carbon_kg == pytest.approx(2.0)
    assert [one.limit for one in tight.broken_limits] == ["carbon_budget_kg"]


def test_time_that_runs_out_leaves_a_plan_and_its_gap() -> None:
    mills: list[dict[str, Any]] = [
        {"name": f"mill {i}", "energy_kwh": 7.3 + i, "power_min_kw": 3.1, "power_max_kw": 4.9}
        for i in range(12)
    ]
    prices = np.random.default_rng(0).uniform(0.2, 1.0, 24).tolist()
    case = read_case(
        {"step_minutes": 60, "buy_cny_per_kwh": prices, "processes": mills,
         "import_limit_kw": 14, "demand_charge_cny_per_kw": 2}
    )  # fmt: skip
    for time_limit_s in (0.0, 0.3):
        found = plan_case(case, time_limit_s=time_limit_s)
        assert found.status == "time_limit"
        assert found.gap > 0.0
