"""A store and flexible charging behind one meter: each planned around the other, then proven.

With the other one fixed each is a single store, which `stores` plans exactly. Taking turns ends
where neither can do better alone; that need not be the optimum, so every pair of plans is put to
the test of duality (`pair_proof`). Where that leaves a gap, the linear program decides
(`dispatch`).
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy.pair_proof import bounds
from zerocity.energy.site_days import (
    FloatArray,
    SiteDays,
    penalties,
    pick,
    store_goal_kwh,
    store_start_kwh,
)
from zerocity.energy.stores import StoreDays, StorePlans, dispatch_lawful

TURNS = 2
PROVEN = 1e-6
"""A pair of plans is kept when the optimum is proven to be at most this share cheaper."""


def servable(days: SiteDays) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bounds of the flexible energy that can be kept without a store's help, and what is lost.

    Energy due that neither the connection nor the plugs can deliver in time is lost, as late as
    can be, and is not caught up. Returns the least and the greatest cumulative energy, (S, T), and
    the lost energy, (S,) [kWh].
    """
    spare = days.import_limit_kw[:, None] + days.pv_kw - days.load_kw
    room = np.clip(spare, 0.0, days.flex_limit_kw) * days.step_h
    low, high = days.flex_min_kwh.copy(), days.flex_max_kwh.copy()
    lost = np.zeros(days.sites)
    _lose(room, low, high, lost)
    return low, high, lost


@njit(cache=True, nogil=True, error_model="numpy")
def _lose(room: FloatArray, low: FloatArray, high: FloatArray, lost: FloatArray) -> None:
    """Lower the bounds, (S, T), to what ``room`` [kWh] delivers; note what that loses, (S,)."""
    for b in range(lost.size):
        level, gone = 0.0, 0.0
        for t in range(room.shape[1]):
            level = min(level + room[b, t], high[b, t])
            missing = max(low[b, t] - level, 0.0)
            # A hair of a difference is rounding, not missing energy.
            if missing <= 1e-9 * (1.0 + level):
                missing = 0.0
            gone += missing
            level += missing
            low[b, t] = min(max(low[b, t] - gone, 0.0), level - gone)
            high[b, t] = max(high[b, t] - gone, low[b, t])
        lost[b] = gone


def store_problem(days: SiteDays, flex_kw: FloatArray) -> StoreDays:
    """The stationary store of each site, charging fixed."""
    low = np.zeros_like(days.load_kw)
    low[:, -1] = store_goal_kwh(days)
    return StoreDays(
        charge_limit_kw=_wide(days, days.store_charge_kw),
        discharge_limit_kw=_wide(days, days.store_discharge_kw),
        low_kwh=low,
        high_kwh=_wide(days, days.store_kwh),
        initial_kwh=store_start_kwh(days),
        charge_efficiency=days.store_charge_efficiency,
        discharge_efficiency=days.store_discharge_efficiency,
        wear_cny_per_kwh=days.wear_cny_per_kwh / 2.0,
        **_meter(days, flex_kw),
    )


def flex_problem(
    days: SiteDays, low_kwh: FloatArray, high_kwh: FloatArray, store_kw: FloatArray
) -> StoreDays:
    """The flexible charging of each site as a store without losses, the real store fixed."""
    one, zero = np.ones(days.sites), np.zeros(days.sites)
    return StoreDays(
        charge_limit_kw=days.flex_limit_kw,
        discharge_limit_kw=np.zeros_like(days.load_kw),
        low_kwh=low_kwh,
        high_kwh=high_kwh,
        initial_kwh=zero,
        charge_efficiency=one,
        discharge_efficiency=one,
        wear_cny_per_kwh=zero,
        **_meter(days, store_kw),
    )


def _wide(days: SiteDays, values: FloatArray) -> FloatArray:
    return np.repeat(values[:, None], days.steps, axis=1)


