"""The compiled heart of fleet ageing: calendar sums and a streaming rainflow over tiles of packs.

Time outside, packs inside: each step runs over a tile of ``TILE`` packs whose working values lie
in one flat array, value ``K`` of pack ``i`` at ``K * TILE + i``. Offsets are literal constants, so
the compiler can prove that the values do not overlap and runs the loop on vector registers; with
separate arrays it would not. Turning points are rare and go to scalar code.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.batteries.ageing_models import (
    CAL_INVERSE,
    CAL_MIDDLE,
    CAL_RATE,
    CAL_U1,
    CAL_U3,
    COLD_C,
    CYC_A0,
    CYC_A1,
    CYC_A2,
    CYC_E,
    CYC_INVERSE,
    CYC_ND,
    CYC_NR,
    CYC_NT,
    CYC_PER_EFC,
    DEEP_DOD,
    FAST_C,
    HOT_C,
    RES_B0,
    RES_B1,
    RES_B2,
    RES_C0,
    RES_C1,
    RES_D0,
    RES_D1,
    RES_D3,
    RES_E,
    RES_INVERSE,
    RES_RATE,
    SHALLOW_DOD,
    SOC_CELLS,
)
from zerocity.batteries.rainflow import FULL, HALF, WAIT, verdict

Array = npt.NDArray[Any]

TILE = 128
DEPTH = 12
"""Turning points kept per pack; when full, the oldest range is booked as a half cycle."""
HYSTERESIS_SOC = 0.005
"""Swings of the state of charge below this are noise, not cycles."""
MOVING_C = 0.005
"""A step slower than this rate [1/h] is rest: it does not water down a half cycle's mean rate."""

COLD, HOT, FAST, DEEP, SHALLOW = 1, 2, 4, 8, 16
"""Bits of ``AgeingState.flags``: how a pack has left its law's tested range so far."""

# Columns of AgeingState.sums.
Z_CAL, Z_CYC, R_CAL, R_CYC, EFC, DAYS = range(6)
# Columns of AgeingState.track, kept between blocks. MOVED, MOVING_H and HEAT_CH grow from birth:
# |dsoc|, hours and degC x hours over the moving steps; E_* are their values at the last extreme.
LAST, SIGN, PEAK, MOVED, MOVING_H, HEAT_CH, E_MOVED, E_MOVING_H, E_HEAT_CH = range(9)
TRACKED = 9
# Columns of AgeingState.stack: a turning point's soc and the three sums at that moment.
POINT = 4

_LAST, _SIGN, _PEAK = 0 * TILE, 1 * TILE, 2 * TILE
_MOVED, _MOVING, _HEAT = 3 * TILE, 4 * TILE, 5 * TILE
_E_MOVED, _E_MOVING, _E_HEAT = 6 * TILE, 7 * TILE, 8 * TILE
_CAL, _RES, _THROUGH, _COLDEST, _HOTTEST = 9 * TILE, 10 * TILE, 11 * TILE, 12 * TILE, 13 * TILE
_G, _TURN = 14 * TILE, 15 * TILE
_U1, _U3, _MIDDLE = 16 * TILE, 17 * TILE, 18 * TILE
_RE, _B0, _B1, _B2 = 19 * TILE, 20 * TILE, 21 * TILE, 22 * TILE
WORK = 23 * TILE


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def exp_small(x: float) -> float:
    """e^x without a branch or a call, so that loops over it vectorise.

    A degree-7 series at x / 128, squared seven times: relative error below 1e-10 for |x| <= 14
    and 1e-8 for |x| <= 24, wider than any battery temperature asks for.
    """
    r = x * 0.0078125
    p = 1.0 + r * (
        1.0
        + r * (0.5 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040))))))
    )
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    return p


@njit(cache=True, nogil=True, error_model="numpy")
def look_up(work: Array, base: Array, table: Array, soc: Array, n: int) -> None:
    """Write the calendar exponent at each step's middle soc; scattered reads stay scalar."""
    for i in range(n):
        middle = 0.5 * (np.float64(soc[i]) + work[_LAST + i])
        place = min(max(middle, 0.0), 1.0) * SOC_CELLS
        cell = min(np.int32(place), np.int32(SOC_CELLS - 1))
        left = table[base[i] + cell]
        work[_G + i] = left + (place - cell) * (table[base[i] + cell + 1] - left)


