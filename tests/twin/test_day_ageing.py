"""Slices of the packs: all of them once, none twice, and nothing where nothing is to be aged."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.batteries.ageing_columns import CARRIED, DAYS
from zerocity.batteries.ageing_state import new_state
from zerocity.twin.day_ageing import SLICES, age_slice, age_slices, day_ageing, no_ageing


@pytest.mark.parametrize("packs", [1, SLICES - 1, SLICES, 5 * SLICES + 3])
def test_slices_are_all_packs_once(packs: int) -> None:
    state, done = new_state(packs + 7), np.zeros(SLICES, np.int64)
    soc, warm = (np.full((4, packs + 9), x, np.float32) for x in (0.5, 20.0))
    laws, carry = np.zeros(packs + 7, np.int8), np.zeros((packs + 7, CARRIED))
    day = day_ageing(state, laws, np.ones(packs), done, carry, soc, warm, 6.0)
    age_slices(day, 0, SLICES, 4)
    age_slices(day, 0, SLICES, 4)
    np.testing.assert_allclose(state.sums[:packs, DAYS], 1.0)
    assert (state.sums[packs:] == 0.0).all()
    assert (done == 4).all()


def test_what_is_done_is_not_done_again() -> None:
    state, done = new_state(SLICES), np.full(SLICES, 3)
    soc = np.full((4, SLICES), 0.5, np.float32)
    laws, carry = np.zeros(SLICES, np.int8), np.zeros((SLICES, CARRIED))
    day = day_ageing(state, laws, np.ones(SLICES), done, carry, soc, soc, 0.25)
    age_slice(day, 0, 2)
    assert done[0] == 3
    assert (state.sums == 0.0).all()


def test_no_ageing_has_no_slices() -> None:
    nothing = np.zeros((96, 5), np.float32)
    assert no_ageing(nothing, nothing).done.size == 0
