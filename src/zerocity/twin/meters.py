"""What the meters cost: bills of energy and demand, and the carbon of what was imported."""

from __future__ import annotations

import numpy as np

from zerocity.city.scenario import City
from zerocity.measures.arrays import F64
from zerocity.measures.timeline import Timeline
from zerocity.twin.world import DayMeters


class Bills:
    """Keeps each site's highest import of the month, and prices every day twice.

    Once for the ledger (by step) and once for the purse (by site): the audit compares them.
    """

    def __init__(self, city: City, timeline: Timeline, buy: F64, sell: F64) -> None:
        self.city, self.timeline = city, timeline
        self._buy, self._sell = buy, sell
        self._peak_kw = np.zeros(len(city.sites))
        self._month = 0
        years = sorted(set(timeline.years.tolist()))
        self._factor = {
            year: city.factors.lookup(city.grid_region, year).kgco2_per_kwh for year in years
        }

    def peak_so_far_kw(self, day: int) -> F64:
        """Highest import of each site in this month before ``day``, (sites,) [kW]."""
        month = int(self.timeline.months[day])
        if month != self._month:
            self._month = month
            self._peak_kw = np.zeros_like(self._peak_kw)
        return self._peak_kw.copy()

    def of_day(
        self, day: int, m: DayMeters, vpp_cny: float
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Bill of a day for the ledger, and the same for the purse [CNY]."""
        peak = np.maximum(self._peak_kw, m.import_kwh.max(axis=0) / self.timeline.step_h)
        rise = peak - self._peak_kw
        price = self.city.tariff.demand_charge_cny_per_kw_month
        self._peak_kw = peak
        by_step = {
            "energy": float(m.import_kwh.sum(axis=1) @ self._buy[day]),
            "demand_charge": float(rise.sum() * price),
            "export": float(m.export_kwh.sum(axis=1) @ self._sell[day]),
            "vpp": vpp_cny,
        }
        by_site = {
            "energy": float((self._buy[day] @ m.import_kwh).sum()),
            "demand_charge": float((rise * price).sum()),
            "export": float((self._sell[day] @ m.export_kwh).sum()),
            "vpp": vpp_cny,
        }
        return by_step, by_site

    def carbon_of_day(self, day: int, m: DayMeters) -> tuple[float, float]:
        """Carbon of a day's import for the ledger and for the count [kgCO2]."""
        factor = self.factor(day)
        return float(m.import_kwh.sum() * factor), float((m.import_kwh.sum(axis=0) * factor).sum())

    def avoided_kg(self, day: int, m: DayMeters) -> float:
        """Carbon that the day's export avoids elsewhere [kgCO2]."""
        return float(m.export_kwh.sum()) * self.factor(day)

    def factor(self, day: int) -> float:
        """Carbon of grid energy on ``day`` [kgCO2/kWh]."""
        return self._factor[int(self.timeline.years[day])]
