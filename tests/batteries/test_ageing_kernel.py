from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries import ageing_kernel as kernel
from zerocity.batteries.ageing_models import MODELS, PARAMETERS
from zerocity.batteries.ageing_reference import cycle_rate


@given(st.floats(-14.0, 14.0))
def test_the_branchless_exponential_is_the_exponential(x: float) -> None:
    assert kernel.exp_small(x) == pytest.approx(math.exp(x), rel=1e-10)


@given(st.floats(0.005, 1.0), st.floats(0.005, 4.0), st.floats(-20.0, 60.0))
def test_cycle_damage_is_the_law(dod: float, rate_c: float, temperature_c: float) -> None:
    for row, model in zip(PARAMETERS, MODELS.values(), strict=True):
        wanted = cycle_rate(model, dod, rate_c, temperature_c)
        assert kernel.cycle_damage(row, dod, rate_c, temperature_c, 1.0) == pytest.approx(
            wanted, rel=1e-10
        )


def test_a_full_stack_books_its_oldest_range_as_a_half_cycle() -> None:
    # Shrinking ranges never close each other; the twelfth point must not overflow the stack.
    soc = 0.5 + 0.4 * (-0.9) ** np.arange(kernel.DEPTH)
    stack = np.zeros((1, kernel.DEPTH, kernel.POINT))
    stack[0, :, 0] = soc
    points = np.array([kernel.DEPTH], dtype=np.int8)
    sums, flags = np.zeros((1, 6)), np.zeros(1, dtype=np.uint8)
    kernel.push(0, PARAMETERS[0], 1.0, stack, points, 25.0, sums, flags)
    assert points[0] == kernel.DEPTH - 1
    np.testing.assert_array_equal(stack[0, :-1, 0], soc[1:])
    half = 0.5 * abs(soc[1] - soc[0])
    damage = kernel.cycle_damage(PARAMETERS[0], 2 * half, kernel.MOVING_C, 25.0, 1.0)
    assert sums[0, kernel.Z_CYC] == pytest.approx(half * damage)
