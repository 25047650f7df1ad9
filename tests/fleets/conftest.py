"""Reference fleets: one spec for each kind, with changes on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from zerocity.fleets.duty import FleetSpec
from zerocity.fleets.vehicle import REFERENCE_BOATS, REFERENCE_VEHICLES

SpecMaker = Callable[..., FleetSpec]

COMMON: dict[str, Any] = {
    "vehicles": 500,
    "product": "pack",
    "packs_per_vehicle": 1,
    "refuel": "charge",
    "base_site_kind": "bus_depot",
    "mid_site_kind": "",
    "on_demand_site_kind": "integrated_station",
    "base_plug_share": 1.0,
    "mid_plug_share": 0.0,
    "plug_below_soc": 1.0,
    "target_soc": 0.95,
    "reserve_soc": 0.2,
    "km_spread": 0.2,
    "active_workday": 0.9,
    "active_restday": 0.8,
    "leg1_start_h": 6.0,
    "leg1_end_h": 12.0,
    "leg2_start_h": 14.0,
    "leg2_end_h": 20.0,
    "start_spread_h": 0.7,
    "season_first_day": 1,
    "season_last_day": 366,
    "life_years": 8.0,
    "life_spread_years": 1.0,
    "end_of_life_soh": 0.8,
    "mean_age_years": 3.0,
    "grade_mean": 0.01,
}

# kind: vehicle, speed, stops, km on workdays, km on rest days, km of a trip
KINDS: dict[str, tuple[Any, float, float, float, float, float]] = {
    "bus": (REFERENCE_VEHICLES["bus_12m"], 18.0, 5.0, 150.0, 140.0, 15.0),
    "brt": (REFERENCE_VEHICLES["bus_18m"], 22.0, 3.0, 180.0, 170.0, 9.0),
    "truck": (REFERENCE_VEHICLES["tractor_49t"], 45.0, 0.5, 180.0, 120.0, 60.0),
    "taxi": (REFERENCE_VEHICLES["taxi"], 28.0, 2.0, 240.0, 240.0, 8.0),
    "car": (REFERENCE_VEHICLES["car"], 30.0, 1.5, 35.0, 30.0, 10.0),
    "two_wheeler": (REFERENCE_VEHICLES["e_moto"], 25.0, 3.0, 120.0, 120.0, 3.0),
    "boat": (REFERENCE_BOATS["water_bus"], 16.0, 0.0, 80.0, 100.0, 10.0),
}


@pytest.fixture(scope="session")
def make_spec() -> SpecMaker:
    """``make_spec("bus", vehicles=3)``: the reference fleet of a kind with some fields changed."""

    def make(kind: str, /, **changes: Any) -> FleetSpec:
        vehicle, speed, stops, km_workday, km_restday, trip_km = KINDS[kind]
        given = COMMON | {
            "name": kind,
            "title": kind.title(),
            "kind": kind,
            "vehicle": vehicle,
            "speed_kmh": speed,
            "stops_per_km": stops,
            "km_workday": km_workday,
            "km_restday": km_restday,
            "trip_km": trip_km,
        }
        return FleetSpec(**(given | changes))

    return make
