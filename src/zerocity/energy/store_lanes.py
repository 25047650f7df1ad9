"""The exact dynamic program of `store_kernel` for eight problems abreast, one a lane.

The same curves and cuts, in a form without a branch a problem: the value function is a row of slots
of rising slope, each with the content at its right end [kWh], so that a step adds to the ends and
clips them. Slots that a cut has emptied stay as -inf or inf until they can go. Only for plain
problems: selling prices of 0 or more, no peak searched, stored energy never worth less than 0;
`forward_lanes` and `backward_lanes` say which lanes are none, and these are solved one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy.lanes import LANES, alike, either, get, least, most, pick, put, same, some
from zerocity.energy.store_kernel import FITS
from zerocity.energy.store_pieces import (
    BUY,
    CHARGE,
    DISCHARGE,
    EXPORT,
    HIGH,
    IMPORT,
    INITIAL,
    KEEP,
    LOAD,
    LOW,
    OUT,
    OVER,
    PER_INTO,
    PER_KEEP,
    PV,
    SELL,
    STEP_IN,
    STEP_OUT,
    WEAR,
)

Array = npt.NDArray[Any]

# Rows of a step behind the problem's own columns.
CUT_LOW, CUT_HIGH, PRICE, LEAST, MOST, TUBE_LOW, TUBE_HIGH, AIM = range(10, 18)
BY_STEP = 18 * LANES
SOFT = 14
"""Behind a problem's numbers: whether its import may be overloaded."""
NUMBERS = 15 * LANES
# Of a step's curve: slopes and widths. Of the parts of two sources only one can have a width where
# the store goes from taking to giving between them, so that these share a piece.
PIECES = 5
ROUND = 3
"""Pieces that one pass over the slots takes in; those behind the first three are rare."""
SLOPE, WIDTH = 0, 2 * ROUND * LANES
CURVE = 4 * ROUND * LANES
SPARE = ROUND + 2
"""Slots behind the last one that a pass may read."""


@njit(inline="always", error_model="numpy")
def at(t: int, row: int) -> int:
    """Where a step's vector stands."""
    return t * BY_STEP + row * LANES


