"""Who is known to a live city: its stations, tokens and vehicles, at the start and ever after."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
import structlog

from zerocity.app.doors import Doors
from zerocity.app.news import (
    FOLLOW_S,
    StoreNews,
    known_vehicles,
    take_stations,
    take_tokens,
    take_vehicles,
)
from zerocity.app.starting import store_told
from zerocity.charging.billing import SERVICE_FEE_CNY_PER_KWH, SellingTariff
from zerocity.city.devices import stations_of, vehicles_of
from zerocity.city.scenario import City
from zerocity.live.city_state import add_stations, add_vehicles, set_default
from zerocity.live.facts import SiteFacts
from zerocity.live.registry import LiveStation, Registry
from zerocity.live.vehicles import Vehicles
from zerocity.protocols.ocpp.office.restore import load_registry, read_stations
from zerocity.protocols.ocpp.office.restore_files import load_files
from zerocity.protocols.ocpp.server.gateway import OcppGateway
from zerocity.storage.users import by_password

log = structlog.get_logger(__name__)


class People:
    """The registry and the vehicles of one city. ``demo``: the twin's own devices, and no others.

    Make it in the event loop's thread; `fetch` and `is_platform` are called in others.
    """

    def __init__(
        self, engine: sa.Engine, city: City, facts: SiteFacts, doors: Doors, demo: bool
    ) -> None:
        doors.check_sites(facts.names)
        self.registry, self.vehicles = Registry(), Vehicles()
        self._engine, self._facts, self._doors, self._demo = engine, facts, doors, demo
        if demo:
            add_stations(self.registry, facts, stations_of(city))
            add_vehicles(self.vehicles, vehicles_of(city))
        with store_told():
            # Before the rest is read: what comes in between is then read again, not missed.
            self._news = StoreNews(engine)
            load_registry(engine, self.registry)
            load_files(engine, self.registry)
            with engine.connect() as connection:
                for vehicle in known_vehicles(connection):
                    self.vehicles.add(*vehicle)
        fee = city.drivers.service_cny_per_kwh if city.drivers else SERVICE_FEE_CNY_PER_KWH
        self.registry.default_tariff = SellingTariff.of(
            city.tariff, service_cny_per_kwh=fee, utc_offset_h=city.utc_offset_h
        )
        for station in list(self.registry.stations.values()):
            if self.place(station) is None:
                del self.registry.stations[station.id]

    def place(self, station: LiveStation) -> LiveStation | None:
        """Give a station what follows from its site; None where the city has no such site."""
        if not set_default(station, self._facts):
            log.warning("people.no_such_site", station=station.id, site=station.site)
            return None
        station.free_vend = self._demo or self._doors.is_free(station.site)
        return station

    def fetch(self, name: str) -> LiveStation | None:
        """A station that the store has learnt of since; asks the store."""
        found = read_stations(self._engine, name).get(name)
        return None if found is None else self.place(found)

    def is_platform(self, user: str, password: str) -> bool:
        """Whether another platform may pass on vehicles' reports; asks the store, some 50 ms."""
        try:
            with self._engine.connect() as connection:
                found, _ = by_password(connection, user, password)
        except sa.exc.SQLAlchemyError as error:
            log.error("people.platform_not_checked", why=type(error).__name__)
            return False
        return found is not None and found.may("report")

    async def follow(self, gateway: OcppGateway) -> None:
        """Take over what commands write into the store, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(FOLLOW_S)
            news = await loop.run_in_executor(None, self._news.read)
            if news is None:
                continue
            if news.stations is not None and not self._demo:
                take_stations(news.stations, self.registry, gateway, self.place)
            if news.tokens is not None:
                take_tokens(news.tokens, self.registry)
            if news.vehicles is not None and not self._demo:
                take_vehicles(news.vehicles, self.vehicles)
            log.info("people.news", stations=len(self.registry.stations),
                     tokens=len(self.registry.tokens), vehicles=len(self.vehicles))  # fmt: skip
