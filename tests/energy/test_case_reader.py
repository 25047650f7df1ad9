from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from cases import made_raw

from zerocity.energy.case import Case
from zerocity.energy.case_reader import parse_text, read_case
from zerocity.errors import InputError, InputErrors

SMALL: dict[str, Any] = {"step_minutes": 60, "buy_cny_per_kwh": [0.3, 0.5, 0.4]}
STORE = {"capacity_kwh": 10, "charge_limit_kw": 3, "discharge_limit_kw": 3}
SESSION = {"arrive_step": 0, "depart_step": 2, "energy_kwh": 4, "charge_limit_kw": 3}


def read(**changes: Any) -> Case:
    return read_case({**SMALL, **changes})


def mistakes(**changes: Any) -> list[InputError]:
    with pytest.raises(InputErrors) as caught:
        read(**changes)
    return list(caught.value.errors)


def test_a_scalar_holds_for_all_steps_and_defaults_are_mild() -> None:
    case = read(load_kw=2, stores=[STORE], sessions=[SESSION])
    assert case.steps == 3
    assert case.load_kw.tolist() == [2.0, 2.0, 2.0]
    assert np.isinf(case.import_limit_kw).all()
    assert case.sell_cny_per_kwh.tolist() == [0.0, 0.0, 0.0]
    [store], [session] = case.stores, case.sessions
    assert (store.name, store.final_soc, store.charge_efficiency) == ("store 1", None, 1.0)
    assert (session.capacity_kwh, session.priority) == (4.0, 0.0)
    assert case.notes == ()


def test_steps_may_be_given_instead_of_an_array() -> None:
    case = read_case({"steps": 4, "step_minutes": 15, "buy_cny_per_kwh": 0.5})
    assert case.steps == 4
    assert case.step_h == 0.25


def test_toml_and_json_mean_the_same() -> None:
    toml = parse_text("step_minutes = 60\nbuy_cny_per_kwh = [0.3, nan]\n")
    json = parse_text('{"step_minutes": 60, "buy_cny_per_kwh": [0.3, NaN]}')
    assert read_case(toml).buy_cny_per_kwh.tolist() == read_case(json).buy_cny_per_kwh.tolist()


@pytest.mark.parametrize("text", ["{", "a = ", "[1, 2]", '{"a": 1} x', "[" * 100_000])
def test_text_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(InputError, match=r"my\.toml"):
        parse_text(text, "my.toml")


