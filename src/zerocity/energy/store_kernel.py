"""Exact dispatch of one store by dynamic programming over convex piecewise-linear costs.

Let ``s`` be the stored energy and ``f_t`` a step's cost (`store_pieces`). The least cost of
reaching ``s`` is ``V_t = (V_{t-1} [] f_t)`` cut to the bounds of ``s``, and the infimal convolution
``[]`` of convex piecewise-linear functions merges their pieces by slope (Girard et al. 2015, HAL
01110689; Cruise et al. 2014, arXiv:1406.3653). The slopes at the cuts are kept; going backwards the
price of stored energy is clipped between them, so that it changes only where the store is full or
empty, as in the dynamic program of the fused lasso (Johnson 2013,
doi:10.1080/10618600.2012.681238). Every answer carries the value of the Lagrangian dual at that
price: primal - dual is its own proof.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy.store_pieces import (
    BUY,
    CHARGE,
    DISCHARGE,
    FINAL,
    HIGH,
    IMPORT,
    INITIAL,
    INTO,
    KEEP,
    LOAD,
    LOW,
    OUT,
    OVER,
    OWN_SLOPE,
    OWN_WIDTH,
    P_SLOPE,
    P_WIDTH,
    PEAK,
    PEAK_PRICE,
    PER_KEEP,
    PV,
    SELL,
    SLOPE,
    STEP_H,
    WEAR,
    WIDTH,
    plain_step,
    step_curve,
)

Array = npt.NDArray[Any]

EARLY, LATE, LEVEL = 0, 1, 2
"""Among equal costs: fill early, fill late, or as evenly as can be."""
FITS = 1e-9
"""Bounds that cross by less than this share are taken to touch."""
SAME = 1e-11
"""Slopes that differ by less than this share are a tie."""

# Rows of a problem's scratch by step.
CUT_LOW, CUT_HIGH, PRICE, LEAST, MOST, TUBE_LOW, TUBE_HIGH = range(7)
START, COST, FIRST, COUNT, HULL = range(7, 12)
# Prices of stored energy at the peaks of a search below and above the cheapest, and at it.
BELOW, ABOVE, AT_PEAK = range(12, 15)
BY_STEP = 15


@njit(inline="always", error_model="numpy")
def merge(live: Array, head: int, tail: int, own: int, m: int) -> int:
    """Merge the ``m`` pieces from ``own`` into the live ones [head, tail); return the new tail."""
    j, to = tail - 1, tail + m - 1
    for k in range(own + m - 1, own - 1, -1):
        slope, width = live[OWN_SLOPE, k], live[OWN_WIDTH, k]
        while j >= head and live[SLOPE, j] > slope:
            live[SLOPE, to], live[WIDTH, to] = live[SLOPE, j], live[WIDTH, j]
            j, to = j - 1, to - 1
        if j >= head and live[SLOPE, j] == slope:
            width += live[WIDTH, j]
            j -= 1
        live[SLOPE, to], live[WIDTH, to] = slope, width
        to -= 1
    # Pieces of equal slope became one, and left a gap.
    gap = to - j
    if gap > 0:
        for i in range(j + 1, tail + m - gap):
            live[SLOPE, i], live[WIDTH, i] = live[SLOPE, i + gap], live[WIDTH, i + gap]
    return tail + m - gap


@njit(inline="always", error_model="numpy")
def cut_left(live: Array, head: int, tail: int, by: float) -> tuple[int, float]:
    """Take ``by`` kWh away from the left; return the new head and the slope at the cut."""
    slope = -np.inf
    while head < tail:
        slope = live[SLOPE, head]
        if live[WIDTH, head] > by:
            live[WIDTH, head] -= by
            return head, slope
        by -= live[WIDTH, head]
        head += 1
    return head, slope


@njit(inline="always", error_model="numpy")
def cut_right(live: Array, head: int, tail: int, by: float) -> tuple[int, float]:
    """Take ``by`` kWh away from the right; return the new tail and the slope at the cut."""
    slope = np.inf
    while tail > head:
        slope = live[SLOPE, tail - 1]
        if live[WIDTH, tail - 1] > by:
            live[WIDTH, tail - 1] -= by
            return tail, slope
        by -= live[WIDTH, tail - 1]
        tail -= 1
    return tail, slope


@njit(inline="always", error_model="numpy")
def note_pieces(d: Array, q: Array, t: int, hull: bool, s: Array, live: Array, c: Array,
                own: int) -> tuple[int, float]:  # fmt: skip
    """Keep the step's pieces from ``own`` on; return how many (-1: load not met) and their sum."""
    end, used = own - 1, False
    if not hull and d[t, SELL] >= 0.0 and q[PEAK] == np.inf:
        end, start, cost = plain_step(d, q, t, live, own)
    if end < own:
        m, start, cost, used = step_curve(d, q, t, hull, c)
        end = own + m
        for k in range(m):
            live[OWN_SLOPE, own + k], live[OWN_WIDTH, own + k] = c[P_SLOPE + k], c[P_WIDTH + k]
    s[FIRST, t], s[COUNT, t], s[START, t], s[COST, t] = own, end - own, start, cost
    s[HULL, t] = 1.0 if used else 0.0
    total = 0.0
    for k in range(own, end):
        total += live[OWN_WIDTH, k]
    return end - own, total


