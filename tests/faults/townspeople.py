"""Stations, cabinets and vehicles of a test's own, busy people around them, and their accounts.

Devices are our simulated ones, on real sockets. Each notes what it said, what was acknowledged, and
what its own meter counted, to be held against the store.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from zerocity.city.devices import StationSpec, stations_of, vehicles_of
from zerocity.city.scenario import City
from zerocity.protocols.gbt32960.drive import FleetDrive
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.peer import TIMINGS
from zerocity.protocols.gbt32960.terminal import Terminal
from zerocity.protocols.gbt32960.vehicle import SimVehicle
from zerocity.protocols.gbt32960.vehicle_gateway import DriveWorld, VehicleClients
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.rows import canonical
from zerocity.protocols.ocpp.station import core as station_core
from zerocity.protocols.ocpp.station.core import Entry
from zerocity.protocols.ocpp.station.drivers import stocked
from zerocity.protocols.ocpp.station.gateway import Line, StationFleet
from zerocity.protocols.ocpp.station.parts import Make, Transaction
from zerocity.protocols.ocpp.station.station import SimStation
from zerocity.protocols.ocpp.station.swap import SwapCabinet
from zerocity.protocols.ocpp.station.swap_parts import Pack

# Quick devices: they meter each second, come back within a second and never give a message up.
QUICK = {
    "meter_s": "1", "backoff_s": "0", "backoff_random_s": "1", "backoff_times": "0",
    "attempts": "100000", "retry_s": "1", "aligned_s": "0", "unknown_offline": "true",
    "swap_ready_soc": "5",
}  # fmt: skip
ENDS = ("StopTransaction", "Ended")
# However long the platform is away, no station drops a meter value.
station_core.MOST_QUEUED = 1_000_000


@dataclass
class Account:
    """What one station knows of itself."""

    station: SimStation
    said: list[Entry] = field(default_factory=list)
    acknowledged: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: list[tuple[Transaction, float]] = field(default_factory=list)
    """Transactions that ended, and the energy that the meter counted in each [Wh]."""

    def watch(self) -> None:
        """Note from now on what is posted and what is delivered."""
        station = self.station
        post, delivered = station.post, station._delivered

        def noted_post(message: Any, transaction: Any, **more: Any) -> Entry | None:
            if message is not None and transaction is not None:
                self._end(message, transaction)
            entry = post(message, transaction, **more)
            if entry is not None:
                self.said.append(entry)
            return entry

        def noted_delivered(entry: Entry, payload: Any) -> None:
            self.acknowledged[entry.action, canonical(entry.payload).decode()] += 1
            delivered(entry, payload)

        station.post = noted_post  # type: ignore[method-assign]
        station._delivered = noted_delivered  # type: ignore[method-assign]

    def _end(self, message: tuple[str, Any], transaction: Transaction) -> None:
        if message[0] in ENDS or message[1].get("eventType") in ENDS:
            evse = self.station.evses[transaction.evse]
            self.ended.append((transaction, evse.energy_wh - transaction.meter_start_wh))

    def texts(self) -> Counter[tuple[str, str]]:
        """All that was said, as it went out; a cabinet meters on while its link is taken down."""
        unsent = {id(entry) for entry in self.station._queue if entry.message_id is None}
        return Counter(
            (entry.action, canonical(entry.payload).decode())
            for entry in self.said
            if id(entry) not in unsent
        )


def make_station(spec: StationSpec, seed: int) -> SimStation:
    """The station of a city's list, quick in all it does."""
    if spec.kind == "swap":
        make = Make(evses=spec.evses, max_kw=spec.max_kw, is_swap=True, phase_s=0.3,
                    token_type="Central", step_s=1.0)  # fmt: skip
        packs = stocked(spec.id, spec.evses, seed=seed)
        made: SimStation = SwapCabinet(spec.id, make, packs, seed=seed)
    else:
        make = Make(evses=spec.evses, max_kw=spec.max_kw, step_s=1.0)
        made = SimStation(spec.id, Version(spec.version), make, seed=seed)
    for name, value in QUICK.items():
        made.settings.put(name, value)
    return made


