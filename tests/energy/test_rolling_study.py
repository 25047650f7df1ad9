"""Days lived again: nobody knows the future, and nobody beats the one who does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.energy.case import Case
from zerocity.energy.case_reader import read_case
from zerocity.energy.rolling_study import (
    LEAST_HISTORY_DAYS,
    compare,
    last_days,
    series_of_case,
)
from zerocity.errors import InputError

DAYS = 10
STORE = {
    "name": "cell", "capacity_kwh": 400.0, "charge_limit_kw": 150.0, "discharge_limit_kw": 150.0,
    "charge_efficiency": 0.95, "discharge_efficiency": 0.95, "initial_soc": 0.5, "final_soc": 0.5,
    "wear_cny_per_kwh": 0.02,
}  # fmt: skip


def case_of(seed: int = 0, noise: float = 0.2, days: int = DAYS, **changes: Any) -> Case:
    """A site of hourly steps with sun, two prices, and a load that wanders."""
    rng = np.random.default_rng(seed)
    hour = np.arange(days * 24) % 24
    load = (120.0 + 30.0 * np.sin(hour)) * np.exp(noise * rng.normal(size=hour.size))
    cloud = np.repeat(1.0 - noise * rng.uniform(0.0, 1.0, days), 24)
    raw = {
        "step_minutes": 60, "load_kw": load.tolist(), "stores": [STORE],
        "pv_kw": (cloud * 300.0 * np.clip(np.sin((hour - 6) / 12 * np.pi), 0.0, None)).tolist(),
        "buy_cny_per_kwh": np.where((hour >= 17) & (hour < 22), 1.1, 0.4).tolist(),
        "sell_cny_per_kwh": 0.1, "import_limit_kw": 600.0, "export_limit_kw": 300.0,
    }  # fmt: skip
    return read_case(raw | changes)


def test_where_every_day_is_alike_all_plans_are_perfect() -> None:
    found = compare(series_of_case(case_of(noise=0.0)), 2, scenarios=2)
    assert [one.policy for one in found] == [
        "day-ahead plan", "rolling plan", "scenario plan", "rolling plan, nothing unknown",
    ]  # fmt: skip
    for one in found:
        assert one.captured_share > 0.95


@given(st.integers(0, 1000))
@settings(max_examples=8)
def test_nobody_pays_less_than_who_knows_all(seed: int) -> None:
    found = compare(series_of_case(case_of(seed)), 2, scenarios=3)
    for one in found:
        assert one.lost_cny[0] >= -1e-6 * abs(one.paid_cny[0])
        assert one.captured_share <= 1.0 + 1e-9
    assert found[-1].lost_cny[0] <= min(one.lost_cny[0] for one in found[:-1]) + 1.0


def test_what_comes_later_changes_no_earlier_step() -> None:
    """Load and sun of the last day are doubled: the day before is lived as it was."""
    case = case_of(3)
    later = replace(case, load_kw=case.load_kw.copy(), pv_kw=case.pv_kw.copy())
    later.load_kw[-24:] *= 2.0
    later.pv_kw[-24:] *= 2.0
    ours, theirs = series_of_case(case), series_of_case(later)
    np.testing.assert_array_equal(ours.clear_kw, theirs.clear_kw)
    assert ours.clear_kw.shape == (1, DAYS * 24)
    today = slice(8 * 24, 9 * 24)
    brighter = replace(case, pv_kw=case.pv_kw.copy())
    brighter.pv_kw[today] *= 3.0
    clear = series_of_case(brighter).clear_kw
    np.testing.assert_array_equal(ours.clear_kw[0, : 10 * 24], clear[0])


def test_the_calendar_tells_workdays_and_months() -> None:
    series = series_of_case(case_of(), date(2026, 1, 28))
    assert series.workday.tolist()[:6] == [True, True, True, False, False, True]
    assert np.flatnonzero(np.diff(series.month)).tolist() == [3]
    assert series_of_case(case_of()).workday.all()


def test_the_last_days_are_cut_off_whole() -> None:
    case = case_of()
    days = last_days(series_of_case(case), 2)
    assert days.load_kw[0].tolist() == case.load_kw[-48:].tolist()
    assert days.low_kwh[0, -1] == days.high_kwh[0, -1] == 200.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stores": []}, "one store"),
        ({"stores": [STORE, {**STORE, "name": "other"}]}, "one store"),
        ({"carbon_budget_kg": 5.0}, "carbon_budget_kg"),
        ({"step_minutes": 50}, "whole days"),
    ],
)
def test_a_case_that_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        series_of_case(case_of(**changes))


@pytest.mark.parametrize("days", [0, DAYS - LEAST_HISTORY_DAYS + 1])
def test_a_week_is_needed_to_learn_from(days: int) -> None:
    with pytest.raises(InputError, match="1 to 3 days"):
        compare(series_of_case(case_of()), days)
