"""A day's ageing in pieces: some packs over some steps, whenever there is time for it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.batteries.ageing_columns import CARRIED
from zerocity.batteries.ageing_kernel import age_packs
from zerocity.batteries.ageing_state import LAWS, AgeingState, new_state
from zerocity.measures.arrays import F32, F64, I8, I64

# The packs are cut into so many slices, so that what runs beside the drivers can stop soon.
SLICES = 128


class DayAgeing(NamedTuple):
    """Ageing state and what packs go through today; the rest as in ``age_packs``.

    done : steps of today that each slice of the packs has aged over, (slices,).
    soc, temperature_c : histories, (steps, packs or more).
    spread : (packs,).
    """

    done: I64
    soc: F32
    temperature_c: F32
    step_h: float
    laws: I8
    spread: F64
    parameters: F64
    constants: F32
    table: I64
    track: F64
    stack: F64
    points: I8
    sums: F64
    flags: npt.NDArray[np.uint8]
    carry: F64


def day_ageing(
    state: AgeingState, laws: I8, spread: F64, done: I64, carry: F64, soc: F32, temperature_c: F32,
    step_h: float,
) -> DayAgeing:  # fmt: skip
    """What there is to age on a day; ``carry`` (packs, CARRIED) is scratch."""
    track, stack, points, sums, flags = state.by_quantity
    return DayAgeing(
        done, soc, temperature_c, step_h, laws, spread, *LAWS, track, stack, points, sums, flags,
        carry,
    )  # fmt: skip


def no_ageing(soc: F32, temperature_c: F32) -> DayAgeing:
    """Nothing to age."""
    nobody, none = np.zeros(0), np.zeros(0, np.int64)
    laws, carry = np.zeros(0, np.int8), np.zeros((0, CARRIED))
    return day_ageing(new_state(0), laws, nobody, none, carry, soc, temperature_c, 0.25)


@njit(cache=True, nogil=True)
def age_slice(day: DayAgeing, k: int, end: int) -> None:
    """Age slice ``k`` up to step ``end``."""
    packs, slices, begin = day.spread.size, day.done.size, day.done[k]
    if begin < end:
        age_packs(
            packs * k // slices, packs * (k + 1) // slices, begin, end, day.soc, day.temperature_c,
            day.step_h, day.laws, day.spread, day.parameters, day.constants, day.table, day.track,
            day.stack, day.points, day.sums, day.flags, day.carry,
        )  # fmt: skip
        day.done[k] = end


@njit(cache=True, nogil=True)
def age_slices(day: DayAgeing, first: int, last: int, end: int) -> None:
    """Age slices ``first`` until before ``last`` up to step ``end``."""
    for k in range(first, last):
        age_slice(day, k, end)