class Crowd:
    """People who plug in for some seconds, and riders who swap, at every station all the time."""

    def __init__(self, stations: list[SimStation], seed: int, stay_s: float = 4.0) -> None:
        self._random = random.Random(f"crowd {seed}")
        self._stay_s = stay_s
        self.going = True
        self.stands_still = False
        self._due: dict[tuple[str, int], float] = {}
        self.stations = stations
        self._outside = {
            s.id: [Pack(f"{s.id}-X{n}", 0.3) for n in range(2)]
            for s in stations
            if isinstance(s, SwapCabinet)
        }

    def step(self, now_s: float, at: datetime) -> None:
        """Let happen what is due."""
        if self.stands_still:
            return
        for station in self.stations:
            if isinstance(station, SwapCabinet):
                self._swap(station, now_s, at)
                continue
            for evse in station.evses.values():
                if now_s >= self._due.get((station.id, evse.id), 0.0):
                    self._change(station, evse.id, now_s, at)

    def _change(self, station: SimStation, evse: int, now_s: float, at: datetime) -> None:
        wait_s = self._random.uniform(0.2, self._stay_s)
        if station.evses[evse].car is not None:
            station.unplug(evse, now_s, at)
            wait_s /= 2.0
        elif self.going:
            soc, limit = self._random.uniform(0.1, 0.5), self._random.uniform(20.0, 90.0)
            station.plug(
                evse, now_s, at, token=f"d{hash_of(station.id, evse)}", soc=soc, capacity_kwh=60.0,
                limit_kw=limit,
            )  # fmt: skip
        self._due[station.id, evse] = now_s + wait_s

    def _swap(self, cabinet: SwapCabinet, now_s: float, at: datetime) -> None:
        outside = self._outside[cabinet.id]
        if not self.going or not outside or now_s < self._due.get((cabinet.id, 0), 0.0):
            return
        self._due[cabinet.id, 0] = now_s + self._random.uniform(0.5, self._stay_s)
        pack = outside.pop(0)
        pack.soc = self._random.uniform(0.1, 0.5)
        cabinet.visit([pack], now_s, at, token="rider", done=outside.extend)

    def leave(self) -> None:
        """Nobody comes any more, and whoever is there leaves."""
        self.going = self.stands_still = False
        self._due.clear()

    def idle(self) -> bool:
        """Whether nobody is at a charger and no station has anything to say."""
        return all(
            not station.queued
            and (isinstance(station, SwapCabinet) or all(
                evse.car is None for evse in station.evses.values()
            ))
            for station in self.stations
        ) and all(len(packs) == 2 for packs in self._outside.values())  # fmt: skip


def hash_of(station: str, evse: int) -> str:
    """A short token of one plug's own."""
    return f"{station[-12:]}.{evse}"


@dataclass
class Traffic:
    """Vehicles, the reports that they read, and those that were acknowledged."""

    clients: VehicleClients
    cars: list[SimVehicle]
    read: Counter[bytes]
    safe: Counter[bytes]

    def park(self) -> None:
        """No vehicle reads anything more; what was read is still sent."""
        for car in self.cars:
            car.is_due = lambda *_: False  # type: ignore[method-assign]


def make_traffic(city: City, port: int, seed: int, period_s: float = 1.0) -> Traffic:
    """The vehicles of a city, which report each ``period_s`` and resend without long waits."""
    read: Counter[bytes] = Counter()
    safe: Counter[bytes] = Counter()

    def terminal(car: SimVehicle) -> Terminal:
        timing = replace(TIMINGS[car.edition], retry_s=0.3, pause_s=0.3, answer_s=20.0)
        name, unit_of = car.vin.encode(), car.unit
        made = Terminal(
            car.vin, car.edition, car.login_unit, timing=timing,
            delivered=lambda unit: safe.update([name + unit]),
        )  # fmt: skip

        def noted(reading: Any) -> bytes:
            unit = unit_of(reading)
            read[name + unit] += 1
            return unit

        car.unit = noted  # type: ignore[method-assign]
        return made

    specs = vehicles_of(city)
    cars = [
        SimVehicle(spec.vin, list(Edition)[k % 2], iccid=f"{k:020d}", period_s=period_s,
                   offset_s=time.monotonic() + period_s * k / len(specs))
        for k, spec in enumerate(specs)
    ]  # fmt: skip
    drive = FleetDrive(len(cars), now(), seed=seed, alarm_share=0.3, alarm_within_s=60)
    clients = VehicleClients("127.0.0.1", port, cars, DriveWorld(drive), make=terminal, seed=seed)
    return Traffic(clients, cars, read, safe)


def now() -> datetime:
    """The moment, UTC."""
    return datetime.now(UTC)


class Town:
    """All of it: begin with `start`, end with `finish`."""

    def __init__(
        self, city: City, ports: tuple[int, int, int], seed: int, stay_s: float = 4.0
    ) -> None:
        self.stations = [make_station(spec, seed) for spec in stations_of(city)]
        self.accounts = [Account(station) for station in self.stations]
        for account in self.accounts:
            account.watch()
        self.crowd = Crowd(self.stations, seed, stay_s)
        self._traffic = partial(make_traffic, city, ports[1], seed)
        line = Line(f"ws://127.0.0.1:{ports[0]}/ocpp", connects_per_s=200.0, tick_s=0.05)
        self.fleet = StationFleet(
            self.stations, line, lambda: (time.monotonic(), now()), seed=seed,
            each_tick=self.crowd.step,
        )  # fmt: skip
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Let all devices connect and live."""
        self.traffic = self._traffic()
        self._tasks = [
            asyncio.create_task(self.fleet.run(self._stop)),
            asyncio.create_task(self.traffic.clients.run()),
        ]

    async def finish(self, within_s: float = 60.0) -> bool:
        """Everyone leaves; True once all that was said is acknowledged."""
        self.crowd.leave()
        self.traffic.park()
        ends_s = time.monotonic() + within_s
        while time.monotonic() < ends_s and not self._all_said():
            await asyncio.sleep(0.1)
        all_said = self._all_said()
        vehicles = self._tasks[1]
        vehicles.cancel()
        await asyncio.gather(vehicles, return_exceptions=True)
        self._stop.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return all_said

    def _all_said(self) -> bool:
        return self.crowd.idle() and not self.traffic.clients.waiting
