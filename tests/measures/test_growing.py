"""What was added is there, in its order, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zerocity.measures.growing import Growing


@given(st.lists(st.lists(st.integers(-100, 100), max_size=9), max_size=30))
def test_rows_are_what_was_added(parts: list[list[int]]) -> None:
    growing = Growing(np.int8)
    for part in parts:
        growing.add(np.array(part, np.int8))
    assert growing.rows.tolist() == [value for part in parts for value in part]


def test_most_additions_move_nothing() -> None:
    growing, moved = Growing[np.str_]("U24"), 0
    growing.add(np.array(["a" * 24] * 1000))
    for k in range(1000):
        before = growing.rows
        growing.add(np.array([f"{k:024d}"]))
        moved += not np.shares_memory(before, growing.rows)
    assert moved < 20
    assert growing.rows[-1] == f"{999:024d}"
