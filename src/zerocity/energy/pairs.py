"""A store and flexible charging behind one meter: each planned around the other, then proven.

With the other one fixed each is a single store, which `stores` plans exactly. Taking turns ends
where neither can do better alone; that need not be the optimum, so every pair of plans is put to
the test of duality: at one price of the bus per step, store, charging and connection each find
their own best. The sum is a lower bound of any plan's cost. Where it does not meet the plan, the
linear program decides (`dispatch`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.energy.site_days import (
    FloatArray,
    SiteDays,
    penalties,
    store_goal_kwh,
    store_start_kwh,
)
from zerocity.energy.stores import StoreDays, StorePlans, dispatch_stores, dispatch_with_demand

TURNS = 2
AT = 1e-9
"""Powers within this share of a limit are at it."""


def servable(days: SiteDays) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bounds of the flexible energy that can be kept without a store's help, and what is lost.

    Energy due that neither the connection nor the plugs can deliver in time is lost, as late as
    can be, and is not caught up. Returns the least and the greatest cumulative energy, (S, T), and
    the lost energy, (S,) [kWh].
    """
    spare = days.import_limit_kw[:, None] + days.pv_kw - days.load_kw
    room = np.clip(spare, 0.0, days.flex_limit_kw) * days.step_h
    low, high = days.flex_min_kwh.copy(), days.flex_max_kwh.copy()
    level, lost = np.zeros(days.sites), np.zeros(days.sites)
    for t in range(days.steps):
        level = np.minimum(level + room[:, t], days.flex_max_kwh[:, t])
        missing = np.maximum(days.flex_min_kwh[:, t] - level, 0.0)
        # A hair of a difference is rounding, not missing energy.
        missing[missing <= 1e-9 * (1.0 + level)] = 0.0
        lost += missing
        level = level + missing
        low[:, t] = np.minimum(np.maximum(low[:, t] - lost, 0.0), level - lost)
        high[:, t] = np.maximum(high[:, t] - lost, low[:, t])
    return low, high, lost


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

    Returns the plans of the store (their meter is the site's: the charging is in their load) and of
    the charging, the lost energy (S,) [kWh], and how much cheaper the optimum may be at most, (S,)
    [CNY].
    """
    low, high, lost = servable(days)
    demand, so_far = days.demand_charge_cny_per_kw, days.peak_so_far_kw
    store_kw = np.zeros_like(days.load_kw)
    for _ in range(TURNS):
        charging = flex_problem(days, low, high, store_kw)
        flex = dispatch_with_demand(charging, demand, so_far, "level")
        problem = store_problem(days, flex.charge_kw)
        store = dispatch_with_demand(problem, demand, so_far, "level")
        store_kw = store.charge_kw - store.discharge_kw
    meter = _Meter.of(days, store)
    first = meter.bound_cny((problem, store), (charging, flex))
    second = meter.bound_cny((charging, flex), (problem, store))
    return store, flex, lost, store.objective_cny - np.maximum(first, second)


Pair = tuple[StoreDays, StorePlans]


@dataclass(frozen=True)
class _Meter:
    """A planned connection, and the bus prices at which it would act so, (S, T) [CNY/kWh]."""

    days: SiteDays
    below: FloatArray
    above: FloatArray
    at_peak: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, days: SiteDays, plan: StorePlans) -> _Meter:
        """Between the price of the dearest source in use and that of the cheapest to spare."""
        buy, sell = days.buy_cny_per_kwh, days.sell_cny_per_kwh
        limit, export = days.import_limit_kw[:, None], days.export_limit_kw[:, None]
        charge = days.demand_charge_cny_per_kw[:, None]
        peak = np.maximum(plan.import_kw.max(axis=1), days.peak_so_far_kw)[:, None]
        at_peak = (plan.import_kw >= peak * (1.0 - AT)) & (charge > 0.0)
        extra = np.where(at_peak, charge / days.step_h, 0.0)
        small, over = AT * (1.0 + limit), buy + penalties(days)[1]
        below = np.where(plan.pv_used_kw > small, 0.0, -np.inf)
        below = np.maximum(below, np.where(plan.export_kw < export - small, sell, -np.inf))
        below = np.maximum(below, np.where(plan.import_kw > small, buy, -np.inf))
        below = np.maximum(below, np.where(plan.overload_kw > small, over, -np.inf))
        above = np.where(plan.import_kw < limit - small, buy + extra, over + extra)
        spare = plan.pv_used_kw < days.pv_kw - small
        above = np.where(spare, np.minimum(above, 0.0), above)
        above = np.where(plan.export_kw > small, np.minimum(above, sell), above)
        return cls(days, below, np.maximum(above, below), at_peak)

    def bound_cny(self, first: Pair, second: Pair) -> FloatArray:
        """A lower bound of the cost of any pair of plans, (S,) [CNY].

        The prices are those of the ``first`` where the connection leaves a choice, else of the
        ``second``.
        """
        days, h = self.days, self.days.step_h
        price = _fit_price(*first, self.below, self.above)
        least, most = _range(*first, price)
        least = np.clip(least, self.below, self.above)
        most = np.maximum(np.clip(most, self.below, self.above), least)
        price = _fit_price(*second, least, most)
        low, high = _range(*second, price)
        bus = np.where(low > most, most, np.where(high < least, least, np.maximum(least, low)))
        bus, extra = self._peak_share(np.where(np.isfinite(bus), bus, np.minimum(most, high)))
        dear = days.buy_cny_per_kwh + extra / h
        grid = bus * days.load_kw - np.maximum(bus, 0.0) * days.pv_kw
        grid += np.minimum(dear - bus, 0.0) * days.import_limit_kw[:, None]
        grid += np.minimum(bus - days.sell_cny_per_kwh, 0.0) * days.export_limit_kw[:, None]
        alone = sum(dispatch_stores(_at_price(p, bus)).bound_cny for p in (first[0], second[0]))
        return np.asarray(h * grid.sum(axis=1) + alone - days.peak_so_far_kw * extra.sum(axis=1))

    def _peak_share(self, bus: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The lawful price nearest to ``bus``, and what the peak adds to it in a step [CNY/kW].

        Over the day the peak may add no more than the demand charge.
        """
        days = self.days
        charge = days.demand_charge_cny_per_kw[:, None]
        above = np.maximum(bus - days.buy_cny_per_kwh, 0.0)
        extra = np.where(self.at_peak, above, 0.0) * days.step_h
        total = extra.sum(axis=1, keepdims=True)
        extra *= np.divide(charge, total, out=np.ones_like(total), where=total > charge)
        dearest = days.buy_cny_per_kwh + extra / days.step_h + penalties(days)[1]
        return np.minimum(bus, dearest), extra


def _at_price(problem: StoreDays, bus: FloatArray) -> StoreDays:
    zero = np.zeros_like(bus)
    return replace(
        problem, load_kw=zero, pv_kw=zero, buy_cny_per_kwh=bus, sell_cny_per_kwh=bus,
        import_limit_kw=problem.charge_limit_kw, export_limit_kw=problem.discharge_limit_kw,
        overload_cny_per_kwh=np.full(bus.shape[0], np.inf),
    )  # fmt: skip


def _turns(problem: StoreDays, plan: StorePlans) -> tuple[npt.NDArray[np.bool_], ...]:
    """Where the plan could charge more, charge less, discharge more, discharge less."""
    limit_in, limit_out = problem.charge_limit_kw, problem.discharge_limit_kw
    return (
        plan.charge_kw < limit_in * (1.0 - AT),
        plan.charge_kw > AT * (1.0 + limit_in),
        plan.discharge_kw < limit_out * (1.0 - AT),
        plan.discharge_kw > AT * (1.0 + limit_out),
    )


def _range(
    problem: StoreDays, plan: StorePlans, price: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Bus prices at which the store would act as planned if a stored kWh were worth ``price``."""
    wear = problem.wear_cny_per_kwh[:, None]
    into = price * problem.charge_efficiency[:, None] - wear
    out = price / problem.discharge_efficiency[:, None] + wear
    more_in, less_in, more_out, less_out = _turns(problem, plan)
    least = np.maximum(np.where(more_in, into, -np.inf), np.where(less_out, out, -np.inf))
    most = np.minimum(np.where(more_out, out, np.inf), np.where(less_in, into, np.inf))
    return least, np.maximum(least, most)


def _fit_price(
    problem: StoreDays, plan: StorePlans, least: FloatArray, most: FloatArray
) -> FloatArray:
    """Worth of a stored kWh at which the store acts as planned at a bus price in between."""
    wear, efficiency = problem.wear_cny_per_kwh[:, None], problem.charge_efficiency[:, None]
    out = problem.discharge_efficiency[:, None]
    more_in, less_in, more_out, less_out = _turns(problem, plan)
    wanted = np.where(less_in, (least + wear) / efficiency, -np.inf)
    wanted = np.maximum(wanted, np.where(more_out, (least - wear) * out, -np.inf))
    allowed = np.where(more_in, (most + wear) / efficiency, np.inf)
    allowed = np.minimum(allowed, np.where(less_out, (most - wear) * out, np.inf))
    price = np.empty_like(wanted)
    _fit(wanted, allowed, plan.energy_kwh, problem.low_kwh, problem.high_kwh, price)
    return price


@njit(cache=True, nogil=True, error_model="numpy")
def _fit(
    wanted: FloatArray, allowed: FloatArray, level: FloatArray, low: FloatArray, high: FloatArray,
    price: FloatArray,
) -> None:  # fmt: skip
    """Choose a worth of stored energy between ``wanted`` and ``allowed`` at every step.

    It may fall only where the store is at its least, and rise only where it is at its greatest.
    Backwards, the range that leaves a way to the end (worth nothing); forwards, a way in it.
    """
    sites, steps = price.shape
    floor, ceiling = np.empty(steps), np.empty(steps)
    for b in range(sites):
        lo = hi = 0.0
        for t in range(steps - 1, -1, -1):
            small = 1e-9 * (1.0 + high[b, t])
            hi = np.inf if level[b, t] <= low[b, t] + small else hi
            lo = -np.inf if level[b, t] >= high[b, t] - small else lo
            lo, hi = max(lo, wanted[b, t]), min(hi, allowed[b, t])
            if lo > hi:
                lo = hi = min(max(lo, wanted[b, t]), allowed[b, t])
            floor[t], ceiling[t] = lo, hi
        worth = 0.0
        for t in range(steps):
            worth = min(max(worth, floor[t]), ceiling[t])
            price[b, t] = worth
