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

from zerocity.batteries import ageing_models as law
from zerocity.batteries.ageing_columns import (
    COLD,
    DAYS,
    DEPTH,
    EFC,
    HOT,
    HYSTERESIS_SOC,
    LAST,
    MOVING_C,
    PEAK,
    R_CAL,
    SIGN,
    TRACKED,
    Z_CAL,
)
from zerocity.batteries.ageing_cycles import FIELDS, QUEUE, book, push
from zerocity.batteries.branchless import exponential

Array = npt.NDArray[Any]

TILE = 128
"""Packs side by side: the working values, 24 KiB, must stay in a 32 KiB first-level cache."""
CELLS = law.SOC_CELLS

_LAST, _SIGN, _PEAK = 0 * TILE, 1 * TILE, 2 * TILE
_MOVED, _MOVING, _HEAT = 3 * TILE, 4 * TILE, 5 * TILE
_E_MOVED, _E_MOVING, _E_HEAT = 6 * TILE, 7 * TILE, 8 * TILE
_CAL, _RES, _THROUGH, _COLDEST, _HOTTEST = 9 * TILE, 10 * TILE, 11 * TILE, 12 * TILE, 13 * TILE
_PLACE, _LEFT, _RIGHT = 14 * TILE, 15 * TILE, 16 * TILE
_U1, _U3, _MIDDLE = 17 * TILE, 18 * TILE, 19 * TILE
_RE, _B0, _B1, _B2 = 20 * TILE, 21 * TILE, 22 * TILE, 23 * TILE
WORK = 24 * TILE
# Whether a pack turns is known after its exponent has been used: the two share a place.
_TURN = _LEFT


@njit(cache=True, nogil=True, error_model="numpy")
def look_up(work: Array, base: Array, cell: Array, table: Array, soc: Array, n: int) -> None:
    """Fetch the calendar exponents on either side of each step's middle soc.

    Only the scattered reads are scalar, so they stand in a loop of their own.
    """
    for i in range(n):
        middle = 0.5 * (np.float64(soc[i]) + work[_LAST + i])
        middle = 0.0 if middle < 0.0 else middle
        place = (1.0 if middle > 1.0 else middle) * CELLS
        whole = max(min(np.int32(place), np.int32(CELLS - 1)), np.int32(0))
        cell[i] = base[i] + whole
        work[_PLACE + i] = place - whole
    for i in range(n):
        at = np.uint64(cell[i])
        work[_LEFT + i] = table[at]
        work[_RIGHT + i] = table[at + np.uint64(1)]


@njit(cache=True, nogil=True, error_model="numpy")
def rest(work: Array, soc: Array, temperature_c: Array, n: int) -> None:
    """One step of a tile: throughput, calendar and resistance sums, coldest and hottest."""
    for i in range(n):
        x = np.float64(soc[i])
        t = np.float64(temperature_c[i])
        last = work[_LAST + i]
        work[_THROUGH + i] += abs(x - last)
        g = work[_LEFT + i] + work[_PLACE + i] * (work[_RIGHT + i] - work[_LEFT + i])
        u = 308.15 / (t + 273.15)
        f = (work[_U1 + i] + work[_U3 + i] * u * u) * u
        work[_CAL + i] += exponential(f * g - work[_MIDDLE + i])
        s = 0.5 * (x + last)
        charge = work[_B0 + i] + s * (work[_B1 + i] + s * work[_B2 + i])
        work[_RES + i] += exponential(work[_RE + i] * (1.0 - u)) * charge
        work[_COLDEST + i] = min(work[_COLDEST + i], t)
        work[_HOTTEST + i] = max(work[_HOTTEST + i], t)


@njit(cache=True, nogil=True, error_model="numpy")
def search(work: Array, soc: Array, temperature_c: Array, n: int, step_h: float) -> int:
    """One step of the search for extremes; return how many packs of the tile turn."""
    turned = 0
    for i in range(n):
        x = np.float64(soc[i])
        swing = abs(x - work[_LAST + i])
        moving = 1.0 if swing >= MOVING_C * step_h else 0.0
        moved = work[_MOVED + i] + moving * swing
        hours = work[_MOVING + i] + moving * step_h
        heat = work[_HEAT + i] + moving * step_h * np.float64(temperature_c[i])
        signed = work[_SIGN + i] * x
        peak = work[_PEAK + i]
        higher = signed > peak
        e_moved, e_hours, e_heat = work[_E_MOVED + i], work[_E_MOVING + i], work[_E_HEAT + i]
        work[_E_MOVED + i] = moved if higher else e_moved
        work[_E_MOVING + i] = hours if higher else e_hours
        work[_E_HEAT + i] = heat if higher else e_heat
        peak = signed if higher else peak
        work[_PEAK + i] = peak
        turns = peak - signed >= HYSTERESIS_SOC
        work[_TURN + i] = 1.0 if turns else 0.0
        turned += turns
        work[_MOVED + i], work[_MOVING + i], work[_HEAT + i] = moved, hours, heat
        work[_LAST + i] = x
    return turned


