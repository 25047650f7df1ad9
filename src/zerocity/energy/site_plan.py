"""Plan a case: choose the method, solve, and answer with a schedule.

One store or one session is planned exactly without a solver (``site_kernel``); everything else, and
a case in which some limit must break, by the program of ``site_model``. Binary columns enter only
after a plan without them went both ways at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zerocity.energy.case import Case
from zerocity.energy.program_solve import Solution, solve
from zerocity.energy.schedule import Schedule, finish
from zerocity.energy.site_frame import Frame, Rules
from zerocity.energy.site_kernel import plan_by_kernel
from zerocity.energy.site_model import build
from zerocity.energy.site_values import Values, read_back
from zerocity.errors import InputError
from zerocity.measures.arrays import Bools

TIES = ("early", "late")
BOTH_KW = 1e-6
"""Two opposite flows above this are going both ways at once [kW]."""
ROUNDS = 6


def plan_case(case: Case, tie: str = "early", time_limit_s: float = 60.0) -> Schedule:
    """Plan ``case`` at least cost.

    Parameters
    ----------
    case : from `read_case`, or lawful by hand.
    tie : "early" or "late": when to act among steps of equal cost.
    time_limit_s : most solver time where binaries are needed; the best plan found by then is
        returned with its gap and status "time_limit".

    There is always a plan. A limit that cannot be kept is broken as little as possible, in the
    order given in `site_frame.Penalties`, and listed in ``broken_limits``.
    """
    if tie not in TIES:
        raise InputError("tie", f'"{tie}"', f"one of {', '.join(TIES)}")
    values = plan_by_kernel(case, tie == "late")
    if values is None:
        values = plan_by_program(case, tie == "late", time_limit_s)
    elif _sets_a_peak(case, values):
        # The kernel plans under the peak it found, and prices energy as if that were given; any
        # optimal prices fit any optimal plan, so that the program's may take their place.
        priced = plan_by_program(case, tie == "late", time_limit_s)
        values = replace(values, stored_price=priced.stored_price, site_price=priced.site_price)
    return finish(case, values)


def _sets_a_peak(case: Case, values: Values) -> bool:
    peak = float(values.import_kw.max())
    return case.demand_charge_cny_per_kw > 0.0 and peak >= case.peak_so_far_kw - BOTH_KW


def plan_by_program(case: Case, late: bool = False, time_limit_s: float = 60.0) -> Values:
    """Plan ``case`` by its linear or mixed-integer program."""
    rules = Rules(late=late, one_way=_both_ways_pay(case))
    found = _solve(case, rules, time_limit_s)
    if case.fair_sessions and _avoidable(found):
        rules = replace(rules, fair=True)
        found = _solve(case, rules, time_limit_s)
    for turn in range(ROUNDS):
        both = _both_ways(found)
        if not both:
            break
        # The last rounds rule out every step of an asset that still goes both ways.
        masks = {k: np.ones_like(m) if turn >= ROUNDS // 2 else m for k, m in both.items()}
        merged = {k: masks[k] | rules.one_way.get(k, False) for k in masks}
        rules = replace(rules, one_way={**rules.one_way, **merged})
        found = _solve(case, rules, time_limit_s)
    return read_back(found.frame, found.solution)


@dataclass(frozen=True, slots=True)
class _Found:
    frame: Frame
    solution: Solution


def _solve(case: Case, rules: Rules, time_limit_s: float) -> _Found:
    frame = build(case, rules)
    return _Found(frame, solve(frame.program, time_limit_s))


def _both_ways_pay(case: Case) -> dict[str, Bools]:
    """Where buying to sell in the same step would pay, import or export must be chosen."""
    pays = case.import_price_cny_per_kwh < case.sell_cny_per_kwh
    return {"grid": pays} if pays.any() else {}


def _both_ways(found: _Found) -> dict[str, Bools]:
    """Assets that charge and discharge at once, and where."""
    at, value = found.frame.program.at, found.solution.value
    pairs = [(f"store {s.name}", f"charge {s.name}", f"discharge {s.name}")
             for s in found.frame.case.stores]  # fmt: skip
    if "take" in at:
        pairs.append(("sessions", "take", "give"))
    masks = {n: np.minimum(value[at[a]], value[at[b]]) > BOTH_KW for n, a, b in pairs}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _avoidable(found: _Found) -> bool:
    """Whether sessions compete for what cannot be served to all of them."""
    case, fleet = found.frame.case, found.frame.case.fleet
    if fleet.size < 2:
        return False
    missed = found.solution.value[found.frame.program.at["unserved"]]
    if missed.max() <= BOTH_KW:
        return False
    return bool((missed > fleet.unavoidable_kwh(case.step_h) + BOTH_KW).any())
