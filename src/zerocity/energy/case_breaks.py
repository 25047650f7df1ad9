"""Which limits a plan had to break: when, by how much, and a plain sentence for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from zerocity.energy.case import Case, Store
from zerocity.energy.case_sessions import Session
from zerocity.energy.site_frame import Penalties
from zerocity.energy.site_values import Values
from zerocity.measures.arrays import F64, I64

SMALL = 1e-6
"""What a limit may be passed by before it counts as broken, relative to the limit but at least
this much [kW or kWh]."""


@dataclass(frozen=True, slots=True)
class BrokenLimit:
    """A limit that the plan does not keep.

    ``amount`` in ``unit``, ``price`` what a unit of it weighed in the choice of the plan [CNY];
    ``step`` is None where the limit belongs to the whole plan.
    """

    limit: str
    step: int | None
    amount: float
    unit: str
    price: float
    sentence: str


Price = Callable[[], Penalties]
"""Prices of broken limits, reckoned only where a limit did break."""


def breaks_of(case: Case, values: Values, penalties: Price) -> tuple[BrokenLimit, ...]:
    """List the limits that ``values`` does not keep, by limit and step."""
    price = cache(penalties)
    found = [*_grid(case, values, price)]
    for i, store in enumerate(case.stores):
        found += _store(case, store, values.energy_kwh[i], price)
    for j in _unserved(case, values):
        found += _session(case, case.sessions[j], values, int(j), float(price().session[j]))
    return (*found, *_others(case, values, price))


def _steps(amount: F64, scale: F64 | float) -> Iterator[tuple[int, float]]:
    if amount.max(initial=0.0) <= SMALL:
        return
    for at in np.flatnonzero(amount > SMALL * np.maximum(scale, 1.0)):
        yield int(at), float(amount[at])


def _passed(amount: float, scale: float) -> bool:
    return amount > SMALL * max(scale, 1.0)


def _grid(case: Case, values: Values, price: Price) -> Iterator[BrokenLimit]:
    limit = case.import_limit_kw
    for at, amount in _steps(values.import_kw - limit, limit):
        sentence = (
            f"At step {at} the site draws {values.import_kw[at]:,.1f} kW, {amount:,.1f} kW more "
            f"than its connection's limit of {limit[at]:,.1f} kW."
        )
        cost = case.step_h * price().overload
        yield BrokenLimit("import_limit_kw", at, amount, "kW", cost, sentence)


def _store(case: Case, store: Store, energy_kwh: F64, price: Price) -> Iterator[BrokenLimit]:
    size, where = store.capacity_kwh, f"stores.{store.name}"
    low, high = store.soc_min * size, store.soc_max * size
    for side, amount, bound in (
        ("soc_min", low - energy_kwh, low),
        ("soc_max", energy_kwh - high, high),
    ):
        word = "below" if side == "soc_min" else "above"
        for at, kwh in _steps(amount, size):
            sentence = (
                f"At the end of step {at} the store {store.name} holds {energy_kwh[at]:,.1f} kWh, "
                f"{kwh:,.1f} kWh {word} its {side} of {bound[at]:,.1f} kWh."
            )
            cost = price().soc_min if side == "soc_min" else price().soc_max
            yield BrokenLimit(f"{where}.{side}", at, kwh, "kWh", cost, sentence)
    if store.final_soc is not None:
        goal, end = store.final_soc * size, float(energy_kwh[-1])
        kwh = abs(end - goal)
        if _passed(kwh, size):
            word = "below" if end < goal else "above"
            sentence = (
                f"The store {store.name} ends with {end:,.1f} kWh, {kwh:,.1f} kWh {word} the "
                f"{goal:,.1f} kWh wanted."
            )
            last = case.steps - 1
            yield BrokenLimit(f"{where}.final_soc", last, kwh, "kWh", price().final, sentence)


def _unserved(case: Case, values: Values) -> I64:
    """Numbers of the sessions that do not get all their energy."""
    if not case.sessions:
        return np.zeros(0, dtype=np.int64)
    fleet = case.fleet
    short = fleet.initial_kwh + fleet.energy_kwh - values.held_kwh[:, -1]
    return np.flatnonzero(short > SMALL * np.maximum(fleet.energy_kwh, 1.0))


def _session(
    case: Case, one: Session, values: Values, number: int, price: float
) -> Iterator[BrokenLimit]:
    last = max(one.depart_step - 1, 0)
    got = float(values.held_kwh[number, -1]) - one.initial_kwh
    kwh = one.energy_kwh - got
    if _passed(kwh, one.energy_kwh):
        sentence = (
            f"The session {one.name} gets {got:,.1f} of {one.energy_kwh:,.1f} kWh before it "
            f"departs at step {one.depart_step}: {_reason(case, one)}."
        )
        name = f"sessions.{one.name}.energy_kwh"
        yield BrokenLimit(name, last, kwh, "kWh", price, sentence)


def _reason(case: Case, one: Session) -> str:
    span = slice(one.arrive_step, one.depart_step)
    power = float(one.charge_limit_kw[span].sum()) * case.step_h * one.charge_efficiency
    room = one.capacity_kwh - one.initial_kwh
    if room < one.energy_kwh and room <= power:
        return f"the vehicle has room for {room:,.1f} kWh only"
    if power < one.energy_kwh:
        return f"its plug can give {power:,.1f} kWh at most in that time"
    return "other limits of the site leave no more"


def _others(case: Case, values: Values, price: Price) -> Iterator[BrokenLimit]:
    for i, one in enumerate(case.processes):
        profile = one.profile_kw
        h = case.step_h
        need = one.energy_kwh if profile is None else h * float(profile.sum())
        done = h * float(values.process_kw[i].sum())
        kwh = need - done
        if _passed(kwh, need):
            sentence = f"The process {one.name} gets {done:,.1f} of {need:,.1f} kWh."
            name, last = f"processes.{one.name}.energy_kwh", max(one.latest_step - 1, 0)
            yield BrokenLimit(name, last, kwh, "kWh", price().process, sentence)
    if case.heat is not None:
        wanted = case.heat.demand_kw
        for at, kw in _steps(values.cold_kw, wanted):
            sentence = f"At step {at} {kw:,.1f} of {wanted[at]:,.1f} kW heat are missing."
            cost = case.step_h * price().process
            yield BrokenLimit("heat.demand_kw", at, kw, "kW", cost, sentence)
    budget = case.carbon_budget_kg
    if math.isfinite(budget):
        carbon = case.step_h * float(case.carbon_kg_per_kwh @ values.import_kw)
        kg = carbon - budget
        if _passed(kg, budget):
            sentence = f"The plan emits {carbon:,.1f} kg, {kg:,.1f} kg above its carbon budget."
            yield BrokenLimit("carbon_budget_kg", None, kg, "kg", price().carbon, sentence)
