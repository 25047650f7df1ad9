"""What a re-run day came to: energy, money line by line, peaks, and who went without."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from zerocity.energy.site_days import SiteDays
from zerocity.measures.arrays import F64, I64
from zerocity.twin.live_watch import QUARTER_S

# A driver who misses less than this does not notice [kWh]; an assumption.
SHORT_KWH = 0.5
# Import above its limit by less than this is rounding [kW].
OVER_KW = 1e-6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill; ``why`` says how ``cny`` comes from ``quantity``."""

    name: str
    quantity: float
    unit: str
    cny: float
    why: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """A day as it came out. Energy in kWh, AC; sites (S,), sessions (N,).

    vehicles_kwh : taken by all sessions; taken_kwh (N,) and site_kwh (S,) the same, split.
    read_kwh : the same, each counted until its meter rose for the last time in the journal.
    load_kwh, sun_kwh, bought_kwh, sold_kwh : of all sites; sun is what was used of it.
    store_in_kwh, store_out_kwh : through the stores' inverters; store_kwh (S,) content at the end.
    lines : the bill. peak_kw : highest mean import of a quarter of an hour, (S,).
    short : sessions that left with less than they wanted; missing_kwh : by how much.
    waiting_kwh : what those still there at the end want yet.
    broken : moments at which a site imported more than its connection or a grid event allowed,
    though its own load did not do so alone; load_alone counts those where it did.
    residual_kwh : largest gap in the energy balance of a site or a store; rounding.
    """

    vehicles_kwh: float
    read_kwh: float
    taken_kwh: F64
    site_kwh: F64
    load_kwh: float
    sun_kwh: float
    bought_kwh: float
    sold_kwh: float
    store_in_kwh: float
    store_out_kwh: float
    store_kwh: F64
    lines: tuple[Line, ...]
    peak_kw: F64
    short: I64
    missing_kwh: float
    waiting_kwh: float
    broken: int
    load_alone: int
    residual_kwh: float

    @property
    def cost_cny(self) -> float:
        """The whole bill [CNY]."""
        return float(sum(line.cny for line in self.lines))


@dataclass
class Flows:
    """Running sums of one run, (S,) each [kWh, CNY]."""

    sites: int
    load: F64 = field(init=False)
    sun: F64 = field(init=False)
    charging: F64 = field(init=False)
    bought: F64 = field(init=False)
    sold: F64 = field(init=False)
    stored: F64 = field(init=False)
    drawn: F64 = field(init=False)
    paid: F64 = field(init=False)
    earned: F64 = field(init=False)
    wear: F64 = field(init=False)
    peak_kw: F64 = field(init=False)
    demand_cny: F64 = field(init=False)
    peak_before_kw: F64 | None = None
    broken: int = 0
    load_alone: int = 0
    _quarter: int = -1
    _quarter_kwh: F64 = field(init=False)
    _quarter_h: float = 0.0

    def __post_init__(self) -> None:
        for name in (
            "load", "sun", "charging", "bought", "sold", "stored", "drawn", "paid", "earned",
            "wear", "peak_kw", "demand_cny", "_quarter_kwh",
        ):  # fmt: skip
            setattr(self, name, np.zeros(self.sites))

    def add(
        self,
        at_s: float,
        hours: float,
        powers: tuple[F64, F64, F64, F64],
        prices: tuple[F64, F64],
        days: SiteDays,
        limit_kw: F64,
    ) -> None:
        """Add one moment; ``powers``: own load, used sun, charging, store (S,) [kW]."""
        load, sun, charging, store = powers
        net = load + charging + store - sun
        bought, sold = np.maximum(net, 0.0), np.maximum(-net, 0.0)
        over = net > limit_kw + OVER_KW
        alone = over & (load + np.minimum(store, 0.0) - sun > limit_kw + OVER_KW)
        self.broken += int(np.count_nonzero(over & ~alone))
        self.load_alone += int(np.count_nonzero(alone))
        self.load += load * hours
        self.sun += sun * hours
        self.charging += charging * hours
        self.bought += bought * hours
        self.sold += sold * hours
        self.stored += np.maximum(store, 0.0) * hours
        self.drawn += np.maximum(-store, 0.0) * hours
        self.paid += prices[0] * bought * hours
        self.earned += prices[1] * sold * hours
        self.wear += days.wear_cny_per_kwh / 2.0 * np.abs(store) * hours
        if self.peak_before_kw is None:
            self.peak_before_kw = days.peak_so_far_kw
        self._count_quarter(at_s, hours, bought)
        rise = np.maximum(self.peak_kw - self.peak_before_kw, 0.0)
        self.demand_cny = days.demand_charge_cny_per_kw * rise

    def _count_quarter(self, at_s: float, hours: float, bought_kw: F64) -> None:
        quarter = int(at_s // QUARTER_S)
        if quarter != self._quarter:
            self._close_quarter()
            self._quarter, self._quarter_h = quarter, 0.0
            self._quarter_kwh = np.zeros(self.sites)
        self._quarter_kwh += bought_kw * hours
        self._quarter_h += hours

    def _close_quarter(self) -> None:
        if self._quarter_h > 0.0:
            self.peak_kw = np.maximum(self.peak_kw, self._quarter_kwh / self._quarter_h)

    def close(self, days: SiteDays) -> None:
        """End the last quarter."""
        self._close_quarter()
        before = self.peak_before_kw if self.peak_before_kw is not None else self.peak_kw
        rise = np.maximum(self.peak_kw - before, 0.0)
        self.demand_cny = days.demand_charge_cny_per_kw * rise

    def lines(self, days: SiteDays) -> tuple[Line, ...]:
        """The bill of all sites."""
        bought, sold = float(self.bought.sum()), float(self.sold.sum())
        cycled = float(self.stored.sum() + self.drawn.sum())
        paid, earned = float(self.paid.sum()), float(self.earned.sum())
        before = self.peak_before_kw if self.peak_before_kw is not None else self.peak_kw
        rise = float(np.maximum(self.peak_kw - before, 0.0).sum())
        return (
            Line("energy bought", bought, "kWh", paid,
                 f"import at the price of its moment, {_mean(paid, bought)} on average"),
            Line("energy sold", sold, "kWh", -earned,
                 f"export at the price of its moment, {_mean(earned, sold)} on average"),
            Line("demand charge", rise, "kW", float(self.demand_cny.sum()),
                 "a month's price of what the highest quarter of an hour adds to its peak so far"),
            Line("wear of stores", cycled, "kWh", float(self.wear.sum()),
                 "half a cycle's wear for each kWh in and each kWh out"),
        )  # fmt: skip


def _mean(cny: float, kwh: float) -> str:
    return f"{cny / kwh:.4f} CNY/kWh" if kwh > 0.0 else "nothing"
