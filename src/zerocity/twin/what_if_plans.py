"""The plans that another day follows: none at all, or made again from what is known by then."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zerocity.charging.envelope import add_session
from zerocity.energy.site_days import SiteDays
from zerocity.measures.arrays import F64, I64
from zerocity.twin.live_day import LiveDay
from zerocity.twin.live_watch import QUARTER_S


@dataclass(frozen=True)
class Prices:
    """Prices by quarter of the UTC day, (96,) each [CNY/kWh]; ``sell`` None: as the journal's.

    What is sold never earns more than what is bought costs.
    """

    buy: F64
    sell: F64 | None = None

    def of(self, quarter: int, sell: F64) -> tuple[F64, F64]:
        """Buying and selling price of each site at a quarter; ``sell`` (S,) as it was."""
        at = quarter % self.buy.size
        buy = np.full(sell.size, self.buy[at])
        mine = sell if self.sell is None else np.full(sell.size, self.sell[at])
        return buy, np.minimum(mine, buy)


@dataclass(frozen=True, eq=False)
class Known:
    """The sessions that a plan is made for, (n,): ``arrives`` and ``leaves`` in columns."""

    site: I64
    need_kwh: F64
    limit_kw: F64
    arrives: I64
    leaves: I64


def shifted(days: SiteDays, columns: int) -> SiteDays:
    """``days`` as seen ``columns`` later; its last column holds on."""
    if columns == 0:
        return days
    at = np.clip(np.arange(days.steps) + columns, 0, days.steps - 1)
    names = ("load_kw", "pv_kw", "buy_cny_per_kwh", "sell_cny_per_kwh", "flex_limit_kw")
    return replace(days, **{name: getattr(days, name)[:, at] for name in names})


def with_prices(days: SiteDays, prices: Prices | None, quarter: int) -> SiteDays:
    """``days``, whose first column is ``quarter``, at other prices."""
    if prices is None:
        return days
    pairs = [prices.of(quarter + t, days.sell_cny_per_kwh[:, t]) for t in range(days.steps)]
    buy, sell = (np.stack(column, axis=1) for column in zip(*pairs, strict=True))
    return replace(days, buy_cny_per_kwh=buy, sell_cny_per_kwh=sell)


def with_sessions(days: SiteDays, known: Known) -> SiteDays:
    """``days`` with the room that these sessions leave."""
    early, late = np.zeros_like(days.load_kw), np.zeros_like(days.load_kw)
    for k, site in enumerate(known.site):
        add_session(
            early[site], late[site], int(known.arrives[k]), int(known.leaves[k]),
            float(known.need_kwh[k]), float(known.limit_kw[k]) * days.step_h,
        )  # fmt: skip
    most = np.cumsum(early, axis=1)
    least = np.minimum(np.cumsum(late, axis=1), most)
    return replace(days, flex_min_kwh=least, flex_max_kwh=most)


def with_truth(days: SiteDays, day: LiveDay, quarter: int) -> SiteDays:
    """``days`` with the load and the sun that came, as far as the journal goes."""
    load, sun = days.load_kw.copy(), days.pv_kw.copy()
    for t in range(days.steps):
        if (seen := day.quarters.get(quarter + t)) is not None:
            load[:, t], sun[:, t] = seen
    return replace(days, load_kw=load, pv_kw=sun)


def still_to_come(day: LiveDay, after: int, quarter: int) -> Known:
    """The sessions that nobody can know yet: those that are seen first after look ``after``."""
    rows = np.flatnonzero((day.first > after) & (day.takes_kwh > 0.0))
    leaves_s = np.where(np.isfinite(day.leaves_s[rows]), day.leaves_s[rows], day.to_s)
    most_kw = np.array([_most_kw(day, int(row)) for row in rows])
    return Known(
        site=day.site[rows],
        need_kwh=day.takes_kwh[rows],
        limit_kw=most_kw,
        arrives=np.asarray(day.begins_s[rows] // QUARTER_S - quarter, np.int64),
        leaves=np.asarray(leaves_s // QUARTER_S - quarter, np.int64),
    )


def _most_kw(day: LiveDay, row: int) -> float:
    """The most that a session takes over its first piece of curve, and is known to take [kW]."""
    at = int(day.begins[row])
    return float(min(day.known_kw[at], day.rate_kw[at]))


def joined(first: Known, second: Known) -> Known:
    """Both."""
    return Known(
        *(
            np.concatenate([getattr(first, name), getattr(second, name)])
            for name in ("site", "need_kwh", "limit_kw", "arrives", "leaves")
        )
    )
