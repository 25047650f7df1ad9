from __future__ import annotations

from typing import Any

import pytest
from cases import wild_raw

from zerocity.energy.case_binding import Binding, binding_limits
from zerocity.energy.case_reader import read_case
from zerocity.energy.site_plan import plan_case

STORE = {"name": "b", "capacity_kwh": 10, "charge_limit_kw": 5, "discharge_limit_kw": 5}


def bindings(**changes: Any) -> dict[str, Binding]:
    case = read_case({"step_minutes": 60, **changes})
    return {one.limit: one for one in binding_limits(case, plan_case(case))}


def test_power_and_content_of_a_store() -> None:
    found = bindings(
        buy_cny_per_kwh=[0.2, 0.3, 0.9, 0.9], load_kw=[0, 0, 8, 9],
        stores=[{**STORE, "charge_limit_kw": 6}],
    )  # fmt: skip
    assert found["stores.b.charge_limit_kw"].worth_cny_per_kwh == pytest.approx(0.1)
    full = found["stores.b.soc_max"]
    assert (full.first_step, full.last_step) == (1, 1)
    assert full.worth_cny_per_kwh == pytest.approx(0.6)


def test_the_connection_and_the_sun() -> None:
    found = bindings(
        buy_cny_per_kwh=[0.5, 0.5, 0.5], sell_cny_per_kwh=0.2, load_kw=[7, 1, 1], pv_kw=[0, 20, 0],
        import_limit_kw=4, export_limit_kw=3, stores=[{**STORE, "initial_soc": 0.3}],
    )  # fmt: skip
    assert found["import_limit_kw"].first_step == 0
    assert found["export_limit_kw"].first_step == 1
    assert "pv_kw left unused" in found


def test_the_peak_is_worth_its_charge() -> None:
    found = bindings(
        buy_cny_per_kwh=[0.5, 0.5], load_kw=[2, 6], demand_charge_cny_per_kw=3,
        stores=[{**STORE, "discharge_limit_kw": 1, "initial_soc": 1.0}],
    )  # fmt: skip
    assert found["peak"].first_step == 1


def test_a_session_at_its_plug_s_limit() -> None:
    session = {"name": "car", "arrive_step": 0, "depart_step": 2, "energy_kwh": 6,
               "charge_limit_kw": 3}  # fmt: skip
    found = bindings(buy_cny_per_kwh=[0.5, 0.6, 0.5], sessions=[session])
    one = found["sessions.car.charge_limit_kw"]
    assert (one.first_step, one.last_step, one.worth_cny_per_kwh) == (0, 1, None)


@pytest.mark.parametrize("seed", range(15))
def test_any_plan_can_be_explained(seed: int) -> None:
    case = read_case(wild_raw(seed))
    found = binding_limits(case, plan_case(case))
    assert [one.first_step for one in found] == sorted(one.first_step for one in found)
    assert all(0 <= one.first_step <= one.last_step < case.steps for one in found)
