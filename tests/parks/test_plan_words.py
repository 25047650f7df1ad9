"""A plan in sentences."""

from __future__ import annotations

from park_years import small_case

from zerocity.parks.indicators import ParkSpec
from zerocity.parks.park_case import Target
from zerocity.parks.plan import Planner
from zerocity.parks.plan_words import additions, plan_sentences

CLOSED = {"pv_most_kwp": 0.0, "store_most_kwh": 0.0, "direct_most_kw": 0.0}


def told(target: Target, **more: object) -> str:
    case = small_case(**more)  # type: ignore[arg-type]
    planner = Planner(case)
    return " ".join(plan_sentences(case, planner.as_it_is(), planner.plan(target)))


def test_a_target_within_reach_names_its_price() -> None:
    text = told(Target(0.2, 0.9), levers=CLOSED)
    assert "Cheapest way to 0.2 tCO2/tce, 90% clean over the year:" in text
    assert "The last tonne costs 40 CNY." in text
    assert "MWh a year of traced supply" in text


def test_a_target_out_of_reach_says_what_is_missing_and_which_lever_ends() -> None:
    text = told(Target(0.2), levers={**CLOSED, "traced_most_share": 0.4})
    assert "out of reach below 20,000 CNY/t" in text
    assert "Gap to the standard:" in text
    assert "MWh more of green electricity would close it." in text
    assert "traced_most_share" in text


def test_fuel_above_the_limit_is_named() -> None:
    spec = ParkSpec("north", ("site",), other_energy_tce=2000.0, other_carbon_t=3260.0)
    text = told(Target(0.2), levers={**CLOSED, "heat_most_share": 0.1}, spec=spec)
    assert "Fuel and heat still emit" in text


def test_a_line_is_held_against_its_rule() -> None:
    text = told(Target(None, None, 0.9), levers={"direct_cny_per_kwh": 0.01})
    assert "the rule for direct lines" in text


def test_hourly_and_connection_are_told() -> None:
    text = told(Target(None, None, 0.99), levers=CLOSED, assets={"import_limit_kw": 900.0})
    assert "missing to be clean by the hour" in text
    assert "The connection of 900 kW is too small in" in text


def test_the_target_s_own_cost_is_told_apart() -> None:
    case = small_case(levers=CLOSED)
    planner = Planner(case)
    now, free, plan = planner.as_it_is(), planner.plan(Target()), planner.plan(Target(0.2))
    text = " ".join(plan_sentences(case, now, plan, free))
    assert "The target itself costs" in text
    assert "40 CNY/t on average" in text
    assert "The target itself" not in " ".join(plan_sentences(case, now, free, free))


def test_nothing_to_add_is_said() -> None:
    case = small_case(levers={**CLOSED, "traced_most_share": 0.0})
    assert additions(Planner(case).plan(Target())) == ()
    assert "Cheapest without a target: nothing." in told(
        Target(), levers={**CLOSED, "traced_most_share": 0.0}
    )