def test_all_mistakes_come_in_one_pass() -> None:
    found = mistakes(
        pv_kw=[1, 2],
        stors=[],
        stores=[{**STORE, "charge_efficiency": 1.2, "capacty": 3}],
        sessions=[{"arrive_step": 1.5}],
    )
    places = [error.where for error in found]
    assert "pv_kw" in places
    assert "stors" in places
    assert "stores.store 1.charge_efficiency" in places
    assert "sessions.session 1.arrive_step" in places
    assert "sessions.session 1.energy_kwh" in places
    [unknown] = [error for error in found if error.where.endswith("capacty")]
    assert unknown.way_out == 'Did you mean "capacity_kwh"?'


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"step_minutes": 0}, "step_minutes"),
        ({"step_minutes": "15"}, "step_minutes"),
        ({"buy_cny_per_kwh": None, "load_kw": [1, 2]}, "buy_cny_per_kwh"),
        ({"buy_cny_per_kwh": [math.nan] * 3}, "buy_cny_per_kwh, steps 0 to 2"),
        ({"load_kw": [1, "2", 3]}, "load_kw[1]"),
        ({"load_kw": [1, True, 3]}, "load_kw[1]"),
        ({"load_kw": [1, math.inf, 3]}, "load_kw, step 1"),
        ({"load_kw": [1, [2], 3]}, "load_kw[1]"),
        ({"load_kw": [1, 10**400, 3]}, "load_kw, step 1"),
        ({"step_minutes": 10**400}, "step_minutes"),
        ({"import_limit_kw": -1}, "import_limit_kw"),
        ({"import_limit_kw": [1, math.nan, 1]}, "import_limit_kw, step 1"),
        ({"fair_sessions": 1}, "fair_sessions"),
        ({"stores": {}}, "stores"),
        ({"stores": [3]}, "stores.store 1"),
        ({"stores": [{**STORE, "name": "a"}, {**STORE, "name": "a"}]}, "stores.a.name"),
        ({"stores": [{**STORE, "name": 7}]}, "stores.store 1.name"),
        ({"stores": [{**STORE, "capacity_kwh": math.nan}]}, "stores.store 1.capacity_kwh"),
        ({"processes": [{"name": "press"}]}, "processes.press"),
        ({"processes": [{"profile_kw": [1], "energy_kwh": 2}]}, "processes.process 1"),
        ({"heat": 3}, "heat"),
        ({"heat": {"demand_kw": 1, "cop": 0}}, "heat.cop"),
        ({"heat": {"demand_kw": 1, "cop": {"temperature_c": [0, 5], "cop": [2, 3]}}},
         "heat.temperature_c"),
        ({"heat": {"demand_kw": 1, "temperature_c": 3,
                   "cop": {"temperature_c": [5, 0], "cop": [2, 3]}}}, "heat.cop.temperature_c"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_with_is_refused(changes: dict[str, Any], where: str) -> None:
    assert [error.where for error in mistakes(**changes)] == [where]


def test_a_case_without_any_array_is_refused() -> None:
    with pytest.raises(InputErrors, match="at least one array"):
        read_case({"step_minutes": 15, "buy_cny_per_kwh": 0.5})


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"buy_cny_per_kwh": [0.3, math.nan, 0.4]}, "buy_cny_per_kwh: no value at step 1"),
        ({"load_kw": [1, -5, 2]}, "load_kw: -5 at step 1 cannot be true; planned with 0"),
        ({"pv_kw": [1, None, 2]}, "pv_kw: no value at step 1; planned with 0"),
        ({"sell_cny_per_kwh": 0.45}, "buy_cny_per_kwh: below the selling price at steps 0 and 2"),
        ({"stores": [{**STORE, "initial_soc": 1.7}]}, "initial_soc: 1.7 cannot be true"),
        ({"stores": [{**STORE, "initial_soc": math.nan}]}, "initial_soc: is not a number"),
        ({"stores": [{**STORE, "soc_min": 0.8, "soc_max": 0.2}]}, "soc_min: above soc_max"),
        ({"stores": [{**STORE, "initial_soc": 0.1, "soc_min": 0.5}]}, "0.1 is outside 0.5 to 1"),
        ({"stores": [{**STORE, "final_soc": 0.9, "soc_max": 0.8}]}, "final_soc: 0.9 is outside"),
        ({"sessions": [{**SESSION, "depart_step": 9}]}, "planned within 0 to 3"),
        ({"sessions": [{**SESSION, "arrive_step": 5, "depart_step": 9}]}, "left out of the plan"),
        ({"sessions": [{**SESSION, "depart_step": 0, "arrive_step": 0}]}, "outside the planned"),
        ({"sessions": [{**SESSION, "depart_step": 1, "arrive_step": 2}]}, "it gets nothing"),
        ({"sessions": [{**SESSION, "initial_kwh": 9, "capacity_kwh": 5}]}, "above the capacity"),
        ({"processes": [{"energy_kwh": 1, "power_max_kw": 2, "power_min_kw": 3}]}, "power_min_kw"),
        ({"processes": [{"energy_kwh": 1, "power_max_kw": 2, "latest_step": 7}]}, "may run from"),
        ({"heat": {"demand_kw": 1, "cop": 3, "initial_kwh": 5}}, "heat.initial_kwh: above"),
    ],
)
def test_what_a_plan_can_live_with_is_named(changes: dict[str, Any], note: str) -> None:
    assert any(note in one for one in read(**changes).notes)


def test_a_gap_is_filled_with_the_last_value_known() -> None:
    case = read(buy_cny_per_kwh=[math.nan, 0.5, None])
    assert case.buy_cny_per_kwh.tolist() == [0.5, 0.5, 0.5]


def test_a_heat_pump_may_follow_a_table_of_temperatures() -> None:
    heat = {"demand_kw": 1, "temperature_c": [-20, 0, 5],
            "cop": {"temperature_c": [-10, 10], "cop": [2, 4]}}  # fmt: skip
    case = read(heat=heat)
    assert case.heat is not None
    assert case.heat.cop.tolist() == [2.0, 3.0, 3.5]


def test_names_of_assets_are_shown_as_given() -> None:
    [error] = mistakes(stores=[{**STORE, "name": "east", "soc_min": 2, "capacity_kwh": -1}])
    assert error.where == "stores.east.capacity_kwh"


def test_a_whole_random_case_reads_without_notes() -> None:
    assert read_case(made_raw(5)).notes == ()
