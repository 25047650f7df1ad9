"""A day of the twin as rows of the run's tables."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numba import njit

from zerocity.batteries.chemistries import CHEMISTRIES
from zerocity.batteries.pack import Product
from zerocity.batteries.state import Packs
from zerocity.city.places import Sites
from zerocity.city.scenario import City
from zerocity.measures.arrays import F32, F64, I64
from zerocity.measures.timeline import Timeline
from zerocity.twin.sessions import Log
from zerocity.twin.vehicles import Vehicles
from zerocity.twin.world import DayMeters


class Sink(Protocol):
    """Where rows go."""

    def write(self, table: str, part: str, columns: dict[str, Any]) -> None:
        """Append rows given as arrays by column."""


def part_of(timeline: Timeline, day: int) -> str:
    """Name of the month that a day's rows belong to."""
    return timeline.local_date(day).strftime("%Y-%m")


def step_times(timeline: Timeline, day: int) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    """Beginning of each step of a day, UTC, shape (steps_per_day,)."""
    start = np.datetime64(timeline.start_utc.replace(tzinfo=None), "ms")
    minutes = (day * timeline.steps_per_day + np.arange(timeline.steps_per_day)) * (
        timeline.step_minutes
    )
    return start + (minutes * 60_000).astype("timedelta64[ms]")


def site_rows(timeline: Timeline, day: int, m: DayMeters, planned_kwh: F64) -> dict[str, Any]:
    """Rows of `site_steps`, by site and then by time; planned_kwh (sites, steps)."""
    steps, sites = m.import_kwh.shape
    return {
        "time": np.tile(step_times(timeline, day), sites),
        "site": np.repeat(np.arange(sites, dtype=np.int16), steps),
        **{
            name: values.T.ravel()
            for name, values in (
                ("import_kwh", m.import_kwh),
                ("export_kwh", m.export_kwh),
                ("pv_kwh", m.pv_kwh),
                ("pv_used_kwh", m.pv_used_kwh),
                ("load_kwh", m.load_kwh),
                ("charging_kwh", m.charging_kwh),
                ("storage_charge_kwh", m.store_in_kwh),
                ("storage_discharge_kwh", m.store_out_kwh),
            )
        },
        "planned_import_kwh": planned_kwh.ravel().astype(np.float32),
    }


def battery_rows(timeline: Timeline, day: int, packs: Packs, temperature_c: F32) -> dict[str, Any]:
    """Rows of `battery_days`, one a pack; charge to 1/1024 and temperature to 1/16 K."""
    n = packs.size
    mean_c = np.zeros(n, np.float32)
    seen = temperature_c.shape[1]
    mean_c[:seen] = temperature_c.mean(axis=0)
    mean_c[seen:] = packs.temperature_c[seen:]
    return {
        "day": np.full(n, np.datetime64(timeline.local_date(day), "D")),
        "battery": np.arange(n, dtype=np.int32),
        "stage": packs.stage.copy(),
        "soh": packs.soh.astype(np.float32),
        "soc": (np.round(packs.soc * 1024.0) / 1024.0).astype(np.float32),
        "temperature_c": (np.round(mean_c * 16.0) / 16.0).astype(np.float32),
        "throughput_kwh": (np.round(packs.throughput_kwh * 256.0) / 256.0).astype(np.float32),
    }


def session_rows(timeline: Timeline, log: Log) -> dict[str, Any]:
    """Rows of `sessions` in the order in which they ended."""
    n = int(log.size[0])
    zero = np.datetime64(timeline.start_utc.replace(tzinfo=None), "ms")
    step = np.timedelta64(timeline.step_minutes * 60_000, "ms")
    return {
        "start": zero + log.start[:n] * step,
        "end": zero + log.end[:n] * step,
        "site": log.site[:n].astype(np.int16),
        **{name: getattr(log, name)[:n].copy() for name in ("battery", "vehicle", "fleet", "kind")},
        "energy_kwh": log.energy_kwh[:n].astype(np.float32),
    }


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _add_up(cars: Vehicles, log: Log, events: I64, driven: F64) -> None:
    """Count charges and swaps, (fleets, 2), and add up km, kWh and missed km, (3, fleets)."""
    for row in range(log.size[0]):
        events[log.fleet[row], log.kind[row]] += 1
    for car in range(cars.fleet.size):
        fleet = cars.fleet[car]
        driven[0, fleet] += cars.km[car]
        driven[1, fleet] += cars.kwh[car]
        driven[2, fleet] += cars.missed_km[car]


def fleet_rows(
    city: City, timeline: Timeline, day: int, cars: Vehicles, log: Log
) -> dict[str, Any]:
    """Rows of `fleet_days`, one a fleet."""
    fleets = len(city.fleets)
    events, driven = np.zeros((fleets, 2), np.int64), np.zeros((3, fleets))
    _add_up(cars, log, events, driven)
    km, kwh, missed = driven
    trip_km = np.array([f.trip_km for f in city.fleets])
    return {
        "day": np.full(fleets, np.datetime64(timeline.local_date(day), "D")),
        "fleet": [f.name for f in city.fleets],
        "km": km,
        "kwh": kwh,
        "trips_served": km / trip_km,
        "trips_missed": missed / trip_km,
        "swaps": events[:, 1],
        "charges": events[:, 0],
    }


def site_table(sites: Sites) -> dict[str, Any]:
    """Rows of `sites`."""
    return {
        "site": np.arange(len(sites), dtype=np.int16),
        "name": list(sites.name),
        "kind": list(sites.kind),
        "district": list(sites.district),
        "plugs": sites.plugs.astype(np.int32),
        "swap_slots": sites.swap_slots.astype(np.int32),
        **{
            name: getattr(sites, name)
            for name in ("longitude", "latitude", "grid_limit_kw", "pv_kwp", "storage_kwh")
        },
    }


def battery_table(
    city: City,
    timeline: Timeline,
    packs: Packs,
    products: tuple[Product, ...],
    codes: np.ndarray[Any, np.dtype[np.str_]],
    first_fleet: np.ndarray[Any, np.dtype[np.int8]],
) -> dict[str, Any]:
    """Rows of `batteries`; ``first_fleet`` is where each began."""
    start = np.datetime64(timeline.start, "D")
    names = [*(f.name for f in city.fleets), "stationary"]
    return {
        "battery": np.arange(packs.size, dtype=np.int32),
        "code": codes.tolist(),
        "product": [products[k].name for k in packs.product],
        "chemistry": [CHEMISTRIES[products[k].chemistry].key for k in packs.product],
        "fleet": [names[k] for k in first_fleet],
        "born": start + packs.born_day.astype("timedelta64[D]"),
        "capacity_kwh": packs.capacity_kwh,
    }
