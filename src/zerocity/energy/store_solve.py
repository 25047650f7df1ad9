"""One problem after another through the exact kernel: plan, bound, and the search for a peak."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy.store_kernel import (
    ABOVE,
    AT_PEAK,
    BELOW,
    HULL,
    PRICE,
    backward,
    choose,
    forward,
    tube,
)
from zerocity.energy.store_pieces import (
    BUY,
    CHARGE,
    DISCHARGE,
    EXPORT,
    FINAL,
    IMPORT,
    INITIAL,
    INTO,
    KEEP,
    LOAD,
    OUT,
    OVER,
    P_WIDTH,
    PEAK,
    PEAK_PRICE,
    PV,
    S_KIND,
    S_WIDTH,
    SELL,
    STEP_H,
    STEP_IN,
    STEP_OUT,
    V_IN,
    V_OUT,
    WEAR,
    sources,
    step_curve,
)

Array = npt.NDArray[Any]

TRIALS = 100
"""Most trial peaks; the tangents of a piecewise-linear cost meet after a few."""
CLOSE = 1e-13
"""A peak is found when its cost is this near, as a share, to where the tangents meet."""
# Rows of a written plan.
CHARGED, DISCHARGED, IMPORTED, EXPORTED, PV_USED, OVERLOAD = range(6)
WRITTEN = 6
# Behind them, rows of an answer.
ENERGY, WORTH = range(WRITTEN, WRITTEN + 2)
ANSWERED = WRITTEN + 2


class Answers(NamedTuple):
    """To fill: the written rows, energy and price of each plan, (ANSWERED, B, T), and (B,)."""

    wide: Array
    objective: Array
    bound: Array
    broken: Array


@njit(inline="always", error_model="numpy")
def may_burn(d: Array, q: Array) -> bool:
    """Whether charging and discharging at once could lose energy at all."""
    if q[INTO] * q[OUT] < 1.0:
        for t in range(d.shape[0]):
            if d[t, CHARGE] > 0.0 and d[t, DISCHARGE] > 0.0:
                return True
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def solve_prices(d: Array, q: Array, s: Array, live: Array, c: Array) -> tuple[int, float, float]:
    """Step that cannot be met or -1, the bound [CNY] and its slope in the peak [CNY/kW].

    Burning energy can pay only where stored energy has a negative price, so the plain curves are
    tried first.
    """
    broken, bound, rise, hull = 0, np.inf, 0.0, False
    while True:
        broken, lowest = forward(d, q, hull, s, live, c), -1.0
        if broken < 0:
            lowest, bound, rise = backward(d, q, s, live)
        if hull or lowest >= 0.0 or not may_burn(d, q):
            break
        hull = True
    if broken >= 0:
        return broken, np.inf, 0.0
    return -1, bound, rise


@njit(cache=True, nogil=True, error_model="numpy")
def powers(d: Array, q: Array, t: int, stored: float, hull: bool, c: Array) -> tuple[float, float]:
    """Charging and discharging [kW] that move ``stored`` kWh at least cost, burning allowed."""
    m, at, _, _ = step_curve(d, q, t, hull, c)
    if m <= 0:
        return c[V_IN], c[V_OUT]
    k = 0
    while k < m - 1 and at + c[P_WIDTH + k] < stored:
        at += c[P_WIDTH + k]
        k += 1
    part = min(max((stored - at) / c[P_WIDTH + k], 0.0), 1.0)
    into = c[V_IN + k] + part * (c[V_IN + k + 1] - c[V_IN + k])
    return into, c[V_OUT + k] + part * (c[V_OUT + k + 1] - c[V_OUT + k])


@njit(inline="always", error_model="numpy")
def share_bus(d: Array, q: Array, t: int, left: float, c: Array) -> tuple[float, float, float]:
    """Fill ``left`` kW above full export from the sources: import, export and sun used [kW]."""
    exported = d[t, EXPORT]
    if d[t, SELL] >= 0.0:
        # The usual order, without sorting: sun, then less export, then import.
        used = min(max(left, 0.0), d[t, PV])
        back = min(left - used, exported)
        return left - used - back, exported - back, used
    if left < 0.0:
        return 0.0, exported - left, 0.0
    imported, used = 0.0, 0.0
    for k in range(sources(d, q, t, c)):
        take = min(left, c[S_WIDTH + k])
        left -= take
        if c[S_KIND + k] == 0.0:
            exported -= take
        elif c[S_KIND + k] == 1.0:
            used += take
        else:
            imported += take
    return imported + left, exported, used


@njit(inline="always", error_model="numpy")
def write_step(d: Array, q: Array, t: int, into: float, out: float, c: Array, plan: Array) -> float:
    """Write a step's powers; return its cost [CNY]."""
    left = d[t, EXPORT] + d[t, LOAD] + into - out
    imported, exported, used = share_bus(d, q, t, left, c)
    plan[CHARGED, t], plan[DISCHARGED, t] = into, out
    plan[IMPORTED, t], plan[EXPORTED, t], plan[PV_USED, t] = imported, exported, used
    plan[OVERLOAD, t] = 0.0
    price = d[t, BUY] * imported - d[t, SELL] * exported + q[WEAR] * (into + out)
    if q[OVER] < np.inf and imported > d[t, IMPORT]:
        plan[OVERLOAD, t] = imported - d[t, IMPORT]
        price += q[OVER] * plan[OVERLOAD, t]
    return float(q[STEP_H] * price)


