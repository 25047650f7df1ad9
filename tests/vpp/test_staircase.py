"""Staircases fall, keep what they must and miss as little as they can."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zerocity.errors import InputError
from zerocity.vpp.staircase import Staircase, falling, reduced, sampled

levels = arrays(np.float64, (3, 12), elements=st.floats(-1e4, 1e4))


def stairs_of(net: np.ndarray) -> Staircase:
    edges = np.tile(np.linspace(0.0, 0.6, net.shape[1] + 1), (len(net), 1))
    return Staircase(edges, net)


@given(levels)
def test_pooled_rows_fall_and_keep_their_mean(rows: np.ndarray) -> None:
    found = falling(rows)
    assert (np.diff(found, axis=1) <= 1e-9).all()
    assert found.mean(axis=1) == pytest.approx(rows.mean(axis=1), abs=1e-6)


@given(levels)
def test_rows_that_fall_stay_as_they_are(rows: np.ndarray) -> None:
    down = -np.sort(-rows, axis=1)
    assert (falling(down) == down).all()


@given(levels, st.integers(1, 4), st.integers(4, 12), st.integers(0, 11))
def test_fewer_segments_fall_and_keep_the_marked_level(
    rows: np.ndarray, least: int, most: int, mark: int
) -> None:
    fine = stairs_of(falling(rows))
    keep = np.full(3, mark)
    few = reduced(fine, least, most, keep)
    assert (np.diff(few.net_kw, axis=1) <= 1e-9).all()
    assert ((few.segments >= least) & (few.segments <= most)).all()
    assert (few.edges_cny_per_kwh[:, [0, -1]] == [0.0, 0.6]).all()
    middle = fine.edges_cny_per_kwh[:, mark : mark + 2].mean(axis=1)
    assert few.at(middle) == pytest.approx(fine.net_kw[:, mark], abs=1e-9)


def test_the_cut_is_the_best_one() -> None:
    fine = stairs_of(np.array([[9.0, 9.0, 8.9, 5.0, 5.1, 0.0]])[:, ::1])
    few = reduced(Staircase(fine.edges_cny_per_kwh, falling(fine.net_kw)), 3, 3)
    assert few.net_kw[0] == pytest.approx([9.0, 5.05, 0.0], abs=1e-9)
    assert few.edges_cny_per_kwh[0] == pytest.approx([0.0, 0.3, 0.5, 0.6])


def test_samples_hold_to_the_middle_and_edges_are_whole_ticks() -> None:
    prices = np.array([[0.1, 0.2, 0.35]])
    stairs = sampled(prices, np.array([[3.0, 2.0, 1.0]]), 0.1, 0.35, 0.01)
    assert stairs.edges_cny_per_kwh[0] == pytest.approx([0.1, 0.15, 0.28, 0.35])
    assert [float(stairs.at(np.array([p]))[0]) for p in (0.1, 0.15, 0.27, 0.35)] == [3, 2, 2, 1]


def test_segments_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match="3 to 2"):
        reduced(stairs_of(np.ones((1, 4))), 3, 2)
