"""The devices of a demonstration city in a process of their own, by their real protocols.

The twin plays drivers, packs, sun and load; its stations, vehicles and meters talk to the platform
over sockets, and know nothing of it but its ports.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from zerocity.app.street_plugs import StreetPlugs
from zerocity.app.street_sites import StreetSites
from zerocity.app.street_vehicles import StreetVehicles
from zerocity.city.devices import stations_of, vehicles_of
from zerocity.city.folder import load_city
from zerocity.city.thin import Size, thinned
from zerocity.energy.weather import made_weather
from zerocity.live.clock import WallClock
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.vehicle import SimVehicle
from zerocity.protocols.gbt32960.vehicle_gateway import VehicleClients
from zerocity.protocols.ocpp.station.gateway import Line, StationFleet
from zerocity.protocols.sunspec.device import SimSite, SimSiteServer
from zerocity.twin.street import Street, street_timeline

# Days that a street is made for; after them its vehicles report their last state.
DAYS = 8
SECOND_S = 1.0
# A process that slept does not live through more than this at once.
LATE_MINUTES = 5


def minute_of(at: datetime) -> int:
    """Minutes since 1970, UTC."""
    return int(at.timestamp() // 60)


@dataclass(frozen=True)
class StreetRequest:
    """What to play. ``shift``: how far the city's clock is ahead of the computer's.

    meter_s : time between two meter values of a session [s]. period_s : between two reports of a
    vehicle [s].
    """

    city: str
    size: Size | None
    seed: int = 1
    shift: timedelta = timedelta(0)
    meter_s: int = 15
    period_s: float = 10.0
    connects_per_s: float = 100.0


@dataclass(frozen=True)
class Ports:
    """Where the platform listens."""

    host: str
    ocpp: int
    vehicles: int


class Players:
    """The street and its devices. `begin`, then `connect` and `run`."""

    def __init__(self, request: StreetRequest) -> None:
        self.request = request
        self.clock = WallClock(request.shift)
        whole = load_city(request.city)
        self.city = whole if request.size is None else thinned(whole, request.size)
        at = self.clock.utc()
        local = (at + timedelta(hours=self.city.utc_offset_h)).date()
        timeline = street_timeline(local, DAYS, self.city.utc_offset_h)
        weather = made_weather(self.city.climate, timeline, request.seed)
        self.street = Street(self.city, timeline, weather, request.seed)
        self.vehicles = vehicles_of(self.city)
        sites = self.city.sites
        self.devices = [
            SimSite(has_pv=bool(sites.pv_kwp[k] > 0.0), has_store=bool(sites.storage_kwh[k] > 0.0))
            for k in range(len(sites))
        ]
        self.server = SimSiteServer(self.devices)
        self.sites = StreetSites(self.street, self.devices)
        self._minute = minute_of(at)
        self._last_s = -np.inf
        self.stop = asyncio.Event()

    def begin(self) -> None:
        """Live up to now, and put everyone at their plugs."""
        at = self.clock.utc()
        self.street.begin(at.replace(second=0, microsecond=0))
        handed = self.street.look()
        specs, now_s = stations_of(self.city), self.clock.now_s()
        self.plugs = StreetPlugs(self.street, specs, self.vehicles, self.request.meter_s, at)
        self.world = StreetVehicles(self.street, self.request.seed)
        self._minute = minute_of(at)
        self.plugs.minute([], now_s, at)
        self.sites.look()
        self.handed = len(handed)
        self._seconds(now_s, at)

    def connect(self, ports: Ports) -> tuple[StationFleet, VehicleClients]:
        """The clients of all stations and vehicles."""
        line = Line(
            f"ws://{ports.host}:{ports.ocpp}/ocpp", connects_per_s=self.request.connects_per_s
        )
        fleet = StationFleet(
            self.plugs.stations, line, lambda: (self.clock.now_s(), self.clock.utc()),
            seed=self.request.seed, each_tick=self._tick,
        )  # fmt: skip
        cars = [
            SimVehicle(
                spec.vin, (Edition.Y2016, Edition.Y2025)[k % 2], iccid=f"898600{k:014d}",
                period_s=self.request.period_s,
                offset_s=self.clock.now_s() + self.request.period_s * (k % 97) / 97.0,
            )
            for k, spec in enumerate(self.vehicles)
        ]  # fmt: skip
        clients = VehicleClients(
            ports.host, ports.vehicles, cars, self.world, ramp_s=self.request.period_s,
            seed=self.request.seed, clock=self.clock.now_s, now=self.clock.utc,
        )  # fmt: skip
        return fleet, clients

    def _tick(self, now_s: float, at: datetime) -> None:
        if now_s - self._last_s < SECOND_S:
            return
        minute = minute_of(at)
        for _ in range(min(minute - self._minute, LATE_MINUTES)):
            self._turn(now_s, at)
        self._minute = minute
        self._seconds(now_s, at)

    def _turn(self, now_s: float, at: datetime) -> None:
        """End a minute and begin the next."""
        self._seconds(now_s, at)
        store_kw, pv_kw = self.sites.minute()
        self.street.live(self.plugs.taken_kwh(self.street.people.packs.size), store_kw, pv_kw)
        handed = self.street.look()
        self.handed += len(handed)
        self.plugs.minute(handed, now_s, at)
        self.sites.look()

    def _seconds(self, now_s: float, at: datetime) -> None:
        self._last_s = now_s
        power, energy = self.plugs.second(now_s, at)
        self.sites.second(now_s, power, energy)
        self.world.charging_kw[:] = 0.0
        for vehicle, kw in self.plugs.charging_kw().items():
            self.world.charging_kw[vehicle] = kw

    def report(self, fleet: StationFleet, clients: VehicleClients) -> dict[str, Any]:
        """What the devices did, by their own account."""
        stations = self.plugs.stations
        counts = clients.counts()
        return {
            "stations": len(stations),
            "sent": sum(s.counts.sent for s in stations),
            "answered": sum(s.counts.answered for s in stations),
            "refused": sum(s.counts.refused for s in stations),
            "dropped": sum(s.counts.dropped for s in stations),
            "reconnects": fleet.reconnects,
            "troubles": dict(fleet.troubles),
            "packs_handed_over": self.handed,
            "unplaced": self.plugs.unplaced,
            "registers_kwh": sum(
                evse.energy_wh for s in stations for evse in s.evses.values()
            ) / 1000.0,
            "vehicle_reports": counts.sent,
            "vehicle_reports_acknowledged": counts.acknowledged,
        }  # fmt: skip


def street_main(request: StreetRequest, pipe: Connection) -> None:
    """Run the devices of a city; ``pipe`` first gives out their addresses, then takes the ports.

    Anything more that comes, or its end, stops them; the last thing sent is their report.
    """
    for name in (signal.SIGINT, signal.SIGTERM):  # whoever started us says when to end
        signal.signal(name, signal.SIG_IGN)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    asyncio.run(_play(request, pipe))


async def _play(request: StreetRequest, pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    players = Players(request)
    players.begin()
    await players.server.start()
    pipe.send(players.server.ports)
    ports = await loop.run_in_executor(None, _heard, pipe)
    if not isinstance(ports, Ports):
        await players.server.stop()
        players.street.close()
        return
    fleet, clients = players.connect(ports)
    ended = loop.run_in_executor(None, _heard, pipe)
    ended.add_done_callback(lambda _: players.stop.set())
    cars = loop.create_task(clients.run())
    try:
        await fleet.run(players.stop)
        report = players.report(fleet, clients)
    finally:
        cars.cancel()
        await asyncio.gather(cars, return_exceptions=True)
        await players.server.stop()
        players.street.close()
    try:
        pipe.send(report)
    except OSError:
        return


def _heard(pipe: Connection) -> Any:
    """What comes next, None when nobody is left to say anything."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return None
