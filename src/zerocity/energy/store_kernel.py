"""Exact dispatch of one store by dynamic programming over convex piecewise-linear costs.

Let ``s`` be the stored energy and ``f_t`` a step's cost (`store_pieces`). The least cost of
reaching ``s`` is ``V_t = (V_{t-1} [] f_t)`` cut to the bounds of ``s``, and the infimal convolution
``[]`` of convex piecewise-linear functions merges their pieces by slope (Girard et al. 2015, HAL
01110689; Cruise et al. 2014, arXiv:1406.3653). The slopes at the cuts are kept; going backwards the
price of stored energy is clipped between them, so that it changes only where the store is full or
empty, as in the dynamic program of the fused lasso (Johnson 2013, doi:10.1080/10618600.2012.681238).
Every answer carries the value of the Lagrangian dual at that price: primal - dual is its own proof.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy.store_pieces import PIECES, SOURCES, Curve, Rows, new_curve, step_curve

Array = npt.NDArray[Any]

EARLY, LATE, LEVEL = 0, 1, 2
"""Among equal costs: fill early, fill late, or as evenly as can be."""
FITS = 1e-9
"""Bounds that cross by less than this share are taken to touch."""
SAME = 1e-11
"""Slopes that differ by less than this share are a tie."""


class Work(NamedTuple):
    """Scratch of one problem after another: live pieces, cuts, prices and tubes by step."""

    slope: Array
    width: Array
    cut_low: Array
    cut_high: Array
    price: Array
    least: Array
    most: Array
    tube_low: Array
    tube_high: Array
    hull: Array
    curve: Curve


@njit(cache=True, nogil=True)
def new_work(steps: int) -> Work:
    """Scratch for problems of ``steps`` steps."""
    live = PIECES * steps + 2 * PIECES
    return Work(
        np.empty(live), np.empty(live), np.empty(steps), np.empty(steps), np.empty(steps),
        np.empty(steps), np.empty(steps), np.empty(steps), np.empty(steps),
        np.empty(steps, np.bool_), new_curve(),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def merge(w: Work, head: int, tail: int, m: int) -> int:
    """Merge the step's ``m`` pieces into the live ones [head, tail); return the new tail."""
    c = w.curve
    fresh, j = 0, tail - 1
    for k in range(m - 1, -1, -1):
        slope = c.p_slope[k]
        while j >= head and w.slope[j] > slope:
            j -= 1
        if j >= head and w.slope[j] == slope:
            w.width[j] += c.p_width[k]
            c.p_width[k] = -1.0
        else:
            fresh += 1
    end, j, to = tail + fresh, tail - 1, tail + fresh - 1
    for k in range(m - 1, -1, -1):
        if c.p_width[k] < 0.0:
            continue
        slope = c.p_slope[k]
        while j >= head and w.slope[j] > slope:
            w.slope[to], w.width[to] = w.slope[j], w.width[j]
            j -= 1
            to -= 1
        w.slope[to], w.width[to] = slope, c.p_width[k]
        to -= 1
    return end


@njit(cache=True, nogil=True, error_model="numpy")
def cut_left(w: Work, head: int, tail: int, by: float) -> tuple[int, float]:
    """Take ``by`` kWh away from the left; return the new head and the slope at the cut."""
    slope = -np.inf
    while head < tail:
        slope = w.slope[head]
        if w.width[head] > by:
            w.width[head] -= by
            return head, slope
        by -= w.width[head]
        head += 1
    return head, slope


@njit(cache=True, nogil=True, error_model="numpy")
def cut_right(w: Work, head: int, tail: int, by: float) -> tuple[int, float]:
    """Take ``by`` kWh away from the right; return the new tail and the slope at the cut."""
    slope = np.inf
    while tail > head:
        slope = w.slope[tail - 1]
        if w.width[tail - 1] > by:
            w.width[tail - 1] -= by
            return tail, slope
        by -= w.width[tail - 1]
        tail -= 1
    return tail, slope


@njit(cache=True, nogil=True, error_model="numpy")
def forward(r: Rows, b: int, peak_kw: float, peak_price: float, hull: bool, w: Work) -> int:
    """Fill the slopes at both cuts of every step; return the step that cannot be, or -1."""
    head = tail = 0
    left = right = r.initial_kwh[b]
    keep = r.keep[b]
    for t in range(r.load_kw.shape[1]):
        m, start, _, w.hull[t] = step_curve(r, b, t, peak_kw, peak_price, hull, w.curve)
        if m < 0:
            return t
        if keep != 1.0:
            for j in range(head, tail):
                w.slope[j] /= keep
                w.width[j] *= keep
            left, right = left * keep, right * keep
        left, right = left + start, right + start
        for k in range(m):
            right += w.curve.p_width[k]
        tail = merge(w, head, tail, m)
        low, high = r.low_kwh[b, t], r.high_kwh[b, t]
        room = FITS * (1.0 + abs(low) + abs(high))
        if left > high + room or right < low - room or low > high + room:
            return t
        w.cut_low[t], w.cut_high[t] = -np.inf, np.inf
        if low > left:
            head, w.cut_low[t] = cut_left(w, head, tail, low - left)
            left = min(low, right)
        if right > high:
            tail, w.cut_high[t] = cut_right(w, head, tail, right - high)
            if w.cut_high[t] == np.inf:
                w.cut_high[t] = w.cut_low[t] if w.cut_low[t] > -np.inf else np.inf
            right = max(high, left)
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def backward(r: Rows, b: int, w: Work) -> float:
    """Fill the price of stored energy [CNY/kWh]; return the lowest."""
    following, lowest = r.final_value[b], np.inf
    for t in range(r.load_kw.shape[1] - 1, -1, -1):
        w.price[t] = min(max(following, w.cut_low[t]), w.cut_high[t])
        lowest = min(lowest, w.price[t])
        following = r.keep[b] * w.price[t]
    return float(lowest)