@njit(cache=True, nogil=True, error_model="numpy")
def advance(work: Array, soc: Array, temperature_c: Array, n: int, step_h: float) -> None:
    """One step of a tile: throughput, calendar and resistance sums, and the search for extremes."""
    for i in range(n):
        x = np.float64(soc[i])
        t = np.float64(temperature_c[i])
        last = work[_LAST + i]
        swing = abs(x - last)
        work[_THROUGH + i] += swing
        moving = 1.0 if swing >= MOVING_C * step_h else 0.0
        moved = work[_MOVED + i] + moving * swing
        hours = work[_MOVING + i] + moving * step_h
        heat = work[_HEAT + i] + moving * step_h * t
        u = 308.15 / (t + 273.15)
        f = (work[_U1 + i] + work[_U3 + i] * u * u) * u
        work[_CAL + i] += exp_small(f * work[_G + i] - work[_MIDDLE + i])
        s = 0.5 * (x + last)
        charge = work[_B0 + i] + s * (work[_B1 + i] + s * work[_B2 + i])
        work[_RES + i] += exp_small(work[_RE + i] * (1.0 - u)) * charge
        work[_COLDEST + i] = min(work[_COLDEST + i], t)
        work[_HOTTEST + i] = max(work[_HOTTEST + i], t)
        signed = work[_SIGN + i] * x
        peak = work[_PEAK + i]
        higher = signed > peak
        e_moved, e_hours, e_heat = work[_E_MOVED + i], work[_E_MOVING + i], work[_E_HEAT + i]
        work[_E_MOVED + i] = moved if higher else e_moved
        work[_E_MOVING + i] = hours if higher else e_hours
        work[_E_HEAT + i] = heat if higher else e_heat
        peak = signed if higher else peak
        work[_PEAK + i] = peak
        work[_TURN + i] = 1.0 if peak - signed >= HYSTERESIS_SOC else 0.0
        work[_MOVED + i], work[_MOVING + i], work[_HEAT + i] = moved, hours, heat
        work[_LAST + i] = x


@njit(cache=True, nogil=True, error_model="numpy")
def cycle_damage(q: Array, dod: float, rate_c: float, temperature_c: float, spread: float) -> float:
    """(spread k)^(1/p) per equivalent full cycle of this depth, rate [1/h] and temperature."""
    t_k = temperature_c + 273.15
    stress = spread * (q[CYC_A0] + q[CYC_A1] * dod + q[CYC_A2] * rate_c)
    log_k = math.log(stress) + q[CYC_E] / t_k
    if q[CYC_ND] != 0.0:
        log_k += q[CYC_ND] * math.log(dod) + q[CYC_NT] * math.log(t_k / 308.15)
        log_k += q[CYC_NR] * math.log(rate_c)
    return float(q[CYC_PER_EFC] * math.exp(log_k * q[CYC_INVERSE]))


@njit(cache=True, nogil=True, error_model="numpy")
def close(
    p: int, q: Array, spread: float, stack: Array, old: int, share: float, now_c: float,
    sums: Array, flags: Array,
) -> None:  # fmt: skip
    """Book the range from turning point ``old`` to the next, as 0.5 or 1 cycle of pack ``p``.

    ``sums`` gain z of cycling loss and relative resistance. A range without a moving step takes
    MOVING_C as its rate and ``now_c`` as its temperature.
    """
    rise = stack[p, old + 1, 0] - stack[p, old, 0]
    dod = abs(rise)
    hours = stack[p, old + 1, 2] - stack[p, old, 2]
    rate_c, temperature_c = MOVING_C, now_c
    if hours > 0.0:
        rate_c = (stack[p, old + 1, 1] - stack[p, old, 1]) / hours
        temperature_c = (stack[p, old + 1, 3] - stack[p, old, 3]) / hours
    efc = share * dod
    sums[p, Z_CYC] += efc * cycle_damage(q, dod, rate_c, temperature_c, spread)
    middle = dod - 0.5
    depth = q[RES_D0] + q[RES_D1] * dod + q[RES_D3] * middle * middle * middle
    rate = q[RES_C0] + q[RES_C1] * rate_c
    sums[p, R_CYC] += efc * max(rate, 0.0) * max(depth, 0.0) * spread
    raised = FAST if rise > 0.0 and rate_c > q[FAST_C] * (1.0 + 1e-6) else 0
    raised |= DEEP if dod > q[DEEP_DOD] + 1e-6 else 0
    raised |= SHALLOW if dod < q[SHALLOW_DOD] - 1e-6 else 0
    flags[p] |= np.uint8(raised)


@njit(cache=True, nogil=True, error_model="numpy")
def drop_oldest(p: int, stack: Array, n: int) -> int:
    """Move all but the oldest of ``n`` turning points one place down; return how many stay."""
    for j in range(n - 1):
        for k in range(POINT):
            stack[p, j, k] = stack[p, j + 1, k]
    return n - 1


@njit(cache=True, nogil=True, error_model="numpy")
def push(
    p: int, q: Array, spread: float, stack: Array, points: Array, now_c: float, sums: Array,
    flags: Array,
) -> None:  # fmt: skip
    """Close whatever the newest turning point on the stack of pack ``p`` closes."""
    n = int(points[p])
    while n >= 3:
        result = verdict(stack[p, n - 3, 0], stack[p, n - 2, 0], stack[p, n - 1, 0], n)
        if result == WAIT:
            break
        share = 0.5 if result == HALF else 1.0
        close(p, q, spread, stack, n - 3, share, now_c, sums, flags)
        if result == FULL:
            for k in range(POINT):
                stack[p, n - 3, k] = stack[p, n - 1, k]
            n -= 2
        else:
            n = drop_oldest(p, stack, n)
    if n == DEPTH:
        close(p, q, spread, stack, 0, 0.5, now_c, sums, flags)
        n = drop_oldest(p, stack, n)
    points[p] = n


