"""The server as a stranger's client meets it: opening, answers after commits, order, the end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from gateway_world import add_station, ask, boot, hear, open_world, run, until
from websockets.exceptions import ConnectionClosed, InvalidStatus

from zerocity.live.registry import LiveStation
from zerocity.protocols.ocpp.office.handling import Context, Outcome, Payload, Refusal
from zerocity.protocols.ocpp.server.hub import Office
from zerocity.storage.recorder import Row

STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
@pytest.mark.parametrize("runner", [run, asyncio.run])
def test_a_station_of_each_version_boots(version: str, runner: Any) -> None:
    async def test() -> None:
        async with open_world() as world:
            async with world.connect(version=version) as client:
                payload = await boot(client)
                assert payload["status"] == "Accepted"
                station = world.registry.stations["CS1"]
                assert (station.online, station.boot) == (True, "accepted")
                assert world.store.of("stations")[-1]["id"] == "CS1"
                reply = await ask(client, "Heartbeat", {})
                assert reply[0] == 3
                assert world.gateway.is_online("CS1")
            await until(lambda: not station.online)
            assert not world.gateway.is_online("CS1")
            assert "last_seen_at" in world.store.of("stations")[-1]

    runner(test())


def test_the_first_offered_version_that_we_speak_is_taken() -> None:
    async def test() -> None:
        async with open_world() as world:
            offers = ["ocpp9.9", "ocpp2.0.1", "ocpp1.6"]
            async with world.connect(subprotocols=offers) as client:
                assert client.subprotocol == "ocpp2.0.1"

    run(test())


def test_without_a_common_version_the_connection_opens_and_closes_at_once() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect(version="ocpp9.9") as client:
            assert client.subprotocol is None
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1002
            assert not world.gateway.is_online("CS1")

    run(test())


def test_an_answer_leaves_only_after_its_commit() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect() as client:
            await boot(client)
            world.store.held = True
            await client.send(json.dumps([2, "s", "StatusNotification", STATUS]))
            with pytest.raises(TimeoutError):
                await hear(client, 0.3)
            world.store.commit()
            assert await hear(client) == [3, "s", {}]

    run(test())


def test_answers_keep_the_order_of_the_questions() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect() as client:
            await boot(client)
            world.store.held = True
            # The heartbeat in the middle needs no commit, yet it must wait for the one before it.
            for number, action, payload in (
                ("a", "StatusNotification", STATUS),
                ("b", "Heartbeat", {}),
                ("c", "StatusNotification", STATUS | {"status": "Charging"}),
            ):
                await client.send(json.dumps([2, number, action, payload]))
            await until(lambda: world.store.waiting >= 2)
            world.store.commit()
            assert [(await hear(client))[1] for _ in range(3)] == ["a", "b", "c"]

    run(test())


def test_rows_that_the_store_refuses_are_answered_by_an_error() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect() as client:
            await boot(client)
            world.store.refuse = True
            reply = await ask(client, "StatusNotification", STATUS)
            assert reply[:3] == [4, "1", "InternalError"]

    run(test())


def test_a_call_of_ours_reaches_the_station_and_its_result_the_office() -> None:
    heard: list[Any] = []

    def replied(context: Context, token: object, action: str, payload: Payload) -> list[Row]:
        heard.append((context.station.id, token, action, payload))
        return []

    def refused(c: Context, token: object, action: str, code: str, text: str) -> list[Row]:
        heard.append((c.station.id, token, action, code))
        return []

    office = Office(lambda c, a, p: Outcome({}), lambda c, a, p: [], replied, refused)

    async def test() -> None:
        async with (
            open_world(gateway={"office": office}, call_timeout_s=0.2) as world,
            world.connect() as client,
        ):
            gateway = world.gateway
            assert gateway.call("CS1", "Reset", {"type": "Soft"}, "t1")
            kind, number, action, payload = await hear(client)
            assert (kind, action, payload) == (2, "Reset", {"type": "Soft"})
            await client.send(json.dumps([3, number, {"status": "Accepted"}]))
            await until(lambda: len(heard) == 1)
            # Not answered in time.
            gateway.call("CS1", "Reset", {"type": "Hard"}, "t2")
            await until(lambda: len(heard) == 2)
            # Broken by us: the caller hears of it, the station does not.
            gateway.call("CS1", "Reset", {"type": "Gently"}, "t3")
            # Open when the connection ends.
            gateway.call("CS1", "ClearCache", {}, "t4")
            await client.close()
            await until(lambda: len(heard) == 4)
            assert not gateway.call("CS1", "ClearCache", {}, "t5")
        assert heard[0] == ("CS1", "t1", "Reset", {"status": "Accepted"})
        assert [(h[1], h[3]) for h in heard[1:]] == [
            ("t2", "Timeout"),
            ("t3", "InternalError"),
            ("t4", "Disconnected"),
        ]

    run(test())


def test_a_call_from_inside_a_handler_leaves_too() -> None:
    def answer(context: Context, action: str, payload: Payload) -> Outcome | Refusal:
        say = lambda: context.say("ClearCache", {}, "later")  # noqa: E731
        return Outcome({"currentTime": "2026-01-01T00:00:00Z"}, after=say)

    office = Office(answer, lambda c, a, p: [], lambda c, t, a, p: [], lambda c, t, a, k, d: [])

    async def test() -> None:
        async with (
            open_world(gateway={"office": office}) as world,
            world.connect() as client,
        ):
            assert (await ask(client, "Heartbeat", {}))[0] == 3
            assert (await hear(client))[2] == "ClearCache"

    run(test())


def test_a_handler_without_a_valid_answer_does_not_end_the_connection() -> None:
    office = Office(
        lambda c, a, p: Outcome({"nonsense": 1}),
        lambda c, a, p: [],
        lambda c, t, a, p: [],
        lambda c, t, a, k, d: [],
    )

    async def test() -> None:
        async with (
            open_world(gateway={"office": office}) as world,
            world.connect() as client,
        ):
            for _ in range(2):
                assert (await ask(client, "Heartbeat", {}))[2] == "InternalError"

    run(test())


def test_two_with_one_identity_the_living_one_stays() -> None:
    async def test() -> None:
        async with open_world(rival_s=0.5) as world, world.connect() as first:
            await boot(first)
            with pytest.raises(InvalidStatus) as refused:
                await world.connect()
            assert refused.value.response.status_code == 409
            assert (await ask(first, "Heartbeat", {}))[0] == 3

    run(test())


def test_two_with_one_identity_a_dead_one_is_replaced() -> None:
    async def test() -> None:
        async with open_world(rival_s=0.3) as world:
            first = await world.connect()
            first.transport.pause_reading()  # half open: it never answers a ping
            async with world.connect() as second:
                assert (await boot(second))["status"] == "Accepted"
                assert world.gateway.is_online("CS1")
                assert world.gateway.metrics.closed["replaced"] == 1
                assert world.registry.stations["CS1"].online
            first.transport.abort()

    run(test())


def test_a_station_that_reconnects_all_the_time_costs_no_second_password_check() -> None:
    async def test() -> None:
        async with open_world() as world:
            for _ in range(30):
                async with world.connect():
                    pass
            assert world.passwords.checks == 1
            assert world.book.asked == 1
            assert world.gateway.metrics.opened == 30
            await until(lambda: not world.gateway.is_online("CS1"))

    run(test())


def test_a_demo_station_is_taken_in_without_password_on_loopback_only() -> None:
    def adopt(name: str) -> LiveStation | None:
        return None if name == "BAD" else world.registry.add_station(LiveStation(name, "demo"))

    async def test() -> None:
        nonlocal world
        async with open_world(demo=True, gateway={"adopt": adopt}) as world:
            async with world.connect("NEW", password=None) as client:
                assert (await boot(client))["status"] == "Accepted"
            with pytest.raises(InvalidStatus):
                await world.connect("BAD", password=None)

    world: Any = None
    run(test())


def test_stopping_answers_what_is_being_stored_and_says_goodbye() -> None:
    async def test() -> None:
        async with open_world() as world:
            client = await world.connect()
            await boot(client)
            world.store.held = True
            await client.send(json.dumps([2, "s", "StatusNotification", STATUS]))
            await until(lambda: world.store.waiting > 0)
            stopping = asyncio.create_task(world.gateway.stop(2.0))
            await asyncio.sleep(0.1)
            assert not world.gateway.ready
            with pytest.raises((OSError, InvalidStatus)):
                await world.connect("CS2")
            world.store.commit()
            assert await hear(client) == [3, "s", {}]
            await stopping
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1001

    run(test())


def test_an_operator_can_end_a_connection() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect() as client:
            assert world.gateway.disconnect("CS1")
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1001
            assert not world.gateway.disconnect("CS2")

    run(test())


def test_a_station_added_while_running_can_connect() -> None:
    async def test() -> None:
        async with open_world() as world:
            with pytest.raises(InvalidStatus):
                await world.connect("CS9")
            add_station(world, "CS9")
            async with world.connect("CS9") as client:
                assert (await boot(client))["status"] == "Accepted"

    run(test())
