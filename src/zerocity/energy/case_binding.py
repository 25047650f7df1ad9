"""Which limits a plan runs against, when, and what a kilowatt-hour more of room would save."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zerocity.energy.case import Case, Store
from zerocity.energy.schedule import Schedule, StoreSchedule
from zerocity.measures.arrays import F64, Bools

NEAR = 1e-6
"""How near to a limit counts as at it, relative to the limit but at least this [kW or kWh]."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A limit that binds from ``first_step`` to ``last_step``.

    ``worth_cny_per_kwh`` is what a kWh more of it would save there on average, 0 where more of it
    saves nothing; None where one figure cannot say it.
    """

    limit: str
    first_step: int
    last_step: int
    worth_cny_per_kwh: float | None


def binding_limits(case: Case, plan: Schedule) -> tuple[Binding, ...]:
    """List the limits at which ``plan`` stands, in the order of their first step."""
    found = [*_grid(case, plan)]
    for store, planned in zip(case.stores, plan.stores, strict=True):
        found += _store(store, planned, plan.site_price_cny_per_kwh)
    for session, went in zip(case.sessions, plan.sessions, strict=True):
        limit = session.charge_limit_kw
        busy = _at(went.power_kw, limit) & (limit > 0.0)
        found += _spans(f"sessions.{session.name}.charge_limit_kw", busy, None)
    return tuple(sorted(found, key=lambda one: (one.first_step, one.limit)))


def _grid(case: Case, plan: Schedule) -> Iterator[Binding]:
    price = plan.site_price_cny_per_kwh
    limit = case.import_limit_kw
    drawn = _at(plan.import_kw, limit)
    yield from _spans("import_limit_kw", drawn, price - case.import_price_cny_per_kwh)
    full = _at(plan.export_kw, case.export_limit_kw) & (plan.pv_used_kw > 0.0)
    worth = case.sell_cny_per_kwh - price
    yield from _spans("export_limit_kw", full & (worth > NEAR), worth)
    spare = case.pv_kw - plan.pv_used_kw > NEAR * np.maximum(case.pv_kw, 1.0)
    yield from _spans("pv_kw left unused", spare, None)
    if case.demand_charge_cny_per_kw:
        top = max(float(plan.import_kw.max()), case.peak_so_far_kw)
        peak = _at(plan.import_kw, np.full(case.steps, top))
        yield from _spans("peak", peak, price - case.import_price_cny_per_kwh)


def _store(store: Store, plan: StoreSchedule, site: F64) -> Iterator[Binding]:
    name, size, worth = f"stores.{store.name}", store.capacity_kwh, plan.price_cny_per_kwh
    if size == 0.0:
        return
    following = np.append(worth[1:], store.final_value_cny_per_kwh)
    held = worth - (1.0 - store.self_discharge_per_step) * following
    low, high = store.soc_min * size, store.soc_max * size
    empty, full = plan.energy_kwh <= low + NEAR * size, plan.energy_kwh >= high - NEAR * size
    if store.final_soc is not None:
        empty[-1] = full[-1] = False
    yield from _spans(f"{name}.soc_min", empty, held)
    yield from _spans(f"{name}.soc_max", full, -held)
    charge, discharge = store.charge_limit_kw, store.discharge_limit_kw
    gain = store.charge_efficiency * worth - site - store.wear_cny_per_kwh
    yield from _spans(f"{name}.charge_limit_kw", _at(plan.charge_kw, charge) & (charge > 0.0), gain)
    gain = site - worth / store.discharge_efficiency - store.wear_cny_per_kwh
    busy = _at(plan.discharge_kw, discharge) & (discharge > 0.0)
    yield from _spans(f"{name}.discharge_limit_kw", busy, gain)


def _at(value: F64, limit: F64) -> Bools:
    return np.asarray(value >= limit - NEAR * np.maximum(np.minimum(limit, 1e12), 1.0))


def _spans(limit: str, mask: Bools, worth: F64 | None) -> Iterator[Binding]:
    """One entry for each run of neighbouring steps."""
    edge = np.diff(np.concatenate(([False], mask, [False])).astype(np.int8))
    starts, ends = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    for first, end in zip(starts.tolist(), ends.tolist(), strict=True):
        mean = None if worth is None else max(float(worth[first:end].mean()), 0.0)
        yield Binding(limit, first, end - 1, mean)
