from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import made_case, made_raw, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.energy.case import Case
from zerocity.energy.case_reader import read_case
from zerocity.energy.schedule import finish
from zerocity.energy.site_kernel import plan_by_kernel
from zerocity.energy.site_plan import plan_by_program, plan_case

STORE = {"capacity_kwh": 10, "charge_limit_kw": 5, "discharge_limit_kw": 5}
FLAT = {"step_minutes": 60, "steps": 4, "buy_cny_per_kwh": 0.5}


@given(seeds, st.booleans(), st.booleans())
@settings(max_examples=80)
def test_kernel_and_program_agree(seed: int, stored: bool, late: bool) -> None:
    case = made_case(seed, stores=int(stored), sessions=int(not stored))
    # A price on giving back alone is more than the kernel knows.
    free = (replace(one, discharge_price_cny_per_kwh=0.0) for one in case.sessions)
    case = replace(case, sessions=tuple(free))
    exact = plan_by_kernel(case, late)
    program = finish(case, plan_by_program(case, late))
    if exact is None:
        # Only where a limit breaks, or where energy could be burnt.
        assert program.status == "limits_broken"
        return
    found = finish(case, exact)
    assert found.status == "optimal"
    assert found.objective_cny == pytest.approx(program.objective_cny, rel=1e-9, abs=1e-9)
    assert found.gap < 1e-9


@pytest.mark.parametrize(
    "changes",
    [
        {"stores": [STORE, {**STORE, "name": "b"}]},
        {"stores": []},
        {"stores": [STORE], "carbon_budget_kg": 5.0},
        {"stores": [STORE], "heat": {"demand_kw": 1, "cop": 3}},
        {"stores": [STORE], "processes": [{"energy_kwh": 1, "power_max_kw": 2}]},
        {"stores": [STORE], "sell_cny_per_kwh": 0.7},
        {"stores": [{**STORE, "soc_min": 0.6, "soc_max": 0.5}]},
        {"stores": [STORE], "load_kw": 90, "import_limit_kw": 50},
        {"sessions": [{"arrive_step": 1, "depart_step": 1, "energy_kwh": 1,
                       "charge_limit_kw": 1}]},
        {"sessions": [{"arrive_step": 0, "depart_step": 2, "energy_kwh": 9,
                       "charge_limit_kw": 1}]},
        {"sessions": [{"arrive_step": 0, "depart_step": 2, "energy_kwh": 1, "charge_limit_kw": 1,
                       "discharge_limit_kw": 1, "discharge_price_cny_per_kwh": 0.1}]},
    ],
)  # fmt: skip
def test_it_leaves_alone_what_it_does_not_know(changes: dict[str, Any]) -> None:
    case = read_case({**FLAT, **changes})
    assert plan_by_kernel(case) is None
    assert plan_case(case).sessions is not None


def test_the_prices_at_the_meter_follow_the_plan() -> None:
    """Import in step 0 at 0.2 is stored and used in step 1, when buying costs 0.8."""
    case = case_of([0.2, 0.8, 0.8], load_kw=[1, 3, 6], initial_soc=0.0)
    found = plan_case(case)
    assert found.stores[0].charge_kw[0] == pytest.approx(5.0)
    assert found.site_price_cny_per_kwh == pytest.approx([0.2, 0.8, 0.8])
    # Charging is held up by its power: a stored kWh is worth what it saves later.
    assert found.stored_energy_price_cny_per_kwh == pytest.approx([0.8, 0.8, 0.8])


def test_sun_to_spare_is_worth_nothing() -> None:
    case = case_of([0.5, 0.5], pv_kw=[30, 0], load_kw=1, initial_soc=1.0)
    assert plan_case(case).site_price_cny_per_kwh[0] == pytest.approx(0.0)


def case_of(buy: list[float], **changes: Any) -> Case:
    store = {**STORE, "initial_soc": changes.pop("initial_soc")}
    raw = {"step_minutes": 60, "buy_cny_per_kwh": buy, "export_limit_kw": 0}
    return read_case({**raw, "stores": [store], **changes})


@given(seeds)
@settings(max_examples=20)
def test_the_price_of_stored_energy_is_what_more_of_it_saves(seed: int) -> None:
    """A little more content at the start saves its price, up to the kinks of the cost."""
    raw = made_raw(seed, stores=1, sessions=0)
    raw["stores"][0] |= {"self_discharge_per_step": 0.0, "initial_soc": 0.5}
    base, more = read_case(raw), 1e-6
    raw["stores"][0]["initial_soc"] += more
    size = base.stores[0].capacity_kwh
    before, after = plan_case(base), plan_case(read_case(raw))
    if before.status != "optimal" or after.status != "optimal":
        return
    saved = (before.objective_cny - after.objective_cny) / (more * size)
    prices = [x.stored_energy_price_cny_per_kwh[0] for x in (before, after)]
    assert min(prices) - 1e-3 <= saved <= max(prices) + 1e-3 or np.isclose(saved, prices[1])
