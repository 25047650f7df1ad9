from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries import ageing_columns as columns
from zerocity.batteries import ageing_cycles as cycles
from zerocity.batteries import ageing_rest as rest
from zerocity.batteries.ageing_models import (
    MODEL_KEYS,
    MODELS,
    PARAMETERS,
    SOC_CELLS,
)
from zerocity.batteries.ageing_reference import cycle_rate
from zerocity.batteries.ageing_state import age_slice, new_state


@given(st.floats(0.005, 1.0), st.floats(0.005, 4.0), st.floats(-20.0, 60.0))
def test_cycle_damage_is_the_law(dod: float, rate_c: float, temperature_c: float) -> None:
    for row, model in zip(PARAMETERS, MODELS.values(), strict=True):
        wanted = cycle_rate(model, dod, rate_c, temperature_c)
        assert cycles.cycle_damage(row, dod, rate_c, temperature_c, 1.0) == pytest.approx(
            wanted, rel=1e-11
        )


def test_no_depth_or_no_rate_is_no_damage() -> None:
    nmc = PARAMETERS[MODEL_KEYS.index("nmc_b1")]
    assert cycles.cycle_damage(nmc, 0.0, 0.5, 25.0, 1.0) < 1e-100
    assert cycles.cycle_damage(nmc, 0.5, 0.0, 25.0, 1.0) < 1e-50
    lfp = PARAMETERS[MODEL_KEYS.index("lfp250")]
    assert np.isfinite(cycles.cycle_damage(lfp, 0.0, 0.0, 25.0, 1.0))


@pytest.mark.parametrize("soc", [0.0, 0.3, 1.0, 1.5, -0.5, np.nan])
def test_the_look_up_stays_inside_its_table(soc: float) -> None:
    work, base = np.zeros(rest.REST_WORK, np.float32), np.zeros(rest.TILE, np.int32)
    cells, pairs = np.zeros(rest.TILE, np.int32), np.zeros(2 * rest.TILE, np.int64)
    marks, block = np.zeros(rest.TILE, np.int32), np.full((1, 1), soc, np.float32)
    for model in range(len(MODEL_KEYS)):
        base[0] = model * (SOC_CELLS + 1)
        rest.take(work, marks, block, np.zeros_like(block), 0, 0, 1)
        rest.look_up(work, base, cells, pairs, rest.CELL_PAIRS, 1, 1)
        assert base[0] <= cells[0] < base[0] + SOC_CELLS


def test_a_missing_value_shows_in_every_sum_of_its_pack_alone() -> None:
    soc = np.full((4, 2), 0.5, dtype=np.float32)
    soc[1, 0] = np.nan
    state = new_state(2)
    model = np.zeros(2, dtype=np.int8)
    age_slice(state, model, np.ones(2), soc, np.full_like(soc, 25.0), 1.0, 0, 2)
    assert np.isnan(state.sums[0, [columns.Z_CAL, columns.R_CAL, columns.EFC]]).all()
    assert np.isfinite(state.sums[1]).all()


def test_a_full_stack_books_its_oldest_range_as_a_half_cycle() -> None:
    # Shrinking ranges never close each other; the twelfth point must not overflow the stack.
    soc = 0.5 + 0.4 * (-0.9) ** np.arange(columns.DEPTH)
    stack = np.zeros((columns.DEPTH, 1, columns.POINT))
    stack[:, 0, 0] = soc
    points = np.zeros(1, dtype=np.int8)
    queue, count = np.empty((1, cycles.FIELDS, cycles.QUEUE)), np.zeros(1, dtype=np.int64)
    sums, flags = np.zeros((6, 1)), np.zeros(1, dtype=np.uint8)
    cycles.push(0, columns.DEPTH, 0, 1.0, 25.0, stack, points, queue, count)
    assert count[0] == 1
    cycles.book(0, queue, count, PARAMETERS, sums, flags)
    assert count[0] == 0
    assert points[0] == columns.DEPTH - 1
    np.testing.assert_array_equal(stack[:-1, 0, 0], soc[1:])
    half = 0.5 * abs(soc[1] - soc[0])
    damage = cycles.cycle_damage(PARAMETERS[0], 2 * half, columns.MOVING_C, 25.0, 1.0)
    assert sums[columns.Z_CYC, 0] == pytest.approx(half * damage)
