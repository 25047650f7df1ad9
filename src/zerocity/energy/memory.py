"""Series that remember: each value is new noise and a share of the value before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray = npt.NDArray[np.float64]


def remembering(noise: FloatArray, memory: float) -> FloatArray:
    """``x[t] = memory * x[t - 1] + noise[t]`` along the last axis, which begins with its noise.

    noise : (..., steps). A stationary series of spread 1 wants noise of spread
    ``sqrt(1 - memory**2)`` behind its first value.
    """
    series = np.array(noise, np.float64)
    _carry(series.reshape(-1, series.shape[-1]), memory)
    return series


@njit(cache=True, nogil=True)
def _carry(series: FloatArray, memory: float) -> None:
    for row in range(series.shape[0]):
        for t in range(1, series.shape[1]):
            series[row, t] += memory * series[row, t - 1]
