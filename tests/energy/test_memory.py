"""Series with memory, against SciPy's filter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.signal import lfilter

from zerocity.energy.memory import remembering


@given(
    arrays(np.float64, array_shapes(min_dims=1, max_dims=3), elements=st.floats(-1e3, 1e3)),
    st.floats(-1.0, 1.0),
)
def test_memory_is_a_filter_of_one_step(noise: np.ndarray, memory: float) -> None:
    kept = noise.copy()
    found = remembering(noise, memory)
    np.testing.assert_array_equal(found, lfilter([1.0], [1.0, -memory], noise, axis=-1))
    np.testing.assert_array_equal(noise, kept)


def test_whole_numbers_are_taken_as_they_are() -> None:
    assert remembering(np.array([8, 0, 0]), 0.5) == pytest.approx([8.0, 4.0, 2.0])
