from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries import ageing_kernel
from zerocity.batteries.ageing_models import MODELS, PARAMETERS
from zerocity.batteries.ageing_reference import cycle_rate


@given(st.floats(-14.0, 14.0))
def test_the_branchless_exponential_is_the_exponential(x: float) -> None:
    assert ageing_kernel.exp_small(x) == pytest.approx(math.exp(x), rel=1e-10)


@given(st.floats(0.005, 1.0), st.floats(0.005, 4.0), st.floats(-20.0, 60.0))
def test_cycle_damage_is_the_law(dod: float, rate_c: float, temperature_c: float) -> None:
    for row, model in zip(PARAMETERS, MODELS.values(), strict=True):
        wanted = cycle_rate(model, dod, rate_c, temperature_c)
        assert ageing_kernel.cycle_damage(row, dod, rate_c, temperature_c) == pytest.approx(
            wanted, rel=1e-10
        )


def test_a_full_stack_books_its_oldest_range_as_a_half_cycle() -> None:
    # Shrinking ranges never close each other; the twelfth point must not overflow the stack.
    points = 0.5 + 0.4 * (-0.9) ** np.arange(ageing_kernel.DEPTH)
    stack = np.zeros((ageing_kernel.DEPTH, ageing_kernel.POINT))
    stack[:, 0] = points
    out = np.zeros(2)
    left, _ = ageing_kernel.push(PARAMETERS[0], 1.0, out, stack, ageing_kernel.DEPTH, 25.0)
    assert left == ageing_kernel.DEPTH - 1
    np.testing.assert_array_equal(stack[:left, 0], points[1:])
    half = 0.5 * abs(points[1] - points[0])
    damage = ageing_kernel.cycle_damage(PARAMETERS[0], 2 * half, ageing_kernel.MOVING_C, 25.0)
    assert out[0] == pytest.approx(half * damage)
