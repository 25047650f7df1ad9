"""What nature does to a city on each day of a run: sun, cold, and the load of its buildings."""

from __future__ import annotations

from zerocity.city.scenario import City
from zerocity.energy.climate import WeatherYear
from zerocity.energy.load import site_loads, smooth_noise
from zerocity.energy.solar import pv_kw_per_kwp
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline
from zerocity.twin.duties import Duties
from zerocity.twin.world import DayScene

# A site's load wanders about its shape; an assumption.
LOAD_NOISE = 0.05


class Scenery:
    """Makes each day's scene from the weather and the run's seed."""

    def __init__(
        self, city: City, timeline: Timeline, weather: WeatherYear, duties: Duties, seed: int
    ) -> None:
        self.city, self.timeline, self.weather = city, timeline, weather
        self._duties, self._seed = duties, seed
        self._yield = pv_kw_per_kwp(
            weather,
            timeline,
            city.climate.latitude,
            city.climate.longitude,
            city.climate.altitude_m,
            city.panels.tilt_deg,
            city.panels.azimuth_deg,
            city.panels.performance_ratio,
        ).reshape(timeline.days, -1)

    def of_day(self, day: int) -> DayScene:
        """The scene of run day ``day``."""
        steps, sites = self.timeline.steps_per_day, self.city.sites
        now = slice(day * steps, (day + 1) * steps)
        temperature = self.weather.temperature_c[now]
        noise = smooth_noise(stream(self._seed, "load", day), len(sites), steps, LOAD_NOISE)
        workday = bool(self.timeline.is_workday()[day])
        return DayScene(
            load_kw=site_loads(sites.load_kw, sites.load_kind, workday, noise, steps),
            pv_kw=sites.pv_kwp[:, None] * self._yield[day],
            temperature_c=temperature,
            kwh_per_km=self._duties.consumption(temperature, self.weather.pressure_hpa[now]),
        )
