from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from zerocity.energy.case_reader import read_case
from zerocity.energy.schedule import Schedule
from zerocity.energy.site_plan import plan_case

PRICES = [0.9, 0.2, 0.3, 0.8, 0.4]


def plan(**changes: Any) -> Schedule:
    return plan_case(read_case({"step_minutes": 60, "buy_cny_per_kwh": PRICES, **changes}))


def test_a_shiftable_load_takes_the_cheap_steps() -> None:
    found = plan(processes=[{"name": "mill", "energy_kwh": 6, "power_max_kw": 4}])
    assert found.processes[0].power_kw == pytest.approx([0, 4, 2, 0, 0])
    assert found.objective_cny == pytest.approx(4 * 0.2 + 2 * 0.3)


def test_it_keeps_to_its_window() -> None:
    mill = {"energy_kwh": 6, "power_max_kw": 4, "earliest_step": 2, "latest_step": 4}
    assert plan(processes=[mill]).processes[0].power_kw == pytest.approx([0, 0, 4, 2, 0])


def test_a_least_power_is_kept_or_the_load_is_off() -> None:
    mill = {"energy_kwh": 6, "power_max_kw": 4, "power_min_kw": 3}
    power = plan(processes=[mill]).processes[0].power_kw
    assert ((power == 0.0) | ((power >= 3.0 - 1e-9) & (power <= 4.0))).all()
    assert power.sum() == pytest.approx(6.0)


def test_a_profile_runs_once_and_whole_at_its_cheapest_place() -> None:
    found = plan(processes=[{"name": "wash", "profile_kw": [1, 3]}])
    assert found.processes[0].power_kw.tolist() == [0, 1, 3, 0, 0]
    assert found.objective_cny == pytest.approx(0.2 + 0.9)


def test_two_profiles_share_a_connection() -> None:
    wash = {"profile_kw": [3, 3]}
    found = plan(processes=[wash, {**wash, "name": "dry"}], import_limit_kw=4)
    first, second = (one.power_kw for one in found.processes)
    assert found.status == "optimal"
    assert (first + second).max() <= 4.0


def test_a_profile_that_does_not_fit_is_named() -> None:
    found = plan(processes=[{"name": "press", "profile_kw": [1] * 7}])
    [broken] = found.broken_limits
    assert broken.limit == "processes.press.energy_kwh"
    assert broken.amount == pytest.approx(7.0)


def test_a_load_that_cannot_finish_gets_what_there_is() -> None:
    found = plan(processes=[{"name": "mill", "energy_kwh": 60, "power_max_kw": 4}])
    assert found.broken_limits[0].sentence == "The process mill gets 20.0 of 60.0 kWh."


def test_a_heat_pump_follows_demand_by_its_cop() -> None:
    found = plan(heat={"demand_kw": 6, "cop": [2, 3, 3, 2, 3]})
    assert found.heat is not None
    assert found.heat.power_kw == pytest.approx([3, 2, 2, 3, 2])


def test_a_tank_lets_it_heat_in_cheap_steps() -> None:
    heat = {"demand_kw": 3, "cop": 3, "capacity_kwh": 20, "initial_kwh": 3, "final_kwh": 0}
    found = plan(heat=heat)
    assert found.heat is not None
    assert found.heat.power_kw[[0, 3]] == pytest.approx([0, 0])
    assert found.heat.power_kw.sum() == pytest.approx(4.0)
    assert found.heat.energy_kwh[-1] == pytest.approx(0.0, abs=1e-6)


def test_a_tank_loses_and_keeps_its_end() -> None:
    heat = {"demand_kw": 0, "cop": 2, "capacity_kwh": 20, "initial_kwh": 10, "loss_per_step": 0.1}
    found = plan(heat=heat)
    assert found.heat is not None
    assert found.heat.energy_kwh[-1] == pytest.approx(10.0)
    held = [10.0, *found.heat.energy_kwh]
    gains = [after - 0.9 * before for before, after in pairwise(held)]
    assert gains == pytest.approx(2 * found.heat.power_kw, abs=1e-6)


def test_heat_that_cannot_be_met_is_named() -> None:
    found = plan(heat={"demand_kw": [1, 9, 1, 1, 1], "cop": 3, "power_limit_kw": 2})
    [broken] = found.broken_limits
    assert (broken.limit, broken.step) == ("heat.demand_kw", 1)
    assert broken.amount == pytest.approx(3.0)


def test_heat_yields_before_the_connection() -> None:
    found = plan(heat={"demand_kw": 30, "cop": 3}, load_kw=2, import_limit_kw=5)
    assert found.import_kw.max() <= 5 + 1e-9
    assert found.heat is not None
    assert np.allclose(found.heat.missing_kw, 21.0)
