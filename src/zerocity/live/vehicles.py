"""Vehicles as they last reported: where, how full, how well, and how long ago.

Touched in the event loop's thread only. Power into the battery is positive; ``soc`` is 0-1. VIN and
position are personal: they live here and in the store, never in a log.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

NAN = math.nan


@dataclass(slots=True)
class Report:
    """What one report of a vehicle says; NaN where it does not say it.

    at : when it was measured, UTC.
    charging : "parked", "driving", "none", "full" or "" where unknown.
    alarm_level : 0 (none) to 4; -1 not told. alarm_bits : which alarms, by the vehicle's protocol.
    """

    at: datetime
    soc: float = NAN
    speed_kmh: float = NAN
    odometer_km: float = NAN
    voltage_v: float = NAN
    current_a: float = NAN
    charging: str = ""
    longitude: float = NAN
    latitude: float = NAN
    alarm_level: int = -1
    alarm_bits: int = 0

    @property
    def power_kw(self) -> float:
        """Power into the battery [kW], NaN where voltage or current are unknown."""
        return self.voltage_v * self.current_a / 1000.0


@dataclass(slots=True)
class LiveVehicle:
    """One vehicle; ``seen_s`` is the monotonic time of its last sign of life (NaN: never)."""

    id: str
    vin: str
    fleet: str = ""
    online: bool = False
    seen_s: float = NAN
    last: Report | None = None

    def age_s(self, now_s: float) -> float:
        """Seconds since the last sign of life; infinite before the first."""
        return math.inf if math.isnan(self.seen_s) else now_s - self.seen_s

    def __repr__(self) -> str:
        return f"LiveVehicle({self.id}, VIN ..{self.vin[-4:]})"


class Vehicles:
    """All vehicles that may report, by id and by VIN.

    ``changed`` is called with a vehicle's id after each report that moved its picture on.
    """

    def __init__(self, changed: Callable[[str], None] | None = None) -> None:
        self.by_id: dict[str, LiveVehicle] = {}
        self.by_vin: dict[str, LiveVehicle] = {}
        self.changed = changed

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[LiveVehicle]:
        return iter(self.by_id.values())

    def add(self, vehicle_id: str, vin: str, fleet: str = "") -> LiveVehicle:
        """Register a vehicle; one that is known keeps its state."""
        known = self.by_id.get(vehicle_id)
        if known is not None:
            return known
        vehicle = LiveVehicle(vehicle_id, vin, fleet)
        self.by_id[vehicle_id] = self.by_vin[vin] = vehicle
        return vehicle

    def remove(self, vehicle_id: str) -> None:
        """Forget a vehicle: it may not report any more. An unknown id is no error."""
        vehicle = self.by_id.pop(vehicle_id, None)
        if vehicle is not None:
            del self.by_vin[vehicle.vin]

    def report(self, vehicle: LiveVehicle, report: Report, now_s: float) -> bool:
        """Take a report; whether it is newer than the picture (a resent one may be older)."""
        vehicle.seen_s = now_s
        last = vehicle.last
        if last is not None and report.at < last.at:
            return False
        vehicle.last = _keep_known(report, last) if last is not None else report
        if self.changed is not None:
            self.changed(vehicle.id)
        return True

    def online(self) -> int:
        """How many are connected now."""
        return sum(vehicle.online for vehicle in self.by_id.values())


def _keep_known(report: Report, last: Report) -> Report:
    """The new report; where it names no position, charge or alarm, the last known one stays.

    A battery report may come as several frames of one second, of which only one tells the position.
    """
    if report.longitude != report.longitude:
        report.longitude, report.latitude = last.longitude, last.latitude
    if report.soc != report.soc:
        report.soc, report.charging = last.soc, report.charging or last.charging
        if report.voltage_v != report.voltage_v:
            report.voltage_v, report.current_a = last.voltage_v, last.current_a
        if report.odometer_km != report.odometer_km:
            report.odometer_km, report.speed_kmh = last.odometer_km, last.speed_kmh
    if report.alarm_level < 0:
        report.alarm_level, report.alarm_bits = last.alarm_level, last.alarm_bits
    return report
