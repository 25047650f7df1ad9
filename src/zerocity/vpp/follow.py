"""Sites led along an award, period by period, by prices and a small mix of their answers.

Prices alone cannot lead a portfolio where many sites sit on the same edge, so the answers to some
rounds of prices are kept as columns, by group of sites, and a linear program mixes them so that
the sum comes as near to the award as it can (Dantzig and Wolfe 1960, doi:10.1287/opre.8.1.101).
With the charging so found, the batteries are coordinated once more, site by site.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack, vstack

from zerocity.energy.site_days import SiteDays, SitePlans
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64
from zerocity.vpp.coordination import coordinate
from zerocity.vpp.dispatch import own_cost_cny
from zerocity.vpp.members import Members, net_kw, priced
from zerocity.vpp.response import battery, whole_plans

ROUNDS = 16
GROUPS = 16
ENOUGH = 1e-5
POLISH_GAP, POLISH_CALLS = 1e-3, 100
DEVIATION_CNY_PER_KWH = 1.0
"""What a kWh beside the award is taken to cost, well above any spread; an assumption."""


@dataclass(frozen=True)
class Followed:
    """Lawful plans of every site, and what their sum leaves of the award.

    ``deviation_kw`` (T,) is net import less award; ``cost_cny`` the energy and wear of all sites
    at their own prices; ``rounds`` the price rounds that were needed.
    ``gap_cny`` says by how much own cost and priced deviation may still exceed the least, as far
    as the planner is exact.
    """

    plans: SitePlans
    deviation_kw: F64
    cost_cny: float
    rounds: int
    gap_cny: float = 0.0


def follow(
    portfolio: Members,
    awarded_kw: F64,
    *,
    rounds: int = ROUNDS,
    tolerance_kw: float = 1.0,
) -> Followed:
    """Plan every site so that together they come as near to the award as they can.

    Parameters
    ----------
    awarded_kw : net import of the portfolio in each step, (T,) [kW].
    rounds : price rounds at most; each is one plan of all sites.
    tolerance_kw : a deviation below this in every step ends the search.
    """
    days = portfolio.days
    if awarded_kw.shape != (days.steps,) or not np.isfinite(awarded_kw).all():
        raise InputError("awarded_kw", f"shape {awarded_kw.shape}", f"{days.steps} finite numbers")
    first = portfolio.plan()
    columns, signal, best = [first], np.zeros(days.steps), -np.inf
    off = net_kw(first).sum(axis=0) - awarded_kw
    if np.abs(off).max() <= tolerance_kw:
        return Followed(first, off, float(own_cost_cny(portfolio, first).sum()), 1)
    centre = np.zeros(days.steps)
    for turn in range(rounds):
        weight, value, dual = _master(portfolio, columns, awarded_kw)
        # Half-way to the best prices so far, or the prices of the first few mixes swing wildly.
        signal = (dual + centre) / 2.0 if turn < rounds - 1 else dual
        columns.append(portfolio.planner(priced(days, signal)))
        net = net_kw(columns[-1]).sum(axis=0)
        own = float(own_cost_cny(portfolio, columns[-1]).sum())
        bound = own + days.step_h * float(signal @ (net - awarded_kw))
        if bound > best:
            best, centre = bound, signal
        if value - best <= ENOUGH * (1.0 + abs(value)):
            break
    weight, _, _ = _master(portfolio, columns, awarded_kw)
    plans = _weighted(columns, weight[:, _groups(portfolio)])
    plans = min(
        (plans, _polished(portfolio, plans, awarded_kw)),
        key=lambda one: _worth(portfolio, one, awarded_kw),
    )
    off = net_kw(plans).sum(axis=0) - awarded_kw
    gap = max(0.0, _worth(portfolio, plans, awarded_kw) - best)
    return Followed(plans, off, float(own_cost_cny(portfolio, plans).sum()), len(columns), gap)


def _worth(portfolio: Members, plans: SitePlans, awarded_kw: F64) -> float:
    """Own cost and priced deviation of plans [CNY]."""
    off = np.abs(net_kw(plans).sum(axis=0) - awarded_kw).sum() * portfolio.days.step_h
    return float(own_cost_cny(portfolio, plans).sum() + DEVIATION_CNY_PER_KWH * off)


def _polished(portfolio: Members, plans: SitePlans, awarded_kw: F64) -> SitePlans:
    """The same charging, and batteries that are coordinated to the award site by site."""
    days = portfolio.days
    if not (days.store_kwh > 0.0).any():
        return plans
    found = coordinate(
        battery(replace(days, load_kw=days.load_kw + plans.flex_kw)),
        target_kw=awarded_kw,
        deviation_cny_per_kwh=DEVIATION_CNY_PER_KWH,
        gap=POLISH_GAP,
        most_calls=POLISH_CALLS,
    ).plans
    return whole_plans(days, found.charge_kw, found.discharge_kw, plans.flex_kw)


def _groups(portfolio: Members) -> I64:
    """Group of each site, (sites,)."""
    sites = portfolio.days.sites
    group: I64 = (np.arange(sites) * min(GROUPS, sites)) // sites
    return group


def _master(
    portfolio: Members, columns: list[SitePlans], awarded_kw: F64
) -> tuple[F64, float, F64]:
    """The cheapest mix of columns with deviations priced: weights, its value, prices of the award.

    Weights (columns, groups) [-]; prices (T,) [CNY/kWh], the signal to try next.
    """
    group, step_h = _groups(portfolio), portfolio.days.step_h
    groups, steps = int(group.max()) + 1, awarded_kw.size
    net = np.array([_by_group(net_kw(c), group, groups) for c in columns])
    cost = np.array([np.bincount(group, own_cost_cny(portfolio, c), groups) for c in columns])
    many = len(columns) * groups
    delivered = csr_array(net.reshape(many, steps).T * step_h)
    place = (np.tile(np.arange(groups), len(columns)), np.arange(many))
    one_each = csr_array((np.ones(many), place))
    miss, none = eye_array(steps), csr_array((groups, 2 * steps))
    left: Any = csr_array(vstack([hstack([delivered, -miss, miss]), hstack([one_each, none])]))
    found: Any = linprog(
        np.concatenate([cost.ravel(), np.full(2 * steps, DEVIATION_CNY_PER_KWH)]),
        A_eq=left,
        b_eq=np.concatenate([awarded_kw * step_h, np.ones(groups)]),
        method="highs",
    )
    weight = np.maximum(found.x[:many].reshape(len(columns), groups), 0.0)
    prices = -np.asarray(found.eqlin.marginals[:steps], np.float64)
    return weight / weight.sum(axis=0), float(found.fun), prices


def _by_group(rows: F64, group: I64, groups: int) -> F64:
    summed = np.zeros((groups, rows.shape[1]))
    np.add.at(summed, group, rows)
    return summed


def _weighted(columns: list[SitePlans], weight: F64) -> SitePlans:
    """Sum of columns by ``weight`` (columns, sites)."""

    def mix(name: str) -> F64:
        rows = [getattr(column, name) for column in columns]
        parts = [w if r.ndim == 1 else w[:, None] for w, r in zip(weight, rows, strict=True)]
        return np.asarray(sum(p * r for p, r in zip(parts, rows, strict=True)))

    return SitePlans(**{one.name: mix(one.name) for one in fields(SitePlans)})


def uncontrolled(days: SiteDays) -> SiteDays:
    """The same day of sites that nobody leads: the battery rests, charging begins at once."""
    none = np.zeros(days.sites)
    return replace(
        days,
        store_kwh=none,
        store_initial_kwh=none,
        store_final_kwh=none,
        flex_min_kwh=days.flex_max_kwh,
    )
