"""What less carbon costs: plans from the cheapest to the one of least carbon."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zerocity.energy.case import Case
from zerocity.energy.schedule import Schedule
from zerocity.energy.site_plan import plan_case
from zerocity.errors import InputError

ROOM = 1e-9
"""Share by which a budget lies above the carbon it allows, for a solver's last digits."""


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A plan of the front: nobody pays less for so little carbon."""

    carbon_kg: float
    objective_cny: float
    plan: Schedule


def pareto(case: Case, points: int = 9, tie: str = "early") -> tuple[FrontPoint, ...]:
    """Return ``points`` plans from the cheapest to the one of least carbon, evenly in carbon.

    The cheapest comes first; carbon falls and cost rises along the front. A budget of the case
    is ignored, its carbon price stays. Where the cheapest plan has the least carbon already, it is
    the only one. Raises InputError for fewer than 2 points or a case without carbon.
    """
    if points < 2:
        raise InputError("points", str(points), "at least 2")
    if not case.carbon_kg_per_kwh.any():
        way_out = "Give the carbon of grid energy at each step."
        raise InputError("carbon_kg_per_kwh", "0 at every step", "values above 0", way_out)
    cheapest = plan_case(replace(case, carbon_budget_kg=np.inf), tie)
    cleanest = plan_case(replace(case, carbon_budget_kg=0.0), tie)
    most, least = cheapest.carbon_kg, cleanest.carbon_kg
    if most - least <= ROOM * max(most, 1.0):
        return (FrontPoint(most, cheapest.objective_cny, cheapest),)
    found = [cheapest]
    for budget in np.linspace(most, least, points)[1:]:
        limit = float(budget) + ROOM * most
        found.append(plan_case(replace(case, carbon_budget_kg=limit), tie))
    return tuple(FrontPoint(one.carbon_kg, one.objective_cny, one) for one in found)
