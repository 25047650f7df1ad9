from __future__ import annotations

import pytest

from zerocity.energy.case_reader import read_case
from zerocity.energy.site_plan import plan_case

CASE = {
    "step_minutes": 30,
    "buy_cny_per_kwh": [0.4, 0.8],
    "sell_cny_per_kwh": 0.1,
    "load_kw": [4, 0],
    "pv_kw": [0, 6],
    "demand_charge_cny_per_kw": 2,
    "peak_so_far_kw": 1,
    "carbon_kg_per_kwh": 0.5,
    "carbon_price_cny_per_t": 100,
    "stores": [
        {"capacity_kwh": 10, "charge_limit_kw": 2, "discharge_limit_kw": 0, "initial_soc": 0.5,
         "final_value_cny_per_kwh": 0.3, "wear_cny_per_kwh": 0.01}
    ],
}  # fmt: skip


def test_each_line_is_reckoned_and_explained() -> None:
    found = plan_case(read_case(CASE))
    lines = {line.name: line for line in found.bill}
    assert lines["energy_bought"].cny == pytest.approx(2.0 * 0.4)
    assert lines["energy_bought"].reason == "2.0 kWh bought at 0.4000 CNY/kWh on average"
    assert lines["energy_sold"].cny == pytest.approx(-2.0 * 0.1)
    assert lines["demand_charge"].cny == pytest.approx(3 * 2)
    assert "3.0 kW above the peak so far of 1.0 kW (step 0)" in lines["demand_charge"].reason
    assert lines["wear"].cny == pytest.approx(0.01 * 1.0)
    assert lines["final_value"].cny == pytest.approx(-6.0 * 0.3)
    assert lines["carbon"].cny == pytest.approx(2.0 * 0.5 * 0.1)
    assert sum(line.cny for line in found.bill) == pytest.approx(found.objective_cny)


def test_a_peak_within_the_one_so_far_costs_nothing() -> None:
    found = plan_case(read_case({**CASE, "peak_so_far_kw": 9}))
    [line] = [one for one in found.bill if one.name == "demand_charge"]
    assert line.cny == 0.0
    assert "is within the peak so far" in line.reason


def test_energy_given_back_is_paid() -> None:
    van = {"arrive_step": 0, "depart_step": 3, "energy_kwh": 0, "initial_kwh": 5,
           "capacity_kwh": 9, "charge_limit_kw": 4, "discharge_limit_kw": 2,
           "discharge_price_cny_per_kwh": 0.1}  # fmt: skip
    raw = {"step_minutes": 60, "buy_cny_per_kwh": [0.2, 0.9, 0.2], "load_kw": 3, "sessions": [van]}
    found = plan_case(read_case(raw))
    [line] = [one for one in found.bill if one.name == "given_back"]
    assert line.cny == pytest.approx(0.2)
    assert found.objective_cny == pytest.approx(0.2 * 3 + 0.9 * 1 + 0.2 * 5 + 0.2)
    dear = {**raw, "sessions": [{**van, "discharge_price_cny_per_kwh": 0.8}]}
    assert not (plan_case(read_case(dear)).sessions[0].power_kw < 0.0).any()


def test_what_a_site_does_not_have_is_not_billed() -> None:
    found = plan_case(read_case({"step_minutes": 60, "buy_cny_per_kwh": [0.5], "load_kw": 2}))
    assert [line.name for line in found.bill] == ["energy_bought", "energy_sold"]
