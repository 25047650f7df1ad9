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

SOURCES = 5
"""Unsold export, sun, import, import above a searched peak, import above the limit."""
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


class Curve(NamedTuple):
    """Scratch for one step: sources (``q_*``), pieces (``p_*``) and the hull's corners."""

    q_slope: Array
    q_width: Array
    q_kind: Array
    p_slope: Array
    p_width: Array
    x_line: Array
    v_stored: Array
    v_cost: Array
    v_in: Array
    v_out: Array


@njit(cache=True, nogil=True)
def new_curve() -> Curve:
    """Scratch of the sizes that one step needs."""
    return Curve(
        np.empty(SOURCES), np.empty(SOURCES), np.empty(SOURCES, np.int64),
        np.empty(PIECES), np.empty(PIECES), np.empty(LINES),
        np.empty(POINTS), np.empty(POINTS), np.empty(POINTS), np.empty(POINTS),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def add_source(c: Curve, n: int, slope: float, width: float, kind: int) -> int:
    """Insert a source behind all that are not dearer; return how many there are."""
    if width <= 0.0:
        return n
    at = n
    while at > 0 and c.q_slope[at - 1] > slope:
        c.q_slope[at], c.q_width[at] = c.q_slope[at - 1], c.q_width[at - 1]
        c.q_kind[at] = c.q_kind[at - 1]
        at -= 1
    c.q_slope[at], c.q_width[at], c.q_kind[at] = slope, width, kind
    return n + 1


@njit(cache=True, nogil=True, error_model="numpy")
def sources(r: Rows, b: int, t: int, peak_kw: float, peak_price: float, c: Curve) -> int:
    """Sources of the bus by price: 0 unsold export, 1 sun, 2 import, 3 over peak, 4 overload."""
    buy, limit = r.buy[b, t], r.import_kw[b, t]
    n = add_source(c, 0, r.sell[b, t], r.export_kw[b, t], 0)
    n = add_source(c, n, 0.0, r.pv_kw[b, t], 1)
    n = add_source(c, n, buy, min(limit, peak_kw), 2)
    if peak_kw < limit:
        n = add_source(c, n, buy + peak_price, limit - peak_kw, 3)
    if r.overload[b] < np.inf:
        n = add_source(c, n, buy + r.overload[b], np.inf, 4)
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def power_range(r: Rows, b: int, t: int, c: Curve, n: int) -> tuple[float, float]:
    """Lowest and highest net power into the store that the bus allows [kW]."""
    most = -r.export_kw[b, t] - r.load_kw[b, t]
    low = max(-r.discharge_kw[b, t], most)
    for k in range(n):
        most += c.q_width[k]
    return low, min(r.charge_kw[b, t], most)


@njit(cache=True, nogil=True, error_model="numpy")
def bus_cost(r: Rows, b: int, t: int, c: Curve, n: int, power_kw: float) -> float:
    """Price of the bus [CNY/h] when the store takes ``power_kw``."""
    y = -r.export_kw[b, t] - r.load_kw[b, t]
    cost = -r.sell[b, t] * r.export_kw[b, t]
    for k in range(n):
        if power_kw <= y:
            break
        cost += c.q_slope[k] * min(c.q_width[k], power_kw - y)
        y += c.q_width[k]
    return float(cost)


@njit(cache=True, nogil=True, error_model="numpy")
def one_way(
    r: Rows, b: int, t: int, c: Curve, n: int, low: float, high: float
) -> tuple[int, float, float, bool]:
    """Pieces without charging and discharging at once: count, left end [kWh], its cost, convex."""
    h, wear = r.step_h, r.wear[b]
    into, out = r.charge_efficiency[b], r.discharge_efficiency[b]
    y, m, last, convex = -r.export_kw[b, t] - r.load_kw[b, t], 0, -np.inf, True
    cost = -r.sell[b, t] * r.export_kw[b, t]
    for k in range(n):
        slope, end = c.q_slope[k], y + c.q_width[k]
        if y < low:
            cost += slope * (min(end, low) - y)
        left, right = max(y, low), min(end, min(high, 0.0))
        if right > left:
            c.p_slope[m], c.p_width[m] = (slope - wear) * out, (right - left) * h / out
            convex = convex and c.p_slope[m] >= last
            last = c.p_slope[m]
            m += 1
        left, right = max(y, max(low, 0.0)), min(end, high)
        if right > left:
            c.p_slope[m], c.p_width[m] = (slope + wear) / into, (right - left) * h * into
            convex = convex and c.p_slope[m] >= last
            last = c.p_slope[m]
            m += 1
        y = end
        if y >= high:
            break
    start = low * h / out if low < 0.0 else low * h * into
    return m, start, (cost + wear * abs(low)) * h, convex


@njit(cache=True, nogil=True, error_model="numpy")
def add_corner(r: Rows, b: int, c: Curve, m: int, into: float, out: float, bus: float) -> int:
    """Insert charging ``into`` and discharging ``out`` [kW] among the corners, by stored energy."""
    h = r.step_h
    stored = h * (r.charge_efficiency[b] * into - out / r.discharge_efficiency[b])
    cost = h * (bus + r.wear[b] * (into + out))
    at = m
    while at > 0 and (
        c.v_stored[at - 1] > stored or (c.v_stored[at - 1] == stored and c.v_cost[at - 1] > cost)
    ):
        c.v_stored[at], c.v_cost[at] = c.v_stored[at - 1], c.v_cost[at - 1]
        c.v_in[at], c.v_out[at] = c.v_in[at - 1], c.v_out[at - 1]
        at -= 1
    c.v_stored[at], c.v_cost[at], c.v_in[at], c.v_out[at] = stored, cost, into, out
    return m + 1


@njit(cache=True, nogil=True, error_model="numpy")
def corners(r: Rows, b: int, t: int, c: Curve, n: int, low: float, high: float) -> int:
    """Corners of the set of lawful (charge, discharge), by stored energy; return how many."""
    most_in, most_out = r.charge_kw[b, t], r.discharge_kw[b, t]
    lines = 4
    c.x_line[0], c.x_line[1], c.x_line[2], c.x_line[3] = low, high, 0.0, most_in - most_out
    y = -r.export_kw[b, t] - r.load_kw[b, t]
    for k in range(n):
        c.x_line[lines] = y
        lines += 1
        y += c.q_width[k]
    m = 0
    for k in range(lines):
        x = c.x_line[k]
        if low <= x <= high:
            bus = bus_cost(r, b, t, c, n, x)
            m = add_corner(r, b, c, m, max(x, 0.0), max(-x, 0.0), bus)
            full = min(most_in, most_out + x)
            if full > max(x, 0.0):
                m = add_corner(r, b, c, m, full, full - x, bus)
    return m


@njit(cache=True, nogil=True, error_model="numpy")
def lower_hull(c: Curve, m: int) -> int:
    """Keep the corners of the lower convex hull (Andrew's monotone chain); return how many."""
    kept = 0
    for k in range(m):
        x, y, into, out = c.v_stored[k], c.v_cost[k], c.v_in[k], c.v_out[k]
        if kept > 0 and x <= c.v_stored[kept - 1]:
            continue
        while kept >= 2:
            x1, y1 = c.v_stored[kept - 1], c.v_cost[kept - 1]
            x0, y0 = c.v_stored[kept - 2], c.v_cost[kept - 2]
            if (y1 - y0) * (x - x0) < (y - y0) * (x1 - x0):
                break
            kept -= 1
        c.v_stored[kept], c.v_cost[kept], c.v_in[kept], c.v_out[kept] = x, y, into, out
        kept += 1
    return kept


@njit(cache=True, nogil=True, error_model="numpy")
def both_ways(
    r: Rows, b: int, t: int, c: Curve, n: int, low: float, high: float
) -> tuple[int, float, float]:
    """Pieces of the lower convex hull: count, left end [kWh] and its cost [CNY]."""
    m = lower_hull(c, corners(r, b, t, c, n, low, high))
    kept = 0
    for k in range(m - 1):
        width = c.v_stored[k + 1] - c.v_stored[k]
        c.p_slope[kept], c.p_width[kept] = (c.v_cost[k + 1] - c.v_cost[k]) / width, width
        kept += 1
    return kept, c.v_stored[0], c.v_cost[0]


@njit(cache=True, nogil=True, error_model="numpy")
def step_curve(
    r: Rows, b: int, t: int, peak_kw: float, peak_price: float, hull: bool, c: Curve
) -> tuple[int, float, float, bool]:
    """Pieces of step ``t``: count (-1: the load cannot be met), left end, its cost, hull used."""
    n = sources(r, b, t, peak_kw, peak_price, c)
    low, high = power_range(r, b, t, c, n)
    if low > high:
        if low > high + 1e-9 * (1.0 + abs(high)):
            return -1, 0.0, 0.0, False
        low = high
    if not hull:
        m, start, cost, convex = one_way(r, b, t, c, n, low, high)
        if convex:
            return m, start, cost, False
    m, start, cost = both_ways(r, b, t, c, n, low, high)
    return m, start, cost, True
