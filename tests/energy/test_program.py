from __future__ import annotations

import numpy as np
import pytest

from zerocity.energy.program import Program


def test_blocks_are_laid_down_column_by_column() -> None:
    program = Program()
    rows = program.rows(2, [0.0, 1.0], 5.0)
    program.columns("a", [1.0, 2.0], 9.0, [(rows, 3.0), (rows[::-1], np.array([4.0, 5.0]))], 2)
    program.columns("b", 0.0, 1.0, [(np.array([[0, 1]]), np.array([[6.0, 7.0]]))], 1, tie=2.0)
    found = program.arrays()
    assert found.start.tolist() == [0, 2, 4, 6]
    assert found.index.tolist() == [0, 1, 1, 0, 0, 1]
    assert found.value.tolist() == [3.0, 4.0, 3.0, 5.0, 6.0, 7.0]
    assert found.cost.tolist() == [1.0, 2.0, 0.0]
    assert found.tie.tolist() == [0.0, 0.0, 2.0]
    assert found.row_low.tolist() == [0.0, 1.0]
    assert program.at == {"a": slice(0, 2), "b": slice(2, 3)}
    assert program.high("a").tolist() == [9.0, 9.0]


def test_row_minus_one_means_no_entry() -> None:
    program = Program()
    [row] = program.rows(1, 0.0, 0.0)
    program.columns("a", 0.0, 1.0, [(np.array([row, -1]), 2.0)], 2)
    found = program.arrays()
    assert found.start.tolist() == [0, 1, 1]
    assert found.index.tolist() == [0]


def test_blocks_may_be_many_more_than_expected() -> None:
    few, many = Program(1, 1, 1), Program()
    for program in (few, many):
        rows = program.rows(30, np.arange(30.0), 40.0)
        for k in range(40):
            gap = np.where(np.arange(30) == k, -1, rows)
            program.columns(f"{k}", k, 1.0, [(rows, 1.0), (gap, 2.0)], 30)
    for one, other in zip(few.arrays().__slots__, many.arrays().__slots__, strict=True):
        ours, theirs = getattr(few.arrays(), one), getattr(many.arrays(), other)
        np.testing.assert_array_equal(ours, theirs)
    assert few.arrays().start[[1, 2, -1]].tolist() == [1, 3, 40 * 60 - 30]


def test_a_column_without_entries_is_kept() -> None:
    program = Program()
    program.rows(1, 0.0, 1.0)
    program.columns("free", 1.0, 1.0, [], 3)
    assert program.arrays().start.tolist() == [0, 0, 0, 0]


def test_binaries_are_marked() -> None:
    program = Program()
    rows = program.rows(2, 0.0, 1.0)
    assert not program.kinds
    program.binaries("on", [(rows, 1.0)], 2)
    [(first, last, _)] = program.kinds
    assert (first, last) == (0, 2)
    assert program.arrays().high.tolist() == [1.0, 1.0]


def test_columns_of_unlike_length_are_refused() -> None:
    program = Program()
    rows = program.rows(2, 0.0, 1.0)
    with pytest.raises(ValueError, match="broadcast"):
        program.columns("a", [1.0, 2.0, 3.0], 1.0, [(rows, 1.0)], 2)
