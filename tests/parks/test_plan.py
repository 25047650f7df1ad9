"""Plans of a park: known answers, and the laws of an optimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from park_years import FACTOR, small_case, small_year

from zerocity.energy.stores import dispatch_stores
from zerocity.parks.indicators import ParkSpec
from zerocity.parks.made_year import _problem
from zerocity.parks.park_case import KWH_PER_TCE, ParkCase, Target
from zerocity.parks.park_lp import Solver
from zerocity.parks.plan import ParkPlan, Planner, plan_park

seeds = st.integers(0, 50)
GAS = ParkSpec("north", ("site",), other_energy_tce=200.0, other_carbon_t=326.0)


def close(a: float, b: float) -> bool:
    return a <= b + 1e-6 * max(1.0, abs(a), abs(b))


def test_a_bare_park_pays_the_grid() -> None:
    case = small_case(assets={"pv_kwp": 0.0, "store_kwh": 0.0, "store_kw": 0.0})
    plan, year = Planner(case).as_it_is(), case.year
    hours = year.hours
    peaks = sum(float(year.use_kw[year.month == m].max()) for m in (1, 2))
    assert plan.cost_cny["grid_energy"] == pytest.approx(
        float(hours @ (year.use_kw * year.buy_cny_per_kwh))
    )
    assert plan.cost_cny["demand_charge"] == pytest.approx(30.0 * peaks)
    assert plan.carbon_t == pytest.approx(year.use_kwh * FACTOR / 1000.0)
    assert plan.carbon_t_per_tce == pytest.approx(FACTOR / 0.1229)
    assert plan.hourly_share == pytest.approx(0.0, abs=1e-9)


def test_the_cheapest_tonne_of_traced_supply_costs_premium_over_factor() -> None:
    case = small_case(levers={"pv_most_kwp": 0.0, "store_most_kwh": 0.0, "direct_most_kw": 0.0})
    plan = plan_park(case, Target(0.2))
    assert plan.met
    assert plan.carbon_t_per_tce == pytest.approx(0.2)
    assert plan.carbon_price_cny_per_t == pytest.approx(0.02 / FACTOR * 1000.0)


def test_the_price_is_what_the_next_tonne_costs() -> None:
    planner = Planner(small_case(3, levers={"traced_most_share": 0.2}))
    plan = planner.plan(Target(1.0))
    step = 1e-4
    tighter = planner.plan(Target(1.0 - step))
    tonnes = step * plan.energy_tce
    assert plan.carbon_price_cny_per_t > 0.0
    assert (tighter.objective_cny - plan.objective_cny) / tonnes == pytest.approx(
        plan.carbon_price_cny_per_t, rel=0.02
    )


def test_a_target_out_of_reach_has_a_gap_and_a_plan() -> None:
    closed = {"pv_most_kwp": 0.0, "store_most_kwh": 0.0, "direct_most_kw": 0.0,
              "traced_most_share": 0.1}  # fmt: skip
    plan = plan_park(small_case(levers=closed), Target(0.2))
    assert not plan.met
    limit_t = 0.2 * plan.energy_tce
    assert plan.carbon_t - limit_t == pytest.approx(plan.gap_t)
    assert plan.carbon_price_cny_per_t == pytest.approx(20_000.0)


def test_what_is_said_to_close_the_gap_closes_it() -> None:
    closed = {"pv_most_kwp": 0.0, "store_most_kwh": 0.0, "direct_most_kw": 0.0,
              "gap_cny_per_t": 1e6}  # fmt: skip
    short = plan_park(small_case(levers={**closed, "traced_most_share": 0.5}), Target(0.2))
    needed_mwh = short.added["traced_mwh"] + short.gap_t / FACTOR
    import_mwh = (1.0 - short.hourly_share) * short.matching.use_kwh.sum() / 1000.0
    share = needed_mwh / import_mwh + 1e-6
    assert plan_park(small_case(levers={**closed, "traced_most_share": share}), Target(0.2)).met


def test_heat_alone_above_the_limit_is_made_electric() -> None:
    case = small_case(spec=GAS, levers={"heat_most_share": 1.0, "fuel_cny_per_tce": 100.0})
    free, plan = plan_park(case, Target()), plan_park(case, Target(0.1))
    assert free.added["heat_share"] == 0.0
    assert plan.added["heat_share"] > 0.0
    assert plan.met
    heat_kwh = 200.0 * KWH_PER_TCE * 0.9 / 1.8
    used = plan.matching.use_kwh.sum() - case.year.use_kwh
    assert used == pytest.approx(plan.added["heat_share"] * heat_kwh)


def test_a_small_connection_is_passed_and_told() -> None:
    none = {"pv_kwp": 0.0, "store_kwh": 0.0, "store_kw": 0.0, "import_limit_kw": 1200.0}
    plan = Planner(small_case(assets=none)).as_it_is()
    assert plan.overload_h > 0.0
    assert plan.overload_kw == pytest.approx(small_year().use_kw.max() - 1200.0)


def test_an_hourly_target_is_kept_by_the_hour() -> None:
    plan = plan_park(small_case(), Target(None, None, 0.8))
    assert plan.met
    assert plan.hourly_share >= 0.8 - 1e-9
    assert plan.hourly_price_cny_per_mwh > 0.0


def test_wasting_energy_earns_no_budget() -> None:
    # Energy of the budget is that of the use, so the ratio cannot be met by burning power.
    case = small_case(assets={"pv_kwp": 8000.0}, levers={"traced_most_share": 0.0})
    plan = plan_park(case, Target(0.5))
    assert plan.energy_tce == pytest.approx(case.energy_tce)


@pytest.mark.parametrize("store_kwh", [0.0, 1000.0, 4000.0])
def test_a_park_as_it_is_costs_what_the_exact_dispatch_says(store_kwh: float) -> None:
    # Another method on another model: no demand charge, one block, each step once.
    assets = {"demand_charge_cny_per_kw_month": 0.0, "store_kwh": store_kwh, "export_limit_kw": 1e4}
    year = replace(small_year(5), block_steps=144, weight=np.ones(144))
    solver = Solver(small_case(assets=assets, year=year))
    columns, _, optimum = solver.solve(Target(), levers=False)
    # The ring of the program begins where it likes; the dispatch is told to begin there too.
    start = np.array([columns[solver.program.flow("level")][-1]])
    days = _problem(year, solver.case.assets)
    low, high = days.low_kwh.copy(), days.high_kwh.copy()
    low[0, -1] = high[0, -1] = start[0]
    exact = dispatch_stores(replace(days, low_kwh=low, high_kwh=high, initial_kwh=start))
    assert optimum == pytest.approx(float(exact.objective_cny[0]), rel=1e-6)


@given(seeds, st.floats(0.0, 3.0), st.floats(0.0, 3.0))
@settings(max_examples=10)
def test_a_tighter_limit_never_costs_less(seed: int, one: float, other: float) -> None:
    planner = Planner(small_case(seed, levers={"traced_most_share": 0.3}))
    loose, tight = planner.plan(Target(max(one, other))), planner.plan(Target(min(one, other)))
    assert close(loose.objective_cny, tight.objective_cny)
    assert close(tight.carbon_t, loose.carbon_t)


@given(seeds, st.floats(0.0, 5000.0), st.floats(0.2, 2.0))
@settings(max_examples=10)
def test_more_storage_is_never_worse(seed: int, more_kwh: float, limit: float) -> None:
    has = small_case(seed)
    larger = replace(has, assets=replace(has.assets, store_kwh=1000.0 + more_kwh, store_kw=800.0))
    for target in (Target(), Target(limit)):
        assert close(plan_park(larger, target).objective_cny, plan_park(has, target).objective_cny)


@given(seeds, st.sampled_from(["pv_most_kwp", "store_most_kwh", "direct_most_kw"]))
@settings(max_examples=10)
def test_a_wider_bound_never_costs_more(seed: int, name: str) -> None:
    narrow = small_case(seed, levers={name: 100.0})
    wide = small_case(seed, levers={name: 2000.0})
    target = Target(0.5, 0.8, 0.6)
    assert close(plan_park(wide, target).objective_cny, plan_park(narrow, target).objective_cny)


def _all_plans(case: ParkCase) -> list[ParkPlan]:
    planner = Planner(case)
    targets = (Target(), Target(0.4), Target(0.4, 0.95, 0.7))
    return [planner.as_it_is(), *(planner.plan(target) for target in targets)]


@given(seeds, st.floats(0.0, 0.3))
@settings(max_examples=8)
@example(0, 5.3e-13)  # what waits is as small as the solver's tolerance
@example(3, 2e-6)
def test_energy_balances_and_the_bill_is_the_optimum(seed: int, waits: float) -> None:
    case = small_case(seed, levers={"shiftable_share": waits, "heat_most_share": 0.5}, spec=GAS)
    for plan in _all_plans(case):
        assert plan.worst_imbalance_kw < 1e-6
        missing = plan.gap_t + plan.gap_clean_mwh + plan.gap_hourly_mwh
        penalty = missing * 20_000.0
        assert plan.cost_cny["total"] + penalty == pytest.approx(plan.objective_cny, rel=1e-4)
        scores = plan.matching.scores()
        assert scores["hourly_score"] <= scores["volume_score"] + 1e-9


@given(seeds, st.floats(0.5, 3.0))
@settings(max_examples=6)
def test_scaling_every_price_scales_the_bill(seed: int, scale: float) -> None:
    case = small_case(seed, levers={"pv_most_kwp": 0.0, "store_most_kwh": 0.0,
                                    "direct_most_kw": 0.0, "traced_most_share": 0.0})  # fmt: skip
    year = case.year
    dear = replace(
        case,
        year=replace(
            year, buy_cny_per_kwh=scale * year.buy_cny_per_kwh,
            sell_cny_per_kwh=scale * year.sell_cny_per_kwh,
        ),
        assets=replace(
            case.assets, wear_cny_per_kwh=0.05 * scale, demand_charge_cny_per_kw_month=30.0 * scale
        ),
    )  # fmt: skip
    one, other = (plan_park(c, Target()).cost_cny["total"] for c in (case, dear))
    assert other == pytest.approx(scale * one, rel=1e-6)


def test_targets_in_any_order_give_the_same_plans() -> None:
    case, targets = small_case(7), [Target(0.3), Target(), Target(1.0, 0.9, 0.5)]
    planner = Planner(case)
    there = [planner.plan(target).objective_cny for target in targets]
    planner.as_it_is()
    back = [planner.plan(target).objective_cny for target in reversed(targets)]
    assert there == pytest.approx(list(reversed(back)))
