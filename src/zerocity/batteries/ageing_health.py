"""Today's capacity and resistance of many packs, from the sums that they have aged by."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.batteries import ageing_models as law
from zerocity.batteries.ageing_columns import R_CAL, R_CYC, Z_CAL, Z_CYC
from zerocity.batteries.branchless import exponential, logarithm

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

TILE = 128
_SUMS = (Z_CAL, Z_CYC, R_CAL)
_CALENDAR, _CYCLES, _RESISTANCE = 0 * TILE, 1 * TILE, 2 * TILE
_POWERS = 3 * TILE
_SIZE = 3 * TILE

POWERS: Floats = 1.0 / law.PARAMETERS[:, [law.CAL_INVERSE, law.CYC_INVERSE, law.RES_INVERSE]]
"""Shape (models, 3): loss = z^power, of calendar, cycles and resting resistance."""


@njit(cache=True, nogil=True, error_model="numpy")
def read_health(
    lo: int, hi: int, model: Array, powers: Array, sums: Array, soh: Array, ratio: Array
) -> None:
    """Write health (never below 0) and resistance over that of a new pack of packs [lo, hi).

    Within 1e-11 of `ageing_state.soh` and `resistance_ratio`.

    Parameters
    ----------
    model : (packs,) law. powers : `POWERS`. sums : (6, packs), as the state keeps it in memory.
    soh, ratio : (packs,) for the results.
    """
    work = np.ones(2 * _SIZE)
    for start in range(lo, hi, TILE):
        n = min(TILE, hi - start)
        for k in range(3):
            row = sums[_SUMS[k]]
            for i in range(n):
                work[k * TILE + i] = row[start + i]
                work[_POWERS + k * TILE + i] = powers[model[start + i], k]
        for j in range(3 * TILE):
            # The logarithm of 0 is -709: keep its exponent in the range of `exponential`. That of a
            # missing value looks like a number.
            z, power = work[j], work[_POWERS + j]
            h = power * logarithm(z)
            work[j] = z if (power == 1.0) | (z != z) else exponential(-700.0 if h < -700.0 else h)
        for i in range(n):
            left = 1.0 - (work[_CALENDAR + i] + work[_CYCLES + i])
            soh[start + i] = 0.0 if left < 0.0 else left
            ratio[start + i] = 1.0 + work[_RESISTANCE + i] + sums[R_CYC, start + i]