@njit(inline="always", error_model="numpy")
def giving(q: Array, price: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Slope and width of what a source bears from ``x`` to ``y`` [kW] while the store gives."""
    slope = (price - get(q, WEAR * LANES)) * get(q, OUT * LANES)
    return slope, (least(y, same(0.0)) - x) * get(q, STEP_OUT * LANES)


@njit(inline="always", error_model="numpy")
def taking(q: Array, price: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Slope and width of what a source bears from ``x`` to ``y`` [kW] while the store takes."""
    slope = (price + get(q, WEAR * LANES)) * get(q, PER_INTO * LANES)
    return slope, (y - most(x, same(0.0))) * get(q, STEP_IN * LANES)


@njit(inline="always", error_model="numpy")
def note(c: Array, k: int, one: tuple[Any, Any], other: tuple[Any, Any]) -> None:
    """Write the part that has a width as piece ``k``; without a width its slope is inf."""
    none = same(0.0)
    given, taken = none < one[1], none < other[1]
    put(c, SLOPE + k * LANES, pick(given, one[0], pick(taken, other[0], same(np.inf))))
    put(c, WIDTH + k * LANES, pick(given, one[1], pick(taken, other[1], none)))


@njit(cache=True, nogil=True, error_model="numpy")
def curve(w: Array, q: Array, c: Array, t: int) -> tuple[Any, Any, Any]:
    """Note the pieces of a step, as `store_pieces.plain_step`.

    Returns the left end [kWh], its cost without the step's length, and where the load is not met.
    """
    none, soft = same(0.0), same(0.5) < get(q, SOFT * LANES)
    sell, buy = get(w, at(t, SELL)), get(w, at(t, BUY))
    export, over = get(w, at(t, EXPORT)), buy + get(q, OVER * LANES)
    first = none - export - get(w, at(t, LOAD))
    sun = first + get(w, at(t, PV))
    unsold = sun + export
    bought = unsold + get(w, at(t, IMPORT))
    low, high = most(none - get(w, at(t, DISCHARGE)), first), get(w, at(t, CHARGE))
    cost = sell * (least(most(low - sun, none), export) - export)
    cost = cost + get(q, WEAR * LANES) * most(low, none - low)
    cost = cost + buy * most(least(low, bought) - unsold, none)
    cost = cost + pick(soft, over * most(low - bought, none), none)
    high = pick(soft, high, least(high, bought))
    ends_at = least(sun, high), least(unsold, high), least(bought, high), pick(soft, high, low)
    begins_at = low, most(sun, low), most(unsold, low), most(bought, low)
    note(c, 0, giving(q, sell, begins_at[1], ends_at[1]), taking(q, none, low, ends_at[0]))
    note(c, 1, giving(q, buy, begins_at[2], ends_at[2]), taking(q, sell, begins_at[1], ends_at[1]))
    note(c, 2, giving(q, over, begins_at[3], ends_at[3]), taking(q, buy, begins_at[2], ends_at[2]))
    never = none, none
    note(c, 3, giving(q, none, low, ends_at[0]), never)
    note(c, 4, taking(q, over, begins_at[3], ends_at[3]), never)
    start = low * pick(low < none, get(q, STEP_OUT * LANES), get(q, STEP_IN * LANES))
    return start, cost, high < low


@njit(cache=True, nogil=True, error_model="numpy")
def ends(slots: Array, head: int, tail: int, c: Array) -> tuple[Any, Any]:
    """Least and greatest slope of all that is there."""
    never = same(np.inf)
    first, last = never, same(-np.inf)
    for j in range(head, tail):
        slope = get(slots, j * LANES)
        first = least(first, pick(same(-np.inf) < slope, slope, never))
        last = most(last, pick(slope < never, slope, same(-np.inf)))
    for k in range(PIECES):
        slope = get(c, SLOPE + k * LANES)
        first = least(first, slope)
        last = most(last, pick(slope < never, slope, same(-np.inf)))
    return first, last


@njit(inline="always", error_model="numpy")
def take(slope: Any, end: Any, slope_before: Any, end_before: Any, x: Any, width: Any, known: Any
         ) -> tuple[Any, Any]:  # fmt: skip
    """A slot after a piece came in: the same, the piece's, the one before, or, known, wider."""
    behind = x <= slope
    new = least(slope, most(slope_before, pick(known, same(np.inf), x)))
    return new, pick(behind, pick(known, end, end_before) + width, end)


@njit(cache=True, nogil=True, error_model="numpy")
def sweep(slots: Array, right_ends: Array, head: int, tail: int, c: Array, first: int,
          start: Any, left: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:  # fmt: skip
    """Take in three pieces from ``first`` and clip to low...high; slots come to stand from 0 on.

    Up to two empty slots on the left of a lane go. Returns the slopes at both cuts, if any, and the
    right end before it was clipped.
    """
    x0, x1, x2 = (get(c, SLOPE + (first + 0) * LANES),
                  get(c, SLOPE + (first + 1) * LANES),
                  get(c, SLOPE + (first + 2) * LANES))  # fmt: skip
    w0, w1, w2 = (get(c, WIDTH + (first + 0) * LANES),
                  get(c, WIDTH + (first + 1) * LANES),
                  get(c, WIDTH + (first + 2) * LANES))  # fmt: skip
    k0, k1, k2 = x0 < x0, x1 < x1, x2 < x2
    for j in range(head, tail):
        slope = get(slots, j * LANES)
        k0, k1 = either(k0, alike(slope, x0)), either(k1, alike(slope, x1))
        k2 = either(k2, alike(slope, x2))
    never, dead = same(np.inf), same(-np.inf)
    slope, slope_1 = get(slots, head * LANES), get(slots, (head + 1) * LANES)
    end, end_1 = get(right_ends, head * LANES), get(right_ends, (head + 1) * LANES)
    one, two = alike(slope, dead), alike(slope_1, dead)
    at_low, at_high, cut = never, never, left
    a, b, d = dead, dead, dead
    a_end, b_end, d_end = left, left, left
    for j in range(tail - head + ROUND):
        slope_2 = get(slots, (head + j + 2) * LANES)
        end_2 = get(right_ends, (head + j + 2) * LANES)
        s = pick(two, slope_2, pick(one, slope_1, slope))
        p = pick(two, end_2, pick(one, end_1, end)) + start
        slope, slope_1, end, end_1 = slope_1, slope_2, end_1, end_2
        s1, p1 = take(s, p, a, a_end, x0, w0, k0)
        a, a_end = s, p
        s2, p2 = take(s1, p1, b, b_end, x1, w1, k1)
        b, b_end = s1, p1
        s3, p3 = take(s2, p2, d, d_end, x2, w2, k2)
        d, d_end = s2, p2
        empty = p3 <= low
        at_low = least(at_low, pick(empty, never, s3))
        at_high = least(at_high, pick(p3 < high, never, s3))
        s3 = pick(high <= cut, never, s3)
        put(slots, j * LANES, pick(empty, dead, s3))
        put(right_ends, j * LANES, least(most(p3, low), high))
        cut = p3
    return at_low, at_high, cut


@njit(inline="always", error_model="numpy")
def bound(slots: Array, right_ends: Array, tail: int, right: Any) -> None:
    """Lay empty slots behind the last one."""
    for j in range(tail, tail + SPARE):
        put(slots, j * LANES, same(np.inf))
        put(right_ends, j * LANES, right)


@njit(cache=True, nogil=True, error_model="numpy")
def shrink(q: Array, slots: Array, right_ends: Array, head: int, tail: int) -> None:
    """Let what is stored lose energy: less of it, and dearer per kWh that is left."""
    keep, per_keep = get(q, KEEP * LANES), get(q, PER_KEEP * LANES)
    for j in range(head, tail):
        put(slots, j * LANES, get(slots, j * LANES) * per_keep)
        put(right_ends, j * LANES, get(right_ends, j * LANES) * keep)


@njit(inline="always", error_model="numpy")
def narrow(slots: Array, head: int, tail: int) -> tuple[int, int]:
    """Leave out slots at both ends that are empty in all lanes."""
    while tail > head and not some(get(slots, (tail - 1) * LANES) < same(np.inf)):
        tail -= 1
    while tail > head and not some(same(-np.inf) < get(slots, head * LANES)):
        head += 1
    return head, tail


@njit(cache=True, nogil=True, error_model="numpy")
def forward_lanes(w: Array, q: Array, steps: int, slots: Array, right_ends: Array, c: Array) -> Any:
    """Fill the slopes at both cuts of every step; return the lanes that cannot be, or may not."""
    none, never = same(0.0), same(np.inf)
    keep = get(q, KEEP * LANES)
    left = right = get(q, INITIAL * LANES)
    head = tail = 0
    broken, loses = none < none, some(keep < same(1.0))
    # The second pass has one piece to spare.
    put(c, SLOPE + PIECES * LANES, never)
    put(c, WIDTH + PIECES * LANES, none)
    for t in range(steps):
        start, _, unmet = curve(w, q, c, t)
        broken = either(broken, either(unmet, get(w, at(t, SELL)) < none))
        low, high = get(w, at(t, LOW)), get(w, at(t, HIGH))
        if loses:
            shrink(q, slots, right_ends, head, tail)
        left, right = left * keep, right * keep
        bound(slots, right_ends, tail, right)
        left, right = left + start, right + start
        for k in range(PIECES):
            right = right + get(c, WIDTH + k * LANES)
        room = same(FITS) * (same(1.0) + most(low, none - low) + most(high, none - high))
        nothing = either(right <= low + room, high <= left)
        edges = none, none
        if some(nothing):
            edges = ends(slots, head, tail, c)
        if some(none < get(c, WIDTH + 3 * LANES) + get(c, WIDTH + 4 * LANES)):
            _, _, right = sweep(
                slots, right_ends, head, tail, c, ROUND, start, left, none - never, never
            )
            head, tail, start = 0, tail - head + ROUND, none
            bound(slots, right_ends, tail, right)
        at_low, at_high, right = sweep(slots, right_ends, head, tail, c, 0, start, left, low, high)
        head, tail = narrow(slots, 0, tail - head + ROUND)
        at_low = pick(right <= low, edges[1], at_low)
        at_high = pick(high <= left, edges[0], at_high)
        at_low = pick(left < low, at_low, none - never)
        at_high = pick(high < right, most(at_high, at_low), never)
        wrong = either(either(high + room < left, right < low - room), high + room < low)
        broken = either(broken, wrong)
        left, right = least(most(left, low), high), least(most(right, low), high)
        put(w, at(t, CUT_LOW), at_low)
        put(w, at(t, CUT_HIGH), at_high)
    return broken