@njit(cache=True, nogil=True, error_model="numpy")
def find_turned(work: Array, n: int, who: Array) -> None:
    """List the packs of a tile that turn in ``who``, without a branch that could be mistaken."""
    m = 0
    for i in range(n):
        who[m] = i
        m += work[_TURN + i] != 0.0


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def turn(
    work: Array, i: int, p: int, m: int, spread: float, stack: Array, points: Array,
    now_c: float, queue: Array, count: Array,
) -> None:  # fmt: skip
    """The pack has turned: put its extreme on the stack and look the other way."""
    soc = work[_PEAK + i] * work[_SIGN + i]
    n = int(points[p])
    # The start of a history is a turning point only if the first swing leaves it.
    if n == 1 and abs(soc - stack[p, 0, 0]) < HYSTERESIS_SOC:
        n = 0
    stack[p, n, 0] = soc
    stack[p, n, 1] = work[_E_MOVED + i]
    stack[p, n, 2] = work[_E_MOVING + i]
    stack[p, n, 3] = work[_E_HEAT + i]
    push(p, n + 1, m, spread, stack, points, now_c, queue, count)
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
        work[_U1 + i], work[_U3 + i] = q[law.CAL_U1], q[law.CAL_U3]
        work[_MIDDLE + i] = q[law.CAL_MIDDLE]
        work[_RE + i] = q[law.RES_E]
        work[_B0 + i], work[_B1 + i] = q[law.RES_B0], q[law.RES_B1]
        work[_B2 + i] = q[law.RES_B2]
        base[i] = model[p] * (CELLS + 1)


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
        calendar = work[_CAL + i] * q[law.CAL_RATE] * days_per_step
        resistance = work[_RES + i] * q[law.RES_RATE] * days_per_step
        if spread[p] != 1.0:
            calendar *= spread[p] ** q[law.CAL_INVERSE]
            resistance *= spread[p] ** q[law.RES_INVERSE]
        sums[p, Z_CAL] += calendar
        sums[p, R_CAL] += resistance
        sums[p, EFC] += 0.5 * work[_THROUGH + i]
        sums[p, DAYS] += steps * days_per_step
        if work[_COLDEST + i] < q[law.COLD_C]:
            flags[p] |= np.uint8(COLD)
        if work[_HOTTEST + i] > q[law.HOT_C]:
            flags[p] |= np.uint8(HOT)


@njit(cache=True, nogil=True, error_model="numpy")
def resume(work: Array, lo: int, n: int, carry: Array) -> None:
    """Go on with the sums of the block's steps before, after `load`."""
    for i in range(n):
        p = lo + i
        work[_CAL + i], work[_RES + i], work[_THROUGH + i] = carry[p, 0], carry[p, 1], carry[p, 2]
        work[_COLDEST + i], work[_HOTTEST + i] = carry[p, 3], carry[p, 4]


@njit(cache=True, nogil=True, error_model="numpy")
def pause(work: Array, lo: int, n: int, track: Array, carry: Array) -> None:
    """Keep a tile as it is until the rest of the block's steps."""
    for i in range(n):
        p = lo + i
        for k in range(TRACKED):
            track[p, k] = work[k * TILE + i]
        carry[p, 0], carry[p, 1], carry[p, 2] = work[_CAL + i], work[_RES + i], work[_THROUGH + i]
        carry[p, 3], carry[p, 4] = work[_COLDEST + i], work[_HOTTEST + i]


@njit(cache=True, nogil=True, error_model="numpy")
def age_packs(
    lo: int, hi: int, begin: int, end: int, soc: Array, temperature_c: Array, step_h: float,
    model: Array, spread: Array, parameters: Array, table: Array, track: Array, stack: Array,
    points: Array, sums: Array, flags: Array, carry: Array,
) -> None:  # fmt: skip
    """Age packs [lo, hi) over steps [begin, end) of a block, in place.

    See ``ageing_state.age_slice`` and ``age_part``.
    """
    steps = soc.shape[0]
    work = np.empty(WORK)
    base, cell, who = np.empty(TILE, np.int32), np.empty(TILE, np.int32), np.empty(TILE, np.int32)
    laws = parameters.shape[0]
    queue, count = np.empty((laws, FIELDS, QUEUE)), np.zeros(laws, np.int64)
    for start in range(lo, hi, TILE):
        n = min(TILE, hi - start)
        load(work, base, start, n, soc[0], model, parameters, track, stack, points)
        if begin > 0:
            resume(work, start, n, carry)
        for t in range(begin, end):
            row, warm = soc[t, start : start + n], temperature_c[t, start : start + n]
            look_up(work, base, cell, table, row, n)
            rest(work, row, warm, n)
            turned = search(work, row, warm, n, step_h)
            if turned:
                find_turned(work, n, who)
            for k in range(turned):
                i = who[k]
                p, m = start + i, model[start + i]
                if count[m] > QUEUE - DEPTH:
                    book(m, queue, count, parameters, sums, flags)
                now_c = np.float64(warm[i])
                turn(work, i, p, m, spread[p], stack, points, now_c, queue, count)
        if end < steps:
            pause(work, start, n, track, carry)
        else:
            store(
                work, start, n, steps, step_h / 24.0, model, spread, parameters, track, sums, flags
            )  # fmt: skip
    for m in range(laws):
        book(m, queue, count, parameters, sums, flags)
