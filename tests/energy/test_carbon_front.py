from __future__ import annotations

from itertools import pairwise

import pytest
from cases import made_case, seeds
from hypothesis import given, settings

from zerocity.energy.carbon_front import pareto
from zerocity.energy.case_reader import read_case
from zerocity.errors import InputError


@given(seeds)
@settings(max_examples=12)
def test_less_carbon_never_costs_less(seed: int) -> None:
    front = pareto(made_case(seed, stores=1, sessions=2, fair_sessions=False), 5)
    for one, other in pairwise(front):
        assert other.carbon_kg <= one.carbon_kg + 1e-6
        assert other.objective_cny >= one.objective_cny - 1e-6


def test_the_ends_are_the_cheapest_and_the_cleanest() -> None:
    store = {"capacity_kwh": 10, "charge_limit_kw": 5, "discharge_limit_kw": 5,
             "wear_cny_per_kwh": 0.05}  # fmt: skip
    case = read_case(
        {"step_minutes": 60, "buy_cny_per_kwh": 0.5, "load_kw": [0, 4, 4],
         "carbon_kg_per_kwh": [0.2, 0.8, 0.8], "stores": [store]}
    )  # fmt: skip
    front = pareto(case, 3)
    assert [one.carbon_kg for one in front] == pytest.approx([6.4, 4.9, 3.4])
    assert [one.objective_cny for one in front] == pytest.approx([4.0, 4.25, 4.5])
    assert {one.plan.status for one in front} == {"optimal"}


def test_a_front_of_one_point() -> None:
    case = read_case({"step_minutes": 60, "buy_cny_per_kwh": [0.5], "load_kw": 2,
                      "carbon_kg_per_kwh": 0.5})  # fmt: skip
    [only] = pareto(case)
    assert only.carbon_kg == pytest.approx(1.0)


def test_what_it_cannot_do_is_refused() -> None:
    case = read_case({"step_minutes": 60, "buy_cny_per_kwh": [0.5]})
    with pytest.raises(InputError, match="carbon_kg_per_kwh"):
        pareto(case)
    with pytest.raises(InputError, match="points"):
        pareto(case, 1)