@njit(cache=True, nogil=True, error_model="numpy")
def turn(
    work: Array, i: int, p: int, q: Array, spread: float, stack: Array, points: Array,
    now_c: float, sums: Array, flags: Array,
) -> None:  # fmt: skip
    """The pack has turned: put its extreme on the stack and look the other way."""
    soc = work[_PEAK + i] * work[_SIGN + i]
    # The start of a history is a turning point only if the first swing leaves it.
    if points[p] == 1 and abs(soc - stack[p, 0, 0]) < HYSTERESIS_SOC:
        points[p] = 0
    n = points[p]
    stack[p, n, 0] = soc
    stack[p, n, 1] = work[_E_MOVED + i]
    stack[p, n, 2] = work[_E_MOVING + i]
    stack[p, n, 3] = work[_E_HEAT + i]
    points[p] = n + 1
    push(p, q, spread, stack, points, now_c, sums, flags)
    work[_SIGN + i] = -work[_SIGN + i]
    work[_PEAK + i] = work[_SIGN + i] * work[_LAST + i]
    work[_E_MOVED + i] = work[_MOVED + i]
    work[_E_MOVING + i] = work[_MOVING + i]
    work[_E_HEAT + i] = work[_HEAT + i]


@njit(cache=True, nogil=True, error_model="numpy")
def load(
    work: Array, base: Array, lo: int, n: int, soc: Array, model: Array, parameters: Array,
    track: Array, stack: Array, points: Array,
) -> None:  # fmt: skip
    """Fill a tile from the state; a pack without history starts at its first soc."""
    for i in range(n):
        p = lo + i
        q = parameters[model[p]]
        if math.isnan(track[p, LAST]):
            track[p, :] = 0.0
            track[p, LAST] = soc[p]
            track[p, SIGN] = 1.0
            track[p, PEAK] = soc[p]
            stack[p, 0, :] = 0.0
            stack[p, 0, 0] = soc[p]
            points[p] = 1
        for k in range(TRACKED):
            work[k * TILE + i] = track[p, k]
        work[_CAL + i], work[_RES + i], work[_THROUGH + i] = 0.0, 0.0, 0.0
        work[_COLDEST + i], work[_HOTTEST + i] = 1e9, -1e9
        work[_U1 + i], work[_U3 + i], work[_MIDDLE + i] = q[CAL_U1], q[CAL_U3], q[CAL_MIDDLE]
        work[_RE + i] = q[RES_E]
        work[_B0 + i], work[_B1 + i], work[_B2 + i] = q[RES_B0], q[RES_B1], q[RES_B2]
        base[i] = model[p] * (SOC_CELLS + 1)


@njit(cache=True, nogil=True, error_model="numpy")
def store(
    work: Array, lo: int, n: int, steps: int, days_per_step: float, model: Array, spread: Array,
    parameters: Array, track: Array, sums: Array, flags: Array,
) -> None:  # fmt: skip
    """Write a tile back: block sums times rates, and temperature flags."""
    for i in range(n):
        p = lo + i
        q = parameters[model[p]]
        for k in range(TRACKED):
            track[p, k] = work[k * TILE + i]
        calendar = work[_CAL + i] * q[CAL_RATE] * days_per_step
        resistance = work[_RES + i] * q[RES_RATE] * days_per_step
        if spread[p] != 1.0:
            calendar *= spread[p] ** q[CAL_INVERSE]
            resistance *= spread[p] ** q[RES_INVERSE]
        sums[p, Z_CAL] += calendar
        sums[p, R_CAL] += resistance
        sums[p, EFC] += 0.5 * work[_THROUGH + i]
        sums[p, DAYS] += steps * days_per_step
        if work[_COLDEST + i] < q[COLD_C]:
            flags[p] |= np.uint8(COLD)
        if work[_HOTTEST + i] > q[HOT_C]:
            flags[p] |= np.uint8(HOT)


@njit(cache=True, nogil=True, error_model="numpy")
def age_packs(
    lo: int, hi: int, soc: Array, temperature_c: Array, step_h: float, model: Array,
    spread: Array, parameters: Array, table: Array, track: Array, stack: Array,
    points: Array, sums: Array, flags: Array,
) -> None:  # fmt: skip
    """Age packs [lo, hi) over a block of steps, in place; see ``ageing_state.age_slice``."""
    steps = soc.shape[0]
    work = np.empty(WORK)
    base = np.empty(TILE, np.int64)
    for start in range(lo, hi, TILE):
        n = min(TILE, hi - start)
        load(work, base, start, n, soc[0], model, parameters, track, stack, points)
        for t in range(steps):
            row = soc[t, start : start + n]
            look_up(work, base, table, row, n)
            advance(work, row, temperature_c[t, start : start + n], n, step_h)
            for i in range(n):
                if work[_TURN + i] != 0.0:
                    p = start + i
                    q = parameters[model[p]]
                    now_c = np.float64(temperature_c[t, p])
                    turn(work, i, p, q, spread[p], stack, points, now_c, sums, flags)
        store(
            work, start, n, steps, step_h / 24.0, model, spread, parameters, track, sums, flags
        )  # fmt: skip
