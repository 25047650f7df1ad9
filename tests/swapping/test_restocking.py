"""When a returned pack is due."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zerocity.swapping.restocking import LONGEST_STEPS, due_in_steps


@given(st.integers(0, 95), st.integers(1, 40), st.floats(0.0, 5.0))
def test_due_within_bounds_and_later_with_more_stock(step: int, stock: int, rate: float) -> None:
    expected = np.full(96, rate)
    due = due_in_steps(expected, step, stock)
    assert 1 <= due <= LONGEST_STEPS
    assert due <= due_in_steps(expected, step, stock + 5)


def test_a_steady_demand_gives_the_closed_form() -> None:
    # 11 packs, 60 % promised less one = 5.6 swaps at 0.5 a step: the twelfth step covers it.
    assert due_in_steps(np.full(96, 0.5), 0, 11) == 12


def test_without_demand_a_pack_may_wait_the_longest() -> None:
    assert due_in_steps(np.zeros(96), 3, 20) == LONGEST_STEPS
