"""A live city: gateways, control loop, store and pages joined in one process and one event loop."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from zerocity.app.checkups import CheckUps, rated_by_city
from zerocity.app.doors import Doors, Opened, certificate_files, prepare, show_anew
from zerocity.app.lake import tidy
from zerocity.app.live_metrics import Figures
from zerocity.app.outlook import TypicalOutlook
from zerocity.app.people import People
from zerocity.app.proof import Proof
from zerocity.app.rehearsal import rehearse
from zerocity.app.starting import OPTIONS, address_told, open_store, refuse_taken
from zerocity.app.station_page import DayEnergy
from zerocity.app.view import PlatformView
from zerocity.city.folder import load_city
from zerocity.city.scenario import City
from zerocity.city.thin import Size, thinned
from zerocity.control.loop import run_live
from zerocity.control.sighting import Sighting
from zerocity.control.snapshot import Commands, PlanRow
from zerocity.energy.dispatch import SiteDays, SitePlans, plan_sites
from zerocity.errors import InputError, ZerocityError
from zerocity.live.clock import WallClock
from zerocity.live.cores import CORES, roam
from zerocity.live.facts import Rhythm, site_facts
from zerocity.live.planning import Planning
from zerocity.live.readings import Readings, SiteReading
from zerocity.live.sessions import LiveSession
from zerocity.live.world import LiveCity
from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.gateway import VehicleGateway
from zerocity.protocols.gbt32960.restore import restore_records, restore_reports
from zerocity.protocols.ocpp.office.reach import StationReach
from zerocity.protocols.ocpp.office.upkeep import upkeep
from zerocity.protocols.ocpp.server.gateway import OcppGateway
from zerocity.protocols.ocpp.server.hub import Clock
from zerocity.protocols.ocpp.server.settings import OcppSettings
from zerocity.protocols.ocpp.server.station_book import StationBook, StorePasswords
from zerocity.protocols.sunspec.gateway import SiteAddress, SunspecPoller
from zerocity.storage.database import open_engine
from zerocity.storage.lake import Lake
from zerocity.storage.live_journal import LiveJournalWriter
from zerocity.storage.recorder import Recorder
from zerocity.storage.served import note_city
from zerocity.web.access import Access
from zerocity.web.api import make_app
from zerocity.web.server import WebServer

log = structlog.get_logger(__name__)

GREET_S = 1.0
CLOCK_CHECK_S = 30.0
UPKEEP_S = 60.0
CERTIFICATES_S = 3600.0
LAKE_AFTER_S = 300.0


@dataclass(frozen=True)
class ServeRequest:
    """What to serve. Ports of 0 are any free ones; ``demo`` lets devices on loopback in freely.

    size : cut the city down to these devices. shift : how far the city's clock is ahead of ours.
    """

    city: str
    data: Path
    database: str = ""
    host: str = "127.0.0.1"
    ocpp_port: int = 9310
    vehicle_port: int = 9320
    web_port: int = 9300
    size: Size | None = None
    demo: bool = False
    shift: timedelta = timedelta(0)
    rhythm: Rhythm = field(default_factory=Rhythm)
    ocpp: OcppSettings | None = None
    require_login: bool = False
    doors: Doors = field(default_factory=Doors)

    @property
    def url(self) -> str:
        """Where the live store is."""
        return self.database or f"sqlite:///{self.data / 'live.db'}"


def served_city(request: ServeRequest) -> City:
    """The city that is served, cut down where asked for."""
    city = load_city(request.city)
    return thinned(city, request.size) if request.size is not None else city


class _Hands:
    """Orders on their way to stations, stores and panels."""

    def __init__(self, reach: StationReach, poller: SunspecPoller) -> None:
        self._reach, self._poller = reach, poller

    def limit(self, session: LiveSession, kw: float, done: Callable[[bool], None]) -> None:
        """Bound a session."""
        self._reach.limit(session, kw, done)

    def store(self, site: str, kw: float) -> None:
        """Set the power of a site's store."""
        self._poller.store(site, kw)

    def sun(self, site: str, share: float) -> None:
        """Bound a site's panels."""
        self._poller.sun(site, share)