@njit(inline="always", error_model="numpy")
def is_plain(d: Array, s: Array) -> bool:
    """Whether no step needs both powers at once or another order of the sources than the usual."""
    odd = 0
    for t in range(d.shape[0]):
        odd += 1 if s[HULL, t] > 0.0 or d[t, SELL] < 0.0 else 0
    return odd == 0


@njit(cache=True, nogil=True, error_model="numpy")
def write_plain(d: Array, q: Array, plan: Array, energy: Array) -> float:
    """Write an ordinary plan from its content, without a branch; return its cost [CNY]."""
    cost, before = 0.0, q[INITIAL]
    per_in, per_out = 1.0 / q[STEP_IN], 1.0 / q[STEP_OUT]
    over_price = q[OVER] if q[OVER] < np.inf else 0.0
    for t in range(energy.size):
        stored = energy[t] - q[KEEP] * before
        before = energy[t]
        into = min(max(stored, 0.0) * per_in, d[t, CHARGE])
        out = min(max(-stored, 0.0) * per_out, d[t, DISCHARGE])
        export = d[t, EXPORT]
        left = export + d[t, LOAD] + into - out
        spill, left = max(-left, 0.0), max(left, 0.0)
        used = min(left, d[t, PV])
        back = min(left - used, export)
        imported, exported = left - used - back, export - back + spill
        over = max(imported - d[t, IMPORT], 0.0) if over_price > 0.0 else 0.0
        plan[CHARGED, t], plan[DISCHARGED, t] = into, out
        plan[IMPORTED, t], plan[EXPORTED, t] = imported, exported
        plan[PV_USED, t], plan[OVERLOAD, t] = used, over
        price = d[t, BUY] * imported - d[t, SELL] * exported
        cost += price + q[WEAR] * (into + out) + over_price * over
    return float(q[STEP_H] * cost - q[FINAL] * before)


@njit(cache=True, nogil=True, error_model="numpy")
def write_plan(
    d: Array, q: Array, tie: int, s: Array, c: Array, plan: Array, energy: Array
) -> float:
    """Choose among the cheapest plans, write it, return its cost without a peak's [CNY]."""
    tube(d, q, s)
    choose(q, tie, s, energy)
    if is_plain(d, s):
        return write_plain(d, q, plan, energy)
    now, cost = q[INITIAL], 0.0
    for t in range(energy.size):
        kept = q[KEEP] * now
        stored, into, out = energy[t] - kept, 0.0, 0.0
        if s[HULL, t] > 0.0:
            into, out = powers(d, q, t, stored, True, c)
        elif stored >= 0.0:
            into = min(stored / q[STEP_IN], d[t, CHARGE])
        else:
            out = min(-stored / q[STEP_OUT], d[t, DISCHARGE])
        now = kept + into * q[STEP_IN] - out * q[STEP_OUT]
        energy[t] = now
        cost += write_step(d, q, t, into, out, c, plan)
    return float(cost - q[FINAL] * now)


