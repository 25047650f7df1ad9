"""Sums over the rows of a run's large tables, in one pass over each batch."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def add_kwh(step: Array, site: Array, kwh: Array, city: Array, by_site: Array) -> None:
    """Add each row to the city's step (steps,) and to its site (sites,); rows outside count not."""
    for row in range(kwh.size):
        t, s = step[row], site[row]
        if 0 <= t < city.size and 0 <= s < by_site.size:
            city[t] += kwh[row]
            by_site[s] += kwh[row]


@njit(cache=True, nogil=True)
def raise_peaks(
    step: Array, site: Array, kwh: Array, step_h: float, limit_kw: Array, peak: Array,
    peak_step: Array, over_h: Array, steps: int,
) -> None:  # fmt: skip
    """Keep each site's highest power [kW], its earliest step, and its hours above the limit."""
    for row in range(kwh.size):
        t, s = step[row], site[row]
        if not (0 <= t < steps and 0 <= s < peak.size):
            continue
        kw = kwh[row] / step_h
        if kw > peak[s] or (kw == peak[s] and kw > 0.0 and t < peak_step[s]):
            peak[s], peak_step[s] = kw, t
        if kw > limit_kw[s] * (1.0 + 1e-6):
            over_h[s] += step_h


@njit(cache=True, nogil=True)
def add_sessions(
    start_ms: Array, fleet: Array, kind: Array, kwh: Array, shift_ms: int, count: Array,
    energy_kwh: Array,
) -> None:  # fmt: skip
    """Count sessions and add up their energy by fleet, kind and local hour, (fleets, 2, 24)."""
    for row in range(kwh.size):
        f, k = fleet[row], kind[row]
        if 0 <= f < count.shape[0] and 0 <= k < 2:
            hour = (start_ms[row] + shift_ms) // 3_600_000 % 24
            count[f, k, hour] += 1.0
            energy_kwh[f, k, hour] += kwh[row]
