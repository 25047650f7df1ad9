"""What a fleet is, and what its vehicles do on one day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.errors import InputError
from zerocity.fleets.vehicle import Boat, RoadVehicle

FloatArray = npt.NDArray[np.float64]

KINDS = ("bus", "brt", "truck", "taxi", "car", "two_wheeler", "boat")
REFUELS = ("charge", "swap")
# Driving faster than this times the fleet's mean speed over a whole leg is not believed.
MAX_SPEED_RATIO = 1.5

_RANGES: dict[str, tuple[float, float]] = {
    "vehicles": (0, 10_000_000),
    "packs_per_vehicle": (1, 3),
    "speed_kmh": (1.0, 130.0),
    "stops_per_km": (0.0, 20.0),
    "grade_mean": (0.0, 0.2),
    "base_plug_share": (0.0, 1.0),
    "mid_plug_share": (0.0, 1.0),
    "plug_below_soc": (0.0, 1.0),
    "target_soc": (0.0, 1.0),
    "reserve_soc": (0.0, 1.0),
    "km_workday": (0.0, 2000.0),
    "km_restday": (0.0, 2000.0),
    "km_spread": (0.0, 2.0),
    "active_workday": (0.0, 1.0),
    "active_restday": (0.0, 1.0),
    "leg1_start_h": (0.0, 24.0),
    "leg1_end_h": (0.0, 24.0),
    "leg2_start_h": (0.0, 24.0),
    "leg2_end_h": (0.0, 24.0),
    "start_spread_h": (0.0, 12.0),
    "trip_km": (1e-3, 2000.0),
    "season_first_day": (1, 366),
    "season_last_day": (1, 366),
    "life_years": (0.1, 100.0),
    "life_spread_years": (0.0, 50.0),
    "end_of_life_soh": (0.0, 1.0),
    "mean_age_years": (0.0, 100.0),
    "current_kmh": (-30.0, 30.0),
}


@dataclass(frozen=True)
class FleetSpec:
    """One fleet: how many of which vehicle, when and how far they drive, where they refuel.

    kind : one of `KINDS`. refuel : one of `REFUELS`, what happens when soc < ``reserve_soc``.
    speed_kmh : mean driving speed over ground, with stops [km/h].
    stops_per_km : stops and near-stops [1/km]. grade_mean : mean absolute road grade [-].
    base/mid/on_demand_site_kind : site kinds where it refuels, "" = none.
    plug_below_soc : plugs in at base or mid when soc is below, 1 = always [0-1].
    km_workday, km_restday : mean of an *active* vehicle [km/day]; km_spread : lognormal sigma [-].
    leg1_*, leg2_* : mean local hours; leg 2 is empty when its start equals its end [h].
    season_first_day, season_last_day : days of year 1-366; first > last runs over New Year.
    current_kmh : river current [km/h]; trips go both ways, so its sign does not matter.
    """

    name: str
    title: str
    kind: str
    vehicles: int
    product: str
    packs_per_vehicle: int
    vehicle: RoadVehicle | Boat
    speed_kmh: float
    stops_per_km: float
    grade_mean: float
    refuel: str
    base_site_kind: str
    mid_site_kind: str
    on_demand_site_kind: str
    base_plug_share: float
    mid_plug_share: float
    plug_below_soc: float
    target_soc: float
    reserve_soc: float
    km_workday: float
    km_restday: float
    km_spread: float
    active_workday: float
    active_restday: float
    leg1_start_h: float
    leg1_end_h: float
    leg2_start_h: float
    leg2_end_h: float
    start_spread_h: float
    trip_km: float
    season_first_day: int
    season_last_day: int
    life_years: float
    life_spread_years: float
    end_of_life_soh: float
    mean_age_years: float
    current_kmh: float = 0.0

    def __post_init__(self) -> None:
        for field, (low, high) in _RANGES.items():
            value = getattr(self, field)
            if not low <= value <= high:
                raise self._error(field, f"{value}", f"{low:g} to {high:g}")
        self._check_words()
        self._check_hours()

    def _error(self, field: str, came: str, wanted: str, way_out: str = "") -> InputError:
        return InputError(f"fleets.{self.name}.{field}", came, wanted, way_out)

    def _check_words(self) -> None:
        if self.kind not in KINDS:
            raise self._error("kind", repr(self.kind), "one of " + ", ".join(KINDS))
        if self.refuel not in REFUELS:
            raise self._error("refuel", repr(self.refuel), "one of " + ", ".join(REFUELS))
        wanted = Boat if self.kind == "boat" else RoadVehicle
        if not isinstance(self.vehicle, wanted):
            came = type(self.vehicle).__name__
            raise self._error("vehicle", came, f"a {wanted.__name__} for a {self.kind}")
        if isinstance(self.vehicle, Boat):
            still = self.vehicle.speed_through_water_kmh
            if abs(self.current_kmh) >= still:
                wanted_speed = f"below the speed through water ({still:g} km/h)"
                raise self._error("current_kmh", f"{self.current_kmh}", wanted_speed)
        if self.reserve_soc > self.target_soc:
            came = f"{self.reserve_soc}"
            raise self._error("reserve_soc", came, f"at most target_soc ({self.target_soc:g})")

    def _check_hours(self) -> None:
        hours = self.leg1_start_h, self.leg1_end_h, self.leg2_start_h, self.leg2_end_h
        if not hours[0] < hours[1]:
            raise self._error("leg1_end_h", f"{hours[1]}", f"after leg1_start_h ({hours[0]:g})")
        if not hours[2] <= hours[3]:
            wanted = f"at or after leg2_start_h ({hours[2]:g})"
            raise self._error("leg2_end_h", f"{hours[3]}", wanted)
        if hours[2] < hours[3] and hours[2] < hours[1]:
            wanted = f"at or after leg1_end_h ({hours[1]:g})"
            raise self._error("leg2_start_h", f"{hours[2]}", wanted)
        most = MAX_SPEED_RATIO * self.speed_kmh * (hours[1] - hours[0] + hours[3] - hours[2])
        for field in ("km_workday", "km_restday"):
            if getattr(self, field) > most:
                way_out = "Lengthen the legs or raise speed_kmh"
                came = f"{getattr(self, field)}"
                raise self._error(field, came, f"at most {most:g} km in the hours given", way_out)


class DayDuty(NamedTuple):
    """One day of a fleet, arrays of shape (vehicles,).

    start1, end1, start2, end2 : step index 0..steps_per_day, driving in [start, end); start == end
        when not driving. km1, km2 : distance of each leg [km].
    """

    start1: npt.NDArray[np.int16]
    end1: npt.NDArray[np.int16]
    start2: npt.NDArray[np.int16]
    end2: npt.NDArray[np.int16]
    km1: npt.NDArray[np.float64]
    km2: npt.NDArray[np.float64]


def in_season(spec: FleetSpec, day_of_year: int) -> bool:
    """Whether the fleet serves on this day of the year (1-366)."""
    first, last = spec.season_first_day, spec.season_last_day
    if first <= last:
        return first <= day_of_year <= last
    return day_of_year >= first or day_of_year <= last


def day_duty(
    spec: FleetSpec,
    rng: np.random.Generator,
    *,
    workday: bool,
    day_of_year: int,
    steps_per_day: int,
    service_factor: float = 1.0,
) -> DayDuty:
    """Draw one day: who serves, when its legs start and end, how far it drives.

    The mean distance of an active vehicle is that of the spec; each leg gets its share by length.
    A vehicle drawn to go farther than its legs allow at `MAX_SPEED_RATIO` times ``speed_kmh`` works
    longer: later in the evening, then earlier in the morning, then through the break; only beyond
    that is the distance cut. The same generator state gives the same day.

    Parameters
    ----------
    rng : generator that belongs to this fleet and day.
    workday : Monday to Friday. day_of_year : 1-366; out of season nobody serves.
    steps_per_day : 96 for quarter hours, at least 1.
    service_factor : scales the share in service, 0 = suspended (flood, holiday) [>= 0].
    """
    if steps_per_day < 1:
        raise InputError("steps_per_day", f"{steps_per_day}", "at least 1")
    share = (spec.active_workday if workday else spec.active_restday) * max(service_factor, 0.0)
    if not in_season(spec, day_of_year):
        share = 0.0
    serves = rng.random(spec.vehicles) < share
    wanted_km = _distances(spec, rng, spec.km_workday if workday else spec.km_restday)
    late = rng.standard_normal((2, spec.vehicles))
    steps = np.empty((4, spec.vehicles), np.int16)
    km = np.empty((2, spec.vehicles))
    _draw_legs(serves, wanted_km, late, _hours(spec, steps_per_day), steps_per_day, steps, km)
    return DayDuty(*steps, *km)


def _distances(spec: FleetSpec, rng: np.random.Generator, mean_km: float) -> FloatArray:
    """Lognormal with the mean kept whatever the spread, shape (vehicles,) [km]."""
    sigma = spec.km_spread
    return mean_km * np.exp(sigma * rng.standard_normal(spec.vehicles) - 0.5 * sigma**2)


class _Hours(NamedTuple):
    """A fleet's mean day in steps: lengths of the legs, their usual starts, how they vary."""

    steps1: int
    steps2: int
    start1: float
    start2: float
    spread_h: float
    per_hour: float
    step_km: float


