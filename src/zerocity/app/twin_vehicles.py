"""The vehicles of a city's twin on their own, for `zerocity vehicle --city`: no station, no meter.

Whoever plugs in charges at once, within the site's limits; packs age and seasons pass as in a run.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from zerocity.app.street import DAYS, LATE_MINUTES, minute_of
from zerocity.app.street_vehicles import StreetVehicles
from zerocity.city.devices import VehicleSpec, vehicles_of
from zerocity.city.folder import load_city
from zerocity.city.scenario import City
from zerocity.city.thin import Size, thinned
from zerocity.energy.weather import made_weather
from zerocity.protocols.gbt32960.reading import Reading
from zerocity.twin.street import Street, street_timeline


class TwinVehicles:
    """See `protocols.gbt32960.vehicle_gateway.World`; rows are ``specs``.

    Parameters
    ----------
    city : a city folder or the name of one that comes along. count : vehicles; the fleets keep
    their proportions, each with at least one. at : now, UTC. seed : of everything random.

    Raises InputError where the city has fewer vehicles than asked for.
    """

    def __init__(self, city: str, count: int, at: datetime, seed: int) -> None:
        small = _small(load_city(city), count)
        self.specs: list[VehicleSpec] = vehicles_of(small)
        local = (at + timedelta(hours=small.utc_offset_h)).date()
        timeline = street_timeline(local, DAYS, small.utc_offset_h)
        self._street = Street(small, timeline, made_weather(small.climate, timeline, seed), seed)
        self._street.begin(at.replace(second=0, microsecond=0))
        self._world = StreetVehicles(self._street, seed)
        self._minute = minute_of(at)
        self._last = minute_of(timeline.start_utc) + DAYS * 24 * 60 - 1
        self._charge()
        self._world.advance(at)

    def advance(self, at: datetime) -> None:
        """Live up to a moment, minute by minute."""
        minute = min(minute_of(at), self._last)
        for _ in range(min(minute - self._minute, LATE_MINUTES)):
            self._street.apply(self._commands)
            self._charge()
        self._minute = max(minute, self._minute)
        self._world.advance(at)

    def alarm_level(self, row: int) -> int:
        """See `World`."""
        return self._world.alarm_level(row)

    def reading(self, row: int) -> Reading:
        """See `World`."""
        return self._world.reading(row)

    def past(self, row: int) -> list[Reading]:
        """See `World`."""
        return self._world.past(row)

    def close(self) -> None:
        """End what runs beside."""
        self._street.close()

    def _charge(self) -> None:
        """See who stands at a plug in this minute, and what each takes."""
        self._street.look()
        self._commands = self._street.at_once()
        cars, packs = self._street.people.cars, self._street.people.packs
        power = np.zeros(packs.size + 1)
        power[self._street.world.wanting_ids] = self._commands.battery_kw
        # The last place is nobody's: -1 stands for a pack that a vehicle has not.
        self._world.charging_kw[:] = np.where(cars.plugged >= 0, power[cars.packs].sum(axis=1), 0.0)


def _small(city: City, count: int) -> City:
    usual, stations = Size(), int((city.sites.swap_slots > 0).sum())
    share = count / usual.vehicles
    return thinned(
        city,
        Size(
            chargers=max(round(usual.chargers * share), 1),
            swap_stations=min(max(round(usual.swap_stations * share), 1), stations),
            vehicles=count,
        ),
    )
