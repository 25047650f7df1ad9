"""Awards to schedules of every site, and again when a site fails.

A request is answered by two plans of each site: its plan, and its plan under a price signal that
is just high enough. The sites change over to the second one after another, the cheapest first;
the last one by a part. Both plans keep every limit of the site, and so does any mix of the two.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from zerocity.energy.dispatch import running_cost_cny
from zerocity.energy.site_days import SitePlans
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.vpp.members import Members, net_kw, priced

HIGHEST_SIGNAL_CNY_PER_KWH = 4.0
"""Signals beyond this move nothing more: far above any price, wear or spread; an assumption."""
HALVINGS = 14


@dataclass(frozen=True)
class Schedule:
    """What every site does for a request.

    ``plans`` are lawful for each site; ``relief_kw`` (sites, T) is the net import taken away from
    the plan (negative = added); ``asked_kwh`` and ``given_kwh`` are energies in the window, over
    all sites; ``cost_cny`` (sites,) what the change costs each site at its own prices;
    ``signal_cny_per_kwh`` the signal that brought it about.
    """

    plans: SitePlans
    relief_kw: F64
    asked_kwh: float
    given_kwh: float
    cost_cny: F64
    signal_cny_per_kwh: float

    def least_kw(self, window: Bools) -> float:
        """Relief of all sites in the window's weakest step [kW]; below the mean where uneven."""
        return float(self.relief_kw[:, window].sum(axis=0).min())

    @property
    def short_kwh(self) -> float:
        """Energy that the portfolio cannot give, >= 0."""
        return max(0.0, abs(self.asked_kwh) - abs(self.given_kwh))


def call(portfolio: Members, plans: SitePlans, window: Bools, relief_kwh: float) -> Schedule:
    """Take ``relief_kwh`` less from the grid over the window (more if negative) at least cost.

    Parameters
    ----------
    plans : what the sites do otherwise, as `Members.plan` gives it.
    window : (T,) steps that count. relief_kwh : over all sites.

    When the sites cannot give it all, they give what they can; see ``short_kwh``.
    """
    if window.shape != (portfolio.days.steps,) or not window.any():
        raise InputError("window", f"{int(window.sum())} steps", "one step or more of the day")
    if not np.isfinite(relief_kwh):
        raise InputError("relief_kwh", str(relief_kwh), "a finite energy")
    low, low_signal = plans, 0.0
    high_signal = float(np.copysign(HIGHEST_SIGNAL_CNY_PER_KWH, relief_kwh))
    high = _signalled(portfolio, window, high_signal)
    if _relief(portfolio, plans, high, window).sum() * np.sign(relief_kwh) > abs(relief_kwh):
        for _ in range(HALVINGS):
            middle = (low_signal + high_signal) / 2.0
            tried = _signalled(portfolio, window, middle)
            got = float(_relief(portfolio, plans, tried, window).sum())
            if got * np.sign(relief_kwh) >= abs(relief_kwh):
                high, high_signal = tried, middle
            else:
                low, low_signal = tried, middle
    mixed = _change_over(portfolio, plans, (low, high), window, relief_kwh)
    given = float(_relief(portfolio, plans, mixed, window).sum())
    cost = own_cost_cny(portfolio, mixed) - own_cost_cny(portfolio, plans)
    relief = net_kw(plans) - net_kw(mixed)
    return Schedule(mixed, relief, float(relief_kwh), given, cost, high_signal)


def own_cost_cny(portfolio: Members, plans: SitePlans) -> F64:
    """Energy and wear of plans at the sites' own prices, (sites,) [CNY]; no demand charge."""
    return running_cost_cny(portfolio.days, plans)


def _signalled(portfolio: Members, window: Bools, signal: float) -> SitePlans:
    return portfolio.planner(priced(portfolio.days, np.where(window, signal, 0.0)))


def _relief(portfolio: Members, before: SitePlans, after: SitePlans, window: Bools) -> F64:
    """Energy of relief of each site in the window, (sites,) [kWh]."""
    change = (net_kw(before) - net_kw(after))[:, window]
    return np.asarray(change.sum(axis=1) * portfolio.days.step_h)


def _change_over(
    portfolio: Members,
    base: SitePlans,
    pair: tuple[SitePlans, SitePlans],
    window: Bools,
    relief_kwh: float,
) -> SitePlans:
    """Move sites from the first plans to the second, cheapest first, until the relief is there."""
    low, high = pair
    first = _relief(portfolio, base, low, window)
    gain = (_relief(portfolio, base, high, window) - first) * np.sign(relief_kwh)
    dear = own_cost_cny(portfolio, high) - own_cost_cny(portfolio, low)
    useful = gain > 1e-9
    each = np.where(useful, dear / np.where(useful, gain, 1.0), np.inf)
    order = np.argsort(each, kind="stable")
    missing = abs(relief_kwh) - float(first.sum()) * np.sign(relief_kwh)
    before = np.concatenate([[0.0], np.cumsum(np.where(useful, gain, 0.0)[order])[:-1]])
    share = np.zeros(gain.size)
    part = (missing - before) / np.where(useful, gain, 1.0)[order]
    share[order] = np.where(useful[order], np.clip(part, 0.0, 1.0), 0.0)
    return mixed_plans(low, high, share)


def mixed_plans(first: SitePlans, second: SitePlans, share: F64) -> SitePlans:
    """Each site's plans mixed, ``share`` (sites,) of the second; every limit of both is kept."""

    def mix(name: str) -> F64:
        a, b = getattr(first, name), getattr(second, name)
        part = share if a.ndim == 1 else share[:, None]
        return np.asarray(a + part * (b - a))

    return SitePlans(**{one.name: mix(one.name) for one in fields(SitePlans)})


def redispatch(
    portfolio: Members, schedule: Schedule, window: Bools, failed: Bools, base: SitePlans
) -> Schedule:
    """The request shared out again among the sites that still work.

    Parameters
    ----------
    failed : (sites,) sites that give nothing from now on; they fall back to their ``base`` plan.

    Returns a schedule of all sites in the old order; ``short_kwh`` is what cannot be made good.
    """
    if failed.shape != (portfolio.days.sites,):
        raise InputError("failed", f"shape {failed.shape}", f"({portfolio.days.sites},)")
    left = np.flatnonzero(~failed)
    if left.size == 0:
        nothing = np.zeros_like(schedule.relief_kw)
        zero = np.zeros(portfolio.days.sites)
        return Schedule(base, nothing, schedule.asked_kwh, 0.0, zero, 0.0)
    again = call(portfolio.without(failed), chosen(base, left), window, schedule.asked_kwh)
    plans = SitePlans(
        **{
            one.name: _put(getattr(base, one.name), left, getattr(again.plans, one.name))
            for one in fields(SitePlans)
        }
    )
    relief = net_kw(base) - net_kw(plans)
    cost = _put(np.zeros(portfolio.days.sites), left, again.cost_cny)
    return Schedule(
        plans, relief, schedule.asked_kwh, again.given_kwh, cost, again.signal_cny_per_kwh
    )


def chosen(plans: SitePlans, sites: I64) -> SitePlans:
    """The plans of some sites."""
    return SitePlans(**{one.name: getattr(plans, one.name)[sites] for one in fields(SitePlans)})


def _put(rows: F64, at: I64, new: F64) -> F64:
    whole = rows.copy()
    whole[at] = new
    return whole