def _hours(spec: FleetSpec, steps_per_day: int) -> _Hours:
    per_hour = steps_per_day / 24.0
    two = int(spec.leg2_end_h > spec.leg2_start_h)
    steps1 = _steps((spec.leg1_end_h - spec.leg1_start_h) * per_hour, steps_per_day - two)
    steps2 = _steps((spec.leg2_end_h - spec.leg2_start_h) * per_hour, steps_per_day - steps1)
    return _Hours(
        steps1=steps1,
        steps2=steps2 * two,
        start1=spec.leg1_start_h * per_hour,
        start2=spec.leg2_start_h * per_hour,
        spread_h=spec.start_spread_h,
        per_hour=per_hour,
        step_km=MAX_SPEED_RATIO * spec.speed_kmh * 24.0 / steps_per_day,
    )


def _steps(length: float, most: int) -> int:
    return min(max(round(length), 1), most)


@njit(cache=True, nogil=True, error_model="numpy")
def _draw_legs(
    serves: npt.NDArray[np.bool_], wanted_km: FloatArray, late: FloatArray, h: _Hours, day: int,
    steps: npt.NDArray[np.int16], km: FloatArray,
) -> None:  # fmt: skip
    """Fill each vehicle's legs (4, vehicles) and their distances (2, vehicles) [km].

    A leg moves as a whole and stays in the day; a second leg waits for the end of the first. Then
    they are lengthened as far as the distance asks and the day has room.
    """
    two = h.steps2 > 0
    for v in range(wanted_km.size):
        steps[:, v] = 0
        km[:, v] = 0.0
        if not serves[v] or not wanted_km[v] > 0.0:
            continue
        wish = np.rint(h.start1 + late[0, v] * h.spread_h * h.per_hour)
        start1 = int(min(max(wish, 0.0), float(day - h.steps1 - h.steps2)))
        end1 = start1 + h.steps1
        start2 = end1
        if two:
            wish = np.rint(h.start2 + late[1, v] * h.spread_h * h.per_hour)
            start2 = int(min(max(wish, float(end1)), float(day - h.steps2)))
        end2 = start2 + h.steps2
        needed = int(min(np.ceil(wanted_km[v] / h.step_km), float(day)))
        short = max(needed - h.steps1 - h.steps2, 0)
        later = min(short, day - end2)
        earlier = min(short - later, start1)
        start1 -= earlier
        if two:
            end1 += min(short - later - earlier, start2 - end1)
            end2 += later
        else:
            end1 += later
            start2 = end2 = end1
        driven = end1 - start1 + end2 - start2
        total = min(wanted_km[v], h.step_km * driven)
        steps[0, v], steps[1, v], steps[2, v], steps[3, v] = start1, end1, start2, end2
        km[0, v] = total * (end1 - start1) / max(driven, 1)
        km[1, v] = total - km[0, v] if end2 > start2 else 0.0
