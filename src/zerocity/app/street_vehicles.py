"""The twin's vehicles as their terminals read them: the world of GB/T 32960 clients."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from zerocity.measures.seeds import stream
from zerocity.protocols.gbt32960.drive import OCV_SOC, OCV_V
from zerocity.protocols.gbt32960.reading import Reading
from zerocity.twin.street import Street

# A pack of so many cells in series and probes; usual for 320 V, an assumption.
CELLS, PROBES = 96, 8
# Spread of a healthy pack's cells [V] and probes [degC]; assumptions.
CELL_SPREAD_V, PROBE_SPREAD_C = 0.006, 1.0
# How far a vehicle is from its base [deg]; an assumption.
ROAM_DEG = 0.05
# Share of vehicles with a standing alarm, and which: bit of GB/T 32960 table 18 and level;
# assumptions.
ALARM_SHARE = 0.005
ALARMS = ((10, 1), (4, 1), (11, 2), (1, 3))


class StreetVehicles:
    """See `protocols.gbt32960.vehicle_gateway.World`; rows are the vehicles of the street.

    ``charging_kw`` (vehicles,): what each takes at its plug now, kept by whoever runs the plugs.
    """

    def __init__(self, street: Street, seed: int) -> None:
        self._street = street
        cars, sites = street.people.cars, street.city.sites
        count = cars.fleet.size
        rng = stream(seed, "terminals")
        self._cells_v = rng.normal(0.0, CELL_SPREAD_V, (count, CELLS))
        self._probes_c = rng.normal(0.0, PROBE_SPREAD_C, (count, PROBES))
        home = np.maximum(np.maximum(cars.base, cars.demand), 0)
        self._east = sites.longitude[home] + rng.uniform(-ROAM_DEG, ROAM_DEG, count)
        self._north = sites.latitude[home] + rng.uniform(-ROAM_DEG, ROAM_DEG, count)
        ill = rng.random(count) < ALARM_SHARE
        self._alarm = np.where(ill, rng.integers(0, len(ALARMS), count), -1)
        self._odometer_km = rng.uniform(500.0, 150_000.0, count)
        self._km = street.people.cars.km.copy()
        self._speed_kmh = np.array([fleet.speed_kmh for fleet in street.city.fleets])
        self.charging_kw = np.zeros(count)
        self._at: datetime | None = None

    def advance(self, at: datetime) -> None:
        """Bring the world to a moment; the street moves it on."""
        self._at = at
        km = self._street.people.cars.km
        # The street counts kilometres by the day.
        self._odometer_km += np.where(km < self._km, self._km, 0.0)
        self._km = km.copy()

    def alarm_level(self, row: int) -> int:
        """The highest alarm level of a vehicle now."""
        return max(self._alarms(row).values(), default=0)

    def past(self, row: int) -> list[Reading]:
        """Nothing: the street keeps no half minute."""
        return []

    def reading(self, row: int) -> Reading:
        """What a vehicle's terminal reads now."""
        assert self._at is not None
        cars, packs = self._street.people.cars, self._street.people.packs
        first = int(cars.packs[row, 0])
        soc = float(packs.energy_kwh[first] / packs.usable_kwh[first]) if first >= 0 else 0.0
        step = self._street.step
        drives = bool(
            cars.start1[row] <= step < cars.end1[row] or cars.start2[row] <= step < cars.end2[row]
        )
        speed = float(self._speed_kmh[cars.fleet[row]]) if drives else 0.0
        cells_v = float(np.interp(soc, OCV_SOC, OCV_V)) + self._cells_v[row]
        voltage = float(cells_v.sum())
        kw = float(self.charging_kw[row]) if not drives else -0.2 * speed
        probes_c = float(packs.temperature_c[first]) + self._probes_c[row]
        return Reading(
            at=self._at,
            speed_kmh=speed,
            odometer_km=float(self._odometer_km[row] + cars.km[row]),
            soc=min(max(soc, 0.0), 1.0),
            voltage_v=voltage,
            current_a=kw * 1000.0 / voltage,
            cells_v=cells_v.tolist(),
            probes_c=probes_c.tolist(),
            charging="parked" if self.charging_kw[row] > 0.0 else "none",
            started=drives,
            longitude=float(self._east[row]),
            latitude=float(self._north[row]),
            alarms=self._alarms(row),
        )

    def _alarms(self, row: int) -> dict[int, int]:
        which = int(self._alarm[row])
        return dict([ALARMS[which]]) if which >= 0 else {}
