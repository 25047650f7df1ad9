"""Quarter hour after quarter hour: plan on what is foreseen, do the first step on what comes.

The exact kernel of one store makes each plan. What is kept of a plan is its first step and the
price of stored energy behind it; the step that really comes is then settled at that price, so that
a wrong forecast of the sun does not buy or sell what the plan never meant to.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy.store_kernel import BY_STEP, EARLY, PRICE
from zerocity.energy.store_pieces import (
    BUY,
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
    LOW,
    NUMBERS,
    OUT,
    PEAK,
    PEAK_PRICE,
    PIECES,
    PV,
    SCRATCH,
    SELL,
    STEP_H,
    WEAR,
    Rows,
    load_problem,
)
from zerocity.energy.store_solve import (
    CHARGED,
    DISCHARGED,
    WRITTEN,
    search_peak,
    solve_prices,
    write_plan,
)

Array = npt.NDArray[Any]

SAME_PRICE = 1e-9
"""Prices that differ by less than this share are a tie."""
# What is remembered of a site from step to step.
ENERGY, VALUE, PEAK_SEEN, PEAK_AIM = range(4)
MEMORY = 4
# Rows of what scenarios say: first moves, costs of one move, costs of the best so far.
FIRST_MOVES, COSTS, LEAST_COSTS = range(3)


class Work(NamedTuple):
    """Scratch of one site: its whole truth, one window, and what the exact kernel needs."""

    whole: Array
    window: Array
    numbers: Array
    by_step: Array
    live: Array
    scratch: Array
    plan: Array
    energy: Array
    moves: Array


class Course(NamedTuple):
    """A stretch of K steps of a run, all sites: what is foreseen, what binds, what comes of it.

    load_kw, pv_kw (B, K, M, H): forecasts made at each step; the last of the M is the expected
    one, those before are scenarios. import_kw, export_kw (B, N): limits of the connection.
    demand (B,) [CNY/kW]; new_period (K,) whether a billing period begins. first: step of the run.
    every: steps between plans. follow: settle at the price of stored energy (else hold the plan's
    power). same_kwh (B,): first moves nearer than this are one decision. final_value (B,): worth of
    a kWh left when the run ends [CNY].
    memory (B, 4); store_kw, grid_kw, energy_kwh (B, N) and used (B,): results; the last counts the
    steps at which scenarios changed the decision.
    """

    load_kw: Array
    pv_kw: Array
    import_kw: Array
    export_kw: Array
    demand: Array
    new_period: Array
    first: int
    every: int
    follow: bool
    same_kwh: Array
    final_value: Array
    memory: Array
    store_kw: Array
    grid_kw: Array
    energy_kwh: Array
    used: Array


@njit(cache=True, nogil=True, error_model="numpy")
def new_work(steps: int, horizon: int, scenarios: int) -> Work:
    """Scratch for a run of ``steps`` steps and plans of ``horizon`` steps."""
    return Work(
        np.empty((steps, COLUMNS)), np.empty((horizon, COLUMNS)), np.empty(NUMBERS),
        np.empty((BY_STEP, horizon)), np.empty((LISTS, PIECES * horizon + 2 * PIECES)),
        np.empty(SCRATCH), np.zeros((WRITTEN, horizon)), np.zeros(horizon),
        np.zeros((3, scenarios)),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def set_window(c: Course, b: int, k: int, m: int, w: Work) -> int:
    """Lay forecast ``m`` made at step ``k`` into the window; return its steps."""
    at = c.first + k
    steps = min(c.load_kw.shape[3], w.whole.shape[0] - at)
    for h in range(steps):
        d, load, sun = w.window[h], c.load_kw[b, k, m, h], c.pv_kw[b, k, m, h]
        d[:] = w.whole[at + h]
        d[LOAD], d[PV] = load, sun
        # Limits that cannot bind are made finite, as the exact kernel wants them.
        d[IMPORT] = min(c.import_kw[b, at + h], max(load, 0.0) + d[CHARGE])
        d[EXPORT] = min(c.export_kw[b, at + h], sun + d[DISCHARGE] + max(-load, 0.0))
    w.numbers[INITIAL] = c.memory[b, ENERGY]
    return int(steps)


@njit(cache=True, nogil=True, error_model="numpy")
def solve(w: Work, steps: int) -> tuple[int, float]:
    """Prices of the window; an end that can no longer be reached is let go."""
    d, q = w.window[:steps], w.numbers
    by_step, live = w.by_step[:, :steps], w.live
    broken, bound, _ = solve_prices(d, q, by_step, live, w.scratch)
    if broken >= 0:
        d[-1, LOW], d[-1, HIGH] = d[:, LOW].min(), d[:, HIGH].max()
        broken, bound, _ = solve_prices(d, q, by_step, live, w.scratch)
    return broken, bound


@njit(cache=True, nogil=True, error_model="numpy")
def aim_peak(c: Course, b: int, k: int, w: Work, steps: int) -> None:
    """Choose the peak to keep below, from the day's plan, and remember it."""
    d, q = w.window[:steps], w.numbers
    by_step = w.by_step[:, :steps]
    charge, seen = c.demand[b], c.memory[b, PEAK_SEEN]
    broken, _ = search_peak(d, q, by_step, w.live, w.scratch, charge, seen)
    c.memory[b, PEAK_AIM] = max(seen, q[PEAK]) if broken < 0 else np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def set_price_of_peak(c: Course, b: int, q: Array) -> None:
    """Import above the aim costs what the demand charge would; without one there is no aim."""
    q[PEAK], q[PEAK_PRICE] = np.inf, 0.0
    if c.demand[b] > 0.0:
        q[PEAK] = max(c.memory[b, PEAK_AIM], c.memory[b, PEAK_SEEN])
        q[PEAK_PRICE] = c.demand[b] / q[STEP_H]


