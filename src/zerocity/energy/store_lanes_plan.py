"""Prices, bound and plan of eight plain problems abreast, behind `store_lanes`' forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy.lanes import LANES, get, least, most, pick, put, same
from zerocity.energy.store_kernel import EARLY, FITS, LEVEL, SAME
from zerocity.energy.store_lanes import (
    AIM,
    CUT_HIGH,
    CUT_LOW,
    LEAST,
    MOST,
    PIECES,
    PRICE,
    SLOPE,
    SOFT,
    TUBE_HIGH,
    TUBE_LOW,
    WIDTH,
    at,
    curve,
)
from zerocity.energy.store_pieces import (
    BUY,
    CHARGE,
    DISCHARGE,
    EXPORT,
    FINAL,
    HIGH,
    IMPORT,
    INITIAL,
    KEEP,
    LOAD,
    LOW,
    OVER,
    PER_KEEP,
    PV,
    SELL,
    STEP_H,
    STEP_IN,
    STEP_OUT,
    WEAR,
)

Array = npt.NDArray[Any]


@njit(inline="always", error_model="numpy")
def tie_of(price: Any) -> Any:
    """By how much slopes may differ from a price and be a tie."""
    return same(SAME) * most(most(price, same(0.0) - price), same(1e-3))


@njit(cache=True, nogil=True, error_model="numpy")
def backward_lanes(w: Array, q: Array, steps: int, c: Array) -> tuple[Any, Any]:
    """As `store_kernel.backward`: fill prices and best ranges; return lowest price and bound."""
    none, keep, step_h = same(0.0), get(q, KEEP * LANES), get(q, STEP_H * LANES)
    total, following, lowest = none, get(q, FINAL * LANES), same(np.inf)
    for t in range(steps - 1, -1, -1):
        price = least(most(following, get(w, at(t, CUT_LOW))), get(w, at(t, CUT_HIGH)))
        lowest = least(lowest, price)
        pull = price - following
        total = total + pull * pick(none < pull, get(w, at(t, LOW)), get(w, at(t, HIGH)))
        tie = tie_of(price)
        below, above = price - tie, price + tie
        start, cost, _ = curve(w, q, c, t)
        least_in, most_in = start, start
        gain = cost * step_h - price * start
        for k in range(PIECES):
            slope = get(c, SLOPE + k * LANES)
            width = get(c, WIDTH + k * LANES)
            gain = gain + pick(slope < price, (slope - price) * width, none)
            least_in = least_in + pick(slope < below, width, none)
            most_in = most_in + pick(slope <= above, width, none)
        total = total + gain
        put(w, at(t, PRICE), price)
        put(w, at(t, LEAST), least_in)
        put(w, at(t, MOST), most_in)
        following = keep * price
    return lowest, total - following * get(q, INITIAL * LANES)


@njit(cache=True, nogil=True, error_model="numpy")
def tube_lanes(w: Array, q: Array, steps: int) -> None:
    """As `store_kernel.tube`: between which contents every cheapest plan runs."""
    keep, per_keep = get(q, KEEP * LANES), get(q, PER_KEEP * LANES)
    low = high = get(q, INITIAL * LANES)
    for t in range(steps):
        lowest, highest, price = get(w, at(t, LOW)), get(w, at(t, HIGH)), get(w, at(t, PRICE))
        following = get(q, FINAL * LANES)
        if t < steps - 1:
            following = keep * get(w, at(t + 1, PRICE))
        tie = tie_of(following)
        first = pick(price < following - tie, highest, lowest)
        last = pick(following + tie < price, lowest, highest)
        low = least(most(keep * low + get(w, at(t, LEAST)), first), last)
        high = most(least(keep * high + get(w, at(t, MOST)), last), low)
        put(w, at(t, TUBE_LOW), low)
        put(w, at(t, TUBE_HIGH), high)
    for t in range(steps - 1, 0, -1):
        low_before, high_before = get(w, at(t - 1, TUBE_LOW)), get(w, at(t - 1, TUBE_HIGH))
        low = most(low_before, (low - get(w, at(t, MOST))) * per_keep)
        high = least(high_before, (high - get(w, at(t, LEAST))) * per_keep)
        crossed, middle = high < low, same(0.5) * (low + high)
        middle = least(most(middle, low_before), high_before)
        low, high = pick(crossed, middle, low), pick(crossed, middle, high)
        put(w, at(t - 1, TUBE_LOW), low)
        put(w, at(t - 1, TUBE_HIGH), high)


@njit(cache=True, nogil=True, error_model="numpy")
def choose_lanes(w: Array, q: Array, tie: int, steps: int) -> None:
    """As `store_kernel.choose`: pick one plan in the tube; it comes to stand in TUBE_HIGH."""
    if tie != LEVEL:
        if tie != EARLY:
            for t in range(steps):
                put(w, at(t, TUBE_HIGH), get(w, at(t, TUBE_LOW)))
        return
    keep, none = get(q, KEEP * LANES), same(0.0)
    # From each step on, the next one where all plans meet is aimed at in a straight line.
    aim = goal = none
    for t in range(steps - 1, -1, -1):
        low, high = get(w, at(t, TUBE_LOW)), get(w, at(t, TUBE_HIGH))
        meet = high - low <= same(FITS) * (same(1.0) + most(high, none - high))
        if t == steps - 1:
            meet = low <= same(np.inf)
        aim = pick(meet, same(float(t)), aim)
        goal = pick(meet, same(0.5) * (low + high), goal)
        put(w, at(t, CUT_LOW), goal)
        put(w, at(t, AIM), aim)
    now = get(q, INITIAL * LANES)
    for t in range(steps):
        wanted = get(w, at(t, CUT_LOW)) - now
        wanted = now + wanted / (get(w, at(t, AIM)) - same(t - 1.0))
        low = most(get(w, at(t, TUBE_LOW)), keep * now + get(w, at(t, LEAST)))
        high = least(get(w, at(t, TUBE_HIGH)), keep * now + get(w, at(t, MOST)))
        now = least(most(wanted, low), most(high, low))
        put(w, at(t, TUBE_HIGH), now)


@njit(cache=True, nogil=True, error_model="numpy")
def write_lanes(w: Array, q: Array, steps: int) -> Any:
    """As `store_solve.write_plain`: write the plan of the chosen content; return its cost [CNY].

    The energy is left in TUBE_HIGH, the price in PRICE; the powers take the columns behind those.
    """
    none, one = same(0.0), same(1.0)
    per_in, per_out = one / get(q, STEP_IN * LANES), one / get(q, STEP_OUT * LANES)
    soft = same(0.5) < get(q, SOFT * LANES)
    over_price, wear = pick(soft, get(q, OVER * LANES), none), get(q, WEAR * LANES)
    keep, cost, before = get(q, KEEP * LANES), none, get(q, INITIAL * LANES)
    for t in range(steps):
        energy = get(w, at(t, TUBE_HIGH))
        stored = energy - keep * before
        before = energy
        into = least(most(stored, none) * per_in, get(w, at(t, CHARGE)))
        out = least(most(none - stored, none) * per_out, get(w, at(t, DISCHARGE)))
        export = get(w, at(t, EXPORT))
        left = export + get(w, at(t, LOAD)) + into - out
        spill, left = most(none - left, none), most(left, none)
        used = least(left, get(w, at(t, PV)))
        back = least(left - used, export)
        imported, exported = left - used - back, export - back + spill
        over = pick(none < over_price, most(imported - get(w, at(t, IMPORT)), none), none)
        price = get(w, at(t, BUY)) * imported - get(w, at(t, SELL)) * exported
        cost = cost + (price + wear * (into + out) + over_price * over)
        put(w, at(t, 0), into)
        put(w, at(t, 1), out)
        put(w, at(t, 2), imported)
        put(w, at(t, 3), exported)
        put(w, at(t, 4), used)
        put(w, at(t, 5), over)
    return get(q, STEP_H * LANES) * cost - get(q, FINAL * LANES) * before
