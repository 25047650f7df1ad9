"""A charge point that we did not write connects by the tutorial alone, and so do vehicles."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from strangers import (
    SOON_S,
    Served,
    Stranger16,
    Stranger21,
    Stranger201,
    connected,
    login,
    until,
)
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from zerocity.protocols.ocpp.office.certificates import make_request

STRANGERS = [Stranger16, Stranger201, Stranger21]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("served"), "--tls-port", "0", "--vehicle-tls-port", "0")
    yield served
    alive = served.alive
    served.stop()
    assert alive


async def session_of(city: Served, station: str) -> dict[str, Any]:
    """The open session of a station."""
    async with asyncio.timeout(SOON_S):
        while True:
            found = [s for s in await city.ask("/api/sessions") if s["station"] == station]
            if found:
                return dict(found[0])
            await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_charges(city: Served, kind: Any) -> None:
    name, card = f"CP-{kind.subprotocol}", f"CARD{kind.subprotocol.replace('.', '')}"
    password = city.add_station(name)

    async def test() -> None:
        async with connected(kind, city.at("ocpp", "ws"), name, password) as station:
            booted = await station.boot()
            assert booted.status == "Accepted"
            assert (await station.call(station.words.Heartbeat())).current_time
            await station.status()
            assert await station.authorize(card) in {"Invalid", "Unknown"}
            await asyncio.to_thread(city.command, "token", "add", card)
            async with asyncio.timeout(SOON_S):
                while await station.authorize(card) != "Accepted":
                    await asyncio.sleep(0.2)
            await until(lambda: station.heard.profiles)
            assert station.heard.profiles[0][0] == "TxDefaultProfile"
            await charge(city, station, name, card)

    asyncio.run(test())


async def charge(city: Served, station: Any, name: str, card: str) -> None:
    """A session from its start to its receipt, with a limit that a person orders."""
    transaction = await station.begin(card)
    # The plan may let it wait for cheaper power; what a person orders holds at once.
    await until(lambda: station.heard.limit_kw() is not None)
    session = await session_of(city, name)
    where = f"/api/sessions/{session['session']}/limit"
    assert await city.ask(where, put={"kw": 7.0}) == {"accepted": True}
    await until(lambda: station.heard.limit_kw() == 7.0)
    await station.meter(transaction, 2000, 7.0)
    session = await session_of(city, name)
    assert session["granted_kw"] == 7.0
    assert session["energy_kwh"] == pytest.approx(1.0)
    assert session["power_kw"] == pytest.approx(7.0)
    assert await city.ask(where, put={"kw": 0.0}) == {"accepted": True}
    await until(lambda: station.heard.limit_kw() == 0.0)
    await station.end(transaction, card, 3000)
    receipt = await city.ask(f"/api/sessions/{session['session']}/receipt")
    assert receipt["energy_kwh"] == pytest.approx(2.0)
    assert receipt["cost"] > 0.0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "password"), [("CP-LOCK", "wrong-password-00"),
                                                ("CP-NOBODY", "wrong-password-00"),
                                                ("CP-LOCK", None)])  # fmt: skip
def test_who_cannot_prove_who_it_is_gets_401(city: Served, name: str, password: str | None) -> None:
    if name == "CP-LOCK":
        city.add_station(name)

    async def test() -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(Stranger16, city.at("ocpp", "ws"), name, password):
                pass
        assert refused.value.response.status_code == 401

    asyncio.run(test())


@pytest.mark.slow
def test_without_a_common_version_the_line_is_closed(city: Served) -> None:
    password = city.add_station("CP-SOAP")

    async def test() -> None:
        offered: Any = ["ocpp1.2"]
        async with connect(
            f"{city.at('ocpp', 'ws')}/CP-SOAP", subprotocols=offered,
            additional_headers=login("CP-SOAP", password),
        ) as line:  # fmt: skip
            assert line.subprotocol is None
            with pytest.raises(ConnectionClosed):
                await line.recv()
            assert line.close_code == 1002

    asyncio.run(test())


@pytest.mark.slow
def test_a_station_that_is_removed_is_cut_and_refused(city: Served) -> None:
    password = city.add_station("CP-GONE")

    async def test() -> None:
        url = city.at("ocpp", "ws")
        async with connected(Stranger201, url, "CP-GONE", password) as station:
            await station.boot()
            await asyncio.to_thread(city.command, "station", "remove", "CP-GONE")
            async with asyncio.timeout(SOON_S):
                await station._connection.wait_closed()
        with pytest.raises(InvalidStatus):
            async with connected(Stranger201, url, "CP-GONE", password):
                pass
        assert not [s for s in await city.ask("/api/stations") if s["station"] == "CP-GONE"]

    asyncio.run(test())


@pytest.mark.slow
def test_from_tls_to_a_certificate_of_its_own(city: Served, tmp_path: Path) -> None:
    password = city.add_station("CP-TLS", "--profile", "2")
    request, key = make_request("CP-TLS")

    async def test() -> None:
        with pytest.raises(InvalidStatus):  # its least profile is 2
            async with connected(Stranger201, city.at("ocpp", "ws"), "CP-TLS", password):
                pass
        url, tls = city.at("ocpp", "wss"), city.trusting()
        async with connected(Stranger201, url, "CP-TLS", password, tls=tls) as station:
            assert (await station.boot()).status == "Accepted"
            answer = await station.call(station.words.SignCertificate(request))
            assert answer.status == "Accepted"
            [chain] = await until(lambda: station.heard.chains)
        own = tmp_path / "own.pem"
        own.write_bytes(key + chain.encode())
        tls.load_cert_chain(own)
        async with connected(Stranger201, url, "CP-TLS", None, tls=tls) as station:
            assert (await station.boot()).status == "Accepted"
        with pytest.raises(ssl.SSLError):  # who does not trust the city stays away
            async with connected(Stranger201, url, "CP-TLS", password,
                                 tls=ssl.create_default_context()):  # fmt: skip
                pass

    asyncio.run(test())


@pytest.mark.slow
def test_no_secret_reaches_the_log(city: Served) -> None:
    secret = "Planted-Secret-0001"
    key = city.command("user", "add", "meter", "--role", "viewer", "--draw")["password"]
    facts = city.command("station", "add", "CP-QUIET", "--site", "Town bus depot",
                         ZEROCITY_STATION_PASSWORD=secret)  # fmt: skip
    assert "password" not in facts
    vin = "LZ9ZCTYB0T1PLANT1"
    city.command("fleet", "add", "bus-quiet", "--vin", vin)

    async def test() -> None:
        url = city.at("ocpp", "ws")
        async with connected(Stranger16, url, "CP-QUIET", secret) as station:
            await station.boot()
            await until(lambda: "ocpp.joined" in city.log.read_text())
        with pytest.raises(InvalidStatus):
            async with connected(Stranger16, url, "CP-QUIET", "Another-Planted-1"):
                pass
        assert await city.ask("/api/status", key=secret) == 401
        await until(lambda: "people.news" in city.log.read_text())

    asyncio.run(test())
    text = city.log.read_text()
    for planted in (secret, key, vin, "Another-Planted-1"):
        assert planted not in text
    events = [json.loads(line) for line in text.splitlines()]
    assert {"ocpp.joined", "ocpp.refused"} <= {event["event"] for event in events}