def _meter(days: SiteDays, other_kw: FloatArray) -> dict[str, Any]:
    """What both see: the meter, with the other one's power as load."""
    zero = np.zeros(days.sites)
    return {
        "step_h": days.step_h,
        "load_kw": days.load_kw + other_kw,
        "pv_kw": days.pv_kw,
        "buy_cny_per_kwh": days.buy_cny_per_kwh,
        "sell_cny_per_kwh": days.sell_cny_per_kwh,
        "import_limit_kw": _wide(days, days.import_limit_kw),
        "export_limit_kw": _wide(days, days.export_limit_kw),
        "self_discharge": zero,
        "final_value_cny_per_kwh": zero,
        "overload_cny_per_kwh": penalties(days)[1][:, 0],
    }


def plan_pairs(days: SiteDays) -> tuple[StorePlans, StorePlans, FloatArray, FloatArray]:
    """Plan charging and store in turns, as evenly as equal costs allow.

    Sites whose plans are proven after a turn take no other one, nor do those that lose energy.

    Returns the plans of the store (their meter is the site's: the charging is in their load) and of
    the charging, the lost energy (S,) [kWh], and how much cheaper the optimum may be at most, (S,)
    [CNY].
    """
    low, high, lost = servable(days)
    store, flex, gap_cny = _turn(days, low, high, np.zeros_like(days.load_kw))
    for _ in range(1, TURNS):
        again = np.flatnonzero((lost == 0.0) & ~proven(store, gap_cny))
        if not again.size:
            break
        store_kw = (store.charge_kw - store.discharge_kw)[again]
        better = _turn(pick(days, again), low[again], high[again], store_kw)
        for plans, part in ((store, better[0]), (flex, better[1])):
            for f in fields(StorePlans):
                getattr(plans, f.name)[again] = getattr(part, f.name)
        gap_cny[again] = better[2]
    return store, flex, lost, gap_cny


def proven(store: StorePlans, gap_cny: FloatArray) -> npt.NDArray[np.bool_]:
    """Whose plans are proven as near the optimum as is asked, (S,)."""
    return np.asarray(gap_cny <= PROVEN * (1.0 + np.abs(store.objective_cny)))


def _turn(
    days: SiteDays, low: FloatArray, high: FloatArray, store_kw: FloatArray
) -> tuple[StorePlans, StorePlans, FloatArray]:
    """Plan charging beside ``store_kw`` and then the store; both plans and their gap [CNY]."""
    demand, so_far = days.demand_charge_cny_per_kw, days.peak_so_far_kw
    charging = flex_problem(days, low, high, store_kw)
    flex = dispatch_lawful(charging, demand, so_far, "level")
    problem = store_problem(days, flex.charge_kw)
    store = dispatch_lawful(problem, demand, so_far, "level")
    bound = bound_cny(days, (problem, store), (charging, flex))
    return store, flex, store.objective_cny - bound


Pair = tuple[StoreDays, StorePlans]


def bound_cny(days: SiteDays, store: Pair, charging: Pair) -> FloatArray:
    """A lower bound of the cost of any pair of plans, at prices that fit these, (S,) [CNY]."""
    plan = store[1]
    given = (days.load_kw, days.pv_kw, days.buy_cny_per_kwh, days.sell_cny_per_kwh)
    planned = (plan.import_kw, plan.export_kw, plan.pv_used_kw, plan.overload_kw)
    numbers = (days.import_limit_kw, days.export_limit_kw, days.demand_charge_cny_per_kw,
               days.peak_so_far_kw, penalties(days)[1][:, 0])  # fmt: skip
    wide = [
        (p.charge_kw, p.discharge_kw, p.energy_kwh, d.charge_limit_kw, d.discharge_limit_kw,
         d.low_kwh, d.high_kwh)
        for d, p in (store, charging)
    ]  # fmt: skip
    own = [
        (d.charge_efficiency, d.discharge_efficiency, d.wear_cny_per_kwh, d.initial_kwh)
        for d, _ in (store, charging)
    ]
    found = np.empty(days.sites)
    bounds(
        np.stack((*planned, *given), axis=1), np.stack(numbers, axis=1),
        np.stack([np.stack(rows, axis=1) for rows in wide], axis=1),
        np.stack([np.stack(rows, axis=1) for rows in own], axis=1), days.step_h, found,
    )  # fmt: skip
    return found