@njit(inline="always", error_model="numpy")
def scale(live: Array, head: int, tail: int, keep: float) -> None:
    """Let the live pieces lose energy: narrower, and dearer per kWh that is left."""
    for j in range(head, tail):
        live[SLOPE, j] /= keep
        live[WIDTH, j] *= keep


@njit(cache=True, nogil=True, error_model="numpy")
def forward(d: Array, q: Array, hull: bool, s: Array, live: Array, c: Array) -> int:
    """Fill the slopes at both cuts of every step; return the step that cannot be, or -1."""
    head = tail = own = 0
    left = right = q[INITIAL]
    keep = q[KEEP]
    for t in range(d.shape[0]):
        m, total = note_pieces(d, q, t, hull, s, live, c, own)
        if m < 0:
            return t
        if keep != 1.0:
            scale(live, head, tail, keep)
        left = left * keep + s[START, t]
        right = right * keep + s[START, t] + total
        tail = merge(live, head, tail, own, m)
        own += m
        low, high = d[t, LOW], d[t, HIGH]
        room = FITS * (1.0 + abs(low) + abs(high))
        if left > high + room or right < low - room or low > high + room:
            return t
        at_low, at_high = -np.inf, np.inf
        if low > left:
            head, at_low = cut_left(live, head, tail, low - left)
            left = min(low, right)
        if right > high:
            tail, at_high = cut_right(live, head, tail, right - high)
            right = max(high, left)
            if at_high == np.inf and at_low > -np.inf:
                at_high = at_low
        s[CUT_LOW, t], s[CUT_HIGH, t] = at_low, at_high
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def worth(d: Array, q: Array, t: int, x: float, price: float) -> float:
    """What the last kW below net power ``x`` into the store is worth at this price [CNY/kWh]."""
    if x > d[t, CHARGE]:
        return -np.inf
    if x <= -d[t, DISCHARGE]:
        return np.inf
    burns = -price * (1.0 / q[OUT] - q[INTO]) > 2.0 * q[WEAR]
    discharging = x > d[t, CHARGE] - d[t, DISCHARGE] if burns else x <= 0.0
    return float(price / q[OUT] + q[WEAR] if discharging else price * q[INTO] - q[WEAR])


@njit(inline="always", error_model="numpy")
def peak_value(d: Array, q: Array, t: int, price: float) -> float:
    """What one more kW of a binding peak would save in this step [CNY/kW]."""
    source = d[t, BUY]
    if q[PEAK] >= d[t, IMPORT]:
        if q[OVER] == np.inf:
            return 0.0
        source += q[OVER]
    x = q[PEAK] - d[t, LOAD]
    if source >= 0.0:
        last = worth(d, q, t, x + d[t, PV], price)
    else:
        # Paid import comes before the sun, which is free.
        last = worth(d, q, t, x, price)
        if last > 0.0:
            last = max(0.0, worth(d, q, t, x + d[t, PV], price))
    return float(q[STEP_H] * min(max(last - source, 0.0), q[PEAK_PRICE]))


