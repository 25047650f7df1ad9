from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zerocity.energy.bands import LEVELS, Bands, calibrate, conformal_offsets
from zerocity.errors import InputError


@given(
    arrays(np.float64, st.integers(1, 300), elements=st.floats(-1e3, 1e3)),
    st.one_of(st.none(), st.integers(1, 50)),
)
def test_offsets_never_fall_and_come_from_the_errors(errors: np.ndarray, units: int | None) -> None:
    offsets = conformal_offsets(errors, units=units)
    assert (np.diff(offsets) >= 0.0).all()
    assert np.isin(offsets, errors).all()


@given(arrays(np.float64, 40, elements=st.floats(-1e3, 1e3)), st.integers(1, 39))
def test_fewer_units_never_make_a_band_narrower(errors: np.ndarray, units: int) -> None:
    narrow, wide = conformal_offsets(errors), conformal_offsets(errors, units=units)
    assert (wide[LEVELS > 0.5] >= narrow[LEVELS > 0.5]).all()
    assert (wide[LEVELS < 0.5] <= narrow[LEVELS < 0.5]).all()


def test_the_promise_holds_for_any_number_of_exchangeable_errors() -> None:
    rng = np.random.default_rng(1)
    for n in (19, 40, 200):
        draws = rng.exponential(1.0, (4000, n + 1))
        offsets = np.array([conformal_offsets(row[:-1]) for row in draws])
        bands, new = Bands(LEVELS, offsets), draws[:, -1]
        for share in (0.8, 0.9):
            low, high = bands.interval(share)
            held = float(((new >= low) & (new <= high)).mean())
            assert share - 0.02 <= held <= share + 2.0 / n + 0.02


def test_each_cell_gets_the_width_it_deserves_and_a_poor_one_borrows() -> None:
    rng = np.random.default_rng(2)
    cell = np.repeat([0, 1, 2], [3000, 3000, 5])
    errors = rng.normal(0.0, 1.0, cell.size) * np.array([1.0, 5.0, 100.0])[cell]
    table = calibrate(errors, cell, parent=np.array([0, 1, 1]))
    width = table.offsets[:, -1] - table.offsets[:, 0]
    assert width[1] == pytest.approx(5.0 * width[0], rel=0.1)
    assert width[2] == pytest.approx(width[1], rel=0.1)
    assert table.counts.tolist() == [3000, 3000, 5]


def test_values_between_and_beyond_the_levels_are_straight() -> None:
    bands = Bands(LEVELS, np.tile(LEVELS * 100.0, (3, 1)))
    assert bands.at(np.array([0.5, 0.525, 0.975])) == pytest.approx([50.0, 52.5, 97.5])
    assert bands.at(np.array([0.0, 1.0, 0.05])) == pytest.approx([2.5, 97.5, 5.0])


def test_what_the_bands_do_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match="one of"):
        Bands(LEVELS, np.zeros((1, LEVELS.size))).interval(0.33)
    with pytest.raises(InputError, match="no finite error"):
        conformal_offsets(np.array([np.nan]))