@njit(cache=True, nogil=True, error_model="numpy")
def make_plan(c: Course, b: int, k: int, m: int, w: Work) -> tuple[int, int]:
    """Plan on forecast ``m``: steps planned and the step that cannot be met, or -1."""
    steps = set_window(c, b, k, m, w)
    set_price_of_peak(c, b, w.numbers)
    ends = c.first + k + steps == w.whole.shape[0]
    w.numbers[FINAL] = c.final_value[b] if ends else c.memory[b, VALUE]
    broken, _ = solve(w, steps)
    if broken < 0:
        write_plan(
            w.window[:steps], w.numbers, EARLY, w.by_step[:, :steps], w.scratch,
            w.plan[:, :steps], w.energy[:steps],
        )  # fmt: skip
    return steps, broken


@njit(cache=True, nogil=True, error_model="numpy")
def cost_of(c: Course, b: int, k: int, goal: float, w: Work) -> float:
    """Fill each scenario's cost when the first step ends at ``goal`` kWh; return the mean price."""
    price, scenarios = 0.0, c.load_kw.shape[2] - 1
    for m in range(scenarios):
        steps = set_window(c, b, k, m, w)
        w.window[0, LOW] = w.window[0, HIGH] = goal
        broken, bound, _ = solve_prices(
            w.window[:steps], w.numbers, w.by_step[:, :steps], w.live, w.scratch
        )
        w.moves[COSTS, m] = bound if broken < 0 else np.inf
        price += w.by_step[PRICE, 1] if steps > 1 else w.numbers[FINAL]
    return float(w.numbers[KEEP] * price / scenarios)


@njit(cache=True, nogil=True, error_model="numpy")
def gain_of(w: Work) -> float:
    """Mean gain of the last costs on the least so far; 0 where it may be chance.

    The same scenarios stand behind both, so that the differences are compared in pairs; a gain
    within one standard error of nothing is not believed.
    """
    count, total, square = w.moves.shape[1], 0.0, 0.0
    for m in range(count):
        gain = w.moves[LEAST_COSTS, m] - w.moves[COSTS, m]
        total += gain
        square += gain * gain
    mean = total / count
    if not mean > 0.0:
        return 0.0
    variance = max(square / count - mean * mean, 0.0) / max(count - 1, 1)
    return mean if mean > np.sqrt(variance) else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def weigh(c: Course, b: int, k: int, goal: float, price: float, w: Work) -> tuple[float, float]:
    """Choose the first move, as energy at its end [kWh], over all scenarios; and its price.

    Where all scenarios begin alike, or nearly so, or no move is surely better, the expected plan
    stands with its own price: behind the first step each scenario knows all, so its price says too
    little of what waiting costs.
    """
    scenarios, used = c.load_kw.shape[2] - 1, 0
    low = high = goal
    for m in range(scenarios):
        _, broken = make_plan(c, b, k, m, w)
        if broken >= 0:
            continue
        w.moves[FIRST_MOVES, used] = w.energy[0]
        low, high = min(low, w.energy[0]), max(high, w.energy[0])
        used += 1
    if high - low <= c.same_kwh[b]:
        return goal, price
    c.used[b] += 1
    found, worth = goal, price
    cost_of(c, b, k, goal, w)
    w.moves[LEAST_COSTS] = w.moves[COSTS]
    for move in (w.moves[FIRST_MOVES, :used].mean(), 0.5 * (low + high), low, high):
        behind = cost_of(c, b, k, move, w)
        if gain_of(w) > 0.0:
            found, worth = move, behind
            w.moves[LEAST_COSTS] = w.moves[COSTS]
    return found, worth


@njit(cache=True, nogil=True, error_model="numpy")
def best_range(d: Array, q: Array, price: float, spare: float, limit: float) -> tuple[float, float]:
    """Between which powers the step that came is cheapest, stored energy being worth ``price``.

    spare : export that the connection takes [kW]; limit : import that it gives [kW].
    """
    net = d[LOAD] - d[PV]
    sell, buy, wear = max(d[SELL], 0.0), d[BUY], q[WEAR]
    into, out = price * q[INTO] - wear, price / q[OUT] + wear
    tie = SAME_PRICE * max(abs(price), 1e-3)
    over, sold = max(-net - spare, 0.0), min(max(-net, 0.0), spare)
    more = max(limit - max(net, 0.0), 0.0)
    must = may = 0.0
    for worth, width in ((0.0, over), (sell, sold), (buy, more)):
        must += width if worth < into - tie else 0.0
        may += width if worth <= into + tie else 0.0
    give = lend = 0.0
    lack, room = max(net, 0.0), spare - sold
    for worth, width in ((buy, lack), (sell, room)):
        give += width if worth > out + tie else 0.0
        lend += width if worth >= out - tie else 0.0
    return (must if must > 0.0 else -lend), (may if may > 0.0 else -give)


