"""The server on the real store: what was answered is on the disk, and a store that is away."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import websockets
from gateway_world import BOOT, ask, basic, boot, hear, run, until
from websockets.exceptions import InvalidStatus

from zerocity.live.registry import LiveStation, Registry
from zerocity.protocols.ocpp.server.gateway import OcppGateway
from zerocity.protocols.ocpp.server.settings import OcppSettings
from zerocity.protocols.ocpp.server.station_book import StationBook, StorePasswords
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.live_tables import stations
from zerocity.storage.recorder import Recorder
from zerocity.storage.stations import new_station, with_one_time, with_password

METER = {
    "connectorId": 1,
    "meterValue": [{"timestamp": "2026-11-22T08:00:00Z", "sampledValue": [{"value": "7"}]}],
}


class Live:
    """A gateway on a SQLite file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "live.sqlite"
        self.engine = open_engine(self.file)
        migrate(self.engine)
        self.registry = Registry()
        self.secrets: dict[str, str] = {}

    def add(self, name: str, *, once: bool = False) -> None:
        now = datetime.now(UTC)
        row = new_station(name, "site-1", now)
        made = with_one_time(name, now, timedelta(hours=1)) if once else with_password(name)
        secret, kept = made
        with self.engine.begin() as connection:
            connection.execute(sa.insert(stations).values(**row.values | kept.values))
        self.secrets[name] = secret.value
        self.registry.add_station(LiveStation(name, "site-1"))

    def connect(self, name: str, password: str | None = None) -> websockets.connect:
        url = f"ws://127.0.0.1:{self.gateway.port}/ocpp/{name}"
        headers = basic(name, password or self.secrets[name])
        return websockets.connect(url, additional_headers=headers, subprotocols=["ocpp1.6"])

    def kept(self, query: str) -> list[Any]:
        """What another process would read now."""
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(query).fetchall()

    @asynccontextmanager
    async def serving(self, **bounds: Any) -> AsyncIterator[Recorder]:
        recorder = Recorder(self.engine, **bounds)
        self.gateway = OcppGateway(
            self.registry,
            recorder,
            source=StationBook(self.engine),
            passwords=StorePasswords(),
            settings=OcppSettings(port=0, refusal_s=0.01),
        )
        await self.gateway.start()
        try:
            yield recorder
        finally:
            await self.gateway.stop(2.0)
            recorder.close(2.0)


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return Live(tmp_path)


def test_what_was_answered_is_on_the_disk(live: Live) -> None:
    async def test() -> None:
        live.add("CS1")
        async with live.serving(), live.connect("CS1") as client:
            await boot(client)
            assert live.kept("SELECT vendor FROM stations") == [("V",)]
            for number in range(20):
                metered = METER | {"connectorId": number + 1}
                assert await ask(client, "MeterValues", metered, f"m{number}") == [
                    3,
                    f"m{number}",
                    {},
                ]
                assert live.kept("SELECT count(*) FROM messages") == [(number + 1,)]

    run(test())


def test_while_the_store_is_away_nobody_is_answered_and_then_everybody(live: Live) -> None:
    async def test() -> None:
        live.add("CS1")
        async with live.serving() as recorder, live.connect("CS1") as client:
            await boot(client)
            with closing(sqlite3.connect(live.file, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                await client.send(json.dumps([2, "m", "MeterValues", METER]))
                with pytest.raises(TimeoutError):
                    await hear(client, 0.5)
                assert recorder.waiting > 0
                # What needs no store is answered behind it, in order.
                await client.send(json.dumps([2, "h", "Heartbeat", {}]))
                other.execute("ROLLBACK")
            assert [(await hear(client, 5.0))[1] for _ in range(2)] == ["m", "h"]
            assert live.kept("SELECT count(*) FROM messages") == [(1,)]

    run(test())


def test_a_full_store_slows_stations_down_and_loses_nothing(live: Live) -> None:
    async def test() -> None:
        names = [f"CS{number}" for number in range(8)]
        for name in names:
            live.add(name)
        async with live.serving(most_waiting=4, flush_s=0.05):

            async def talk(name: str) -> int:
                async with live.connect(name) as client:
                    await client.send(json.dumps([2, "b", "BootNotification", BOOT["ocpp1.6"]]))
                    assert (await hear(client, 10.0))[0] == 3
                    for number in range(10):
                        metered = METER | {"connectorId": number + 1}
                        await client.send(json.dumps([2, f"{number}", "MeterValues", metered]))
                    answers = [await hear(client, 10.0) for _ in range(10)]
                    assert answers == [[3, f"{number}", {}] for number in range(10)]
                    return len(answers)

            assert sum(await asyncio.gather(*map(talk, names))) == 80
            assert live.kept("SELECT count(*) FROM messages") == [(80,)]

    run(test())


def test_a_new_station_gets_a_key_of_its_own_in_the_store(live: Live) -> None:
    async def test() -> None:
        live.add("NEW", once=True)
        async with live.serving():
            async with live.connect("NEW") as client:
                assert live.kept("SELECT one_time_hash FROM stations") == [(None,)]
                await boot(client)
                _, number, action, payload = await hear(client)
                assert action == "ChangeConfiguration"
                await client.send(json.dumps([3, number, {"status": "Accepted"}]))
                asked = "SELECT password_hash FROM stations"
                await until(lambda: live.kept(asked)[0][0] is not None)
            with pytest.raises(InvalidStatus):
                await live.connect("NEW")
            async with live.connect("NEW", payload["value"]) as client:
                await boot(client)

    run(test())