@njit(cache=True, nogil=True, error_model="numpy")
def backward(d: Array, q: Array, s: Array, live: Array) -> tuple[float, float, float]:
    """Fill the price of stored energy [CNY/kWh] and each step's best range [kWh].

    Returns the lowest price, the Lagrangian bound [CNY] and its slope in the peak [CNY/kW].
    """
    total, rise, following, lowest = 0.0, 0.0, q[FINAL], np.inf
    for t in range(d.shape[0] - 1, -1, -1):
        price = min(max(following, s[CUT_LOW, t]), s[CUT_HIGH, t])
        s[PRICE, t] = price
        lowest = min(lowest, price)
        pull = price - following
        total += pull * (d[t, LOW] if pull > 0.0 else d[t, HIGH])
        tie = SAME * max(abs(price), 1e-3)
        below, above = price - tie, price + tie
        least = most = s[START, t]
        total += s[COST, t] - price * least
        first = int(s[FIRST, t])
        for k in range(first, first + int(s[COUNT, t])):
            slope, width = live[OWN_SLOPE, k], live[OWN_WIDTH, k]
            total += min(0.0, slope - price) * width
            least += width if slope < below else 0.0
            most += width if slope <= above else 0.0
        s[LEAST, t], s[MOST, t] = least, most
        if q[PEAK] < np.inf:
            rise -= peak_value(d, q, t, price)
        following = q[KEEP] * price
    return lowest, total - following * q[INITIAL], rise


@njit(inline="always", error_model="numpy")
def tube(d: Array, q: Array, s: Array) -> None:
    """Between which contents every cheapest plan runs, at the end of each step [kWh]."""
    steps, keep, per_keep = d.shape[0], q[KEEP], q[PER_KEEP]
    low = high = q[INITIAL]
    for t in range(steps):
        least, most = d[t, LOW], d[t, HIGH]
        following = q[FINAL] if t == steps - 1 else keep * s[PRICE, t + 1]
        tie = SAME * max(abs(following), 1e-3)
        if s[PRICE, t] > following + tie:
            most = least
        elif s[PRICE, t] < following - tie:
            least = most
        low = min(max(keep * low + s[LEAST, t], least), most)
        high = max(min(keep * high + s[MOST, t], most), low)
        s[TUBE_LOW, t], s[TUBE_HIGH, t] = low, high
    for t in range(steps - 1, 0, -1):
        low = max(s[TUBE_LOW, t - 1], (s[TUBE_LOW, t] - s[MOST, t]) * per_keep)
        high = min(s[TUBE_HIGH, t - 1], (s[TUBE_HIGH, t] - s[LEAST, t]) * per_keep)
        if low > high:
            middle = 0.5 * (low + high)
            low = high = min(max(middle, s[TUBE_LOW, t - 1]), s[TUBE_HIGH, t - 1])
        s[TUBE_LOW, t - 1], s[TUBE_HIGH, t - 1] = low, high


@njit(inline="always", error_model="numpy")
def choose(q: Array, tie: int, s: Array, energy: Array) -> None:
    """Pick one plan in the tube, (steps,) [kWh] at the end of each step."""
    steps, keep = energy.size, q[KEEP]
    if tie != LEVEL:
        for t in range(steps):
            energy[t] = s[TUBE_HIGH, t] if tie == EARLY else s[TUBE_LOW, t]
        return
    # From each step on, the next one where all plans meet is aimed at in a straight line.
    aim = steps - 1
    for t in range(steps - 1, -1, -1):
        if s[TUBE_HIGH, t] - s[TUBE_LOW, t] <= FITS * (1.0 + abs(s[TUBE_HIGH, t])):
            aim = t
        s[CUT_LOW, t] = aim
    now = q[INITIAL]
    for t in range(steps):
        aim = int(s[CUT_LOW, t])
        goal = 0.5 * (s[TUBE_LOW, aim] + s[TUBE_HIGH, aim])
        wanted = now + (goal - now) / (aim - t + 1)
        low = max(s[TUBE_LOW, t], keep * now + s[LEAST, t])
        high = min(s[TUBE_HIGH, t], keep * now + s[MOST, t])
        now = min(max(wanted, low), max(high, low))
        energy[t] = now
