from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import made_case, seeds
from hypothesis import given, settings

from zerocity.energy.case import Case
from zerocity.energy.case_reader import read_case
from zerocity.energy.case_sessions import Session, fleet_of
from zerocity.energy.schedule import Schedule
from zerocity.energy.site_plan import plan_case

CAR = {"arrive_step": 0, "depart_step": 4, "energy_kwh": 8, "charge_limit_kw": 10}


def case_of(*sessions: dict[str, Any], **changes: Any) -> Case:
    named = [{"name": f"car {i}", **CAR, **one} for i, one in enumerate(sessions)]
    return read_case(
        {"step_minutes": 60, "steps": 4, "buy_cny_per_kwh": 0.5, "sessions": named, **changes}
    )


def served_kwh(found: Schedule, case: Case) -> list[float]:
    pairs = zip(found.sessions, case.sessions, strict=True)
    return [round(float(s.energy_kwh[-1]) - c.initial_kwh, 6) for s, c in pairs]


def test_all_get_their_energy_where_there_is_enough() -> None:
    case = case_of({}, {"energy_kwh": 5, "charge_efficiency": 0.8})
    found = plan_case(case)
    assert served_kwh(found, case) == [8.0, 5.0]
    bought = {line.name: line.cny for line in found.bill}["energy_bought"]
    assert bought == pytest.approx(0.5 * (8 + 5 / 0.8))


def test_a_higher_priority_is_served_first() -> None:
    case = case_of({"priority": 0}, {"priority": 1}, {"priority": 2}, import_limit_kw=3)
    found = plan_case(case)
    assert served_kwh(found, case) == [0.0, 4.0, 8.0]
    prices = {one.limit: one.price for one in found.broken_limits}
    assert prices["sessions.car 0.energy_kwh"] < prices["sessions.car 1.energy_kwh"]


def test_sessions_never_overload_the_connection() -> None:
    found = plan_case(case_of({}, {}, import_limit_kw=3))
    assert found.import_kw.max() <= 3 + 1e-9
    assert {one.limit.split(".")[0] for one in found.broken_limits} == {"sessions"}


def test_equal_sessions_share_what_there_is() -> None:
    case = case_of({"energy_kwh": 12}, {"energy_kwh": 6}, import_limit_kw=3)
    assert served_kwh(plan_case(case), case) == [8.0, 4.0]


def test_fairness_counts_what_each_could_get_alone() -> None:
    """The first could get 2 kWh alone, the others 8 each: 12 of 18 kWh are 2 of 3 for each."""
    case = case_of({"charge_limit_kw": 0.5}, {}, {}, import_limit_kw=3)
    assert served_kwh(plan_case(case), case) == pytest.approx([4 / 3, 16 / 3, 16 / 3])


def test_fairness_can_be_left_off() -> None:
    case = case_of({}, {}, import_limit_kw=3, fair_sessions=False)
    served = served_kwh(plan_case(case), case)
    assert sum(served) == pytest.approx(12.0)


@given(seeds)
@settings(max_examples=15)
def test_fairness_serves_as_much_in_all(seed: int) -> None:
    """Equal efficiencies and nothing but sessions: being fair must not cost energy."""
    rng = np.random.default_rng(seed)
    cars = [{"energy_kwh": float(rng.uniform(2, 12))} for _ in range(4)]
    limit = float(rng.uniform(1, 6))
    totals = []
    for fair in (True, False):
        case = case_of(*cars, import_limit_kw=limit, fair_sessions=fair)
        totals.append(sum(served_kwh(plan_case(case), case)))
    assert totals[0] == pytest.approx(totals[1], abs=1e-5)


@pytest.mark.parametrize(
    ("car", "reason"),
    [
        ({"charge_limit_kw": 1}, "its plug can give 4.0 kWh at most"),
        ({"initial_kwh": 4, "capacity_kwh": 10}, "the vehicle has room for 6.0 kWh only"),
        ({"arrive_step": 3, "depart_step": 3}, "its plug can give 0.0 kWh at most"),
    ],
)
def test_a_session_that_cannot_finish_is_served_and_named(car: dict[str, Any], reason: str) -> None:
    case = case_of({**car, "name": "bus"}, {"energy_kwh": 1})
    found = plan_case(case)
    [broken] = found.broken_limits
    assert broken.limit == "sessions.bus.energy_kwh"
    assert reason in broken.sentence
    most = 8.0 - float(fleet_of(case.sessions).unavoidable_kwh(case.step_h)[0])
    assert served_kwh(found, case) == [pytest.approx(most), 1.0]


def test_a_vehicle_may_feed_the_site_and_leaves_full() -> None:
    car = {"initial_kwh": 10, "capacity_kwh": 20, "energy_kwh": 5, "discharge_limit_kw": 10,
           "discharge_efficiency": 0.9}  # fmt: skip
    case = case_of({**car, "name": "van"}, {"name": "car", "energy_kwh": 0},
                   buy_cny_per_kwh=[0.2, 1.5, 0.2, 0.2], load_kw=5)  # fmt: skip
    found = plan_case(case)
    van = found.sessions[0]
    assert van.power_kw[1] == pytest.approx(-5.0)
    assert van.energy_kwh[-1] == pytest.approx(15.0)
    assert found.import_kw[1] == pytest.approx(0.0)


@given(seeds)
@settings(max_examples=15)
def test_a_session_more_never_makes_the_plan_cheaper_when_it_only_takes(seed: int) -> None:
    case = made_case(seed, stores=1, sessions=2, fair_sessions=False)
    more = Session("extra", 0, 6, 3.0, 0.0, 3.0, np.full(16, 5.0), np.zeros(16))
    with_more = plan_case(replace(case, sessions=(*case.sessions, more)))
    without = plan_case(case)
    total = with_more.objective_cny + with_more.penalties_cny
    assert total >= without.objective_cny + without.penalties_cny - 1e-6 * (1 + abs(total))
