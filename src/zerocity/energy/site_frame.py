"""What all parts of a site's program share: rows, prices of broken limits, tie-breaking costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from zerocity.energy.case import Case
from zerocity.energy.program import Entries, Program
from zerocity.measures.arrays import F64, I64, Bools

MOVED_TIE = 1e-3
"""Among equal plans, the one that moves least; small beside being early, which is 1 per kWh."""
RANKS = 10
"""Most doublings of the price of a missed session from the lowest priority to the highest."""
BUDGET_LIFT = 100.0
"""With a carbon budget all other limits become this much dearer, so that it yields first."""


@dataclass(frozen=True, slots=True)
class Penalties:
    """What breaking a limit costs in the plan's choice, never in the bill [CNY/kWh].

    From the first to yield to the last: carbon budget [CNY/kg], a store's final content, sessions
    (1 for the lowest priority, doubling with each higher one), processes and heat, bounds of a
    store's content, the import limit.
    """

    carbon: float
    final: float
    session: F64
    process: float
    soc_min: float
    soc_max: float
    overload: float


def penalties(case: Case) -> Penalties:
    """Prices above all that breaking a limit could save, in the order given in `Penalties`."""
    fleet = case.fleet
    prices = [case.import_price_cny_per_kwh, case.sell_cny_per_kwh]
    worth = [s.final_value_cny_per_kwh for s in case.stores]
    wear = sum((s.wear_cny_per_kwh for s in case.stores), 0.0)
    wear += float(fleet.discharge_price_cny_per_kwh.max(initial=0.0))
    dearest = max(max(float(np.abs(p).max()) for p in prices), *map(abs, worth), 0.0) + 2.0 * wear
    kept = min((s.charge_efficiency * s.discharge_efficiency for s in case.stores), default=1.0)
    kept = float((fleet.charge_efficiency * fleet.discharge_efficiency).min(initial=kept))
    base = (10.0 * (1.0 + dearest) + 2.0 * case.demand_charge_cny_per_kw / case.step_h) / kept
    carbon = 0.0
    if math.isfinite(case.carbon_budget_kg):
        carbon = 0.5 * BUDGET_LIFT * base / max(float(case.carbon_kg_per_kwh.max()), 1e-9)
        base *= BUDGET_LIFT
    session = 2.0 * base * np.exp2(_doublings(fleet.priority))
    top = float(session.max(initial=2.0 * base))
    return Penalties(carbon, base, session, 2.0 * top, 4.0 * top, 6.0 * top, 16.0 * top)


def _doublings(priority: F64) -> F64:
    """How often the price of a missed session doubles for its priority, (N,)."""
    if not priority.size or (priority == priority[0]).all():
        return np.zeros(priority.size)
    distinct, rank = np.unique(priority, return_inverse=True)
    return np.asarray(rank * min(1.0, RANKS / (distinct.size - 1)))


@dataclass(frozen=True, slots=True)
class Rules:
    """Which additions a program gets: steps without doing both things at once, fairness, tie.

    ``one_way`` maps "grid", "store NAME" or "sessions" to a mask of the steps (or flat session
    steps) at which both directions at once are ruled out by a binary column.
    """

    one_way: Mapping[str, Bools] = field(default_factory=lambda: MappingProxyType({}))
    fair: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """The program under construction and what its parts share.

    ``balance`` are the rows of the meter, (T,); ``content`` those of each store, by name.
    """

    case: Case
    program: Program
    balance: I64
    price: Penalties
    rules: Rules
    content: dict[str, I64] = field(default_factory=dict)

    @property
    def full_tie(self) -> float:
        """Tie-breaking cost of a stored kWh: full as early, or as late, as can be."""
        return 1.0 if self.rules.late else -1.0

    def tie(self, power: float) -> F64:
        """Tie-breaking cost per kW that grows over the plan (or falls), (T,)."""
        place = np.arange(1, self.case.steps + 1) / self.case.steps
        grows = 1.0 + 1.0 / self.case.steps - place if self.rules.late else place
        return np.asarray(self.case.step_h * grows**power)

    def one_way(self, name: str, most_in: F64, most_out: F64) -> tuple[Entries, Entries]:
        """Entries that keep a flow and its counterflow apart; none where both may flow."""
        program, mask = self.program, self.rules.one_way.get(name)
        if mask is None or not mask.any():
            return (), ()
        chosen = np.flatnonzero(mask)
        inward = np.full(most_in.size, -1, dtype=np.int64)
        outward = inward.copy()
        inward[chosen] = program.rows(chosen.size, -np.inf, 0.0)
        outward[chosen] = program.rows(chosen.size, -np.inf, most_out[chosen])
        program.binaries(
            f"one way {name}",
            [(inward[chosen], -most_in[chosen]), (outward[chosen], most_out[chosen])],
            chosen.size,
        )
        return [(inward, 1.0)], [(outward, 1.0)]


def most_import_kw(case: Case) -> F64:
    """The most that all assets together could draw at each step, (T,) [kW]; always finite."""
    h, most = case.step_h, case.load_kw + 1.0
    for store in case.stores:
        most = most + charge_limit_kw(store.charge_limit_kw, store.capacity_kwh,
                                      store.charge_efficiency, h)  # fmt: skip
    if case.sessions:
        most = most + case.fleet.by_step(case.fleet.take_kw, case.steps)
    for process in case.processes:
        most = most.copy()
        most[process.earliest_step : process.latest_step] += process.power_max_kw
    if case.heat is not None:
        most = most + heat_limit_kw(case)
    return np.asarray(most)


def charge_limit_kw(limit_kw: F64, capacity_kwh: float, efficiency: float, step_h: float) -> F64:
    """Charging power that a step can use at all: never more than fills the store, (T,) [kW]."""
    return np.asarray(np.minimum(limit_kw, capacity_kwh / (efficiency * step_h)))


def heat_limit_kw(case: Case) -> F64:
    """Electric power that heat can use at all, (T,) [kW]."""
    heat = case.heat
    assert heat is not None
    useful = (heat.demand_kw + heat.capacity_kwh / case.step_h) / heat.cop
    return np.asarray(np.minimum(heat.power_limit_kw, useful))
