"""Day plans of sites: the cheapest use of grid, sun, store and flexible charging."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zerocity.energy import dispatch_lp as lp
from zerocity.energy.pairs import flex_problem, plan_pairs, proven, servable, store_problem
from zerocity.energy.site_days import (
    FloatArray,
    SiteDays,
    SitePlans,
    check,
    idle,
    join,
    penalties,
    pick,
    split,
    store_start_kwh,
)
from zerocity.energy.stores import StorePlans, dispatch_lawful
from zerocity.errors import ZerocityError

__all__ = [
    "SHARD_SITES",
    "SiteDays",
    "SitePlans",
    "join",
    "plan_shard",
    "plan_sites",
    "practice",
    "split",
]

SHARD_SITES = 64
"""Sites planned in one go; linear programs start one from the other's basis. A fixed number, so
that plans do not depend on how many processes share the work."""


class Mapper(Protocol):
    """What ``map`` does, or ``ProcessPoolExecutor.map``: apply in order."""

    def __call__(
        self, function: Callable[[SiteDays], SitePlans], items: Iterable[SiteDays], /
    ) -> Iterable[SitePlans]: ...


def plan_sites(days: SiteDays, map: Mapper = map) -> SitePlans:  # noqa: A002
    """Plan every site's day at least cost.

    Parameters
    ----------
    days : the day, see `SiteDays`.
    map : applies a function to shards in order; give a pool's ``map`` to use several processes.
        The plans are bit for bit the same whatever it is.

    No lawful day is impossible. Flexible energy that cannot be served by its deadline within
    the connection and its own limit is lost (``shortfall_kwh``), not caught up. Import exceeds its
    limit (``overload_kw``) only for the site's own load or a store's required final content. Among
    equal costs charging without a store beside it is early; where there is a store, both move as
    evenly as can be. At negative prices a store may charge and discharge at once, which is what a
    linear program makes of being paid to burn energy.

    Sites with a store or with flexible charging are planned exactly (`stores`). Sites with both are
    planned in turns and kept when that is proven optimal (`pairs`); HiGHS decides the others.

    Raises InputError naming array, site and step when a value is missing or unlawful.
    """
    check(days)
    return join(map(plan_shard, split(days, SHARD_SITES)))


def practice() -> SiteDays:
    """A tiny day with everything in it: planning it compiles what any day needs."""
    two, one = np.ones((1, 2)), np.ones(1)
    return SiteDays(
        step_h=1.0,
        load_kw=two,
        pv_kw=two,
        buy_cny_per_kwh=two,
        sell_cny_per_kwh=0.5 * two,
        import_limit_kw=9.0 * one,
        export_limit_kw=one,
        store_kwh=one,
        store_charge_kw=one,
        store_discharge_kw=one,
        store_charge_efficiency=0.9 * one,
        store_discharge_efficiency=0.9 * one,
        store_initial_kwh=0.0 * one,
        store_final_kwh=0.0 * one,
        wear_cny_per_kwh=0.1 * one,
        flex_min_kwh=0.0 * two,
        flex_max_kwh=two,
        flex_limit_kw=two,
        demand_charge_cny_per_kw=one,
        peak_so_far_kw=0.0 * one,
    )


def plan_shard(days: SiteDays) -> SitePlans:
    """Plan a block of sites that already passed `check`. Pure: equal input, equal bits."""
    store = (days.store_kwh > 0.0) & (days.store_charge_kw + days.store_discharge_kw > 0.0)
    flexible = days.flex_max_kwh[:, -1] > 0.0
    plans, unproven = idle(days), np.zeros(days.sites, np.bool_)
    _fill(plans, np.flatnonzero(~store), days, _plan_flexible)
    _fill(plans, np.flatnonzero(store & ~flexible), days, _plan_store)
    both = np.flatnonzero(store & flexible)
    if both.size:
        unproven[both] = _fill_pairs(plans, both, days)
    round_trip = days.store_charge_efficiency * days.store_discharge_efficiency
    for value in np.unique(round_trip[unproven]):
        _fill(plans, np.flatnonzero(unproven & (round_trip == value)), days, _plan_whole)
    plans.objective_cny[:] = plan_cost_cny(days, plans)
    return plans


def plan_cost_cny(days: SiteDays, plans: SitePlans) -> FloatArray:
    """Energy, wear and demand charge of ``plans`` under ``days``, without penalties, (S,) [CNY]."""
    rise = np.maximum(plans.import_kw.max(axis=1) - days.peak_so_far_kw, 0.0)
    return np.asarray(running_cost_cny(days, plans) + days.demand_charge_cny_per_kw * rise)


def running_cost_cny(days: SiteDays, plans: SitePlans) -> FloatArray:
    """Energy and wear of ``plans`` under ``days``, (S,) [CNY]; no demand charge, no penalties."""
    trade = days.buy_cny_per_kwh * plans.import_kw - days.sell_cny_per_kwh * plans.export_kw
    wear = days.wear_cny_per_kwh[:, None] / 2.0 * (plans.charge_kw + plans.discharge_kw)
    return np.asarray(days.step_h * (trade + wear).sum(axis=1))


def _fill(
    plans: SitePlans,
    sites: npt.NDArray[np.intp],
    days: SiteDays,
    plan: Callable[[SiteDays], SitePlans],
) -> None:
    if sites.size:
        part = plan(pick(days, sites))
        for f in fields(SitePlans):
            getattr(plans, f.name)[sites] = getattr(part, f.name)


def _plan_flexible(days: SiteDays) -> SitePlans:
    low, high, lost = servable(days)
    problem = flex_problem(days, low, high, np.zeros_like(days.load_kw))
    found = dispatch_lawful(problem, days.demand_charge_cny_per_kw, days.peak_so_far_kw, "early")
    plans = _from_store(days, found)
    plans.flex_kw[:] = found.charge_kw
    plans.charge_kw[:] = 0.0
    plans.store_kwh[:] = store_start_kwh(days)[:, None]
    plans.shortfall_kwh[:] = lost
    return plans


def _plan_store(days: SiteDays) -> SitePlans:
    problem = store_problem(days, np.zeros_like(days.load_kw))
    charge, so_far = days.demand_charge_cny_per_kw, days.peak_so_far_kw
    return _from_store(days, dispatch_lawful(problem, charge, so_far, "level"))


def _fill_pairs(
    plans: SitePlans, sites: npt.NDArray[np.intp], days: SiteDays
) -> npt.NDArray[np.bool_]:
    """Plan sites with a store and flexible charging; return which plans are not proven."""
    part = pick(days, sites)
    store, flex, lost, gap_cny = plan_pairs(part)
    found = _from_store(part, store)
    found.flex_kw[:] = flex.charge_kw
    for f in fields(SitePlans):
        getattr(plans, f.name)[sites] = getattr(found, f.name)
    # A store may help to serve what the connection alone cannot, so a loss is no proven optimum.
    return ~proven(store, gap_cny) | (lost > 0.0)


def _from_store(days: SiteDays, found: StorePlans) -> SitePlans:
    if not found.feasible.all():
        site = int(np.argmin(found.feasible))
        step = found.broken_step[site]
        raise ZerocityError(f"day plan: no plan for site {site} of its block at step {step}")
    return SitePlans(
        import_kw=found.import_kw,
        export_kw=found.export_kw,
        pv_used_kw=found.pv_used_kw,
        charge_kw=found.charge_kw,
        discharge_kw=found.discharge_kw,
        store_kwh=np.clip(found.energy_kwh, 0.0, days.store_kwh[:, None]),
        flex_kw=np.zeros_like(found.charge_kw),
        objective_cny=found.objective_cny,
        overload_kw=found.overload_kw,
        shortfall_kwh=np.zeros(days.sites),
    )


def _plan_whole(days: SiteDays) -> SitePlans:
    round_trip = float(days.store_charge_efficiency[0] * days.store_discharge_efficiency[0])
    matrix = lp.whole_matrix(days.steps, days.step_h, round_trip)
    found = lp.Table(lp.WHOLE_COLUMNS, days.sites, days.steps)
    found.values[:] = lp.solve(matrix, lp.whole_batch(days, *penalties(days)))
    return _with_store(days, found)


def _with_store(days: SiteDays, found: lp.Table) -> SitePlans:
    """Clip the solver's last digits away and let import or export close the balance exactly."""
    plans = idle(days)
    plans.charge_kw[:] = np.clip(found["charge"], 0.0, days.store_charge_kw[:, None])
    plans.discharge_kw[:] = np.clip(found["discharge"], 0.0, days.store_discharge_kw[:, None])
    plans.flex_kw[:] = np.clip(found["flex"], 0.0, days.flex_limit_kw)
    demand = days.load_kw + plans.charge_kw + plans.flex_kw - plans.discharge_kw
    sun = np.clip(found["sun"], 0.0, days.pv_kw)
    plans.pv_used_kw[:] = np.minimum(sun, np.maximum(demand + days.export_limit_kw[:, None], 0.0))
    net = demand - plans.pv_used_kw
    plans.import_kw[:] = np.maximum(net, 0.0)
    plans.export_kw[:] = np.maximum(-net, 0.0)
    stored = plans.charge_kw * days.store_charge_efficiency[:, None]
    taken = plans.discharge_kw / days.store_discharge_efficiency[:, None]
    content = store_start_kwh(days)[:, None] + days.step_h * np.cumsum(stored - taken, axis=1)
    plans.store_kwh[:] = np.clip(content, 0.0, days.store_kwh[:, None])
    excess = plans.import_kw - days.import_limit_kw[:, None]
    plans.overload_kw[:] = np.where(excess > 1e-6, excess, 0.0)
    plans.shortfall_kwh[:] = np.maximum(found["lost"], 0.0).sum(axis=1)
    return plans
