"""Who is let in, what everybody else is told, and what strangers may cost."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from gateway_world import (
    PASSWORD,
    World,
    add_station,
    ask,
    basic,
    boot,
    hear,
    open_world,
    run,
    until,
)
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus


async def status_of(world: World, **options: object) -> int:
    """The HTTP status of a refused handshake."""
    with pytest.raises(InvalidStatus) as refused:
        await world.connect(**options)
    return int(refused.value.response.status_code)


async def exchange(world: World, data: bytes, within_s: float = 3.0) -> bytes:
    """What the server says to bare bytes until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), within_s)
    finally:
        writer.close()


def test_nobody_can_tell_an_unknown_station_from_a_wrong_password() -> None:
    async def test() -> None:
        async with open_world(refusal_s=0.2) as world:
            answers, took = [], []
            for name, password in 3 * (("CS1", "wrong"), ("CS404", PASSWORD)):
                began = time.monotonic()
                with pytest.raises(InvalidStatus) as refused:
                    await world.connect(name, password=password)
                took.append(time.monotonic() - began)
                response = refused.value.response
                answers.append((response.status_code, dict(response.headers), response.body))
            assert answers[0] == answers[1]
            assert answers[0][0] == 401
            assert min(took) > 0.15
            assert abs(min(took[::2]) - min(took[1::2])) < 0.1

    run(test())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic Og=="},
        basic("CS2", PASSWORD),  # another station's name with the same password
        basic("CS1", b"\xff\xfe"),
    ],
)
def test_a_login_that_does_not_fit_is_refused(headers: dict[str, str]) -> None:
    async def test() -> None:
        async with open_world() as world:
            assert await status_of(world, additional_headers=headers) == 401

    run(test())


def test_a_failed_login_of_a_known_station_is_recorded_once_a_minute() -> None:
    async def test() -> None:
        async with open_world() as world:
            for _ in range(3):
                assert await status_of(world, password="wrong") == 401
            assert await status_of(world, station="CS404", password="wrong") == 401
            events = world.store.of("security_events")
            assert [(e["station"], e["kind"]) for e in events] == [
                ("CS1", "FailedToAuthenticateAtCsms")
            ]

    run(test())


def test_an_address_that_fails_too_often_must_wait_but_known_passwords_still_enter() -> None:
    async def test() -> None:
        async with open_world(login_tries=3, login_forgive_s=60) as world:
            async with world.connect("CS2"):
                pass
            for _ in range(3):
                assert await status_of(world, password="wrong") == 401
            assert await status_of(world, password="wrong") == 429
            assert await status_of(world) == 429  # even the right one: it was never seen before
            checks = world.passwords.checks
            async with world.connect("CS2"):
                pass
            assert world.passwords.checks == checks

    run(test())


def test_a_minimum_profile_keeps_a_station_from_the_plain_port() -> None:
    async def test() -> None:
        async with open_world() as world:
            add_station(world, "SAFE", profile=2)
            assert await status_of(world, station="SAFE") == 401

    run(test())


def test_a_station_that_is_not_in_the_registry_is_refused() -> None:
    async def test() -> None:
        async with open_world() as world:
            del world.registry.stations["CS1"]
            assert await status_of(world) == 401

    run(test())


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
def test_a_one_time_password_is_used_once_and_replaced(version: str) -> None:
    async def test() -> None:
        async with open_world() as world:
            once = world.passwords.hash("welcome")
            add_station(world, "FRESH", password_hash=None, one_time_hash=once)
            async with world.connect("FRESH", version, password="welcome") as client:
                # Used up before the station was let in.
                assert {"id": "FRESH", "one_time_hash": None} in world.store.of("stations")
                await boot(client)
                action, payload, key = await set_key(client)
                del payload
                assert len(key) == 40
                assert action in ("ChangeConfiguration", "SetVariables")
                kept = {"id": "FRESH", "password_hash": world.passwords.hash(key)}
                await until(lambda: kept in world.store.of("stations"))
            assert await status_of(world, station="FRESH", password="welcome") == 401
            add_station(world, "FRESH", password_hash=world.passwords.hash(key))
            async with world.connect("FRESH", version, password=key):
                pass
            # The key in hex, sent as the 20 bytes that it spells.
            async with world.connect("FRESH", version, password=bytes.fromhex(key)):
                pass

    run(test())


async def set_key(
    client: ClientConnection, accept: bool = True
) -> tuple[str, dict[str, object], str]:
    """Take the new key as a station does, or refuse it."""
    _, number, action, payload = await hear(client)
    if action == "ChangeConfiguration":
        assert payload["key"] == "AuthorizationKey"
        key = payload["value"]
        reply: dict[str, object] = {"status": "Accepted" if accept else "Rejected"}
    else:
        data = payload["setVariableData"][0]
        assert data["component"] == {"name": "SecurityCtrlr"}
        key = data["attributeValue"]
        status = "Accepted" if accept else "Rejected"
        names = {"component": data["component"], "variable": data["variable"]}
        reply = {"setVariableResult": [{"attributeStatus": status, **names}]}
    await client.send(json.dumps([3, number, reply]))
    return action, payload, key


