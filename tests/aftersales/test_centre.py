"""The centre's day: first come, first served, within what it can do."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.aftersales.centre import Centre, days_cost_cny, due_for_check, todays_tests
from zerocity.errors import InputError


def test_first_come_first_served_within_capacity() -> None:
    arrived = np.array([5, 3, 5, 3, 1])
    assert todays_tests(arrived, 3).tolist() == [4, 1, 3]
    assert todays_tests(arrived, 10).tolist() == [4, 1, 3, 0, 2]
    assert todays_tests(arrived, 0).size == 0
    assert todays_tests(np.array([], dtype=np.int64), 3).size == 0


def test_checks_fall_due() -> None:
    assert due_for_check(np.array([179, 180, 400]), Centre()).tolist() == [False, True, True]


def test_work_costs_money() -> None:
    centre = Centre(test_cost_cny=100.0, check_cost_cny=10.0, repair_cost_cny=1000.0)
    assert days_cost_cny(centre, tests=2, checks=3, repairs=1) == 1230.0
    assert days_cost_cny(centre) == 0.0


@pytest.mark.parametrize(
    "over",
    [
        {"tests_per_day": 0},
        {"check_interval_days": 0},
        {"test_cost_cny": -1.0},
        {"repair_success": 1.1},
        {"test_soh_error": -0.1},
    ],
)
def test_a_senseless_centre_is_refused(over: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"centre.{next(iter(over))}"):
        Centre(**over)  # type: ignore[arg-type]
