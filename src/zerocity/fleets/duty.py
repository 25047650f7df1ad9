"""What a fleet is, and what its vehicles do on one day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.fleets.vehicle import Boat, RoadVehicle

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
    speed_kmh : mean driving speed with stops [km/h]; boats: mean speed through water.
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


@dataclass(frozen=True)
class DayDuty:
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
