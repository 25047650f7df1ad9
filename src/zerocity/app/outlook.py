"""What a live city expects of the hours ahead, from its folder alone: the typical day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np

from zerocity.city.scenario import City
from zerocity.energy.load import site_loads
from zerocity.energy.solar import pv_kw_per_kwp
from zerocity.energy.weather import made_weather
from zerocity.measures.arrays import F64
from zerocity.measures.timeline import Timeline

# Weathers of a date that are made and averaged into a typical one.
WEATHERS = 5
DAYS = 3

Expected = tuple[F64, F64, F64, F64]


class TypicalOutlook:
    """Typical load, sun and prices of a city; see `live.planning.Outlook`.

    The sun is the mean of several made weathers of the date, so it is neither clear nor cloudy.
    """

    def __init__(self, city: City, seed: int = 1) -> None:
        self.city, self._seed = city, seed
        self._made: tuple[date, Expected] | None = None

    def __call__(self, first: datetime, steps: int) -> Expected:
        """Load and sun (sites, steps) [kW], buying and selling price (steps,) [CNY/kWh]."""
        local = first + timedelta(hours=self.city.utc_offset_h)
        made = self._made
        if made is None or made[0] != local.date():
            made = (local.date(), self._of(local.date()))
            self._made = made
        at = (local.hour * 60 + local.minute) // 15
        now = slice(at, at + steps)
        load, sun, buy, sell = made[1]
        return load[:, now], sun[:, now], buy[now], sell[now]

    def _of(self, day: date) -> Expected:
        city, sites = self.city, self.city.sites
        timeline = Timeline(day, DAYS, 15, city.utc_offset_h)
        steps = timeline.steps_per_day
        even = np.ones((len(sites), steps))
        load = np.hstack(
            [
                site_loads(sites.load_kw, sites.load_kind, bool(workday), even, steps)
                for workday in timeline.is_workday()
            ]
        )
        yields = [
            pv_kw_per_kwp(
                made_weather(city.climate, timeline, self._seed + 1000 + k),
                timeline,
                city.climate.latitude,
                city.climate.longitude,
                city.climate.altitude_m,
                city.panels.tilt_deg,
                city.panels.azimuth_deg,
                city.panels.performance_ratio,
            )
            for k in range(WEATHERS)
        ]
        prices = city.tariff.prices(timeline)
        sun = sites.pv_kwp[:, None] * np.mean(yields, axis=0)[None, :]
        return load, sun, prices.buy, prices.sell
