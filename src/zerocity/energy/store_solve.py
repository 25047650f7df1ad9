"""One problem after another through the exact kernel: plan, bound, and the search for a peak."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy.store_kernel import Work, backward, choose, dual, forward, new_work, tube
from zerocity.energy.store_pieces import Curve, Rows, sources, step_curve

Array = npt.NDArray[Any]

SEARCH_STEPS = 60
"""Most trial peaks; tangents of a piecewise-linear cost meet after a few."""


class Answers(NamedTuple):
    """Plans to fill, (B, T), and per problem (B,); see `zerocity.energy.stores.StorePlans`."""

    charge: Array
    discharge: Array
    imported: Array
    exported: Array
    pv_used: Array
    overload: Array
    energy: Array
    price: Array
    objective: Array
    bound: Array
    broken: Array
    """Step that cannot be met, or -1."""


@njit(cache=True, nogil=True, error_model="numpy")
def may_burn(r: Rows, b: int) -> bool:
    """Whether charging and discharging at once could lose energy at all."""
    if r.charge_efficiency[b] * r.discharge_efficiency[b] >= 1.0:
        return False
    both = False
    for t in range(r.load_kw.shape[1]):
        both = both or (r.charge_kw[b, t] > 0.0 and r.discharge_kw[b, t] > 0.0)
    return both


@njit(cache=True, nogil=True, error_model="numpy")
def solve_prices(
    r: Rows, b: int, peak_kw: float, peak_price: float, w: Work
) -> tuple[int, float, float, bool]:
    """Step that cannot be met or -1, bound [CNY], its slope in the peak, hull used throughout.

    Burning energy can pay only where stored energy has a negative price, so the cheaper curves
    are tried first.
    """
    broken = forward(r, b, peak_kw, peak_price, False, w)
    hull = False
    if (broken >= 0 or backward(r, b, w) < 0.0) and may_burn(r, b):
        hull = True
        broken = forward(r, b, peak_kw, peak_price, True, w)
        if broken < 0:
            backward(r, b, w)
    if broken >= 0:
        return broken, np.inf, 0.0, hull
    bound, rise = dual(r, b, peak_kw, peak_price, hull, w)
    return -1, bound, rise, hull


@njit(cache=True, nogil=True, error_model="numpy")
def powers(r: Rows, b: int, t: int, stored: float, hull: bool, c: Curve) -> tuple[float, float]:
    """Charging and discharging [kW] that move ``stored`` kWh at least cost."""
    h = r.step_h
    if hull:
        m, at, _, _ = step_curve(r, b, t, np.inf, 0.0, True, c)
        k = 0
        while k < m - 1 and at + c.p_width[k] < stored:
            at += c.p_width[k]
            k += 1
        if m > 0:
            part = min(max((stored - at) / c.p_width[k], 0.0), 1.0)
            return (
                c.v_in[k] + part * (c.v_in[k + 1] - c.v_in[k]),
                c.v_out[k] + part * (c.v_out[k + 1] - c.v_out[k]),
            )
        return c.v_in[0], c.v_out[0]
    if stored >= 0.0:
        return min(stored / (h * r.charge_efficiency[b]), r.charge_kw[b, t]), 0.0
    return 0.0, min(-stored * r.discharge_efficiency[b] / h, r.discharge_kw[b, t])


@njit(cache=True, nogil=True, error_model="numpy")
def write_step(r: Rows, b: int, t: int, into: float, out: float, c: Curve, a: Answers) -> float:
    """Write a step's powers; return its cost [CNY]."""
    n = sources(r, b, t, np.inf, 0.0, c)
    left = r.export_kw[b, t] + r.load_kw[b, t] + into - out
    imported, over, used = 0.0, 0.0, 0.0
    exported = r.export_kw[b, t]
    if left < 0.0:
        exported, left = exported - left, 0.0
    for k in range(n):
        take = min(left, c.q_width[k])
        left -= take
        kind = c.q_kind[k]
        if kind == 0:
            exported -= take
        elif kind == 1:
            used += take
        else:
            imported += take
            over += take if kind == 4 else 0.0
    imported += left
    a.charge[b, t], a.discharge[b, t] = into, out
    a.imported[b, t], a.exported[b, t] = imported, exported
    a.pv_used[b, t], a.overload[b, t] = used, over
    price = r.buy[b, t] * imported - r.sell[b, t] * exported + r.wear[b] * (into + out)
    if over > 0.0:
        price += r.overload[b] * over
    return float(r.step_h * price)


@njit(cache=True, nogil=True, error_model="numpy")
def write_plan(r: Rows, b: int, tie: int, hull: bool, w: Work, a: Answers) -> None:
    """Choose among the cheapest plans and write it."""
    energy = a.energy[b]
    a.price[b, :] = w.price
    tube(r, b, w)
    choose(r, b, tie, w, energy)
    now, cost, h = r.initial_kwh[b], 0.0, r.step_h
    for t in range(energy.size):
        stored = energy[t] - r.keep[b] * now
        into, out = powers(r, b, t, stored, hull or w.hull[t], w.curve)
        gained = h * (into * r.charge_efficiency[b] - out / r.discharge_efficiency[b])
        energy[t] = r.keep[b] * now + gained
        now = energy[t]
        cost += write_step(r, b, t, into, out, w.curve, a)
    a.objective[b] = cost - r.final_value[b] * now


@njit(cache=True, nogil=True, error_model="numpy")
def write_nothing(b: int, a: Answers) -> None:
    """Mark a problem that has no plan."""
    a.objective[b], a.bound[b] = np.nan, np.nan
    a.charge[b, :], a.discharge[b, :], a.imported[b, :], a.exported[b, :] = 0.0, 0.0, 0.0, 0.0
    a.pv_used[b, :], a.overload[b, :], a.energy[b, :], a.price[b, :] = 0.0, 0.0, 0.0, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def solve_range(r: Rows, lo: int, hi: int, tie: int, a: Answers) -> None:
    """Solve the problems [lo, hi)."""
    w = new_work(r.load_kw.shape[1])
    for b in range(lo, hi):
        a.broken[b], a.bound[b], _, hull = solve_prices(r, b, np.inf, 0.0, w)
        if a.broken[b] >= 0:
            write_nothing(b, a)
        else:
            write_plan(r, b, tie, hull, w, a)
