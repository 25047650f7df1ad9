"""What a step costs as a function of the energy that enters the store: convex, piecewise linear.

A step is a list of pieces, each a width of stored energy [kWh] and a slope [CNY/kWh], slopes
rising. The grid, the sun and the unsold export are sources in the order of their price; the store's
losses and wear bend the curve at zero. At negative prices charging and discharging at once may pay,
and the curve is then the lower convex hull over both powers (the linear program's own projection).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]

SOURCES = 6
"""Unsold export, sun, import, import above a searched peak, and overload below and above it."""
LINES = SOURCES + 6
POINTS = 2 * LINES
PIECES = POINTS


class Rows(NamedTuple):
    """The problems as arrays, (B, T) and (B,); see `zerocity.energy.stores.StoreDays`."""

    load_kw: Array
    pv_kw: Array
    buy: Array
    sell: Array
    import_kw: Array
    export_kw: Array
    charge_kw: Array
    discharge_kw: Array
    low_kwh: Array
    high_kwh: Array
    initial_kwh: Array
    charge_efficiency: Array
    discharge_efficiency: Array
    keep: Array
    wear: Array
    final_value: Array
    overload: Array
    step_h: float


# A problem is an array (T, COLUMNS) and an array of numbers; plain arrays because passing tuples of
# arrays between compiled functions costs more than the work itself.
LOAD, PV, BUY, SELL, IMPORT, EXPORT, CHARGE, DISCHARGE, LOW, HIGH = range(10)
COLUMNS = 10
STEP_H, INITIAL, INTO, OUT, KEEP, WEAR, FINAL, OVER, PEAK, PEAK_PRICE = range(10)
# Made of the others once: 1 / INTO, 1 / KEEP, and the energy stored and taken by a kW in a step.
PER_INTO, PER_KEEP, STEP_IN, STEP_OUT = range(10, 14)
NUMBERS = 14
# Scratch of one step in one array: sources, pieces, and the hull's lines and corners.
S_SLOPE, S_WIDTH, S_KIND = 0, SOURCES, 2 * SOURCES
P_SLOPE = 3 * SOURCES
P_WIDTH = P_SLOPE + PIECES
LINE = P_WIDTH + PIECES
V_STORED = LINE + LINES
V_COST, V_IN, V_OUT = V_STORED + POINTS, V_STORED + 2 * POINTS, V_STORED + 3 * POINTS
SCRATCH = V_STORED + 4 * POINTS
# Rows of the lists of pieces: the value function's live ones, then each step's own.
SLOPE, WIDTH, OWN_SLOPE, OWN_WIDTH = range(4)
LISTS = 4


@njit(inline="always", error_model="numpy")
def load_problem(r: Rows, b: int, d: Array, q: Array) -> None:
    """Copy problem ``b`` to where one problem is worked on; no peak is searched.

    Limits of the connection that cannot bind are made finite.
    """
    for t in range(d.shape[0]):
        load, sun = r.load_kw[b, t], r.pv_kw[b, t]
        charge, discharge = r.charge_kw[b, t], r.discharge_kw[b, t]
        d[t, LOAD], d[t, PV] = load, sun
        d[t, BUY], d[t, SELL] = r.buy[b, t], r.sell[b, t]
        d[t, IMPORT] = min(r.import_kw[b, t], max(load, 0.0) + charge)
        d[t, EXPORT] = min(r.export_kw[b, t], sun + discharge + max(-load, 0.0))
        d[t, CHARGE], d[t, DISCHARGE] = charge, discharge
        d[t, LOW], d[t, HIGH] = r.low_kwh[b, t], r.high_kwh[b, t]
    q[STEP_H], q[INITIAL], q[KEEP] = r.step_h, r.initial_kwh[b], r.keep[b]
    q[INTO], q[OUT] = r.charge_efficiency[b], r.discharge_efficiency[b]
    q[WEAR], q[FINAL], q[OVER] = r.wear[b], r.final_value[b], r.overload[b]
    q[PEAK], q[PEAK_PRICE] = np.inf, 0.0
    q[PER_INTO], q[PER_KEEP] = 1.0 / q[INTO], 1.0 / q[KEEP]
    q[STEP_IN], q[STEP_OUT] = q[STEP_H] * q[INTO], q[STEP_H] / q[OUT]


@njit(cache=True, nogil=True, error_model="numpy")
def add_source(c: Array, n: int, slope: float, width: float, kind: float) -> int:
    """Insert a source behind all that are not dearer; return how many there are."""
    if width <= 0.0:
        return n
    at = n
    while at > 0 and c[S_SLOPE + at - 1] > slope:
        c[S_SLOPE + at], c[S_WIDTH + at] = c[S_SLOPE + at - 1], c[S_WIDTH + at - 1]
        c[S_KIND + at] = c[S_KIND + at - 1]
        at -= 1
    c[S_SLOPE + at], c[S_WIDTH + at], c[S_KIND + at] = slope, width, kind
    return n + 1


@njit(cache=True, nogil=True, error_model="numpy")
def sources(d: Array, q: Array, t: int, c: Array) -> int:
    """Sources of the bus by price: 0 unsold export, 1 sun, 2 and 3 import, 4 and 5 overload.

    Import and overload above the searched peak (3 and 5) cost the peak price on top.
    """
    buy, limit, peak = d[t, BUY], d[t, IMPORT], q[PEAK]
    n = 0
    n = add_source(c, n, d[t, SELL], d[t, EXPORT], 0.0)
    n = add_source(c, n, 0.0, d[t, PV], 1.0)
    n = add_source(c, n, buy, min(limit, peak), 2.0)
    if peak < limit:
        n = add_source(c, n, buy + q[PEAK_PRICE], limit - peak, 3.0)
    if q[OVER] < np.inf:
        n = add_source(c, n, buy + q[OVER], peak - limit, 4.0)
        if peak < np.inf:
            n = add_source(c, n, buy + q[OVER] + q[PEAK_PRICE], np.inf, 5.0)
    return n


@njit(inline="always", error_model="numpy")
def put_source(
    q: Array, live: Array, at: int, price: float, x: float, y: float, low: float, high: float
) -> int:
    """Write the pieces of a source that carries the store from ``x`` to ``y`` [kW], if any.

    Both are always written and only counted where they are wide, which saves guessed branches.
    """
    start, stop = max(x, low), min(y, high)
    live[OWN_SLOPE, at] = (price - q[WEAR]) * q[OUT]
    live[OWN_WIDTH, at] = width = (min(stop, 0.0) - start) * q[STEP_OUT]
    if width > 0.0:
        at += 1
    live[OWN_SLOPE, at] = (price + q[WEAR]) * q[PER_INTO]
    live[OWN_WIDTH, at] = width = (stop - max(start, 0.0)) * q[STEP_IN]
    return at + 1 if width > 0.0 else at


@njit(inline="always", error_model="numpy")
def plain_step(d: Array, q: Array, t: int, live: Array, at: int) -> tuple[int, float, float]:
    """Write the pieces of a step in the usual order: sun, unsold export, import, overload.

    For selling prices of 0 or more and no peak. Returns the place behind the pieces, the left end
    [kWh] and its cost [CNY]; ``at`` - 1 if the load cannot be met.
    """
    sell, buy, export, soft = d[t, SELL], d[t, BUY], d[t, EXPORT], q[OVER] < np.inf
    none = -export - d[t, LOAD]
    sun = none + d[t, PV]
    unsold = sun + export
    bought = unsold + d[t, IMPORT]
    low, high = max(-d[t, DISCHARGE], none), d[t, CHARGE]
    cost = sell * (min(max(low - sun, 0.0), export) - export) + q[WEAR] * abs(low)
    cost += buy * max(min(low, bought) - unsold, 0.0)
    if soft:
        cost += (buy + q[OVER]) * max(low - bought, 0.0)
    elif high > bought:
        high = bought
    if low > high:
        return at - 1, 0.0, 0.0
    start = low * (q[STEP_OUT] if low < 0.0 else q[STEP_IN])
    at = put_source(q, live, at, 0.0, none, sun, low, high)
    at = put_source(q, live, at, sell, sun, unsold, low, high)
    at = put_source(q, live, at, buy, unsold, bought, low, high)
    if soft:
        at = put_source(q, live, at, buy + q[OVER], bought, np.inf, low, high)
    return at, start, cost * q[STEP_H]


@njit(inline="always", error_model="numpy")
def power_range(d: Array, q: Array, t: int, c: Array, n: int) -> tuple[float, float]:
    """Lowest and highest net power into the store that the bus allows [kW]."""
    most = -d[t, EXPORT] - d[t, LOAD]
    low = max(-d[t, DISCHARGE], most)
    for k in range(n):
        most += c[S_WIDTH + k]
    return low, min(d[t, CHARGE], most)


@njit(cache=True, nogil=True, error_model="numpy")
def bus_cost(d: Array, q: Array, t: int, c: Array, n: int, power_kw: float) -> float:
    """Price of the bus [CNY/h] when the store takes ``power_kw``."""
    y = -d[t, EXPORT] - d[t, LOAD]
    cost = -d[t, SELL] * d[t, EXPORT]
    for k in range(n):
        if power_kw <= y:
            break
        cost += c[S_SLOPE + k] * min(c[S_WIDTH + k], power_kw - y)
        y += c[S_WIDTH + k]
    return float(cost)


@njit(inline="always", error_model="numpy")
def one_way(
    d: Array, q: Array, t: int, c: Array, n: int, low: float, high: float
) -> tuple[int, float, float, bool]:
    """Pieces without charging and discharging at once: count, left end [kWh], its cost, convex."""
    cost = -d[t, SELL] * d[t, EXPORT] + q[WEAR] * abs(low)
    y, m, last, convex = -d[t, EXPORT] - d[t, LOAD], 0, -np.inf, True
    for k in range(n):
        price, x, y = c[S_SLOPE + k], y, y + c[S_WIDTH + k]
        if x < low:
            cost += price * (min(y, low) - x)
            x = low
        stop = min(y, high)
        if x < stop and x < 0.0:
            end = min(stop, 0.0)
            slope = (price - q[WEAR]) * q[OUT]
            c[P_SLOPE + m], c[P_WIDTH + m] = slope, (end - x) * q[STEP_OUT]
            convex = convex and slope >= last
            x, last, m = end, slope, m + 1
        if x < stop:
            slope = (price + q[WEAR]) * q[PER_INTO]
            c[P_SLOPE + m], c[P_WIDTH + m] = slope, (stop - x) * q[STEP_IN]
            convex = convex and slope >= last
            last, m = slope, m + 1
    start = low * (q[STEP_OUT] if low < 0.0 else q[STEP_IN])
    return m, start, cost * q[STEP_H], convex


@njit(cache=True, nogil=True, error_model="numpy")
def add_corner(d: Array, q: Array, c: Array, m: int, into: float, out: float, bus: float) -> int:
    """Insert charging ``into`` and discharging ``out`` [kW] among the corners, by stored energy."""
    h = q[STEP_H]
    stored = h * (q[INTO] * into - out / q[OUT])
    cost = h * (bus + q[WEAR] * (into + out))
    at = m
    while at > 0 and (
        c[V_STORED + at - 1] > stored
        or (c[V_STORED + at - 1] == stored and c[V_COST + at - 1] > cost)
    ):
        c[V_STORED + at], c[V_COST + at] = c[V_STORED + at - 1], c[V_COST + at - 1]
        c[V_IN + at], c[V_OUT + at] = c[V_IN + at - 1], c[V_OUT + at - 1]
        at -= 1
    c[V_STORED + at], c[V_COST + at], c[V_IN + at], c[V_OUT + at] = stored, cost, into, out
    return m + 1


@njit(inline="always", error_model="numpy")
def corners(d: Array, q: Array, t: int, c: Array, n: int, low: float, high: float) -> int:
    """Corners of the set of lawful (charge, discharge), by stored energy; return how many."""
    most_in, most_out = d[t, CHARGE], d[t, DISCHARGE]
    lines = 4
    c[LINE + 0], c[LINE + 1], c[LINE + 2], c[LINE + 3] = low, high, 0.0, most_in - most_out
    y = -d[t, EXPORT] - d[t, LOAD]
    for k in range(n):
        c[LINE + lines] = y
        lines += 1
        y += c[S_WIDTH + k]
    m = 0
    for k in range(lines):
        x = c[LINE + k]
        if low <= x <= high:
            bus = bus_cost(d, q, t, c, n, x)
            m = add_corner(d, q, c, m, max(x, 0.0), max(-x, 0.0), bus)
            full = min(most_in, most_out + x)
            if full > max(x, 0.0):
                m = add_corner(d, q, c, m, full, full - x, bus)
    return m


@njit(inline="always", error_model="numpy")
def lower_hull(c: Array, m: int) -> int:
    """Keep the corners of the lower convex hull (Andrew's monotone chain); return how many."""
    kept = 0
    for k in range(m):
        x, y, into, out = c[V_STORED + k], c[V_COST + k], c[V_IN + k], c[V_OUT + k]
        if kept > 0 and x <= c[V_STORED + kept - 1]:
            continue
        while kept >= 2:
            x1, y1 = c[V_STORED + kept - 1], c[V_COST + kept - 1]
            x0, y0 = c[V_STORED + kept - 2], c[V_COST + kept - 2]
            if (y1 - y0) * (x - x0) < (y - y0) * (x1 - x0):
                break
            kept -= 1
        c[V_STORED + kept], c[V_COST + kept], c[V_IN + kept], c[V_OUT + kept] = x, y, into, out
        kept += 1
    return kept


@njit(inline="always", error_model="numpy")
def both_ways(
    d: Array, q: Array, t: int, c: Array, n: int, low: float, high: float
) -> tuple[int, float, float]:
    """Pieces of the lower convex hull: count, left end [kWh] and its cost [CNY]."""
    m = lower_hull(c, corners(d, q, t, c, n, low, high))
    kept = 0
    for k in range(m - 1):
        width = c[V_STORED + k + 1] - c[V_STORED + k]
        c[P_SLOPE + kept], c[P_WIDTH + kept] = (c[V_COST + k + 1] - c[V_COST + k]) / width, width
        kept += 1
    return kept, c[V_STORED + 0], c[V_COST + 0]


@njit(cache=True, nogil=True, error_model="numpy")
def step_curve(d: Array, q: Array, t: int, hull: bool, c: Array) -> tuple[int, float, float, bool]:
    """Pieces of step ``t``: count (-1: the load cannot be met), left end, its cost, hull used."""
    n = sources(d, q, t, c)
    low, high = power_range(d, q, t, c, n)
    if low > high:
        if low > high + 1e-9 * (1.0 + abs(high)):
            return -1, 0.0, 0.0, False
        low = high
    if not hull:
        m, start, cost, convex = one_way(d, q, t, c, n, low, high)
        if convex:
            return m, start, cost, False
    m, start, cost = both_ways(d, q, t, c, n, low, high)
    return m, start, cost, True
