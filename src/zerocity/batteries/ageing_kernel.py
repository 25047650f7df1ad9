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
    HALF_H,
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
from zerocity.batteries.ageing_rest import (
    CALENDAR,
    RESISTANCE,
    REST_WORK,
    STEPS_COLD,
    STEPS_HOT,
    TILE,
    begin,
    look_up,
    move_up,
    rest,
    take,
)
from zerocity.batteries.branchless import exponential, logarithm
from zerocity.measures.prefetch import prefetch

Array = npt.NDArray[Any]

# The columns of ``AgeingState.track``, in their order, and what is summed over a block.
_LAST, _SIGN, _PEAK = 0 * TILE, 1 * TILE, 2 * TILE
_MOVED, _MOVING, _HEAT = 3 * TILE, 4 * TILE, 5 * TILE
_E_MOVED, _E_MOVING, _E_HEAT = 6 * TILE, 7 * TILE, 8 * TILE
_CAL, _RES, _THROUGH = 9 * TILE, 10 * TILE, 11 * TILE
_FETCHED, WORK = 12 * TILE, 12 * TILE + 1

# Of fewer packs that move, each is searched alone; of more, the whole tile on vector registers.
FEW = 48


@njit(cache=True, nogil=True, error_model="numpy")
def load(
    work: Array, lo: int, n: int, soc: Array, track: Array, stack: Array, points: Array
) -> None:
    """Fill a tile from the state; a pack without history starts at its first soc.

    track : (TRACKED, packs). stack : (packs, DEPTH, POINT).
    """
    for i in range(n):
        p = lo + i
        if math.isnan(track[LAST, p]):
            track[:, p] = 0.0
            track[LAST, p] = soc[0, p]
            track[SIGN, p] = 1.0
            track[PEAK, p] = soc[0, p]
            stack[p, 0, :] = 0.0
            stack[p, 0, 0] = soc[0, p]
            points[p] = 1
    for k in range(TRACKED):
        column = track[k, lo : lo + n]
        for i in range(n):
            work[k * TILE + i] = column[i]
    # Turns come few at a time and each would wait for its points: fetch those that it needs, the
    # newest and, most often in another line of the cache, the third newest. Reading them side by
    # side took less time than hints to fetch them.
    newest, third = 0.0, 0.0
    for p in range(lo, lo + n):
        top = max(int(points[p]) - 1, 2)
        newest, third = newest + stack[p, top, 0], third + stack[p, top - 2, 0]
    work[_FETCHED] = newest + third
    for i in range(n):
        work[_CAL + i], work[_RES + i], work[_THROUGH + i] = 0.0, 0.0, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def ask(history: Array, t: int, lo: int, n: int) -> None:
    """Fetch a tile's part of step ``t``, if there is one: it lies far from the step before."""
    if t < history.shape[0]:
        for i in range(lo, lo + n, 16):
            prefetch(history, (t, i))


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
def count_marks(marks: Array, n: int) -> int:
    """How many of the packs of a tile are marked, 0 or 1 each."""
    m = np.int32(0)
    for i in range(n):
        m = np.int32(m + marks[i])
    return int(m)


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def follow(work: Array, i: int, x: float, warm_c: float, step_h: float) -> bool:
    """A step of pack ``i`` of the tile to charge ``x``; returns whether it has turned."""
    swing = abs(x - work[_LAST + i])
    work[_THROUGH + i] += swing
    moving = 1.0 if swing >= MOVING_C * step_h else 0.0
    moved = work[_MOVED + i] + moving * swing
    hours = work[_MOVING + i] + moving * step_h
    heat = work[_HEAT + i] + moving * step_h * warm_c
    signed = work[_SIGN + i] * x
    peak = work[_PEAK + i]
    higher = signed > peak
    e_moved, e_hours, e_heat = work[_E_MOVED + i], work[_E_MOVING + i], work[_E_HEAT + i]
    work[_E_MOVED + i] = moved if higher else e_moved
    work[_E_MOVING + i] = hours if higher else e_hours
    work[_E_HEAT + i] = heat if higher else e_heat
    peak = signed if higher else peak
    work[_PEAK + i] = peak
    work[_MOVED + i], work[_MOVING + i], work[_HEAT + i] = moved, hours, heat
    work[_LAST + i] = x
    return bool(peak - signed >= HYSTERESIS_SOC)


@njit(cache=True, nogil=True, error_model="numpy")
def search(
    work: Array, turns: Array, soc: Array, temperature_c: Array, t: int, lo: int, n: int,
    step_h: float,
) -> int:  # fmt: skip
    """Step ``t`` of the search for extremes; mark and count the packs of the tile that turn."""
    at, offset = np.uint64(t), np.uint64(lo)
    for i in range(n):
        x = np.float64(soc[at, offset + np.uint64(i)])
        warm_c = np.float64(temperature_c[at, offset + np.uint64(i)])
        turns[i] = np.int32(follow(work, i, x, warm_c, step_h))
    return count_marks(turns, n)


