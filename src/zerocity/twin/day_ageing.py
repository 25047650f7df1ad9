"""A day's ageing in pieces: some packs at a time, whenever there is time for it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.batteries.ageing_kernel import age_packs
from zerocity.batteries.ageing_rest import TILE
from zerocity.batteries.ageing_state import LAWS, AgeingState, new_state
from zerocity.measures.arrays import F32, F64, I8, I64

# One tile of the kernel, so that what runs beside the drivers can stop soon.
SLICE_PACKS = TILE


class DayAgeing(NamedTuple):
    """Ageing state and what packs went through on a day; the rest as in ``age_packs``.

    done : 1 for each slice of `SLICE_PACKS` packs that has been aged, (slices,).
    soc, temperature_c : histories, (steps, packs or more).
    spread : (packs,).
    """

    done: I8
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


def day_ageing(
    state: AgeingState, laws: I8, spread: F64, soc: F32, temperature_c: F32, step_h: float
) -> DayAgeing:
    """What there is to age: the first ``spread.size`` packs, none of them aged yet."""
    done = np.zeros(-(-spread.size // SLICE_PACKS), np.int8)
    track, stack, points, sums, flags = state.by_quantity
    return DayAgeing(
        done, soc, temperature_c, step_h, laws, spread, *LAWS, track, stack, points, sums, flags
    )


def no_ageing() -> DayAgeing:
    """Nothing to age."""
    nobody, nothing = np.zeros(0), np.zeros((0, 0), np.float32)
    return day_ageing(new_state(0), np.zeros(0, np.int8), nobody, nothing, nothing, 0.25)


@njit(cache=True, nogil=True)
def age_slice(day: DayAgeing, k: int) -> None:
    """Age slice ``k``, unless that is done."""
    if not day.done[k]:
        first = k * SLICE_PACKS
        age_packs(
            first, min(first + SLICE_PACKS, day.spread.size), day.soc, day.temperature_c,
            day.step_h, day.laws, day.spread, day.parameters, day.constants, day.table, day.track,
            day.stack, day.points, day.sums, day.flags,
        )  # fmt: skip
        day.done[k] = 1


@njit(cache=True, nogil=True)
def age_slices(day: DayAgeing, first: int, last: int) -> None:
    """Age slices ``first`` until before ``last``, where that is not done."""
    for k in range(first, min(last, day.done.size)):
        age_slice(day, k)
