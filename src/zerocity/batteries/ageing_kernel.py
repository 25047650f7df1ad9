"""The compiled heart of fleet ageing: sums over time and a streaming rainflow over tiles of packs.

Time outside, packs inside: each step runs over a tile of ``TILE`` packs whose working values lie
in one flat array, value ``K`` of pack ``i`` at ``K * TILE + i``. Offsets are literal constants, so
the compiler can prove that the values do not overlap and runs the loop on vector registers; with
separate arrays it would not. Turning points are rare and go to scalar code. What time does to
every pack, moving or not, is in `ageing_rest`.
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
    PAIRED_H,
    PEAK,
    R_CAL,
    SIGN,
    TRACKED,
    Z_CAL,
)
from zerocity.batteries.ageing_cycles import FIELDS, QUEUE, book, push
from zerocity.batteries.ageing_rest import (
    CALENDAR,
    COLDEST,
    HOTTEST,
    RESISTANCE,
    REST_WORK,
    TILE,
    begin,
    look_up,
    rest,
)

Array = npt.NDArray[Any]

# The columns of ``AgeingState.track``, in their order, and what is summed over a block.
_LAST, _SIGN, _PEAK = 0 * TILE, 1 * TILE, 2 * TILE
_MOVED, _MOVING, _HEAT = 3 * TILE, 4 * TILE, 5 * TILE
_E_MOVED, _E_MOVING, _E_HEAT = 6 * TILE, 7 * TILE, 8 * TILE
_CAL, _RES, _THROUGH = 9 * TILE, 10 * TILE, 11 * TILE
_FETCHED, WORK = 12 * TILE, 12 * TILE + 1


@njit(cache=True, nogil=True, error_model="numpy")
def load(
    work: Array, before: Array, lo: int, n: int, soc: Array, track: Array, stack: Array,
    points: Array,
) -> None:  # fmt: skip
    """Fill a tile from the state; a pack without history starts at its first soc.

    before : its soc before the block. track : (TRACKED, packs). stack : (DEPTH, packs, POINT).
    """
    for i in range(n):
        p = lo + i
        if math.isnan(track[LAST, p]):
            track[:, p] = 0.0
            track[LAST, p] = soc[0, p]
            track[SIGN, p] = 1.0
            track[PEAK, p] = soc[0, p]
            stack[0, p, :] = 0.0
            stack[0, p, 0] = soc[0, p]
            points[p] = 1
    for k in range(TRACKED):
        column = track[k, lo : lo + n]
        for i in range(n):
            work[k * TILE + i] = column[i]
    # Turns come few at a time and each would wait for its points: fetch what most of them need.
    one, two, three = 0.0, 0.0, 0.0
    for p in range(lo, lo + n, 2):  # two packs' share a line of the cache
        one, two, three = one + stack[0, p, 0], two + stack[1, p, 0], three + stack[2, p, 0]
    work[_FETCHED] = one + two + three
    for i in range(n):
        before[i] = np.float32(work[_LAST + i])
        work[_CAL + i], work[_RES + i], work[_THROUGH + i] = 0.0, 0.0, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def add(work: Array, resting: Array, steps: float, n: int) -> None:
    """Add what time alone does over some steps, whose mean rates are known, to a tile's sums."""
    for i in range(n):
        work[_CAL + i] += steps * np.float64(resting[CALENDAR + i])
        work[_RES + i] += steps * np.float64(resting[RESISTANCE + i])


@njit(cache=True, nogil=True, error_model="numpy")
def keep(work: Array, lo: int, n: int, track: Array) -> None:
    """Write back what the search for extremes knows of a tile."""
    for k in range(TRACKED):
        column = track[k, lo : lo + n]
        for i in range(n):
            column[i] = work[k * TILE + i]


