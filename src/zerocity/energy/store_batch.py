"""Many problems through the exact kernel: eight abreast where they are plain, else one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy import store_pieces
from zerocity.energy.lanes import LANES, either, get, least, most, pick, put, same, turn
from zerocity.energy.store_kernel import BY_STEP as KERNEL_ROWS
from zerocity.energy.store_lanes import (
    BY_STEP,
    CURVE,
    NUMBERS,
    PRICE,
    ROUND,
    SOFT,
    SPARE,
    TUBE_HIGH,
    at,
    forward_lanes,
)
from zerocity.energy.store_lanes_plan import (
    backward_lanes,
    choose_lanes,
    tube_lanes,
    write_lanes,
)
from zerocity.energy.store_pieces import (
    CHARGE,
    COLUMNS,
    DISCHARGE,
    EXPORT,
    FINAL,
    HIGH,
    IMPORT,
    INITIAL,
    INTO,
    KEEP,
    LISTS,
    LOAD,
    OUT,
    OVER,
    PER_INTO,
    PER_KEEP,
    PIECES,
    PV,
    SCRATCH,
    STEP_H,
    STEP_IN,
    STEP_OUT,
    WEAR,
    Rows,
    load_problem,
)
from zerocity.energy.store_solve import ENERGY, IMPORTED, WORTH, WRITTEN, Answers, solve_one

Array = npt.NDArray[Any]

ABREAST_STEPS = 768
"""Longer problems are solved one by one: eight of them no longer fit a core's second cache, and a
lone one would pay for eight. The way depends on the length alone, so that no problem's last bit
depends on its neighbours."""


@njit(inline="always", error_model="numpy")
def load_numbers(r: Rows, b: int, lane: int, q: Array) -> None:
    """The numbers of problem ``b``, as `store_pieces.load_problem` has them, into a lane."""
    into, out, keep, h = r.charge_efficiency[b], r.discharge_efficiency[b], r.keep[b], r.step_h
    soft = r.overload[b] < np.inf
    q[STEP_H * LANES + lane], q[INITIAL * LANES + lane] = h, r.initial_kwh[b]
    q[INTO * LANES + lane], q[OUT * LANES + lane] = into, out
    q[KEEP * LANES + lane], q[WEAR * LANES + lane] = keep, r.wear[b]
    q[FINAL * LANES + lane] = r.final_value[b]
    q[OVER * LANES + lane] = r.overload[b] if soft else 0.0
    q[SOFT * LANES + lane] = 1.0 if soft else 0.0
    q[PER_INTO * LANES + lane], q[PER_KEEP * LANES + lane] = 1.0 / into, 1.0 / keep
    q[STEP_IN * LANES + lane], q[STEP_OUT * LANES + lane] = h * into, h / out


@njit(cache=True, nogil=True, error_model="numpy")
def load_column(w: Array, column: int, values: Array, b: int, last: int) -> None:
    """A column of problems from ``b`` to ``last``; lanes behind repeat the last."""
    steps, t = values.shape[1], 0
    if last - b == LANES - 1:
        flat = values.reshape(-1)
        while t + LANES <= steps:
            turn(flat, b * steps + t, steps, w, at(t, column), BY_STEP)
            t += LANES
    for lane in range(LANES):
        row = values[min(b + lane, last)]
        for late in range(t, steps):
            w[at(late, column) + lane] = row[late]


@njit(cache=True, nogil=True, error_model="numpy")
def load_lanes(r: Rows, b: int, last: int, w: Array, q: Array) -> None:
    """Copy problems to their lanes; limits of the connection that cannot bind are made finite."""
    # In a loop: a call with a number written out would be compiled for that number alone.
    columns = (r.load_kw, r.pv_kw, r.buy, r.sell, r.import_kw, r.export_kw, r.charge_kw,
               r.discharge_kw, r.low_kwh, r.high_kwh)  # fmt: skip
    for column in range(LOAD, HIGH + 1):
        load_column(w, column, columns[column], b, last)
    none = same(0.0)
    for t in range(r.load_kw.shape[1]):
        load, sun = get(w, at(t, LOAD)), get(w, at(t, PV))
        most_in = most(load, none) + get(w, at(t, CHARGE))
        most_out = sun + get(w, at(t, DISCHARGE)) + most(none - load, none)
        put(w, at(t, IMPORT), least(get(w, at(t, IMPORT)), most_in))
        put(w, at(t, EXPORT), least(get(w, at(t, EXPORT)), most_out))
    for lane in range(LANES):
        load_numbers(r, min(b + lane, last), lane, q)


@njit(cache=True, nogil=True, error_model="numpy")
def write_column(w: Array, column: int, wide: Array, row: int, b: int, last: int) -> None:
    """A column of the lanes to a row of the answers of problems from ``b`` to ``last``."""
    count, steps, t = wide.shape[1], wide.shape[2], 0
    if last - b == LANES - 1:
        flat = wide.reshape(-1)
        while t + LANES <= steps:
            turn(w, at(t, column), BY_STEP, flat, (row * count + b) * steps + t, steps)
            t += LANES
    for lane in range(last - b + 1):
        for late in range(t, steps):
            wide[row, b + lane, late] = w[at(late, column) + lane]


@njit(cache=True, nogil=True, error_model="numpy")
def abreast(r: Rows, b: int, last: int, tie: int, w: Array, q: Array, slots: Array, ends: Array,
            c: Array, done: Array, a: Answers) -> None:  # fmt: skip
    """Solve problems ``b`` to ``last`` as if peaks were free; ``done`` says which are solved."""
    steps = r.load_kw.shape[1]
    load_lanes(r, b, last, w, q)
    broken = forward_lanes(w, q, steps, slots, ends, c)
    lowest, bound = backward_lanes(w, q, steps, c)
    tube_lanes(w, q, steps)
    choose_lanes(w, q, tie, steps)
    cost = write_lanes(w, q, steps)
    put(c, 0, pick(either(broken, lowest < same(0.0)), same(0.0), same(1.0)))
    put(c, LANES, bound)
    put(c, 2 * LANES, cost)
    for lane in range(last - b + 1):
        done[lane] = c[lane] > 0.0
        if not done[lane]:
            continue
        a.broken[b + lane] = -1
        a.bound[b + lane], a.objective[b + lane] = c[LANES + lane], c[2 * LANES + lane]
    for row in range(WRITTEN):
        write_column(w, row, a.wide, row, b, last)
    for column, row in ((TUBE_HIGH, ENERGY), (PRICE, WORTH)):
        write_column(w, column, a.wide, row, b, last)


@njit(inline="always", error_model="numpy")
def rises(imported: Array, floor: float) -> bool:
    """Whether import is above ``floor`` in any step."""
    above = 0
    for t in range(imported.size):
        above += 1 if imported[t] > floor else 0
    return above > 0


@njit(cache=True, nogil=True, error_model="numpy")
def solve_range(
    r: Rows, lo: int, hi: int, tie: int, charge: Array, floor: Array, a: Answers
) -> None:
    """Solve the problems [lo, hi); ``charge`` [CNY/kW] and ``floor`` [kW] are of the peak, (B,).

    A plan that is cheapest where peaks are free, and raises none, is cheapest where they cost.
    """
    steps = r.load_kw.shape[1]
    wide = steps <= ABREAST_STEPS
    size = steps if wide else 0
    w, numbers = np.empty(BY_STEP * size), np.empty(NUMBERS)
    slots = np.empty((2 * ROUND * (size + 1) + SPARE) * LANES)
    ends, curve = np.empty(slots.size), np.empty(CURVE)
    done = np.zeros(LANES, np.bool_)
    d, q, c = np.empty((steps, COLUMNS)), np.empty(store_pieces.NUMBERS), np.empty(SCRATCH)
    s, live = np.empty((KERNEL_ROWS, steps)), np.empty((LISTS, PIECES * steps + 2 * PIECES))
    for first in range(lo, hi, LANES):
        last = min(first + LANES, hi) - 1
        done[:] = False
        if wide:
            abreast(r, first, last, tie, w, numbers, slots, ends, curve, done, a)
        for b in range(first, last + 1):
            if not done[b - first] or (charge[b] > 0.0 and rises(a.wide[IMPORTED, b], floor[b])):
                load_problem(r, b, d, q)
                solve_one(b, tie, charge[b], floor[b], d, q, s, live, c, a)
