"""How near a store's and a charging's plans behind one meter are to the cheapest pair, proven.

At one price of the bus in each step, store, charging and connection each find their own best; the
sum is the Lagrangian dual, a lower bound of any pair's cost whatever the prices. The bound meets
the cost where the prices fit the plans (complementary slackness). What that asks of bus and of
stored energy are inequalities ``x >= c * y + d`` with ``c > 0``: their least solution, if any, is
found by raising prices until all hold, and so is the greatest; between the two lie solutions too
(Hochbaum and Naor 1994, doi:10.1137/S0097539793251876).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]

AT = 1e-9
"""Powers within this share of a limit are at it; so is energy at its bound."""
ROUNDS = 60
"""Most rounds of raising prices; they settle after a few where they settle at all."""
# What a plan leaves open in a step, bit by bit; each bit's mirror image is its neighbour.
MORE_IN, LESS_IN, MORE_OUT, LESS_OUT, LOW, HIGH = 1, 2, 4, 8, 16, 32
ODD, EVEN = MORE_IN | MORE_OUT | LOW, LESS_IN | LESS_OUT | HIGH
# Numbers of a store: efficiency in and out, wear [CNY/kWh], content at the start [kWh].
INTO, OUT, WEAR, START = range(4)
# Rows of what a store plans and may do, (ROWS, T).
CHARGED, DISCHARGED, ENERGY, MOST_IN, MOST_OUT, LEAST, MOST = range(7)
# Rows of the meter: planned, then given.
IMPORTED, EXPORTED, SUN_USED, OVERLOADED, LOAD, SUN, BUY, SELL = range(8)
# Numbers of the meter.
IMPORT, EXPORT, CHARGE, FLOOR, OVER = range(5)


@njit(cache=True, nogil=True, error_model="numpy")
def open_ways(store: Array, flags: Array) -> None:
    """Note what a plan leaves open in each step."""
    for t in range(flags.size):
        most_in, most_out = store[MOST_IN, t], store[MOST_OUT, t]
        energy, small = store[ENERGY, t], AT * (1.0 + store[MOST, t])
        found = MORE_IN if store[CHARGED, t] < most_in * (1.0 - AT) else 0
        found |= LESS_IN if store[CHARGED, t] > AT * (1.0 + most_in) else 0
        found |= MORE_OUT if store[DISCHARGED, t] < most_out * (1.0 - AT) else 0
        found |= LESS_OUT if store[DISCHARGED, t] > AT * (1.0 + most_out) else 0
        found |= LOW if energy <= store[LEAST, t] + small else 0
        found |= HIGH if energy >= store[MOST, t] - small else 0
        flags[t] = found


@njit(cache=True, nogil=True, error_model="numpy")
def meter_range(m: Array, n: Array, step_h: float, below: Array, above: Array, peak: Array) -> bool:
    """Bus prices at which the connection would act as planned; whether the peak has risen.

    Between the price of the dearest source in use and that of the cheapest to spare. ``peak`` says
    which steps share in the price of the peak.
    """
    highest = 0.0
    for t in range(below.size):
        highest = max(highest, m[IMPORTED, t])
    top, small = max(highest, n[FLOOR]), AT * (1.0 + n[IMPORT])
    for t in range(below.size):
        buy, over = m[BUY, t], m[BUY, t] + n[OVER]
        peak[t] = n[CHARGE] > 0.0 and m[IMPORTED, t] >= top * (1.0 - AT)
        extra = n[CHARGE] / step_h if peak[t] else 0.0
        low = 0.0 if m[SUN_USED, t] > small else -np.inf
        low = max(low, m[SELL, t]) if m[EXPORTED, t] < n[EXPORT] - small else low
        low = max(low, buy) if m[IMPORTED, t] > small else low
        low = max(low, over) if m[OVERLOADED, t] > small else low
        high = (buy if m[IMPORTED, t] < n[IMPORT] - small else over) + extra
        high = min(high, 0.0) if m[SUN_USED, t] < m[SUN, t] - small else high
        high = min(high, m[SELL, t]) if m[EXPORTED, t] > small else high
        below[t], above[t] = low, max(low, high)
    return bool(highest > n[FLOOR] * (1.0 + AT) + AT)


@njit(cache=True, nogil=True, error_model="numpy")
def raise_worth(flags: Array, q: Array, wear: float, bus: Array, worth: Array) -> None:
    """Raise the worth of stored energy to what the bus price and its own path ask at least.

    It may fall only where the store is at its least, and rise only where it is at its greatest;
    what is left at the end is worth nothing.
    """
    before = -np.inf
    for t in range(bus.size):
        open_, least = flags[t], max(worth[t], before)
        if open_ & LESS_IN:
            least = max(least, (bus[t] + wear) / q[INTO])
        if open_ & MORE_OUT:
            least = max(least, (bus[t] - wear) * q[OUT])
        worth[t] = least
        before = -np.inf if open_ & LOW else least
    following = 0.0
    for t in range(bus.size - 1, -1, -1):
        if not flags[t] & HIGH:
            worth[t] = max(worth[t], following)
        following = worth[t]


@njit(cache=True, nogil=True, error_model="numpy")
def raise_prices(flags: Array, q: Array, sign: float, bus: Array, worth: Array, most: Array
                 ) -> None:  # fmt: skip
    """Raise bus prices (T,) and the stores' worth (2, T) until they fit, or pass ``most``."""
    for _ in range(ROUNDS):
        risen, past = False, False
        for k in range(2):
            wear = sign * q[k, WEAR]
            raise_worth(flags[k], q[k], wear, bus, worth[k])
            for t in range(bus.size):
                open_, least = flags[k, t], bus[t]
                if open_ & MORE_IN:
                    least = max(least, worth[k, t] * q[k, INTO] - wear)
                if open_ & LESS_OUT:
                    least = max(least, worth[k, t] / q[k, OUT] + wear)
                close = 1e-13 * (1.0 + abs(least))
                risen |= least > bus[t] + close
                past |= least > most[t] + 1e3 * close
                bus[t] = least
        if past or not risen:
            return


