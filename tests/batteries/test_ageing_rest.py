"""Two half hours at once are the two one after the other, and half an hour is short enough."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.batteries import ageing_columns as columns
from zerocity.batteries.ageing_models import MODEL_KEYS, MODELS
from zerocity.batteries.ageing_reference import calendar_rate, exact_history
from zerocity.batteries.ageing_state import age_block, new_state

Array = npt.NDArray[np.float64]
HOURS = np.arange(0.0, 48.0, 0.25) + 0.25


def commute() -> tuple[Array, Array]:
    """A day's charge in three quarters of an hour, warming the pack by 12 K."""
    clock = HOURS % 24.0
    soc = np.interp(clock, [0, 7.5, 8.3, 17.5, 18.3, 19.1, 19.9, 24], [9, 9, 6, 6, 3, 3, 9, 9])
    return soc / 10.0, 5.0 + 12.0 * np.interp(clock, [0, 19.1, 19.9, 23, 24], [0, 0, 1, 0, 0])


def taxi() -> tuple[Array, Array]:
    """Driven empty and charged full within the hour, three times a day."""
    soc = np.interp(HOURS % 8.0, [0.0, 7.1, 8.0], [1.0, 0.0, 1.0])
    return soc, 30.0 + 8.0 * np.sin(HOURS)


def parked() -> tuple[Array, Array]:
    """A week at rest while a front passes: 15 K in three hours."""
    weather = 6.0 * np.sin(2 * np.pi * HOURS / 24.0) - 15.0 * np.clip((HOURS - 30.0) / 3.0, 0, 1)
    return np.full(HOURS.size, 0.93), 10.0 + weather


def swapped() -> tuple[Array, Array]:
    """A pack that stands empty and cold and is half full and warm a step later, and so on."""
    turn = np.arange(HOURS.size) % 5 < 2
    return np.where(turn, 0.6, 0.02), np.where(turn, 25.0, 5.0)


@pytest.mark.parametrize("row", range(len(MODEL_KEYS)))
@pytest.mark.parametrize("history", [commute, taxi, parked, swapped])
@pytest.mark.parametrize("steps", [1, 2, 95, 192])
def test_pairs_of_half_hours_are_the_half_hours(history, row: int, steps: int) -> None:  # type: ignore[no-untyped-def]
    soc, warm = (one[:steps].astype(np.float32) for one in history())
    law = MODELS[MODEL_KEYS[row]]
    state = new_state(1)
    age_block(state, np.full(1, row, np.int8), np.ones(1), soc[:, None], warm[:, None], 0.25)
    life = exact_history(law, soc.astype(np.float64), warm.astype(np.float64), 0.25)
    # Between the nodes of the table of charge the rates may be off by more, below soc 0.1.
    rough = 2e-5 if soc.min() > 0.1 else 2e-4
    assert state.sums[0, columns.Z_CAL] == pytest.approx(life.z_calendar, rel=rough)
    assert state.sums[0, columns.R_CAL] == pytest.approx(life.resistance_z, rel=2e-5)


@given(
    soc=st.lists(st.floats(0.0, 1.0, width=32), min_size=3, max_size=9),
    warm=st.floats(-30.0, 50.0, width=32),
    change=st.floats(-10.0, 10.0, width=32),
)
@settings(deadline=None)
def test_any_two_half_hours_are_as_if_taken_alone(
    soc: list[float], warm: float, change: float
) -> None:
    """A block of half an hour is not paired: the same, block by block, must give the same."""
    packs = len(MODEL_KEYS)
    block = np.repeat(np.array(soc, np.float32)[:, None], packs, axis=1)
    heat = (warm + change * (np.arange(len(soc)) // 2 % 2)).astype(np.float32)
    heats = np.repeat(heat[:, None], packs, axis=1)
    laws, spread = np.arange(packs, dtype=np.int8), np.ones(packs)
    paired, alone = new_state(packs, soc[0]), new_state(packs, soc[0])
    age_block(paired, laws, spread, block, heats, 0.25)
    for step in range(0, len(soc), 2):
        half = slice(step, step + 2)
        age_block(alone, laws, spread, block[half], heats[half], 0.25)
    # The series of the cosh gives way only where a pack goes from empty to full at once.
    np.testing.assert_allclose(paired.sums[:, :4], alone.sums[:, :4], rtol=5e-4)


@pytest.mark.parametrize("row", range(len(MODEL_KEYS)))
@pytest.mark.parametrize(("history", "near"), [(parked, 5e-4), (commute, 2e-3), (taxi, 1.5e-2)])
def test_half_an_hour_is_short_enough(history, near: float, row: int) -> None:  # type: ignore[no-untyped-def]
    """Against the rates of every quarter hour."""
    soc, warm = history()
    law = MODELS[MODEL_KEYS[row]]
    life = exact_history(law, soc, warm, 0.25)
    middle = 0.5 * (soc + np.concatenate([soc[:1], soc[:-1]]))
    every = calendar_rate(law, middle, warm).sum() * 0.25 / 24.0
    assert life.z_calendar == pytest.approx(every, rel=near)