@njit(cache=True, nogil=True, error_model="numpy")
def settle(c: Course, b: int, t: int, power: float, price: float, w: Work) -> float:
    """What the store really does in step ``t`` of the run [kW], within every limit."""
    d, q, now = w.whole[t], w.numbers, c.memory[b, ENERGY] * w.numbers[KEEP]
    limit = c.import_kw[b, t]
    if c.demand[b] > 0.0:
        limit = min(limit, max(c.memory[b, PEAK_AIM], c.memory[b, PEAK_SEEN]))
    if c.follow:
        least, most = best_range(d, q, price, c.export_kw[b, t], limit)
        power = min(max(power, least), max(most, least))
    power = min(power, limit - d[LOAD] + d[PV])
    power = max(power, -d[LOAD] - c.export_kw[b, t])
    into = min(d[CHARGE], max(d[HIGH] - now, 0.0) / (q[STEP_H] * q[INTO]))
    out = min(d[DISCHARGE], max(now - d[LOW], 0.0) * q[OUT] / q[STEP_H])
    if t == w.whole.shape[0] - 1 or d[LOW] > now:
        # A content that is due comes before any price.
        power = max(power, min((d[LOW] - now) / (q[STEP_H] * q[INTO]), d[CHARGE]))
    return float(min(max(power, -out), into))


@njit(cache=True, nogil=True, error_model="numpy")
def note(c: Course, b: int, t: int, power: float, w: Work) -> None:
    """Write what was done and move the content on."""
    d, q = w.whole[t], w.numbers
    net = d[LOAD] + power - d[PV]
    # Sun that cannot be sold, or only at a loss, is curtailed.
    grid = max(net, -c.export_kw[b, t] if d[SELL] > 0.0 else 0.0)
    stored = q[STEP_H] * (power * q[INTO] if power > 0.0 else power / q[OUT])
    c.memory[b, ENERGY] = c.memory[b, ENERGY] * q[KEEP] + stored
    c.memory[b, PEAK_SEEN] = max(c.memory[b, PEAK_SEEN], grid)
    c.store_kw[b, t], c.grid_kw[b, t] = power, grid
    c.energy_kwh[b, t] = c.memory[b, ENERGY]


@njit(cache=True, nogil=True, error_model="numpy")
def roll_range(r: Rows, lo: int, hi: int, c: Course) -> None:
    """Live the course's steps with the sites [lo, hi)."""
    steps, expected = r.load_kw.shape[1], c.load_kw.shape[2] - 1
    horizon = min(c.load_kw.shape[3], steps)
    w = new_work(steps, horizon, max(expected, 1))
    moves, prices = np.zeros(horizon), np.zeros(horizon)
    for b in range(lo, hi):
        load_problem(r, b, w.whole, w.numbers)
        made = 0
        for k in range(c.load_kw.shape[1]):
            if c.new_period[k]:
                c.memory[b, PEAK_SEEN] = c.memory[b, PEAK_AIM] = 0.0
            # A plan shorter than the time between two is made again when it ends.
            if k % c.every == 0 or k - made >= horizon:
                made = k
                plan_step(c, b, k, expected, w, moves, prices)
            power = settle(c, b, c.first + k, moves[k - made], prices[k - made], w)
            note(c, b, c.first + k, power, w)


@njit(cache=True, nogil=True, error_model="numpy")
def plan_step(
    c: Course, b: int, k: int, expected: int, w: Work, moves: Array, prices: Array
) -> None:
    """Plan at step ``k`` and keep the plan's moves [kW] and prices of stored energy."""
    q = w.numbers
    if c.demand[b] > 0.0 and (k == 0 or c.new_period[k]):
        aim_peak(c, b, k, w, set_window(c, b, k, expected, w))
    steps, broken = make_plan(c, b, k, expected, w)
    moves[:], prices[:] = 0.0, 0.0
    if broken >= 0:
        return
    moves[:steps] = w.plan[CHARGED, :steps] - w.plan[DISCHARGED, :steps]
    prices[:steps] = w.by_step[PRICE, :steps]
    # The same hour tomorrow is taken to be worth what this one is.
    value, goal, price = prices[0], w.energy[0], prices[0]
    if expected > 0:
        found, price = weigh(c, b, k, goal, price, w)
        if found != goal:
            gain = found - q[KEEP] * c.memory[b, ENERGY]
            moves[0] = gain / (q[STEP_H] * q[INTO]) if gain > 0.0 else gain * q[OUT] / q[STEP_H]
        prices[0] = price
    c.memory[b, VALUE] = value
