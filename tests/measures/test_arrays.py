"""Rows side by side: apart from each other, and each from the beginning of a line of the cache."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.measures.arrays import LINE, side_by_side


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_rows_begin_with_a_line_and_do_not_overlap(count: int) -> None:
    kinds = {"a": np.int8, "b": np.float64, "c": np.dtype((np.int32, (3,))), "d": np.int16}
    found = side_by_side(count, kinds)
    assert list(found) == list(kinds)
    assert found["c"].shape == (count, 3)
    for k, values in enumerate(found.values()):
        assert values.shape[0] == count
        assert not values.any()
        values[:] = k + 1
    for k, values in enumerate(found.values()):
        assert (values == k + 1).all()
    assert found["a"].ctypes.data % LINE == 0 or count == 0
    assert found["b"].strides[0] % LINE == 0


def test_a_row_takes_as_few_lines_as_it_can() -> None:
    full = {f"f{k}": np.float64 for k in range(8)}
    assert side_by_side(3, full)["f0"].strides == (LINE,)
    assert side_by_side(3, {**full, "one": np.int8})["f0"].strides == (2 * LINE,)