@njit(cache=True, nogil=True, error_model="numpy")
def search_peak(
    d: Array, q: Array, s: Array, live: Array, c: Array, charge: float, floor: float
) -> tuple[int, float]:
    """Set the cheapest peak in ``q``; return the step that cannot be met or -1, and the bound.

    The least cost is convex in the peak, and the dual gives its tangent: between a falling and a
    rising tangent the next trial is where they meet (Kelley's cutting planes in one dimension,
    doi:10.1137/0108053).
    """
    q[PEAK], q[PEAK_PRICE] = np.inf if charge == 0.0 else floor, 2.0 * charge / q[STEP_H]
    broken, low_cost, rise = solve_prices(d, q, s, live, c)
    low, low_slope, bound = floor, rise + charge, low_cost
    if broken >= 0:
        return broken, bound
    s[AT_PEAK], s[BELOW] = s[PRICE], s[PRICE]
    if low_slope >= 0.0:
        return broken, bound
    high = floor
    for t in range(d.shape[0]):
        high = max(high, d[t, LOAD] + d[t, CHARGE] if q[OVER] < np.inf else d[t, IMPORT])
    q[PEAK] = np.inf
    _, high_cost, _ = solve_prices(d, q, s, live, c)
    s[ABOVE] = s[PRICE]
    high_cost += charge * (high - floor)
    high_slope, best, best_cost, last = charge, floor, low_cost, high
    for _ in range(TRIALS):
        trial = low + (low_cost - high_cost + high_slope * (high - low)) / (high_slope - low_slope)
        bound = low_cost + low_slope * (trial - low)
        last = min(max(trial, low), high)
        q[PEAK] = last
        _, cost, rise = solve_prices(d, q, s, live, c)
        cost += charge * (last - floor)
        if cost < best_cost:
            best, best_cost = last, cost
        if cost - bound <= CLOSE * (1.0 + abs(cost)):
            break
        if rise + charge < 0.0:
            low, low_cost, low_slope = last, cost, rise + charge
            s[BELOW] = s[PRICE]
        else:
            high, high_cost, high_slope = last, cost, rise + charge
            s[ABOVE] = s[PRICE]
    # Both tangents touch the cheapest peak; in this mix of theirs the peak has its own price.
    part = high_slope / (high_slope - low_slope)
    for t in range(d.shape[0]):
        s[AT_PEAK, t] = part * s[BELOW, t] + (1.0 - part) * s[ABOVE, t]
    if last != best:
        q[PEAK] = best
        solve_prices(d, q, s, live, c)
    return -1, bound


@njit(cache=True, nogil=True, error_model="numpy")
def solve_one(b: int, tie: int, charge: float, floor: float, d: Array, q: Array, s: Array,
              live: Array, c: Array, a: Answers) -> None:  # fmt: skip
    """Solve the loaded problem and write it as ``b``; charge [CNY/kW] and floor [kW] of a peak."""
    broken, bound = search_peak(d, q, s, live, c, charge, floor)
    a.broken[b], a.bound[b], a.objective[b] = broken, bound, np.nan
    if broken >= 0:
        a.wide[:, b], a.bound[b] = 0.0, np.nan
        return
    cost = write_plan(d, q, tie, s, c, a.wide[:WRITTEN, b], a.wide[ENERGY, b])
    peak = floor
    for t in range(d.shape[0]):
        a.wide[WORTH, b, t] = s[AT_PEAK, t]
        peak = max(peak, a.wide[IMPORTED, b, t])
    a.objective[b] = cost + charge * (peak - floor)
