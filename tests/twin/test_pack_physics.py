"""Temperatures follow their surroundings, and histories note them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.twin.pack_physics import KEPT_COLDEST_C, KEPT_WARMEST_C, rest


def after(start_c: list[float], place: list[int], outdoor_c: float, step_h: float,
          steps: int = 1) -> np.ndarray[Any, Any]:  # fmt: skip
    """Temperatures after some steps."""
    now = np.array(start_c)
    soc, soc_row, row = (np.zeros(now.size, np.float32) for _ in range(3))
    soc[:] = 0.5
    for _ in range(steps):
        rest(step_h, outdoor_c, np.array(place, np.int32), now, soc, soc_row, row)
    np.testing.assert_allclose(row, now, rtol=1e-6, atol=1e-30)
    assert (soc_row == 0.5).all()
    return now


@given(st.integers(1, 60), st.floats(-30.0, 40.0), st.floats(-20.0, 45.0), st.sampled_from((-1, 4)))
def test_temperature_does_not_depend_on_the_length_of_the_step(
    pieces: int, outdoor_c: float, start_c: float, place: int
) -> None:
    whole = after([start_c], [place], outdoor_c, 1.0)
    cut = after([start_c], [place], outdoor_c, 1.0 / pieces, pieces)
    assert cut[0] == pytest.approx(whole[0], abs=1e-9)
    around = outdoor_c if place < 0 else min(max(outdoor_c, KEPT_COLDEST_C), KEPT_WARMEST_C)
    low, high = sorted((around, start_c))
    assert low - 1e-9 <= whole[0] <= high + 1e-9


def test_packs_at_a_station_are_kept_in_their_band() -> None:
    for outdoor_c, ends in ((-20.0, KEPT_COLDEST_C), (45.0, KEPT_WARMEST_C), (20.0, 20.0)):
        found = after([15.0, 15.0], [3, -1], outdoor_c, 4.0, 100)
        assert found == pytest.approx([ends, outdoor_c])
