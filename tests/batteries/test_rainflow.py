from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.rainflow import FULL, HALF, WAIT, count_cycles, turning_points, verdict


def test_the_example_of_the_standard() -> None:
    # ASTM E1049-85, figure 6.
    series = [-2, 1, -3, 5, -1, 3, -4, 4, -2]
    counts: defaultdict[float, float] = defaultdict(float)
    for size, share in count_cycles([float(x) for x in series]):
        counts[size] += share
    assert counts == {3: 0.5, 4: 1.5, 6: 0.5, 8: 1.0, 9: 0.5}


def test_the_three_verdicts() -> None:
    assert verdict(0.0, 3.0, 1.0, 3) == WAIT
    assert verdict(0.0, 3.0, 0.0, 3) == HALF
    assert verdict(0.0, 3.0, 0.0, 4) == FULL


@pytest.mark.parametrize(
    ("series", "wanted"),
    [([], []), ([0.4, 0.4], [0.4]), ([0, 1, 2, 1], [0, 2, 1]), ([1, 0, 0.5], [1, 0, 0.5])],
)
def test_turning_points_are_the_ends_and_the_extremes(
    series: list[float], wanted: list[float]
) -> None:
    assert turning_points(series) == wanted


def test_hysteresis_passes_over_noise() -> None:
    assert turning_points([0.2, 0.5, 0.498, 0.9, 0.899, 0.1], 0.005) == [0.2, 0.9, 0.1]


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=60))
def test_counted_ranges_add_up_to_the_path(series: list[float]) -> None:
    points = turning_points(series)
    path = float(np.abs(np.diff(series)).sum())
    assert sum(2.0 * size * share for size, share in count_cycles(points)) == pytest.approx(path)
