"""What one station may cost: sizes, rates, silence, slow reading, floods and garbage."""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from gateway_world import add_station, ask, boot, hear, open_world, run, until
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


async def closing_code(client: ClientConnection) -> int | None:
    """Read until the server closes; its code."""
    async with asyncio.timeout(5):
        async for _ in client_messages(client):
            pass
    return client.close_code


async def client_messages(client: ClientConnection) -> AsyncIterator[Any]:
    """What the server sends until it closes."""
    try:
        while True:
            yield await client.recv()
    except ConnectionClosed:
        return


def bare(client: ClientConnection, data: bytes, *, rsv1: bool = False, fin: bool = True) -> None:
    """Send one short frame past the library's own compression and checks."""
    first = 1 | (0x40 if rsv1 else 0) | (0x80 if fin else 0)
    size = (
        bytes([0x80 | len(data)])
        if len(data) < 126
        else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
    )
    client.transport.write(bytes([first]) + size + b"\0\0\0\0" + data)


def test_a_frame_above_the_bound_ends_the_connection() -> None:
    async def test() -> None:
        async with open_world(frame_bytes=1024) as world:
            async with world.connect(compression=None) as client:
                await client.send("x" * 1025)
                assert await closing_code(client) == 1009
            await until(lambda: world.gateway.metrics.closed["broken frame"] == 1)
            async with world.connect("CS2", compression=None) as client:
                await client.send(["x" * 600, "y" * 600])  # in fragments
                assert await closing_code(client) == 1009

    run(test())


def test_fragments_make_one_message() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect(compression=None) as client:
            await client.send(["[2,", '"1","Heart', 'beat",{}]'])
            assert (await hear(client))[:2] == [4, "1"]  # before the boot
            await boot(client)
            await client.send(['[2,"2",', '"Heartbeat",{}]'])
            assert (await hear(client))[:2] == [3, "2"]

    run(test())


def test_binary_messages_are_not_ocpp() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect() as client:
            await client.send(b"\x00\x01")
            assert await closing_code(client) == 1003

    run(test())


def test_compression_is_agreed_and_used_on_the_wire() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect() as client:
            assert client.response is not None
            agreed = client.response.headers["Sec-WebSocket-Extensions"]
            assert agreed.startswith("permessage-deflate")
            await boot(client)  # the library compresses what it sends
            items = [{"key": f"Key{n}", "value": "v" * 20} for n in range(100)]
            payload = {"configurationKey": [i | {"readonly": False} for i in items]}
            world.gateway.call("CS1", "GetConfiguration", {"key": ["K" * 50] * 50}, "t")
            _, number, action, _ = await hear(client)
            assert action == "GetConfiguration"
            await client.send(json.dumps([3, number, payload]))
            assert (await ask(client, "Heartbeat", {}))[0] == 3

    run(test())


def test_a_long_message_of_ours_leaves_compressed() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect() as client:
            sizes: list[int] = []
            seen = client.data_received

            def count(data: bytes) -> None:
                sizes.append(len(data))
                seen(data)

            client.data_received = count  # type: ignore[method-assign]
            world.gateway.call("CS1", "GetConfiguration", {"key": ["K" * 50] * 50}, "t")
            await hear(client)
            assert sum(sizes) < 300  # of 2,700 bytes

    run(test())


def test_a_message_that_inflates_beyond_the_bound_ends_the_connection() -> None:
    async def test() -> None:
        async with open_world(frame_bytes=4096) as world, world.connect() as client:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            bomb = packer.compress(b"x" * 1_000_000) + packer.flush(zlib.Z_SYNC_FLUSH)
            assert len(bomb) < 4096
            bare(client, bomb[:-4], rsv1=True)
            assert await closing_code(client) == 1009

    run(test())


def test_damaged_compression_ends_the_connection() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect() as client:
            bare(client, b"\xff\xff\xff\xff", rsv1=True)
            assert await closing_code(client) == 1007

    run(test())


def test_compression_that_was_not_agreed_ends_the_connection() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect(compression=None) as client:
            bare(client, b"\xcbH\xcd\xc9\xc9\x07\x00", rsv1=True)
            assert await closing_code(client) == 1002

    run(test())


def test_garbage_is_answered_counted_and_finally_ends_the_connection() -> None:
    async def test() -> None:
        async with open_world(violations=5) as world, world.connect(version="ocpp2.0.1") as client:
            await boot(client)
            for text in ("", "{}", "[", "[2]", "\x00", "null", "[9,1]", '[2,"x","Nope",{}]'):
                await client.send(text)
            assert await closing_code(client) == 1008
            await until(lambda: bool(world.store.of("security_events")))
            (event,) = world.store.of("security_events")
            assert (event["station"], event["kind"]) == ("CS1", "InvalidMessages")
            assert world.gateway.metrics.closed["violations"] == 1
            assert sum(world.gateway.metrics.violations.values()) == 6

    run(test())


def test_broken_rules_are_forgiven_with_time() -> None:
    async def test() -> None:
        async with (
            open_world(violations=3, forgive_s=0.01) as world,
            world.connect(version="ocpp2.0.1") as client,
        ):
            for _ in range(12):
                await client.send("garbage")
                assert (await hear(client))[0] == 4
                await asyncio.sleep(0.02)

    run(test())


def test_a_station_that_sends_too_fast_is_slowed_down_and_loses_nothing() -> None:
    async def test() -> None:
        async with open_world(messages_per_s=50, burst=5) as world, world.connect() as client:
            await boot(client)
            began = time.monotonic()
            for number in range(20):  # more than may wait counts as a flood, but ends nothing yet
                await client.send(json.dumps([2, str(number), "Heartbeat", {}]))
            numbers = [(await hear(client))[1] for _ in range(20)]
            assert numbers == [str(number) for number in range(20)]
            assert 0.2 < time.monotonic() - began < 10.0
            assert world.gateway.metrics.paused >= 1

    run(test())


