from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.energy.bands import LEVELS, Bands
from zerocity.energy.scores import coverage, crps, pinball, score_bands, skill
from zerocity.errors import InputError

numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, st.floats(0.01, 0.99))
def test_pinball_loss_is_never_negative_and_zero_on_the_spot(
    actual: float, said: float, level: float
) -> None:
    one, other = np.array([actual]), np.array([said])
    assert pinball(one, other, level)[0] >= 0.0
    assert pinball(one, one, level)[0] == 0.0


def test_pinball_punishes_each_side_by_its_level() -> None:
    assert pinball(np.array([10.0]), np.array([0.0]), 0.9)[0] == pytest.approx(9.0)
    assert pinball(np.array([0.0]), np.array([10.0]), 0.9)[0] == pytest.approx(1.0)


def test_crps_of_a_certain_forecast_is_its_absolute_error() -> None:
    bands = Bands(LEVELS, np.full((1, LEVELS.size), 4.0))
    assert crps(np.array([7.0]), bands)[0] == pytest.approx(3.0)


def test_the_true_distribution_scores_best() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0.0, 1.0, 20_000)
    right = np.quantile(rng.normal(0.0, 1.0, 100_000), LEVELS)

    def said(offset: float, wider: float) -> float:
        values = np.broadcast_to(right * wider + offset, (truth.size, LEVELS.size))
        return float(crps(truth, Bands(LEVELS, values)).mean())

    assert said(0.0, 1.0) < min(said(0.3, 1.0), said(0.0, 0.5), said(0.0, 2.0))
    # Closed form for normal truth: sd / sqrt(pi); nineteen levels come out a little above.
    assert said(0.0, 1.0) == pytest.approx(1.0 / np.sqrt(np.pi), rel=0.05)


def test_gaps_are_left_out_of_the_coverage() -> None:
    actual = np.array([1.0, np.nan, 3.0, 9.0])
    assert coverage(actual, np.zeros(4), np.full(4, 5.0)) == pytest.approx(2.0 / 3.0)


def test_skill_runs_from_one_downwards() -> None:
    assert skill(0.0, 2.0) == 1.0
    assert skill(2.0, 2.0) == 0.0
    assert skill(3.0, 2.0) < 0.0
    assert skill(0.0, 0.0) == 0.0
    assert skill(1.0, 0.0) == -np.inf


def test_perfect_foresight_scores_zero_with_skill_one() -> None:
    actual = np.arange(1.0, 9.0)
    bands = Bands(LEVELS, np.repeat(actual[:, None], LEVELS.size, axis=1))
    found = score_bands(actual, bands, actual - 1.0)
    assert (found.crps, found.skill, found.covered_80, found.width_80) == (0.0, 1.0, 1.0, 0.0)
    assert found.persistence_crps == pytest.approx(1.0)


def test_what_cannot_be_scored_is_refused() -> None:
    bands = Bands(LEVELS, np.zeros((2, LEVELS.size)))
    with pytest.raises(InputError, match="no step with both"):
        score_bands(np.full(2, np.nan), bands, np.zeros(2))
    with pytest.raises(InputError, match="shape"):
        score_bands(np.zeros(3), bands, np.zeros(3))
    with pytest.raises(InputError, match="level"):
        pinball(np.zeros(1), np.zeros(1), 1.0)
    with pytest.raises(InputError, match="no measured value"):
        coverage(np.array([np.nan]), np.zeros(1), np.zeros(1))
