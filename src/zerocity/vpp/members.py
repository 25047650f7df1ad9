"""The sites of a portfolio as one set of problems, priced and answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from zerocity.energy.site_days import SiteDays, SitePlans, pick
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, Bools

Planner: TypeAlias = Callable[[SiteDays], SitePlans]
"""Plans every site of a day at least cost; see `zerocity.vpp.response.answer`."""


@dataclass(frozen=True)
class Members:
    """Sites that act as one: their names, their day, and who plans it.

    ``days`` holds what each site pays and can do; ``planner`` answers any change of its prices.
    """

    names: tuple[str, ...]
    days: SiteDays
    planner: Planner

    def __post_init__(self) -> None:
        if len(self.names) != self.days.sites:
            came = f"{len(self.names)} names"
            raise InputError("portfolio.names", came, f"{self.days.sites}, one a site")

    def plan(self) -> SitePlans:
        """The cheapest day at the sites' own prices."""
        return self.planner(self.days)

    def without(self, failed: Bools) -> Members:
        """The portfolio without the sites marked in ``failed``, (sites,)."""
        left = np.flatnonzero(~failed)
        names = tuple(self.names[i] for i in left)
        return Members(names, pick(self.days, left), self.planner)


def net_kw(plans: SitePlans) -> F64:
    """Import less export of each site, (sites, steps) [kW]."""
    return plans.import_kw - plans.export_kw


def priced(days: SiteDays, signal_cny_per_kwh: F64) -> SiteDays:
    """The same day with a signal added to what import costs and export earns.

    ``signal_cny_per_kwh`` : broadcasts to (sites, steps); may be negative.
    """
    return replace(
        days,
        buy_cny_per_kwh=days.buy_cny_per_kwh + signal_cny_per_kwh,
        sell_cny_per_kwh=days.sell_cny_per_kwh + signal_cny_per_kwh,
    )


def at_market_prices(days: SiteDays, price_cny_per_kwh: F64, fixed_cny_per_kwh: float) -> SiteDays:
    """The day of sites that trade on the market: they pay the price and what does not float.

    Export earns the price itself. The demand charge is left out; `peaks_held` keeps it in mind.

    Parameters
    ----------
    price_cny_per_kwh : (steps,) clearing prices. fixed_cny_per_kwh : network, fees and funds.
    """
    bad = np.flatnonzero(~np.isfinite(price_cny_per_kwh))
    if price_cny_per_kwh.shape != (days.steps,) or bad.size:
        came = f"nothing at step {bad[0]}" if bad.size else f"{price_cny_per_kwh.shape}"
        raise InputError("prices", came, f"{days.steps} finite prices, one a step")
    wide = np.broadcast_to(price_cny_per_kwh, days.load_kw.shape)
    return replace(
        days,
        buy_cny_per_kwh=wide + fixed_cny_per_kwh,
        sell_cny_per_kwh=wide.copy(),
        demand_charge_cny_per_kw=np.zeros(days.sites),
    )


def peaks_held(days: SiteDays, plans: SitePlans) -> SiteDays:
    """The same day with import held at the peak so far or of the plans, whichever is greater.

    So no answer to the market raises a site's demand charge, and the charge itself can be left out.
    """
    peak = np.maximum(days.peak_so_far_kw, plans.import_kw.max(axis=1))
    limit = np.where(days.demand_charge_cny_per_kw > 0.0, peak, np.inf)
    return replace(days, import_limit_kw=np.minimum(days.import_limit_kw, limit))


def repeated(days: SiteDays, times: int) -> SiteDays:
    """The same sites ``times`` over: 0, 1, ..., 0, 1, ..."""
    return pick(days, np.tile(np.arange(days.sites), times))