class LivePlatform:
    """Everything that serves one city. Make it, `open` it, `run` it; `stop` ends it gently."""

    def __init__(self, request: ServeRequest, addresses: list[SiteAddress]) -> None:
        self.request = request
        self.city = served_city(request)
        self.facts = site_facts(self.city)
        self.clock = WallClock(request.shift)
        self.engine = open_store(request.data, request.url)
        self.recorder = Recorder(open_engine(request.url, ping=False))
        self.lake = Lake(request.data / "lake")
        self.opened = self._prepared()
        self.people = People(self.engine, self.city, self.facts, request.doors, request.demo)
        self.registry, self.vehicles = self.people.registry, self.people.vehicles
        self.registry.city.authority = self.opened.authority
        self.readings = Readings(self.facts.names, self.facts.pv_kwp)
        self.planning = Planning(
            self.facts, self.registry, self.readings, TypicalOutlook(self.city), plan_sites,
            self.clock, request.rhythm, self.city.tariff.demand_charge_cny_per_kw_month,
            lambda at: (at + timedelta(hours=self.city.utc_offset_h)).month,
        )  # fmt: skip
        self.ocpp = self._ocpp()
        kwp = dict(zip(self.facts.names, self.facts.pv_kwp.tolist(), strict=True))
        self.reach = StationReach(self.registry, self.ocpp, self.clock.now_s, self.clock.utc)
        self.poller = SunspecPoller(
            [replace(one, pv_kwp=kwp.get(one.site, 0.0)) for one in addresses], self._read,
            self.clock.now_s,
        )  # fmt: skip
        self.world = LiveCity(
            self.facts, self.registry, self.readings, _Hands(self.reach, self.poller),
            self.planning.plan, self.clock, request.rhythm,
        )  # fmt: skip
        self.planning.is_idle = lambda key: self.world.grants.is_idle(key, self.clock.now_s())
        self.vehicle_gateway = self._vehicle_gateway()
        self.journal = LiveJournalWriter(
            request.data / "journal", self._today, self.facts.names, self.city.utc_offset_h
        )
        self.proof = Proof(self.facts, self.registry)
        self.registry.finished = self.proof.ended
        self.check_ups = CheckUps(
            self.registry, self.vehicles, rated_by_city(self.city, self.vehicles)
        )
        self.registry.ended_hook = self.check_ups
        self.days = DayEnergy()
        self.view = PlatformView(self)
        self.web = WebServer(
            make_app(self.view, self._access(), self._metrics()), request.host, request.web_port
        )
        self.registry.changed = self._changed
        self._stopping: asyncio.Event = asyncio.Event()
        self.steps_failed, self.failed_at = 0, -math.inf
        self._tasks: list[asyncio.Task[Any]] = []
        self._pool = ThreadPoolExecutor(1, "plans", initializer=roam)

    # Made of

    def _prepared(self) -> Opened:
        request = self.request
        note_city(request.data, request.city, self.facts.names)
        return prepare(
            request.doors, request.data, self.city.name, request.host,
            (request.ocpp_port, request.vehicle_port), request.demo, self.clock.utc(),
        )  # fmt: skip

    def _ocpp(self) -> OcppGateway:
        return OcppGateway(
            self.registry, self.recorder, source=StationBook(self.engine),
            passwords=StorePasswords(), settings=self.request.ocpp or self.opened.ocpp,
            clock=Clock(self.clock.now_s, self.clock.utc), adopt=self.registry.stations.get,
            fetch=self.people.fetch,
        )  # fmt: skip

    def _vehicle_gateway(self) -> VehicleGateway:
        desk = Desk(self.vehicles)
        restore_reports(desk, self.lake.roll())
        restore_records(desk, self.engine)
        return VehicleGateway(
            desk, self.lake, self.recorder, self.opened.vehicles,
            check_platform=self.people.is_platform, tls=self.opened.vehicle_tls,
            clock=self.clock.now_s, now=self.clock.utc,
        )  # fmt: skip

    def _access(self) -> Access:
        local = self.request.host in {"127.0.0.1", "::1", "localhost"}
        return Access(self.view.person, local and not self.request.require_login)

    def _metrics(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        registry.register(self.ocpp.metrics)
        registry.register(Figures(self.view.figures()))
        return registry

    def _today(self) -> str:
        local = self.clock.utc() + timedelta(hours=self.city.utc_offset_h)
        return str(local.date())

    # Events

    def _read(self, site: str, reading: SiteReading, at_s: float) -> bool:
        if not self.readings.take(site, reading, at_s):
            return False
        limit = float(self.facts.import_limit_kw[self.readings.number[site]])
        at = self.clock.utc()
        self.proof.read(site, limit, reading, at)
        self.days.take(site, reading, at_s, at + timedelta(hours=self.city.utc_offset_h))
        return True

    def _step_failed(self, error: Exception) -> None:
        """One decision is missing: the limits that stations hold go on, then their defaults."""
        self.steps_failed, self.failed_at = self.steps_failed + 1, self.clock.now_s()
        log.error("live.step_failed", exc_info=error)

    @property
    def stumbles(self) -> bool:
        """Whether a decision failed in the last few beats."""
        return self.clock.now_s() - self.failed_at < 3.0 * self.world.rhythm.step_s

    def _changed(self, site: str) -> None:
        self.planning.note_change(site)
        self.world.nudge(site)

    # Running

    async def open(self) -> None:
        """Open every listener; the ports are then known. From here on a signal ends it gently."""
        for name in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, ValueError):
                asyncio.get_running_loop().add_signal_handler(name, self.stop)
        rehearse(self.world)
        request, doors = self.request, self.request.doors
        secure = {"stations by TLS": doors.tls_port, "vehicles by TLS": doors.vehicle_tls_port}
        refuse_taken(request.host, {what: port or 0 for what, port in secure.items()})
        with address_told("stations", request.host, request.ocpp_port, OPTIONS["stations"]):
            await self.ocpp.start()
        with address_told("vehicles", request.host, request.vehicle_port, OPTIONS["vehicles"]):
            await self.vehicle_gateway.start()

    async def run(self) -> None:
        """Serve until `stop` or a signal; then end in order."""
        loop = asyncio.get_running_loop()
        parts = {
            "control": run_live(
                self.world, _Noted(self.journal, self.proof, self.clock.utc), self._step_failed
            ),
            "plans": self.planning.run(self._pool),
            "meters": self.poller.run(),
            "web": self.web.run(),
            "greetings": self._greet(),
            "clock": self._watch_clock(),
            "upkeep": self._upkeep(),
            "certificates": self._keep_certificates(),
            "telemetry": self._keep_lake(),
            "news": self.people.follow(self.ocpp),
        }
        self._tasks = [loop.create_task(work, name=name) for name, work in parts.items()]
        stop = loop.create_task(self._stopping.wait())
        done, _ = await asyncio.wait([*self._tasks, stop], return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in done if task is not stop and task.exception() is not None]
        await self._end(stop)
        for task in failed:
            raise RuntimeError(f"{task.get_name()} failed") from task.exception()

    def stop(self) -> None:
        """End gently."""
        self._stopping.set()

    async def _end(self, stop: asyncio.Task[Any]) -> None:
        log.info("live.stopping")
        self.world.end()
        await self.ocpp.stop()
        await self.vehicle_gateway.stop()
        await self.poller.stop()
        self.web.stop()
        await asyncio.wait(self._tasks, timeout=3.0)
        for task in [*self._tasks, stop]:
            task.cancel()
        await asyncio.gather(*self._tasks, stop, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(None, self._close)
        log.info("live.stopped")

    def _close(self) -> None:
        self.journal.close()
        self.lake.close()
        self.recorder.close()
        self.engine.dispose()
        self._pool.shutdown()

    async def _greet(self) -> None:
        while True:
            await asyncio.sleep(GREET_S)
            self.reach.greet()

    async def _upkeep(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_S)
            orders, rows = upkeep(self.registry, self.clock.utc())
            if rows:
                self.recorder.submit(rows)
            for station, order in orders:
                self.reach.send(station, [order])

    async def _keep_certificates(self) -> None:
        while True:
            await asyncio.sleep(CERTIFICATES_S)
            await self.renew_certificates()

    async def renew_certificates(self) -> None:
        """Show what the files of the certificates hold now, made anew where they are ours."""
        asked = self.request
        try:
            files = await asyncio.get_running_loop().run_in_executor(
                None, certificate_files, asked.doors, asked.data, self.opened.authority, asked.host,
                self.clock.utc(),
            )  # fmt: skip
            if files is not None:
                show_anew(files, (self.ocpp.tls, self.opened.vehicle_tls))
        except InputError as error:
            log.warning("live.certificates_not_renewed", why=str(error))

    async def _keep_lake(self) -> None:
        """Some minutes after each full hour, turn what came into Parquet."""
        while True:
            now = self.clock.utc()
            into_s = now.minute * 60.0 + now.second
            await asyncio.sleep((LAKE_AFTER_S - into_s) % 3600.0 or 3600.0)
            await self._tidy_lake()

    async def _tidy_lake(self) -> None:
        """In a process of its own: an hour of frames takes seconds that nobody here can spare."""
        loop, context = asyncio.get_running_loop(), multiprocessing.get_context("spawn")
        closed = self.lake.roll()
        with ProcessPoolExecutor(1, context, initializer=roam, initargs=(CORES,)) as pool:
            try:
                folder, now = self.request.data / "lake", self.clock.utc()
                await loop.run_in_executor(pool, tidy, closed, folder, now)
            except (OSError, ZerocityError, BrokenProcessPool) as error:
                log.warning("live.lake_not_tidied", why=str(error))

    async def _watch_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_CHECK_S)
            if self.clock.follow():
                log.warning("live.clock_jumped", utc=str(self.clock.utc()))
                self.planning.note_change()


class _Noted:
    """The journal, with the proof's counts beside it."""

    def __init__(
        self, journal: LiveJournalWriter, proof: Proof, utc: Callable[[], datetime]
    ) -> None:
        self._journal, self._proof, self._utc = journal, proof, utc

    def plan(self, days: SiteDays, plans: SitePlans) -> None:
        """Note a new plan."""
        self._journal.plan(days, plans)

    def step(self, column: int, seen: Sighting, row: PlanRow, commands: Commands) -> None:
        """Note one step."""
        self._journal.step(column, seen, row, commands)
        self._proof.decided(row, commands, self._utc())
