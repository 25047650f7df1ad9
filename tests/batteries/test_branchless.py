from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.branchless import exponential, exponential32, logarithm


@given(st.floats(-700.0, 700.0))
def test_the_branchless_exponential_is_the_exponential(x: float) -> None:
    assert exponential(x) == pytest.approx(math.exp(x), rel=2e-12)


@given(st.floats(-80.0, 80.0, width=32))
def test_the_single_exponential_is_the_exponential(x: float) -> None:
    assert exponential32(np.float32(x)) == pytest.approx(math.exp(x), rel=3e-7)


@given(st.floats(1e-300, 1e300))
def test_the_branchless_logarithm_is_the_logarithm(x: float) -> None:
    assert logarithm(x) == pytest.approx(math.log(x), rel=1e-12, abs=1e-12)


def test_nothing_and_no_number() -> None:
    assert logarithm(0.0) == pytest.approx(-709.0, abs=0.5)
    assert np.isnan(exponential(np.nan))
    assert np.isnan(exponential32(np.float32(np.nan)))
