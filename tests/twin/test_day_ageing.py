"""Slices of the packs: all of them once, none twice, and nothing where nothing is to be aged."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.batteries.ageing_columns import DAYS
from zerocity.batteries.ageing_state import new_state
from zerocity.twin.day_ageing import (
    SLICE_PACKS,
    DayAgeing,
    age_slice,
    age_slices,
    day_ageing,
    no_ageing,
)


def a_day(packs: int, spare: int = 7) -> DayAgeing:
    """A day at rest of ``packs`` packs; state and histories have room for some more."""
    soc, warm = (np.full((4, packs + spare + 2), x, np.float32) for x in (0.5, 20.0))
    laws = np.zeros(packs + spare, np.int8)
    return day_ageing(new_state(packs + spare), laws, np.ones(packs), soc, warm, 6.0)


@pytest.mark.parametrize("packs", [1, SLICE_PACKS - 1, SLICE_PACKS, 5 * SLICE_PACKS + 3])
def test_slices_are_all_packs_once(packs: int) -> None:
    day = a_day(packs)
    assert not day.done.any()
    for _ in range(2):
        age_slices(day, 0, day.done.size + 9)
    np.testing.assert_allclose(day.sums[DAYS, :packs], 1.0)
    assert (day.sums[:, packs:] == 0.0).all()
    assert day.done.all()


def test_what_is_done_is_not_done_again() -> None:
    day = a_day(3 * SLICE_PACKS)
    day.done[1] = 1
    for k in range(3):
        age_slice(day, k)
    lived = day.sums[DAYS, : 3 * SLICE_PACKS].reshape(3, -1)
    np.testing.assert_allclose(lived.T, [[1.0, 0.0, 1.0]] * SLICE_PACKS)


def test_no_ageing_has_no_slices() -> None:
    assert no_ageing().done.size == 0
