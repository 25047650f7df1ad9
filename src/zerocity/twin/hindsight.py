"""What a run's plans were worth: stores against perfect foresight, forecasts against yesterday."""

from __future__ import annotations

from typing import Any

import numpy as np

from zerocity.city.scenario import City
from zerocity.energy.foresight import Foresight, Metered, foresight, joined, worth
from zerocity.energy.site_days import SiteDays
from zerocity.measures.arrays import F64, I64
from zerocity.measures.timeline import Timeline
from zerocity.twin.population import CHARGER_EFFICIENCY, INVERTER_EFFICIENCY
from zerocity.twin.world import DayMeters

SITES_AT_ONCE = 4
"""Year-long problems in memory at one time: some 70 MB."""
KEPT = ("demand", "sun", "grid", "store")


class Hindsight:
    """Keeps what the meters of sites with a store said, in single precision: 16 bytes a site and
    step. Judges it when the run is over.

    A pack that comes or goes changes a store's content at midnight; such jumps are taken out of
    the path, and the bounds of the content move with them. Wear is charged at its mean price.
    """

    def __init__(self, city: City, timeline: Timeline, buy: F64, sell: F64) -> None:
        self.city, self.timeline = city, timeline
        self._buy, self._sell = buy.ravel(), sell.ravel()
        self.sites: I64 = np.flatnonzero(city.sites.storage_kw > 0.0)
        shape = (self.sites.size, timeline.steps)
        self._kept = {name: np.zeros(shape, np.float32) for name in KEPT}
        self._store = {
            name: np.zeros((self.sites.size, timeline.days))
            for name in ("usable_kwh", "content_kwh", "into_kw", "out_kw", "wear_cny_per_kwh")
        }
        self._errors = {name: _Errors() for name in ("load", "pv")}
        self.days = 0

    def add_day(self, day: int, problem: SiteDays, m: DayMeters) -> None:
        """Take in what was foreseen and what was metered on ``day``."""
        now, own = slice(day * m.load_kwh.shape[0], (day + 1) * m.load_kwh.shape[0]), self.sites
        step_h = self.timeline.step_h
        kwh = {
            "demand": m.load_kwh + m.charging_kwh,
            "sun": m.pv_kwh,
            "grid": m.import_kwh - m.export_kwh,
            "store": m.store_in_kwh - m.store_out_kwh,
        }
        for name, values in kwh.items():
            self._kept[name][:, now] = values[:, own].T / step_h
        for name, values in (
            ("usable_kwh", problem.store_kwh),
            ("content_kwh", problem.store_initial_kwh),
            ("into_kw", problem.store_charge_kw),
            ("out_kw", problem.store_discharge_kw),
            ("wear_cny_per_kwh", problem.wear_cny_per_kwh),
        ):
            self._store[name][:, day] = values[own]
        self._errors["load"].add(problem.load_kw, m.load_kwh.T / step_h)
        self._errors["pv"].add(problem.pv_kw, m.pv_kwh.T / step_h)
        self.days = day + 1

    def wear(self) -> F64:
        """Mean price of cycling each of ``sites``' stores in the run [CNY/kWh AC]."""
        return np.asarray(self._store["wear_cny_per_kwh"][:, : self.days].mean(axis=1))

    def forecasts(self) -> dict[str, dict[str, float]]:
        """Score of the run's forecasts of load and sun, mean over the sites that have any [kW]."""
        return {name: found for name, e in self._errors.items() if (found := e.score())}

    def stores(self, threads: int = 1) -> dict[str, Any]:
        """What the stores' dispatch lost against perfect foresight, in sum and by site."""
        if not self.sites.size or not self.days:
            return {}
        found = joined(
            [
                foresight(self._metered(slice(at, at + SITES_AT_ONCE)), threads)
                for at in range(0, self.sites.size, SITES_AT_ONCE)
            ]
        )
        return {**worth(found), "sites": self._rows(found)}

    def _rows(self, found: Foresight) -> list[dict[str, Any]]:
        names, wear = self.city.sites.name, self.wear()
        usable = self._store["usable_kwh"][:, : self.days].mean(axis=1)
        return [
            {
                "site": str(names[site]),
                "realised_cny": float(found.realised_cny[k]),
                "perfect_cny": float(found.perfect_cny[k]) if found.feasible[k] else None,
                "lost_cny": float(found.lost_cny[k]) if found.feasible[k] else None,
                "idle_cny": float(found.idle_cny[k]),
                "usable_kwh": float(usable[k]),
                "wear_cny_per_kwh": float(wear[k]),
            }
            for k, site in enumerate(self.sites)
        ]

    def _metered(self, block: slice) -> Metered:
        steps, days = self.timeline.steps_per_day, self.days
        used = days * steps
        kept = {
            name: values[block, :used].astype(np.float64) for name, values in self._kept.items()
        }
        store = {name: values[block, :days] for name, values in self._store.items()}
        jumps = self._jumps(kept["store"], store["content_kwh"])
        where = self.sites[block]
        return Metered(
            step_h=self.timeline.step_h,
            demand_kw=kept["demand"],
            pv_kw=kept["sun"],
            grid_kw=kept["grid"],
            store_kw=kept["store"],
            buy_cny_per_kwh=self._buy[:used],
            sell_cny_per_kwh=self._sell[:used],
            low_kwh=np.repeat(-jumps, steps, axis=1),
            high_kwh=np.repeat(store["usable_kwh"] - jumps, steps, axis=1),
            charge_limit_kw=np.repeat(store["into_kw"], steps, axis=1),
            discharge_limit_kw=np.repeat(store["out_kw"], steps, axis=1),
            export_limit_kw=self.city.sites.export_limit_kw[where],
            initial_kwh=store["content_kwh"][:, 0].copy(),
            wear_cny_per_kwh=self.wear()[block] / 2.0,
            charge_efficiency=CHARGER_EFFICIENCY,
            discharge_efficiency=INVERTER_EFFICIENCY,
            period=self._periods(used),
        )

    def _jumps(self, store_kw: F64, content_kwh: F64) -> F64:
        """Content at each midnight that the meters do not explain, (sites, days) [kWh]."""
        into, out = np.maximum(store_kw, 0.0), np.maximum(-store_kw, 0.0)
        gained = self.timeline.step_h * (into * CHARGER_EFFICIENCY - out / INVERTER_EFFICIENCY)
        by_day = gained.reshape(*content_kwh.shape, -1).sum(axis=2)
        explained = content_kwh[:, :1] + np.cumsum(by_day, axis=1) - by_day
        return np.asarray(content_kwh - explained)

    def _periods(self, steps: int) -> I64:
        months = self.timeline.years * 12 + self.timeline.months
        return np.repeat(months - months[0], self.timeline.steps_per_day)[:steps]


class _Errors:
    """Sums of a forecast's errors and of those that "like yesterday" would have made."""

    def __init__(self) -> None:
        self._sums = np.zeros(4)
        self._yesterday: F64 | None = None

    def add(self, said: F64, came: F64) -> None:
        """Take in a day, (sites, steps) [kW] each; the first one only sets a yesterday."""
        if self._yesterday is not None:
            has = (came > 0.0).any(axis=1) | (self._yesterday > 0.0).any(axis=1)
            error = said[has] - came[has]
            naive = np.abs(self._yesterday[has] - came[has])
            self._sums += np.abs(error).sum(), error.sum(), naive.sum(), error.size
        self._yesterday = came

    def score(self) -> dict[str, float]:
        absolute, signed, naive, count = self._sums.tolist()
        if not count:
            return {}
        return {
            "mae_kw": absolute / count,
            "bias_kw": signed / count,
            "persistence_mae_kw": naive / count,
            "skill": 1.0 - absolute / naive if naive else 0.0,
        }
