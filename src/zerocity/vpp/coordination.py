"""Sites under limits of the whole portfolio, coordinated by prices, with a certificate.

Each site alone is solved exactly by the single-store kernel. What couples them, a cap, a floor or
a target of their summed net import, is priced in every step, and the price is sought at which the
sites' own cheapest plans add up to what the portfolio may take (Lagrangian or dual decomposition;
Dantzig and Wolfe 1960, doi:10.1287/opre.8.1.101). Three things make that exact and quick:

* Equal prices make thousands of sites move as one, and no price then splits them. So each site
  sees the price with a noise of its own in every step. The noisy dual is nearly smooth; it is
  climbed by a limited-memory quasi-Newton method (Byrd, Lu, Nocedal and Zhu 1995,
  doi:10.1137/0916069), and the noise shrinks from level to level.
* A small linear program mixes the answers seen so far into a lawful plan for each site and names
  the next price (`master`). Its prices stay in a box around the best one, each side of which
  widens while it binds and its price pays, and narrows where the price overshot: a bundle method
  with an adaptive region instead of Lemarechal, Nemirovskii and Nesterov's levels (1995,
  doi:10.1007/BF01585555) or Polyak's steps; in the maximum norm it stays a linear program
  (Linderoth and Wright 2003, doi:10.1023/A:1021858008222).
* Bounds are the exact dual without noise, so gap = (objective - bound) / |objective| is proven.

No number is fitted to a fleet: the first noise is a share of the mean price, the climb stops at a
share of the error that the noise makes, the box and the last noise follow from success.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from zerocity.energy.stores import StoreDays, StorePlans
from zerocity.errors import InputError
from zerocity.vpp.climb import Search
from zerocity.vpp.portfolio import Portfolio
from zerocity.vpp.shared_plan import mixed_powers, settle
from zerocity.vpp.site_oracle import SiteOracle, answers

FloatArray = npt.NDArray[np.float64]

GROUPS, GROUPS_LONG, LONG_STEPS = 100, 25, 192
"""Groups of sites in the master, and for more steps than so many. A choice of speed alone: the
master's work grows with steps and groups, the number of rounds falls with groups."""
SLACK_FACTOR = 10.0
"""Breaking the portfolio's limit costs so many times (1 + dearest energy), unless said."""
BROKEN_SHARE = 1e-6
"""An excess counts as broken above this share of the limit."""


class Round(NamedTuple):
    """Where the search stood: bounds [CNY], noise [CNY/kWh], questions asked of all sites."""

    bound_cny: float
    objective_cny: float
    dither_cny_per_kwh: float
    calls: int


class Broken(NamedTuple):
    """A limit of the portfolio that could not be kept, or not at less than its price."""

    limit: str
    step: int
    amount_kw: float
    cny_per_kwh: float

    def __str__(self) -> str:
        side = "above" if self.limit == "cap" else "below"
        return (
            f"step {self.step}: net import is {self.amount_kw:.6g} kW {side} the portfolio's "
            f"{self.limit}, at {self.cny_per_kwh:g} CNY/kWh"
        )


@dataclass(frozen=True, slots=True)
class Coordination:
    """One plan for each site and the proof of what it is worth.

    ``plans`` of all N sites, each lawful alone; their ``bound_cny`` is the site's cost if it were
    alone, ``stored_price_cny_per_kwh`` belongs to ``price_cny_per_kwh`` (T,), the price that the
    portfolio puts on net import on top of each site's own. ``objective_cny`` is the cost of all
    sites and of the portfolio's broken limits and deviations; ``bound_cny`` a proven lower bound of
    it; ``gap`` their distance over the objective; ``net_kw`` (T,) the sum of net imports.
    ``broken`` names each limit that does not hold. ``rounds`` counts the master's solutions.
    """

    plans: StorePlans
    price_cny_per_kwh: FloatArray
    net_kw: FloatArray
    objective_cny: float
    bound_cny: float
    gap: float
    rounds: int
    broken: tuple[Broken, ...]
    history: tuple[Round, ...]


