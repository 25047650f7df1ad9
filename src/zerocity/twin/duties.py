"""What every vehicle does today, and when it leaves tomorrow."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.city.scenario import City
from zerocity.fleets.consumption import kwh_per_km
from zerocity.fleets.duty import DayDuty, day_duty
from zerocity.fleets.hull import suspended
from zerocity.measures.arrays import F64
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline
from zerocity.twin.vehicles import Vehicles

I16 = npt.NDArray[np.int16]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _enter(
    cars: Vehicles, first: int, today: DayDuty, next_start: I16, next_end: I16, steps: int
) -> None:
    """Write a fleet's day into its vehicles, which begin at row ``first``."""
    for v in range(next_start.size):
        car = first + v
        length1 = today.end1[v] - today.start1[v]
        length2 = today.end2[v] - today.start2[v]
        cars.start1[car] = today.start1[v] if length1 > 0 else 0
        cars.end1[car] = today.end1[v] if length1 > 0 else 0
        cars.km1[car] = today.km1[v] / length1 if length1 > 0 else 0.0
        cars.start2[car] = today.start2[v] if length2 > 0 else 0
        cars.end2[car] = today.end2[v] if length2 > 0 else 0
        cars.km2[car] = today.km2[v] / length2 if length2 > 0 else 0.0
        cars.next_start[car] = next_start[v] if next_end[v] > next_start[v] else steps


class Duties:
    """Draws each fleet's day from the run's seed."""

    def __init__(self, city: City, timeline: Timeline, seed: int) -> None:
        self.city, self.timeline, self.seed = city, timeline, seed
        sizes = [f.vehicles for f in city.fleets]
        edges = np.concatenate([[0], np.cumsum(sizes)])
        self._drawn: dict[tuple[int, int], DayDuty] = {}
        self.rows = [slice(int(a), int(b)) for a, b in pairwise(edges)]

    def set_day(self, cars: Vehicles, day: int) -> None:
        """Write the duty of ``day`` and tomorrow's first departure into ``cars``."""
        steps = self.timeline.steps_per_day
        self.prepare(day)
        self.prepare(day + 1)
        for number, own in enumerate(self.rows):
            today, tomorrow = self._drawn.pop((number, day)), self._drawn[(number, day + 1)]
            _enter(cars, own.start, today, tomorrow.start1, tomorrow.end1, steps)

    def prepare(self, day: int) -> None:
        """Draw the duties of ``day`` beforehand, where they are not drawn yet."""
        for number in range(len(self.rows)):
            if (number, day) not in self._drawn:
                self._drawn[(number, day)] = self._draw(number, day)

    def _draw(self, number: int, day: int) -> DayDuty:
        spec = self.city.fleets[number]
        rng = stream(self.seed, "duty", spec.name, day)
        date = self.timeline.local_date(day)
        return day_duty(
            spec,
            rng,
            workday=date.weekday() < 5,
            day_of_year=date.timetuple().tm_yday,
            steps_per_day=self.timeline.steps_per_day,
            service_factor=0.0 if spec.kind == "boat" and self.river_closed(day) else 1.0,
        )

    def river_closed(self, day: int) -> bool:
        """Whether the river runs too high for boats."""
        river = self.city.river
        if river is None:
            return False
        month = self.timeline.local_date(day).month
        noise = stream(self.seed, "river", day).normal(0.0, river.flow_spread)
        flow = river.flow_m3_s[month - 1] * np.exp(noise - river.flow_spread**2 / 2.0)
        return bool(suspended(flow, river.stop_above_m3_s))

    def consumption(self, temperature_c: F64, pressure_hpa: F64) -> F64:
        """Energy of each fleet at each step, shape (steps, fleets) [kWh/km]."""
        columns = [kwh_per_km(f, temperature_c, pressure_hpa) for f in self.city.fleets]
        return np.ascontiguousarray(np.array(columns).T)

    def cycles_per_year(self, packs_of_fleet: F64) -> F64:
        """Equivalent full cycles a year of a pack of each fleet, shape (fleets,).

        packs_of_fleet : packs that share the work, pool included, (fleets,).
        """
        result = []
        for number, spec in enumerate(self.city.fleets):
            work = spec.km_workday * spec.active_workday * 261.0
            km = work + spec.km_restday * spec.active_restday * 104.0
            first, last = spec.season_first_day, spec.season_last_day
            season = (last - first + 1) % 366 / 366.0 or 1.0
            per_km = float(kwh_per_km(spec, np.array([10.0]), np.array([848.0]))[0])
            capacity = self.city.products[spec.product].capacity_kwh
            used = km * season * per_km * spec.vehicles
            result.append(used / max(packs_of_fleet[number] * capacity, 1e-9))
        return np.array(result)