@njit(cache=True, nogil=True, error_model="numpy")
def search(
    work: Array, turns: Array, soc: Array, temperature_c: Array, t: int, lo: int, n: int,
    step_h: float,
) -> int:  # fmt: skip
    """Step ``t`` of the search for extremes; mark and count the packs of the tile that turn."""
    at, offset = np.uint64(t), np.uint64(lo)
    turned = 0
    for i in range(n):
        x = np.float64(soc[at, offset + np.uint64(i)])
        swing = abs(x - work[_LAST + i])
        work[_THROUGH + i] += swing
        moving = 1.0 if swing >= MOVING_C * step_h else 0.0
        moved = work[_MOVED + i] + moving * swing
        hours = work[_MOVING + i] + moving * step_h
        heat = work[_HEAT + i] + moving * step_h * np.float64(
            temperature_c[at, offset + np.uint64(i)]
        )
        signed = work[_SIGN + i] * x
        peak = work[_PEAK + i]
        higher = signed > peak
        e_moved, e_hours, e_heat = work[_E_MOVED + i], work[_E_MOVING + i], work[_E_HEAT + i]
        work[_E_MOVED + i] = moved if higher else e_moved
        work[_E_MOVING + i] = hours if higher else e_hours
        work[_E_HEAT + i] = heat if higher else e_heat
        peak = signed if higher else peak
        work[_PEAK + i] = peak
        turns_now = peak - signed >= HYSTERESIS_SOC
        turns[i] = np.int8(turns_now)
        turned += turns_now
        work[_MOVED + i], work[_MOVING + i], work[_HEAT + i] = moved, hours, heat
        work[_LAST + i] = x
    return turned