def coordinate(
    days: StoreDays,
    cap_kw: FloatArray | None = None,
    floor_kw: FloatArray | None = None,
    *,
    target_kw: FloatArray | None = None,
    deviation_cny_per_kwh: float = 0.0,
    slack_cny_per_kwh: float | None = None,
    gap: float = 1e-6,
    most_calls: int = 1000,
    seed: int = 0,
    threads: int = 1,
) -> Coordination:
    """Plan N sites at least cost under limits of their summed net import.

    Parameters
    ----------
    days : the sites, one store each.
    cap_kw, floor_kw : highest and lowest sum of net imports, (T,) [kW]; inf or -inf for none.
    target_kw : a sum to follow, (T,) [kW], nan for none; each kWh off it costs
        ``deviation_cny_per_kwh``.
    slack_cny_per_kwh : price of each kWh above the cap or below the floor. Default 10 times
        (1 CNY + the dearest energy of any site).
    gap : stop when (objective - bound) / |objective| is no more, > 0.
    most_calls : stop after so many questions to all sites. There is no clock in here, so that
        equal input gives equal plans.
    seed : of the noise that splits equals.
    threads : threads over sites; the plans do not depend on it.

    Raises InputError for unlawful input and for a site that cannot be served even alone. A limit
    that cannot be kept does not raise: it is broken at its price and named in ``broken``.
    """
    if not gap > 0.0:
        raise InputError("gap", str(gap), "more than 0")
    sites, steps = days.load_kw.shape
    portfolio = Portfolio(
        _given(cap_kw, steps, np.inf),
        _given(floor_kw, steps, -np.inf),
        _given(target_kw, steps, np.nan),
        slack_price(days) if slack_cny_per_kwh is None else slack_cny_per_kwh,
        deviation_cny_per_kwh,
    )
    groups = min(sites, GROUPS if steps <= LONG_STEPS else GROUPS_LONG)
    search = Search(SiteOracle(days, groups, seed, threads), portfolio, gap, most_calls)
    # Threads of linear algebra wait awake for work that is too small to be shared.
    with threadpool_limits(1, user_api="blas"):
        search.run()
    return _finished(search, portfolio, threads)


def slack_price(days: StoreDays) -> float:
    """The default price of a broken limit of the portfolio [CNY/kWh]."""
    dearest = max(np.abs(days.buy_cny_per_kwh).max(), np.abs(days.sell_cny_per_kwh).max())
    return float(SLACK_FACTOR * (1.0 + dearest))


def _given(values: FloatArray | None, steps: int, none: float) -> FloatArray:
    return np.full(steps, none) if values is None else np.asarray(values, dtype=np.float64)


def _finished(search: Search, portfolio: Portfolio, threads: int) -> Coordination:
    days, price = search.oracle.days, search.best_price
    mixed = mixed_powers(search.oracle, search.questions, search.weights)
    plans = settle(days, portfolio, mixed)
    shape = days.load_kw.shape
    plans = replace(
        plans,
        stored_price_cny_per_kwh=answers(
            days, np.broadcast_to(price, shape), threads
        ).stored_price_cny_per_kwh,
        bound_cny=answers(days, np.zeros(shape), threads).bound_cny,
    )
    net = (plans.import_kw - plans.export_kw).sum(axis=0)
    objective = float(plans.objective_cny.sum() + days.step_h * portfolio.cost(net).sum())
    return Coordination(
        plans=plans,
        price_cny_per_kwh=price,
        net_kw=net,
        objective_cny=objective,
        bound_cny=search.bound_cny,
        gap=(objective - search.bound_cny) / max(abs(objective), 1e-9),
        rounds=search.rounds,
        broken=_broken(portfolio, net),
        history=tuple(Round(*state) for state in search.history),
    )


def _broken(portfolio: Portfolio, net_kw: FloatArray) -> tuple[Broken, ...]:
    scale = BROKEN_SHARE * max(1.0, float(np.abs(net_kw).max()))
    price = portfolio.slack_cny_per_kwh
    return tuple(
        Broken(name, int(t), float(excess[t]), price)
        for name, excess in (
            ("cap", net_kw - portfolio.cap_kw),
            ("floor", portfolio.floor_kw - net_kw),
        )
        for t in np.flatnonzero(excess > scale)
    )
