"""Grades: the letters' bounds, the limiting check, and how a test's error misleads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.aftersales.grading import (
    Check,
    Grade,
    Limits,
    grade,
    measure_soh,
    over_grade_rate,
    uncertain,
)
from zerocity.errors import InputError
from zerocity.measures.seeds import stream


def test_soh_bounds_belong_to_the_better_letter() -> None:
    soh = np.array([1.0, 0.90, 0.8999, 0.80, 0.7999, 0.60, 0.5999, 0.0])
    assert "".join(grade(soh).letters) == "AABBCCDD"
    assert (grade(soh).limiting == Check.SOH).all()


@pytest.mark.parametrize(
    ("check", "over", "letter", "limiting"),
    [
        ("resistance_ratio", 1.5, "A", Check.SOH),
        ("resistance_ratio", 1.6, "C", Check.RESISTANCE),
        ("resistance_ratio", 2.1, "D", Check.RESISTANCE),
        ("spread_mv", 150.0, "C", Check.VOLTAGE_SPREAD),
        ("spread_mv", 301.0, "D", Check.VOLTAGE_SPREAD),
        ("temperature_spread_k", 9.0, "C", Check.TEMPERATURE_SPREAD),
        ("temperature_spread_k", 16.0, "D", Check.TEMPERATURE_SPREAD),
        ("insulation_ohm_per_v", 99.0, "D", Check.INSULATION),
        ("insulation_ohm_per_v", 100.0, "A", Check.SOH),
        ("safety_ok", False, "D", Check.SAFETY),
        ("resistance_ratio", float("nan"), "D", Check.RESISTANCE),
        ("insulation_ohm_per_v", float("nan"), "D", Check.INSULATION),
    ],
)
def test_each_check_can_set_the_grade(
    check: str, over: float | bool, letter: str, limiting: Check
) -> None:
    graded = grade(np.array([0.95]), **{check: over})  # type: ignore[arg-type]
    assert graded.letters[0] == letter
    assert graded.limiting[0] == limiting


def test_an_unmeasured_soh_is_never_good() -> None:
    assert grade(np.array([np.nan])).letters[0] == "D"


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 4), st.floats(0, 4))
def test_a_better_pack_is_never_graded_worse(a: float, b: float, r: float, s: float) -> None:
    better = grade(np.array([max(a, b)]), np.array([min(r, s)])).grade[0]
    worse = grade(np.array([min(a, b)]), np.array([max(r, s)])).grade[0]
    assert better <= worse


def test_the_interval_covers_the_truth_in_nine_of_ten_tests() -> None:
    truth = np.full(100_000, 0.8)
    measured = measure_soh(stream(3, "test"), truth, 0.02)
    covered = (measured.low <= truth) & (truth <= measured.high)
    assert covered.mean() == pytest.approx(0.90, abs=0.005)
    assert measured.soh.std() == pytest.approx(0.02, rel=0.02)


def test_a_perfect_test_never_over_grades() -> None:
    truth = stream(4, "truth").uniform(0.5, 1.0, 10_000)
    exact = measure_soh(stream(4, "test"), truth, 0.0)
    assert over_grade_rate(grade(truth).grade, grade(exact.soh).grade) == 0.0
    assert not uncertain(exact).any()


def test_a_worse_test_over_grades_more() -> None:
    truth = stream(4, "truth").uniform(0.5, 1.0, 20_000)
    rates = [
        over_grade_rate(
            grade(truth).grade, grade(measure_soh(stream(4, "t"), truth, error).soh).grade
        )
        for error in (0.005, 0.015, 0.05)
    ]
    assert 0.0 < rates[0] < rates[1] < rates[2] < 0.2


def test_an_interval_over_a_bound_is_uncertain() -> None:
    measured = measure_soh(stream(5, "t"), np.array([0.85, 0.805]), 1e-3)
    assert uncertain(measured).tolist() == [False, False]
    wide = measure_soh(stream(5, "t"), np.array([0.85]), 0.1)
    assert uncertain(wide).all()


def test_bad_bounds_and_errors_are_refused() -> None:
    with pytest.raises(InputError, match="falling fractions"):
        Limits(a_soh=0.8, b_soh=0.9)
    with pytest.raises(InputError, match="0 or more"):
        measure_soh(stream(1, "t"), np.ones(1), -0.1)
    assert over_grade_rate(np.array([], dtype=np.int8), np.array([], dtype=np.int8)) == 0.0
    assert Grade.A < Grade.D
