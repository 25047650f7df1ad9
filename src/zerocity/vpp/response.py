"""The sites' answer to prices by the exact store kernel: fast enough for thousands of prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zerocity.energy.dispatch import running_cost_cny
from zerocity.energy.pairs import flex_problem, servable, store_problem
from zerocity.energy.site_days import SiteDays, SitePlans, check, pick
from zerocity.energy.stores import StoreDays, StorePlans, dispatch_stores
from zerocity.measures.arrays import F64, Bools

ROUNDS = 2
"""Times that a site's two stores, battery and charging, are planned in turn."""


def answer(days: SiteDays, rounds: int = ROUNDS, threads: int = 1) -> SitePlans:
    """Plan every site at least cost, battery and flexible charging each by the exact kernel.

    A site with one of the two is planned exactly. A site with both is planned in turns, each turn
    exact while the other is held; costs never rise from turn to turn, but the last bit of what the
    two can do together may be missed. No demand charge is seen: hold the peak by the import limit
    (`zerocity.vpp.members.peaks_held`). Import above its limit is a last resort.

    Parameters
    ----------
    days : the day; flexible energy that its limit cannot reach in time is left out.
    """
    check(days)
    has_store = (days.store_kwh > 0.0) & (days.store_charge_kw + days.store_discharge_kw > 0.0)
    has_flex = days.flex_max_kwh[:, -1] > 0.0
    charge, discharge = np.zeros(days.load_kw.shape), np.zeros(days.load_kw.shape)
    flex = np.zeros(days.load_kw.shape)
    both = has_store & has_flex
    for turn in range(max(1, rounds)):
        _solve(days, has_flex if turn == 0 else both, charge - discharge, threads, flex=flex)
        chosen = has_store if turn == 0 else both
        _solve(days, chosen, flex, threads, charge=charge, discharge=discharge)
    return whole_plans(days, charge, discharge, flex)


def _solve(days: SiteDays, chosen: Bools, other_kw: F64, threads: int, **into: F64) -> None:
    """Plan one of the two stores of the chosen sites, the other's power held, into arrays."""
    at = np.flatnonzero(chosen)
    if at.size == 0:
        return
    some = pick(days, at)
    some = replace(some, load_kw=some.load_kw + other_kw[at])
    found = dispatch_stores(charging(some) if "flex" in into else battery(some), "level", threads)
    if "flex" in into:
        into["flex"][at] = np.where(found.feasible[:, None], found.charge_kw, 0.0)
    else:
        into["charge"][at], into["discharge"][at] = _kept(found)


def _kept(found: StorePlans) -> tuple[F64, F64]:
    fine = found.feasible[:, None]
    return np.where(fine, found.charge_kw, 0.0), np.where(fine, found.discharge_kw, 0.0)


def battery(days: SiteDays) -> StoreDays:
    """Each site's stationary store as the kernel's problem; charging is not in it."""
    return store_problem(days, np.zeros_like(days.load_kw))


def charging(days: SiteDays) -> StoreDays:
    """Each site's flexible charging as the kernel's problem, without what cannot be served."""
    low, high, _ = servable(days)
    return flex_problem(days, low, high, np.zeros_like(days.load_kw))


def whole_plans(days: SiteDays, charge: F64, discharge: F64, flex: F64) -> SitePlans:
    """Plans of given battery and charging powers, (sites, T) [kW]: first the sun, then the grid."""
    demand = days.load_kw + flex + charge - discharge
    room = np.maximum(demand, 0.0)
    worth = days.sell_cny_per_kwh > 0.0
    out = np.where(
        worth, np.maximum(days.export_limit_kw[:, None] + np.minimum(demand, 0.0), 0.0), 0.0
    )
    free = np.where(days.buy_cny_per_kwh > 0.0, days.pv_kw, 0.0)
    used = np.minimum(np.where(worth, days.pv_kw, free), room + out)
    net = demand - used
    imported, exported = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    stored = charge * days.store_charge_efficiency[:, None]
    taken = discharge / days.store_discharge_efficiency[:, None]
    start = np.clip(days.store_initial_kwh, 0.0, days.store_kwh)[:, None]
    content = start + days.step_h * np.cumsum(stored - taken, axis=1)
    excess = imported - days.import_limit_kw[:, None]
    missing = days.flex_min_kwh[:, -1] - flex.sum(axis=1) * days.step_h
    plans = SitePlans(
        import_kw=imported,
        export_kw=exported,
        pv_used_kw=used,
        charge_kw=charge,
        discharge_kw=discharge,
        store_kwh=np.clip(content, 0.0, days.store_kwh[:, None]),
        flex_kw=flex,
        objective_cny=np.zeros(days.sites),
        overload_kw=np.where(excess > 1e-6, excess, 0.0),
        shortfall_kwh=np.where(missing > 1e-6, missing, 0.0),
    )
    plans.objective_cny[:] = running_cost_cny(days, plans)
    return plans