def test_a_key_that_the_station_refuses_is_never_stored() -> None:
    async def test() -> None:
        async with open_world() as world:
            once = world.passwords.hash("welcome")
            add_station(world, "FRESH", password_hash=None, one_time_hash=once)
            async with world.connect("FRESH", password="welcome") as client:
                await boot(client)
                _, _, key = await set_key(client, accept=False)
                assert (await ask(client, "Heartbeat", {}))[0] == 3
            assert not any("password_hash" in row for row in world.store.of("stations"))
            assert await status_of(world, station="FRESH", password=key) == 401

    run(test())


def test_a_key_whose_acceptance_was_lost_still_opens_the_door() -> None:
    async def test() -> None:
        async with open_world() as world:
            once = world.passwords.hash("welcome")
            add_station(world, "FRESH", password_hash=None, one_time_hash=once)
            async with world.connect("FRESH", password="welcome") as client:
                await boot(client)
                key = (await hear(client))[3]["value"]
                client.transport.abort()  # the station took it, its answer never came
            await until(lambda: not world.gateway.is_online("FRESH"))
            async with world.connect("FRESH", password=key):
                kept = {"id": "FRESH", "password_hash": world.passwords.hash(key)}
                await until(lambda: kept in world.store.of("stations"))

    run(test())


def test_a_key_can_be_renewed_and_the_old_one_serves_until_it_is_taken() -> None:
    async def test() -> None:
        async with open_world() as world:
            assert not world.gateway.renew_key("CS1")
            async with world.connect() as client:
                await boot(client)
                assert world.gateway.renew_key("CS1")
                key = (await hear(client))[3]["value"]
                client.transport.abort()
            await until(lambda: not world.gateway.is_online("CS1"))
            async with world.connect():  # it did not take the new key, and says so by the old one
                assert not any("password_hash" in row for row in world.store.of("stations"))
            await until(lambda: not world.gateway.is_online("CS1"))
            async with world.connect(password=key):
                kept = {"id": "CS1", "password_hash": world.passwords.hash(key)}
                await until(lambda: kept in world.store.of("stations"))

    run(test())


def test_a_one_time_password_ends() -> None:
    async def test() -> None:
        async with open_world() as world:
            past = datetime.now(UTC) - timedelta(seconds=1)
            once = world.passwords.hash("welcome")
            add_station(world, "FRESH", password_hash=None, one_time_hash=once, one_time_until=past)
            assert await status_of(world, station="FRESH", password="welcome") == 401

    run(test())


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
        (b"POST /ocpp/CS1 HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\n\r\n", b"426"),
        (b"GET /other HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /ocpp/../../etc/passwd HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /ocpp/CS1 HTTP/1.1\r\nContent-Length: 5\r\n\r\n", b"400"),
        (b"GET /ocpp/CS1 HTTP/1.1\r\n" + b"X: y\r\n" * 100 + b"\r\n", b"431"),
        (b"GET /ocpp/" + b"A" * 20_000, b"431"),
    ],
)
def test_what_is_no_opening_request_gets_its_status(head: bytes, status: bytes) -> None:
    async def test() -> None:
        async with open_world() as world:
            answer = await exchange(world, head)
            assert answer.split(b" ")[1] == status

    run(test())


def test_a_stranger_who_says_nothing_is_sent_away() -> None:
    async def test() -> None:
        async with open_world(handshake_s=0.2) as world:
            assert await exchange(world, b"GET /ocpp/CS1 HTTP/1.1\r\n") == b""
            assert world.gateway.metrics.refusals["dawdling"] == 1

    run(test())


def test_a_full_house_says_so() -> None:
    async def test() -> None:
        async with open_world(most_connections=1) as world, world.connect():
            assert await status_of(world, station="CS2") == 503

    run(test())


def test_dawdlers_cannot_keep_others_out() -> None:
    async def test() -> None:
        async with open_world(most_handshakes=3) as world:
            open_ones = [
                await asyncio.open_connection("127.0.0.1", world.gateway.port) for _ in range(10)
            ]
            async with world.connect() as client:
                assert (await boot(client))["status"] == "Accepted"
            for _, writer in open_ones:
                writer.close()

    run(test())


def test_the_first_message_may_come_with_the_request() -> None:
    async def test() -> None:
        async with open_world() as world:
            body = b'[2,"h","Heartbeat",{}]'
            frame = bytes([0x81, 0x80 | len(body)]) + b"\0\0\0\0" + body
            login = basic("CS1", PASSWORD)["Authorization"].encode()
            head = (
                b"GET /ocpp/CS1 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade"
                b"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                b"Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: " + login + b"\r\n\r\n"
            )
            reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
            writer.write(head + frame)
            text = await asyncio.wait_for(reader.readuntil(b"SecurityError"), 3.0)
            assert text.startswith(b"HTTP/1.1 101")  # the handshake's answer comes first
            writer.close()

    run(test())


def test_a_closed_store_of_credentials_does_not_let_anybody_in() -> None:
    async def test() -> None:
        async with open_world() as world:

            def broken(station: str) -> None:
                raise OSError("away")

            world.book.find = broken  # type: ignore[method-assign]
            assert await status_of(world) == 503
            with pytest.raises((InvalidStatus, ConnectionClosed)):
                await world.connect("CS2")

    run(test())
