"""Day plans of sites: the cheapest use of grid, sun, store and flexible charging."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zerocity.energy import dispatch_lp as lp
from zerocity.energy.site_days import (
    FloatArray,
    SiteDays,
    SitePlans,
    check,
    join,
    pick,
    split,
)

__all__ = ["SHARD_SITES", "SiteDays", "SitePlans", "join", "plan_shard", "plan_sites", "split"]

SHARD_SITES = 32
"""Sites solved one from the other's basis. A fixed number, so that plans do not depend on how many
processes share the work."""


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
    equal costs the earlier step is taken. At negative prices a store may charge and discharge at
    once, which is what a linear program makes of being paid to burn energy.

    Raises InputError naming array, site and step when a value is missing or unlawful.
    """
    check(days)
    return join(map(plan_shard, split(days, SHARD_SITES)))


def plan_shard(days: SiteDays) -> SitePlans:
    """Plan a block of sites that already passed `check`. Pure: equal input, equal bits."""
    store = (days.store_kwh > 0.0) & (days.store_charge_kw + days.store_discharge_kw > 0.0)
    whole = store | (days.buy_cny_per_kwh < 0.0).any(axis=1)
    needed = days.flex_min_kwh[:, -1] > 0.0
    plans = _blank(days)
    _fill(plans, np.flatnonzero(~whole & ~needed), days, _plan_plain)
    _fill(plans, np.flatnonzero(~whole & needed), days, _plan_flow)
    round_trip = days.store_charge_efficiency * days.store_discharge_efficiency
    for value in np.unique(round_trip[whole]):
        _fill(plans, np.flatnonzero(whole & (round_trip == value)), days, _plan_whole)
    plans.objective_cny[:] = plan_cost_cny(days, plans)
    return plans


def plan_cost_cny(days: SiteDays, plans: SitePlans) -> FloatArray:
    """Energy, wear and demand charge of ``plans`` under ``days``, without penalties, (S,) [CNY]."""
    trade = days.buy_cny_per_kwh * plans.import_kw - days.sell_cny_per_kwh * plans.export_kw
    wear = days.wear_cny_per_kwh[:, None] / 2.0 * (plans.charge_kw + plans.discharge_kw)
    rise = np.maximum(plans.import_kw.max(axis=1) - days.peak_so_far_kw, 0.0)
    money = days.step_h * (trade + wear).sum(axis=1)
    return np.asarray(money + days.demand_charge_cny_per_kw * rise)


def _blank(days: SiteDays) -> SitePlans:
    per_site = {"objective_cny", "shortfall_kwh"}
    shapes = {
        f.name: (days.sites,) if f.name in per_site else days.load_kw.shape
        for f in fields(SitePlans)
    }
    return SitePlans(**{name: np.zeros(shape) for name, shape in shapes.items()})


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


def _plan_plain(days: SiteDays) -> SitePlans:
    """Nothing to decide but what the sun's surplus does."""
    zero = np.zeros((days.sites, days.steps))
    return _without_store(days, zero, np.zeros(days.sites))


def _plan_flow(days: SiteDays) -> SitePlans:
    missing, _ = lp.penalties(days)
    matrix = lp.flow_matrix(days.steps, days.step_h)
    found = lp.Table(lp.FLOW_COLUMNS, days.sites, days.steps)
    found.values[:] = lp.solve(matrix, lp.flow_batch(days, missing))
    widths = lp.flow_widths(days)
    sources = ("spare", "diverted", "grid")
    flex = sum(
        np.clip(found[name], 0.0, width) for name, width in zip(sources, widths, strict=True)
    )
    return _without_store(days, np.asarray(flex), np.maximum(found["lost"], 0.0).sum(axis=1))


def _without_store(days: SiteDays, flex_kw: FloatArray, shortfall_kwh: FloatArray) -> SitePlans:
    plans = _blank(days)
    plans.flex_kw[:] = np.minimum(flex_kw, days.flex_limit_kw)
    used = days.load_kw + plans.flex_kw
    plans.import_kw[:] = np.maximum(used - days.pv_kw, 0.0)
    surplus = np.where(days.sell_cny_per_kwh > 0.0, np.maximum(days.pv_kw - used, 0.0), 0.0)
    plans.export_kw[:] = np.minimum(surplus, days.export_limit_kw[:, None])
    plans.pv_used_kw[:] = np.minimum(days.pv_kw, np.minimum(days.pv_kw, used) + plans.export_kw)
    plans.store_kwh[:] = lp.store_start_kwh(days)[:, None]
    plans.overload_kw[:] = np.maximum(plans.import_kw - days.import_limit_kw[:, None], 0.0)
    plans.shortfall_kwh[:] = shortfall_kwh
    return plans


def _plan_whole(days: SiteDays) -> SitePlans:
    round_trip = float(days.store_charge_efficiency[0] * days.store_discharge_efficiency[0])
    matrix = lp.whole_matrix(days.steps, days.step_h, round_trip)
    found = lp.Table(lp.WHOLE_COLUMNS, days.sites, days.steps)
    found.values[:] = lp.solve(matrix, lp.whole_batch(days, *lp.penalties(days)))
    return _with_store(days, found)


def _with_store(days: SiteDays, found: lp.Table) -> SitePlans:
    """Clip the solver's last digits away and let import or export close the balance exactly."""
    plans = _blank(days)
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
    content = lp.store_start_kwh(days)[:, None] + days.step_h * np.cumsum(stored - taken, axis=1)
    plans.store_kwh[:] = np.clip(content, 0.0, days.store_kwh[:, None])
    excess = plans.import_kw - days.import_limit_kw[:, None]
    plans.overload_kw[:] = np.where(excess > 1e-6, excess, 0.0)
    plans.shortfall_kwh[:] = np.maximum(found["lost"], 0.0).sum(axis=1)
    return plans
