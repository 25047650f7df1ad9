"""The server as a stranger's client meets it: opening, answers after commits, order, the end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import websockets
from gateway_world import add_station, ask, boot, hear, open_world, until
from websockets.exceptions import ConnectionClosed, InvalidStatus

HEARTBEAT: dict[str, Any] = {}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
def test_a_station_of_each_version_boots(version: str) -> None:
    async def run() -> None:
        async with open_world() as world, world.connect(version=version) as client:
            payload = await boot(client)
            assert payload["status"] == "Accepted"
            station = world.registry.stations["CS1"]
            assert (station.online, station.boot) == (True, "accepted")
            assert world.store.of("stations")[-1]["id"] == "CS1"
            reply = await ask(client, "Heartbeat", HEARTBEAT)
            assert reply[0] == 3
        assert not station.online

    asyncio.run(run())


def test_an_answer_leaves_only_after_its_commit() -> None:
    async def run() -> None:
        async with open_world() as world, world.connect() as client:
            await boot(client)
            world.store.held = True
            await client.send(json.dumps([2, "s", "StatusNotification", STATUS]))
            with pytest.raises(TimeoutError):
                await hear(client, 0.3)
            world.store.commit()
            assert await hear(client) == [3, "s", {}]

    asyncio.run(run())


def test_answers_keep_the_order_of_the_questions() -> None:
    async def run() -> None:
        async with open_world() as world, world.connect() as client:
            await boot(client)
            world.store.held = True
            # The heartbeat in the middle needs no commit, yet it must wait for the one before it.
            for number, action, payload in (
                ("a", "StatusNotification", STATUS),
                ("b", "Heartbeat", HEARTBEAT),
                ("c", "StatusNotification", STATUS | {"status": "Charging"}),
            ):
                await client.send(json.dumps([2, number, action, payload]))
            await until(lambda: world.store.waiting >= 2)
            world.store.commit()
            assert [(await hear(client))[1] for _ in range(3)] == ["a", "b", "c"]

    asyncio.run(run())