@njit(cache=True, nogil=True, error_model="numpy")
def find_turned(turns: Array, eights: Array, n: int, who: Array) -> None:
    """List the packs of a tile that turn in ``who``; ``eights`` is ``turns``, eight at once."""
    m = 0
    for block in range((n + 7) // 8):
        if eights[block] != 0:
            for i in range(8 * block, min(8 * block + 8, n)):
                who[m] = i
                m += turns[i]


@njit(cache=True, nogil=True, error_model="numpy")
def still(soc: Array, t: int, lo: int, n: int) -> bool:
    """Whether no pack of a tile moves in step ``t`` > 0: then the search would change nothing."""
    at, past, offset = np.uint64(t), np.uint64(t - 1), np.uint64(lo)
    moved = np.int32(0)
    for i in range(n):
        moved |= np.int32(soc[past, offset + np.uint64(i)] != soc[at, offset + np.uint64(i)])
    return bool(moved == 0)


@njit(cache=True, nogil=True, error_model="numpy")
def turn(
    work: Array, who: Array, turned: int, lo: int, warm: Array, model: Array, spread: Array,
    parameters: Array, stack: Array, points: Array, sums: Array, flags: Array, queue: Array,
    count: Array,
) -> None:  # fmt: skip
    """Packs have turned: put their extremes on the stack and look the other way.

    ``warm`` : (packs,) temperature of this step.
    """
    for k in range(turned):
        i = who[k]
        p = lo + i
        m = int(model[p])
        if count[m] > QUEUE - DEPTH:
            book(m, queue, count, parameters, sums, flags)
        soc = work[_PEAK + i] * work[_SIGN + i]
        n = int(points[p])
        # The start of a history is a turning point only if the first swing leaves it.
        if n == 1 and abs(soc - stack[0, p, 0]) < HYSTERESIS_SOC:
            n = 0
        stack[n, p, 0] = soc
        stack[n, p, 1] = work[_E_MOVED + i]
        stack[n, p, 2] = work[_E_MOVING + i]
        stack[n, p, 3] = work[_E_HEAT + i]
        push(p, n + 1, m, spread[p], np.float64(warm[p]), stack, points, queue, count)
        work[_SIGN + i] = -work[_SIGN + i]
        work[_PEAK + i] = work[_SIGN + i] * work[_LAST + i]
        work[_E_MOVED + i] = work[_MOVED + i]
        work[_E_MOVING + i] = work[_MOVING + i]
        work[_E_HEAT + i] = work[_HEAT + i]


@njit(cache=True, nogil=True, error_model="numpy")
def warn(warmth: Array, lo: int, n: int, model: Array, parameters: Array, flags: Array) -> None:
    """Flag the packs of a tile that were colder or hotter than their law's tested range."""
    for i in range(n):
        p = lo + i
        q = parameters[model[p]]
        cold, hot = warmth[COLDEST + i] < q[law.COLD_C], warmth[HOTTEST + i] > q[law.HOT_C]
        flags[p] |= np.uint8(COLD * cold + HOT * hot)


@njit(cache=True, nogil=True, error_model="numpy")
def store(
    work: Array, lo: int, n: int, steps: int, days_per_step: float, model: Array, spread: Array,
    parameters: Array, sums: Array,
) -> None:  # fmt: skip
    """Add a tile's sums over its block, times their rates, to what the packs have lived."""
    for i in range(n):
        p = lo + i
        q = parameters[model[p]]
        calendar = work[_CAL + i] * q[law.CAL_RATE] * days_per_step
        resistance = work[_RES + i] * q[law.RES_RATE] * days_per_step
        if spread[p] != 1.0:
            calendar *= spread[p] ** q[law.CAL_INVERSE]
            straight = q[law.RES_INVERSE] == 1.0
            resistance *= spread[p] if straight else spread[p] ** q[law.RES_INVERSE]
        sums[Z_CAL, p] += calendar
        sums[R_CAL, p] += resistance
        sums[EFC, p] += 0.5 * work[_THROUGH + i]
        sums[DAYS, p] += steps * days_per_step


@njit(cache=True, nogil=True, error_model="numpy")
def age_packs(
    lo: int, hi: int, soc: Array, temperature_c: Array, step_h: float, model: Array, spread: Array,
    parameters: Array, constants: Array, table: Array, track: Array, stack: Array, points: Array,
    sums: Array, flags: Array,
) -> None:  # fmt: skip
    """Age packs [lo, hi) over a block of steps, in place, see ``ageing_state.age_slice``."""
    steps = soc.shape[0]
    paired = 2 if step_h <= PAIRED_H else 1
    work, before = np.empty(WORK), np.empty(TILE, np.float32)
    resting, base = np.empty(REST_WORK, np.float32), np.empty(TILE, np.int32)
    cells, fetched = np.empty(2 * TILE, np.int32), np.empty(2 * TILE, np.int64)
    halves = fetched.view(np.float32)
    turns, who = np.zeros(TILE, np.int8), np.empty(TILE, np.int32)
    eights = turns.view(np.int64)
    laws = parameters.shape[0]
    queue, count = np.empty((laws, FIELDS, QUEUE)), np.zeros(laws, np.int64)
    for start in range(lo, hi, TILE):
        n = min(TILE, hi - start)
        begin(resting, base, start, n, model, constants)
        load(work, before, start, n, soc, track, stack, points)
        for t in range(steps):
            first = t - t % paired
            if t == min(first + paired, steps) - 1:
                look_up(resting, base, cells, fetched, table, before, soc, first, t, start, n)
                rest(resting, halves, temperature_c, first, t, start, n)
                add(work, resting, np.float64(t + 1 - first), n)
            if t > 0 and still(soc, t, start, n):
                continue
            turned = search(work, turns, soc, temperature_c, t, start, n, step_h)
            if turned:
                find_turned(turns, eights, n, who)
                turn(
                    work, who, turned, start, temperature_c[t], model, spread, parameters, stack,
                    points, sums, flags, queue, count,
                )  # fmt: skip
        keep(work, start, n, track)
        warn(resting, start, n, model, parameters, flags)
        store(work, start, n, steps, step_h / 24.0, model, spread, parameters, sums)
    for m in range(laws):
        book(m, queue, count, parameters, sums, flags)