@njit(cache=True, nogil=True, error_model="numpy")
def peak_price(bus: Array, m: Array, peak: Array, step_h: float) -> float:
    """What the steps at the peak pay for it in sum [CNY/kW]."""
    total = 0.0
    for t in range(bus.size):
        total += max(bus[t] - m[BUY, t], 0.0) * step_h if peak[t] else 0.0
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def store_bound(s: Array, q: Array, bus: Array, worth: Array, step_h: float) -> float:
    """The store's own best at these prices [CNY]."""
    total, following = 0.0, 0.0
    for t in range(bus.size - 1, -1, -1):
        pull = worth[t] - following
        total += pull * (s[LEAST, t] if pull > 0.0 else s[MOST, t])
        into = bus[t] + q[WEAR] - worth[t] * q[INTO]
        out = worth[t] / q[OUT] + q[WEAR] - bus[t]
        total += step_h * (min(into, 0.0) * s[MOST_IN, t] + min(out, 0.0) * s[MOST_OUT, t])
        following = worth[t]
    return float(total - following * q[START])


@njit(cache=True, nogil=True, error_model="numpy")
def grid_bound(m: Array, n: Array, bus: Array, peak: Array, step_h: float) -> float:
    """The connection's own best at these prices [CNY], which are made lawful.

    No bus price is above what overload costs, and over the day the peak adds no more than its
    charge.
    """
    paid = peak_price(bus, m, peak, step_h)
    share, total = (n[CHARGE] / paid if paid > n[CHARGE] else 1.0), 0.0
    for t in range(bus.size):
        dear = m[BUY, t]
        if peak[t]:
            extra = share * max(bus[t] - dear, 0.0)
            dear += extra
            total -= extra * n[FLOOR]
        bus[t] = min(bus[t], dear + n[OVER])
        total += bus[t] * m[LOAD, t] - max(bus[t], 0.0) * m[SUN, t]
        total += min(dear - bus[t], 0.0) * n[IMPORT]
        total += min(bus[t] - m[SELL, t], 0.0) * n[EXPORT]
    return step_h * total


@njit(cache=True, nogil=True, error_model="numpy")
def bound_one(m: Array, n: Array, s: Array, q: Array, step_h: float) -> float:
    """A lower bound of any pair of plans' cost [CNY].

    m, n : the meter's rows and numbers. s, q : those of the two stores, (2, ROWS, T) and (2, 4).
    """
    steps = m.shape[1]
    below, above, peak = np.empty(steps), np.empty(steps), np.empty(steps, np.bool_)
    flags = np.empty((2, steps), np.uint8)
    risen = meter_range(m, n, step_h, below, above, peak)
    for k in range(2):
        open_ways(s[k], flags[k])
    # Where nothing holds a price from below it need not be lower than any that is seen.
    scale = 1.0 + 2.0 * np.abs(m[BUY]).max() + 2.0 * np.abs(m[SELL]).max() + 2.0 * q[:, WEAR].max()
    bus, worth = np.maximum(below, -scale), np.full((2, steps), -scale)
    raise_prices(flags, q, 1.0, bus, worth, above)
    paid = peak_price(bus, m, peak, step_h)
    if risen and paid < n[CHARGE]:
        # A risen peak has its whole price; the greatest prices are the mirror image of the least.
        mirror = (flags & ODD) << 1 | (flags & EVEN) >> 1
        high, top = -above, np.full((2, steps), -2.0 * scale - 2.0 * above.max())
        raise_prices(mirror, q, -1.0, high, top, -bus)
        more = peak_price(-high, m, peak, step_h)
        if more > paid:
            part = min((n[CHARGE] - paid) / (more - paid), 1.0)
            bus -= part * (bus + high)
            worth -= part * (worth + top)
    total = grid_bound(m, n, bus, peak, step_h)
    for k in range(2):
        total += store_bound(s[k], q[k], bus, worth[k], step_h)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def bounds(meter: Array, numbers: Array, stores: Array, own: Array, step_h: float, found: Array
           ) -> None:  # fmt: skip
    """`bound_one` of each site: (S, 8, T), (S, 5), (S, 2, 7, T), (S, 2, 4) into (S,)."""
    for b in range(found.size):
        found[b] = bound_one(meter[b], numbers[b], stores[b], own[b], step_h)
