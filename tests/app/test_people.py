"""Who is known to a live city: from the store at its start, and from its commands ever after."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from zerocity.app import people as module
from zerocity.app.doors import Doors
from zerocity.app.news import StoreNews
from zerocity.app.people import People
from zerocity.city.folder import load_city
from zerocity.city.scenario import Drivers
from zerocity.live.facts import site_facts
from zerocity.live.registry import LiveStation
from zerocity.storage.audit_log import entry
from zerocity.storage.recorder import Row, write_now
from zerocity.storage.stations import new_station, without_station
from zerocity.storage.tokens import new_token
from zerocity.storage.users import new_user
from zerocity.storage.vehicles import new_vehicle, without_vehicle

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
CITY = load_city("starter")
SITE = "Town bus depot"
VIN = "LZ9ZCTYB0T1000017"


class Doorkeeper:
    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def forget(self, station: str) -> None:
        self.forgotten.append(station)


class Gateway:
    """What `take_stations` asks of the gateway."""

    def __init__(self) -> None:
        self.doorkeeper = Doorkeeper()
        self.cut: list[str] = []

    def disconnect(self, station: str, reason: str) -> bool:
        self.cut.append(station)
        return True


def said(engine: sa.Engine, deed: str, *rows: Row) -> None:
    write_now(engine, [*rows, entry(AT, "li", deed, "x")])


def made(engine: sa.Engine, **doors: Any) -> People:
    return People(engine, CITY, site_facts(CITY), Doors(**doors), demo=False)


def test_what_the_store_knows_is_known_at_the_start(engine: sa.Engine) -> None:
    said(engine, "add", new_station("A", SITE, AT), new_station("B", "Nowhere", AT),
         new_vehicle("bus-1", VIN, "bus", AT), new_token("T", priority=2))  # fmt: skip
    people = made(engine, free_vend=(SITE,))
    assert list(people.registry.stations) == ["A"]  # B stands at no site of this city
    assert people.registry.stations["A"].default_kw > 0.0
    assert people.registry.stations["A"].free_vend
    assert people.vehicles.by_vin[VIN].fleet == "bus"
    token = people.registry.token("t")
    assert token is not None
    assert token.priority == 2


@pytest.mark.parametrize(("drivers", "fee"), [(Drivers(0.25), 0.25), (None, 0.4)])
def test_drivers_pay_the_fee_of_the_city(
    engine: sa.Engine, drivers: Drivers | None, fee: float
) -> None:
    city = replace(CITY, drivers=drivers)
    people = People(engine, city, site_facts(city), Doors(), demo=False)
    assert people.registry.tariff(SITE).service_cny_per_kwh == fee


def test_a_station_is_fetched_when_it_comes_before_the_news(engine: sa.Engine) -> None:
    people = made(engine)
    assert people.fetch("A") is None
    said(engine, "add station", new_station("A", SITE, AT, connectors=2, max_kw=120.0))
    found = people.fetch("A")
    assert found is not None
    assert [seat.max_kw for seat in found.connectors.values()] == [120.0, 120.0]
    assert found.default_kw > 0.0
    said(engine, "remove station", without_station("A"))
    assert people.fetch("A") is None


def test_news_are_read_once_and_only_of_what_changed(engine: sa.Engine) -> None:
    news = StoreNews(engine)
    assert news.read() is None
    said(engine, "add token", new_token("T"))
    said(engine, "add user", new_user("li", "0123456789", "viewer", AT))
    first = news.read()
    assert first is not None
    assert [token.id for token in first.tokens or []] == ["T"]
    assert (first.stations, first.vehicles) == (None, None)
    assert news.read() is None


def test_a_store_that_is_away_brings_no_news(engine: sa.Engine) -> None:
    news = StoreNews(engine)
    said(engine, "add token", new_token("T"))
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE tokens RENAME TO away")
    assert news.read() is None
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO tokens")
    assert news.read() is not None


def test_the_city_follows_its_commands(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FOLLOW_S", 0.01)
    said(engine, "add", new_station("OLD", SITE, AT), new_vehicle("bus-1", VIN, "bus", AT))
    people, gateway = made(engine), Gateway()
    stations: dict[str, LiveStation] = people.registry.stations

    async def test() -> None:
        following = asyncio.create_task(people.follow(gateway))  # type: ignore[arg-type]
        said(engine, "add station", new_station("NEW", SITE, AT))
        said(engine, "remove station", without_station("OLD"))
        said(engine, "remove vehicle", without_vehicle("bus-1"))
        said(engine, "add vehicle", new_vehicle("bus-2", VIN[:-1] + "8", "bus", AT))
        said(engine, "add token", new_token("T"))
        async with asyncio.timeout(10.0):
            while list(stations) != ["NEW"] or not people.registry.tokens:
                await asyncio.sleep(0.01)
            while [v.id for v in people.vehicles] != ["bus-2"]:
                await asyncio.sleep(0.01)
        following.cancel()

    asyncio.run(test())
    assert gateway.cut == ["OLD"]
    assert "OLD" in gateway.doorkeeper.forgotten


def test_a_platform_signs_in_by_its_account(engine: sa.Engine) -> None:
    write_now(engine, [new_user("maker", "0123456789", "platform", AT),
                       new_user("li", "0123456789", "admin", AT)])  # fmt: skip
    people = made(engine)
    assert people.is_platform("maker", "0123456789")
    assert not people.is_platform("maker", "0123456780")
    assert not people.is_platform("li", "0123456789")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE users")
    assert not people.is_platform("maker", "0123456789")
