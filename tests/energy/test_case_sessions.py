from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.energy.case_sessions import Session, flat, fleet_of

STEPS = 6


def car(arrive: int = 0, depart: int = 4, give_kw: float | list[float] = 0.0) -> Session:
    give = np.full(STEPS, 1.0) * give_kw
    return Session("car", arrive, depart, 8.0, 1.0, 20.0, np.arange(1.0, STEPS + 1), give, 0.9)


def test_sessions_lie_flat_one_after_the_other() -> None:
    place = flat(np.array([1, 2]), np.array([3, 4]))
    assert place.owner.tolist() == [0, 0, 1, 1]
    assert place.step.tolist() == [1, 2, 2, 3]
    assert place.first.tolist() == [True, False, True, False]
    assert place.last.tolist() == [False, True, False, True]


def test_a_session_that_is_never_there_has_no_steps() -> None:
    assert fleet_of([car(2, 2), car()]).place.owner.tolist() == [1, 1, 1, 1]
    assert fleet_of([]).place.step.size == 0


def test_giving_back_needs_a_limit_while_there() -> None:
    fleet = fleet_of([car(), car(give_kw=3.0), car(0, 2, [0.0, 0.0, 0.0, 5.0, 0.0, 0.0])])
    assert fleet.gives.tolist() == [False, True, False]
    assert fleet.place.owner[fleet.pick(gives=True)].tolist() == [1] * 4
    assert fleet.place.owner[fleet.pick(gives=False)].tolist() == [0] * 4 + [2] * 2


def test_no_sessions_are_a_fleet_too() -> None:
    fleet = fleet_of([])
    assert (fleet.size, fleet.by_step(fleet.take_kw, 3).tolist()) == (0, [0.0, 0.0, 0.0])
    assert fleet.unavoidable_kwh(1.0).size == 0


spans = st.tuples(st.integers(0, STEPS), st.integers(0, STEPS)).map(sorted)


@given(st.lists(spans, max_size=5))
def test_sums_by_step_and_by_session_are_those_of_the_sessions(stays: list[list[int]]) -> None:
    sessions = [car(*stay) for stay in stays]
    fleet = fleet_of(sessions)
    total = np.zeros(STEPS)
    for one in sessions:
        total[one.arrive_step : one.depart_step] += one.charge_limit_kw[
            one.arrive_step : one.depart_step
        ]
    assert fleet.by_step(fleet.take_kw, STEPS).tolist() == total.tolist()
    for missed, one in zip(fleet.unavoidable_kwh(0.5), sessions, strict=True):
        most = 0.45 * one.charge_limit_kw[one.arrive_step : one.depart_step].sum()
        assert missed == pytest.approx(max(8.0 - min(most, 19.0), 0.0))