@njit(cache=True, nogil=True, error_model="numpy")
def search_some(
    work: Array, who: Array, some: int, soc: Array, temperature_c: Array, t: int, lo: int,
    step_h: float,
) -> int:  # fmt: skip
    """The same for the first ``some`` packs in ``who``; those that turn come to its beginning."""
    at, offset = np.uint64(t), np.uint64(lo)
    turned = 0
    for k in range(some):
        i = who[k]
        x = np.float64(soc[at, offset + np.uint64(i)])
        warm_c = np.float64(temperature_c[at, offset + np.uint64(i)])
        who[turned] = i
        turned += follow(work, i, x, warm_c, step_h)
    return turned


@njit(cache=True, nogil=True, error_model="numpy")
def find(marks: Array, n: int, who: Array) -> None:
    """List the packs of a tile that are marked, 0 or 1 each, in ``who``."""
    m = np.uint64(0)
    for i in range(n):
        who[m] = i
        m += np.uint64(marks[i])


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
        if n == 1 and abs(soc - stack[p, 0, 0]) < HYSTERESIS_SOC:
            n = 0
        stack[p, n, 0] = soc
        stack[p, n, 1] = work[_E_MOVED + i]
        stack[p, n, 2] = work[_E_MOVING + i]
        stack[p, n, 3] = work[_E_HEAT + i]
        push(p, n + 1, m, spread[p], np.float64(warm[p]), stack, points, queue, count)
        work[_SIGN + i] = -work[_SIGN + i]
        work[_PEAK + i] = work[_SIGN + i] * work[_LAST + i]
        work[_E_MOVED + i] = work[_MOVED + i]
        work[_E_MOVING + i] = work[_MOVING + i]
        work[_E_HEAT + i] = work[_HEAT + i]


@njit(cache=True, nogil=True, error_model="numpy")
def warn(resting: Array, lo: int, n: int, flags: Array) -> None:
    """Flag the packs of a tile that were colder or hotter than their law's tested range."""
    for i in range(n):
        cold, hot = resting[STEPS_COLD + i] > 0.0, resting[STEPS_HOT + i] > 0.0
        flags[lo + i] |= np.uint8(COLD * cold + HOT * hot)


@njit(cache=True, nogil=True, error_model="numpy")
def store(
    work: Array, lo: int, n: int, steps: int, days_per_step: float, model: Array, spread: Array,
    parameters: Array, sums: Array,
) -> None:  # fmt: skip
    """Add a tile's sums over its block, times their rates, to what the packs have lived."""
    for i in range(n):
        p = lo + i
        q = parameters[model[p]]
        wide = logarithm(spread[p])
        calendar = exponential(wide * q[law.CAL_INVERSE]) * q[law.CAL_RATE]
        resistance = exponential(wide * q[law.RES_INVERSE]) * q[law.RES_RATE]
        sums[Z_CAL, p] += work[_CAL + i] * calendar * days_per_step
        sums[R_CAL, p] += work[_RES + i] * resistance * days_per_step
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
    half = max(int(HALF_H / step_h + 1e-9), 1)
    work, resting = np.empty(WORK), np.empty(REST_WORK, np.float32)
    base, cells = np.empty(TILE, np.int32), np.empty(TILE, np.int32)
    fetched = np.empty(2 * TILE, np.int64)
    halves = fetched.view(np.float32)
    # One place more: the last one listed is written where the next would stand.
    marks, who = np.zeros(TILE, np.int32), np.empty(TILE + 1, np.int32)
    laws = parameters.shape[0]
    queue, count = np.empty((laws, FIELDS, QUEUE)), np.zeros(laws, np.int64)
    for start in range(lo, hi, TILE):
        n = min(TILE, hi - start)
        load(work, start, n, soc, track, stack, points)
        begin(resting, base, start, n, model, constants, track[LAST])
        waiting = 0
        for t in range(steps):
            ask(soc, t + 2, start, n)
            ask(temperature_c, t + 2, start, n)
            take(resting, marks, soc, temperature_c, t, start, n)
            moved = count_marks(marks, n)
            if moved:
                if moved < FEW:
                    find(marks, n, who)
                    turned = search_some(work, who, moved, soc, temperature_c, t, start, step_h)
                else:
                    turned = search(work, marks, soc, temperature_c, t, start, n, step_h)
                    if turned:
                        find(marks, n, who)
                turn(
                    work, who, turned, start, temperature_c[t], model, spread, parameters, stack,
                    points, sums, flags, queue, count,
                )  # fmt: skip
            done = t % half + 1
            if done == half or t + 1 == steps:
                look_up(resting, base, cells, fetched, table, done, n)
                if not waiting and t + half < steps and step_h <= HALF_H:
                    waiting = half
                    continue
                if not waiting:
                    move_up(resting, fetched, n)
                rest(resting, halves, n)
                add(work, resting, np.float64(waiting + done), n)
                waiting = 0
        keep(work, start, n, track)
        warn(resting, start, n, flags)
        store(work, start, n, steps, step_h / 24.0, model, spread, parameters, sums)
    for m in range(laws):
        book(m, queue, count, parameters, sums, flags)