@njit(cache=True, nogil=True, error_model="numpy")
def peak_value(r: Rows, b: int, t: int, peak_kw: float, peak_price: float, price: float) -> float:
    """What one more kW of a binding peak would save in this step [CNY/kW]."""
    buy, limit = r.buy[b, t], r.import_kw[b, t]
    if peak_kw >= limit:
        return 0.0
    into, out, wear = r.charge_efficiency[b], r.discharge_efficiency[b], r.wear[b]
    most_in, most_out = r.charge_kw[b, t], r.discharge_kw[b, t]
    x = peak_kw - r.load_kw[b, t] + (r.pv_kw[b, t] if buy >= 0.0 else 0.0)
    if x > most_in:
        return 0.0
    burns = -price * (1.0 / out - into) > 2.0 * wear
    discharging = x <= 0.0 if not burns else x > most_in - most_out
    worth = price / out + wear if discharging else price * into - wear
    if x <= -most_out:
        worth = np.inf
    elsewhere = peak_price if buy >= 0.0 or r.pv_kw[b, t] <= 0.0 else min(peak_price, -buy)
    return float(r.step_h * max(min(worth - buy, elsewhere), 0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def dual(
    r: Rows, b: int, peak_kw: float, peak_price: float, hull: bool, w: Work
) -> tuple[float, float]:
    """Lagrangian bound [CNY] and its slope in the peak [CNY/kW]; fills each step's best range."""
    total, rise, following = 0.0, 0.0, r.final_value[b]
    for t in range(r.load_kw.shape[1] - 1, -1, -1):
        price = w.price[t]
        pull = price - following
        total += pull * (r.low_kwh[b, t] if pull > 0.0 else r.high_kwh[b, t])
        m, at, cost, _ = step_curve(r, b, t, peak_kw, peak_price, hull, w.curve)
        tie = SAME * max(abs(price), 1e-3)
        k = 0
        while k < m and w.curve.p_slope[k] < price - tie:
            cost += w.curve.p_slope[k] * w.curve.p_width[k]
            at += w.curve.p_width[k]
            k += 1
        total += cost - price * at
        w.least[t] = at
        while k < m and w.curve.p_slope[k] <= price + tie:
            total += min(0.0, w.curve.p_slope[k] - price) * w.curve.p_width[k]
            at += w.curve.p_width[k]
            k += 1
        w.most[t] = at
        if peak_kw < np.inf:
            rise -= peak_value(r, b, t, peak_kw, peak_price, price)
        following = r.keep[b] * price
    return total - following * r.initial_kwh[b], rise


@njit(cache=True, nogil=True, error_model="numpy")
def tube(r: Rows, b: int, w: Work) -> None:
    """Between which contents every cheapest plan runs, at the end of each step [kWh]."""
    steps, keep = r.load_kw.shape[1], r.keep[b]
    low = high = r.initial_kwh[b]
    for t in range(steps):
        least, most = r.low_kwh[b, t], r.high_kwh[b, t]
        following = r.final_value[b] if t == steps - 1 else keep * w.price[t + 1]
        tie = SAME * max(abs(following), 1e-3)
        if w.price[t] > following + tie:
            most = least
        elif w.price[t] < following - tie:
            least = most
        low = min(max(keep * low + w.least[t], least), most)
        high = max(min(keep * high + w.most[t], most), low)
        w.tube_low[t], w.tube_high[t] = low, high
    for t in range(steps - 1, 0, -1):
        low = max(w.tube_low[t - 1], (w.tube_low[t] - w.most[t]) / keep)
        high = min(w.tube_high[t - 1], (w.tube_high[t] - w.least[t]) / keep)
        if low > high:
            low = high = min(max(0.5 * (low + high), w.tube_low[t - 1]), w.tube_high[t - 1])
        w.tube_low[t - 1], w.tube_high[t - 1] = low, high


@njit(cache=True, nogil=True, error_model="numpy")
def choose(r: Rows, b: int, tie: int, w: Work, energy: Array) -> None:
    """Pick one plan in the tube, (steps,) [kWh] at the end of each step."""
    steps, keep = energy.size, r.keep[b]
    if tie != LEVEL:
        energy[:] = w.tube_high if tie == EARLY else w.tube_low
        return
    # From each step on, the next one where all plans meet is aimed at in a straight line.
    aim = steps - 1
    for t in range(steps - 1, -1, -1):
        if w.tube_high[t] - w.tube_low[t] <= FITS * (1.0 + abs(w.tube_high[t])):
            aim = t
        w.cut_low[t] = aim
    now = r.initial_kwh[b]
    for t in range(steps):
        aim = int(w.cut_low[t])
        goal = 0.5 * (w.tube_low[aim] + w.tube_high[aim])
        wanted = now + (goal - now) / (aim - t + 1)
        low = max(w.tube_low[t], keep * now + w.least[t])
        high = min(w.tube_high[t], keep * now + w.most[t])
        now = min(max(wanted, low), max(high, low))
        energy[t] = now