def test_a_flood_ends_the_connection_and_does_not_disturb_others() -> None:
    async def test() -> None:
        bounds = {"messages_per_s": 100.0, "burst": 10, "violations": 3}
        async with (
            open_world(**bounds) as world,
            world.connect(compression=None) as flooder,
            world.connect("CS2") as other,
        ):
            await boot(other)
            flood = json.dumps([2, "1", "Heartbeat", {}])

            async def pour() -> None:
                while True:
                    await flooder.send(flood)
                    await asyncio.sleep(0)

            pouring = asyncio.create_task(pour())
            took = []
            for _ in range(5):
                began = time.monotonic()
                assert (await ask(other, "Heartbeat", {}))[0] == 3
                took.append(time.monotonic() - began)
            assert min(took) < 0.5
            await until(lambda: world.gateway.metrics.closed["violations"] == 1, 10.0)
            pouring.cancel()
            assert world.store.of("security_events")[0]["station"] == "CS1"
            assert (await ask(other, "Heartbeat", {}))[0] == 3

    run(test())


def test_pings_are_answered_but_a_flood_of_them_is_a_violation() -> None:
    async def test() -> None:
        bounds = {"messages_per_s": 1.0, "burst": 5, "violations": 10}
        async with open_world(**bounds) as world, world.connect() as client:
            await asyncio.wait_for(await client.ping(), 2.0)
            for _ in range(30):
                await client.ping()
            assert await closing_code(client) == 1008

    run(test())


def test_a_silent_station_is_pinged_and_kept() -> None:
    async def test() -> None:
        async with open_world(ping_s=0.1, pong_s=0.3) as world, world.connect() as client:
            await asyncio.sleep(1.0)
            assert world.gateway.is_online("CS1")
            await boot(client)

    run(test())


def test_a_half_open_connection_is_found() -> None:
    async def test() -> None:
        async with open_world(ping_s=0.1, pong_s=0.2) as world:
            client = await world.connect()
            client.transport.pause_reading()  # it is there, but nobody is at home
            await until(lambda: not world.gateway.is_online("CS1"))
            assert world.gateway.metrics.closed["silent"] == 1
            client.transport.abort()

    run(test())


@pytest.mark.parametrize("bounds", [{"drain_s": 0.3}, {"drain_s": 60.0, "write_bytes": 100_000}])
def test_a_station_that_does_not_read_is_cut(bounds: dict[str, Any]) -> None:
    async def test() -> None:
        async with open_world(call_timeout_s=0.05, **bounds) as world:
            client = await world.connect(compression=None)
            client.transport.pause_reading()
            keys = {"key": [f"{n:050}" for n in range(1000)]}
            cut = world.gateway.metrics.closed
            for _ in range(400):
                if cut["slow reader"]:
                    break
                world.gateway.call("CS1", "GetConfiguration", keys, "t")
                await asyncio.sleep(0.02)
            assert cut["slow reader"] == 1
            assert not world.gateway.is_online("CS1")
            client.transport.abort()

    run(test())


def test_a_full_store_stops_reading_and_nothing_is_lost() -> None:
    async def test() -> None:
        async with open_world() as world:
            clients = [await world.connect(name) for name in ("CS1", "CS2")]
            for client in clients:
                await boot(client)
            world.store.held, world.store.full = True, True
            for client in clients:
                for number in range(10):
                    status = STATUS | {"status": ["Available", "Charging"][number % 2]}
                    call = [2, str(number), "StatusNotification", status]
                    await client.send(json.dumps(call))
            await asyncio.sleep(0.3)
            assert not world.gateway.ready
            assert world.store.waiting <= 8  # one message each got through before it was seen
            world.store.held, world.store.full = False, False
            world.store.commit()
            for client in clients:
                answers = [await hear(client) for _ in range(10)]
                assert answers == [[3, str(number), {}] for number in range(10)]
            assert world.gateway.ready
            for client in clients:
                await client.close()

    run(test())


def test_a_call_of_ours_still_leaves_while_the_store_is_full() -> None:
    async def test() -> None:
        async with open_world() as world, world.connect() as client:
            await boot(client)
            world.store.full = True
            await client.send(json.dumps([2, "1", "StatusNotification", STATUS]))
            await asyncio.sleep(0.1)
            assert world.gateway.call("CS1", "ClearCache", {}, "t")
            heard = [await hear(client) for _ in range(1)]
            assert "ClearCache" in heard[0] or heard[0][0] == 3

    run(test())


def test_many_stations_that_reconnect_leave_nothing_behind() -> None:
    async def test() -> None:
        names = [f"S{n}" for n in range(20)]
        async with open_world(stations=names) as world:
            for _ in range(5):
                clients = await asyncio.gather(*(world.connect(name) for name in names))
                for client in clients:
                    client.transport.abort()
                await until(lambda: not any(map(world.gateway.is_online, names)))
            assert world.gateway.metrics.opened == 100
            assert not world.gateway._desk.waiting

    run(test())


def test_stations_do_not_share_what_they_say() -> None:
    async def test() -> None:
        async with open_world() as world:
            add_station(world, "CS3").admission = "pending"
            async with world.connect("CS3") as pending, world.connect("CS1") as accepted:
                assert (await boot(pending))["status"] == "Pending"
                assert (await boot(accepted))["status"] == "Accepted"
                assert (await ask(pending, "Heartbeat", {}))[0] == 4
                assert (await ask(accepted, "Heartbeat", {}))[0] == 3

    run(test())
