"""Baselines with known answers, and the bias that is known."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.errors import InputError
from zerocity.vpp.baseline import (
    baseline_10_of_10,
    day_baseline,
    same_day_factor,
    score_baseline,
)
from zerocity.vpp.program import Program

STEPS = 96
PROGRAM = Program()


def ramp(days: int) -> np.ndarray:
    """Day d takes d kW all day."""
    return np.repeat(np.arange(days, dtype=float)[:, None], STEPS, axis=1)


def test_the_last_ten_eligible_days_are_averaged() -> None:
    eligible = np.ones(20, dtype=bool)
    assert baseline_10_of_10(ramp(20), eligible)[0] == pytest.approx(np.arange(10, 20).mean())
    eligible[19] = False
    assert baseline_10_of_10(ramp(20), eligible)[0] == pytest.approx(np.arange(9, 19).mean())
    assert baseline_10_of_10(ramp(3), np.ones(3, bool))[0] == pytest.approx(1.0)


def test_without_a_normal_day_there_is_no_baseline() -> None:
    with pytest.raises(InputError, match="no eligible day"):
        baseline_10_of_10(ramp(3), np.zeros(3, dtype=bool))


def test_factor_is_capped_and_neutral_without_import() -> None:
    adjust = PROGRAM.adjustment_mask(STEPS)
    base = np.full(STEPS, 100.0)
    assert same_day_factor(base, base * 1.1, adjust, 0.2) == pytest.approx(1.1)
    assert same_day_factor(base, base * 3.0, adjust, 0.2) == pytest.approx(1.2)
    assert same_day_factor(base, base * 0.1, adjust, 0.2) == pytest.approx(0.8)
    assert same_day_factor(-base, base, adjust, 0.2) == 1.0
    assert same_day_factor(base, base, np.zeros(STEPS, bool), 0.2) == 1.0


def test_nothing_after_the_adjustment_hours_is_read() -> None:
    metered = ramp(12) + 5.0
    workdays, events = np.ones(12, bool), np.zeros(12, bool)
    first = day_baseline(PROGRAM, metered, 11, events=events, workdays=workdays)
    metered[11, np.flatnonzero(PROGRAM.adjustment_mask(STEPS))[-1] + 1 :] = 999.0
    again = day_baseline(PROGRAM, metered, 11, events=events, workdays=workdays)
    assert (first.power_kw == again.power_kw).all()
    assert first.days_used == 10


def test_event_days_and_other_day_types_stay_out() -> None:
    metered = np.full((12, STEPS), 100.0)
    events, workdays = np.zeros(12, bool), np.ones(12, bool)
    events[5], workdays[6] = True, False
    metered[5], metered[6] = 0.0, 9000.0
    found = day_baseline(PROGRAM, metered, 11, events=events, workdays=workdays)
    assert found.power_kw == pytest.approx(np.full(STEPS, 100.0))
    assert found.days_used == 9


def test_score_of_a_rising_load_shows_its_bias() -> None:
    days = 15
    events, workdays = np.zeros(days, bool), np.ones(days, bool)
    flat = Program(adjustment_hours=0.0)
    score = score_baseline(flat, ramp(days) + 100.0, events=events, workdays=workdays)
    assert score.days == 5
    assert score.bias_kw == pytest.approx(-5.5)
    assert score.rmse_kw == pytest.approx(5.5)
    assert score.false_relief_kw == 0.0
    adjusted = score_baseline(PROGRAM, ramp(days) + 100.0, events=events, workdays=workdays)
    assert adjusted.rmse_kw == pytest.approx(0.0, abs=1e-9)


def test_score_without_history_is_empty() -> None:
    score = score_baseline(PROGRAM, ramp(4), events=np.zeros(4, bool), workdays=np.ones(4, bool))
    assert score.days == 0
    assert np.isnan(score.bias_kw)
