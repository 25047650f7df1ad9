"""Simulated stations on real sockets: a small CSMS by another library, and our own server."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import websockets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from gateway_world import PASSWORD, open_world
from websockets.asyncio.server import Request, ServerConnection

from zerocity.errors import InputError
from zerocity.live.tokens import Token
from zerocity.protocols.ocpp.messages import SUBPROTOCOLS, Role, Version
from zerocity.protocols.ocpp.peer import Asked, Peer
from zerocity.protocols.ocpp.station.drivers import stocked
from zerocity.protocols.ocpp.station.fleet import make_tls
from zerocity.protocols.ocpp.station.gateway import Line, StationFleet, check_url
from zerocity.protocols.ocpp.station.parts import Make
from zerocity.protocols.ocpp.station.station import SimStation
from zerocity.protocols.ocpp.station.swap import SwapCabinet
from zerocity.protocols.ocpp.station.swap_parts import Pack

LOOP_S = 0.02


def clock() -> tuple[float, datetime]:
    return time.monotonic(), datetime.now(UTC)


def run(work: Any) -> None:
    asyncio.run(asyncio.wait_for(work, 20.0))


async def until(condition: Callable[[], bool], within_s: float = 6.0) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come true in time"
        await asyncio.sleep(0.01)


class Csms:
    """A small CSMS behind the websockets library."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.passwords: list[str] = []
        self.links: dict[str, tuple[Peer, ServerConnection]] = {}
        self.opened_s: list[float] = []
        self.refuse: HTTPStatus | None = None

    async def serve(self, link: ServerConnection) -> None:
        assert link.request is not None
        assert link.subprotocol is not None
        name = link.request.path.rsplit("/", 1)[-1]
        peer = Peer(SUBPROTOCOLS[link.subprotocol], Role.CSMS)
        self.links[name] = peer, link
        self.opened_s.append(time.monotonic())
        async for data in link:
            for event in peer.receive(data, time.monotonic()):
                if isinstance(event, Asked):
                    self.calls.append((name, event.action))
                    peer.answer(event.id, self._answer(event.action))
            for frame in peer.take():
                await link.send(frame.decode())

    def check(self, link: ServerConnection, request: Request) -> Any:
        word = request.headers.get("Authorization", "")
        self.passwords.append(base64.b64decode(word[6:]).decode() if word else "")
        return link.respond(self.refuse, "") if self.refuse else None

    async def ask(self, name: str, action: str, payload: dict[str, Any]) -> None:
        peer, link = self.links[name]
        peer.call(action, payload, time.monotonic())
        for frame in peer.take():
            await link.send(frame.decode())

    def _answer(self, action: str) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        return {
            "BootNotification": {"status": "Accepted", "currentTime": now, "interval": 300},
            "Heartbeat": {"currentTime": now},
            "Authorize": {"idTokenInfo": {"status": "Accepted"}},
            "NotifyEVChargingNeeds": {"status": "Accepted"},
        }.get(action, {})


@asynccontextmanager
async def small_csms(**options: Any) -> AsyncIterator[tuple[Csms, str]]:
    csms = Csms()
    options.setdefault("subprotocols", list(SUBPROTOCOLS))
    server = await websockets.serve(
        csms.serve, "127.0.0.1", 0, process_request=csms.check, **options
    )
    port = server.sockets[0].getsockname()[1]
    try:
        yield csms, f"{'wss' if 'ssl' in options else 'ws'}://127.0.0.1:{port}/ocpp"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def running(fleet: StationFleet) -> AsyncIterator[StationFleet]:
    stop = asyncio.Event()
    task = asyncio.create_task(fleet.run(stop))
    try:
        yield fleet
    finally:
        stop.set()
        await task


def quick(name: str = "s1", version: Version = Version.V201, **more: Any) -> SimStation:
    station = SimStation(name, version, Make(reboot_s=0.1), password=PASSWORD, **more)
    station.settings.put("backoff_s", "0")
    station.settings.put("backoff_random_s", "0")
    return station


def line(url: str, **more: Any) -> Line:
    return Line(url, tick_s=LOOP_S, **more)


def test_a_lost_link_is_opened_again_and_the_queue_arrives() -> None:
    async def work() -> None:
        station = quick()
        async with small_csms() as (csms, url):
            async with running(StationFleet([station], line(url), clock)) as fleet:
                await until(lambda: station.online)
                station.plug(1, *clock(), token="t", soc=0.2, capacity_kwh=50.0)
                await until(lambda: ("s1", "TransactionEvent") in csms.calls)
                csms.refuse = HTTPStatus.SERVICE_UNAVAILABLE
                await csms.links["s1"][1].close()
                await until(lambda: not fleet.connected)
                station.unplug(1, *clock())
                before = len(csms.calls)
                assert station.queued
                csms.refuse = None
                await until(lambda: station.online and not station.queued)
                assert ("s1", "BootNotification") not in csms.calls[before:]
                assert fleet.reconnects == 1
            assert fleet.connected == 0

    run(work())


def test_connections_open_at_a_bounded_rate() -> None:
    async def work() -> None:
        stations = [quick(f"s{n}") for n in range(30)]
        async with small_csms() as (csms, url):
            slow = line(url, connects_per_s=40.0)
            async with running(StationFleet(stations, slow, clock)):
                await until(lambda: len(csms.links) == 30)
            assert csms.opened_s[-1] - csms.opened_s[0] > 0.4

    run(work())


def test_messages_are_compressed_where_both_sides_agree() -> None:
    async def work() -> None:
        station = quick()
        async with (
            small_csms() as (csms, url),
            running(StationFleet([station], line(url, compress=True), clock)) as fleet,
        ):
            await until(lambda: station.online)
            assert fleet.seats[0].deflates
            asked = {"requestId": 1, "reportBase": "FullInventory"}
            await csms.ask("s1", "GetBaseReport", asked)
            await until(lambda: ("s1", "NotifyReport") in csms.calls)
        plain = quick()
        async with (
            small_csms(compression=None) as (_, url),
            running(StationFleet([plain], line(url, compress=True), clock)) as fleet,
        ):
            await until(lambda: plain.online)
            assert not fleet.seats[0].deflates

    run(work())


def test_a_reset_closes_the_link_and_boots_anew() -> None:
    async def work() -> None:
        station = quick()
        async with small_csms() as (csms, url), running(StationFleet([station], line(url), clock)):
            await until(lambda: station.online)
            await csms.ask("s1", "Reset", {"type": "Immediate"})
            await until(lambda: csms.calls.count(("s1", "BootNotification")) == 2)

    run(work())


def test_a_new_password_is_shown_at_the_next_connection() -> None:
    async def work() -> None:
        station = quick()
        async with small_csms() as (csms, url), running(StationFleet([station], line(url), clock)):
            await until(lambda: station.online)
            item = {
                "component": {"name": "SecurityCtrlr"},
                "variable": {"name": "BasicAuthPassword"},
                "attributeValue": "a-brand-new-password",
            }
            await csms.ask("s1", "SetVariables", {"setVariableData": [item]})
            await until(lambda: len(csms.passwords) == 2)
            assert csms.passwords == [f"s1:{PASSWORD}", "s1:a-brand-new-password"]

    run(work())


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (HTTPStatus.UNAUTHORIZED, "name or password"),
        (HTTPStatus.NOT_FOUND, "path or station"),
        (HTTPStatus.IM_A_TEAPOT, "HTTP 418"),
    ],
)
def test_once_ends_with_the_reason(status: HTTPStatus, text: str) -> None:
    async def work() -> None:
        async with small_csms() as (csms, url):
            csms.refuse = status
            with pytest.raises(InputError, match=text) as caught:
                await StationFleet([quick()], line(url), clock, once=True).run(asyncio.Event())
            assert PASSWORD not in str(caught.value)

    run(work())


def test_a_server_of_another_version_is_left() -> None:
    async def work() -> None:
        async with small_csms(subprotocols=["ocpp1.6"], select_subprotocol=lambda c, s: None) as (
            _,
            url,
        ):
            with pytest.raises(InputError, match="does not speak"):
                await StationFleet([quick()], line(url), clock, once=True).run(asyncio.Event())

    run(work())


def test_a_server_that_is_not_there_is_tried_again() -> None:
    async def work() -> None:
        fleet = StationFleet([quick()], line("ws://127.0.0.1:9/ocpp"), clock)
        async with running(fleet):
            await until(lambda: fleet.troubles["nobody listens there"] > 2)
        assert fleet.seats[0].attempts > 2

    run(work())


def test_waits_grow_and_differ() -> None:
    station = SimStation("s1", Version.V201)
    fleet = StationFleet([station], line("ws://127.0.0.1:9"), clock, seed=4)
    waits = [fleet._backoff_s(fleet.seats[0]) for _ in range(8)]
    for place, wait_s in enumerate(waits):
        least_s = 2.0 * 2.0 ** min(place, 5)
        assert least_s <= wait_s <= least_s + 3.0
    assert len({wait_s % 1.0 for wait_s in waits}) == 8


@pytest.mark.parametrize("url", ["http://x/ocpp", "x", "ws://", "ws://me:secret@host/ocpp"])
def test_urls_that_no_station_can_use(url: str) -> None:
    with pytest.raises(InputError) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)


def authority(folder: Path) -> tuple[Path, Callable[[str], Path]]:
    """A root's certificate file, and a maker of files of a key and its certificate."""
    root = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)

    def sign(name: str, key: ec.EllipticCurvePrivateKey, is_ca: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()),
                critical=False,
            )
        )
        if not is_ca:
            here = x509.SubjectAlternativeName([x509.DNSName("localhost")])
            builder = builder.add_extension(here, critical=False)
        return builder.sign(root, hashes.SHA256())

    def pem(certificate: x509.Certificate) -> bytes:
        return certificate.public_bytes(serialization.Encoding.PEM)

    def issue(name: str) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = folder / f"{name}.pem"
        path.write_bytes(secret + pem(sign(name, key, False)))
        return path

    trusted = folder / "root.pem"
    trusted.write_bytes(pem(sign("root", root, True)))
    return trusted, issue


def test_tls_with_a_certificate_of_the_station(tmp_path: Path) -> None:
    trusted, issue = authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issue("server"))
    context.load_verify_locations(trusted)
    context.verify_mode = ssl.CERT_REQUIRED
    issue("s1")

    async def work() -> None:
        async with small_csms(ssl=context) as (csms, url):
            local = url.replace("127.0.0.1", "localhost")
            tls = make_tls(trusted, str(tmp_path / "{id}.pem"))
            station = quick()
            async with running(StationFleet([station], line(local, tls=tls), clock)):
                await until(lambda: station.online)
                shown = csms.links["s1"][1].transport.get_extra_info("peercert")
                assert "s1" in str(shown["subject"])
            # A server that nobody vouches for is not spoken to.
            stranger = line(local, tls=make_tls(None))
            with pytest.raises(InputError, match="TLS"):
                await StationFleet([quick()], stranger, clock, once=True).run(asyncio.Event())

    run(work())


def test_certificates_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="PEM"):
        make_tls(tmp_path / "none.pem")
    tls = make_tls(None, str(tmp_path / "{id}.pem"))
    with pytest.raises(InputError, match=r"s1\.pem"):
        tls(quick())
    fleet = StationFleet([quick()], line("wss://127.0.0.1:9", tls=tls), clock)
    with pytest.raises(InputError, match=r"s1\.pem"):
        run(fleet.run(asyncio.Event()))


def test_stations_of_all_kinds_with_our_own_server() -> None:
    async def work() -> None:
        names = [f"s{n}" for n in range(8)]
        async with open_world(stations=names) as world:
            for n in range(1, 6):
                world.registry.add_token(Token(f"driver-{n:03d}", many=True))
            world.registry.stations["s7"].kind = "swap"
            make = Make(evses=6, max_kw=20.0, is_swap=True, phase_s=0.1)
            stations: list[SimStation] = [
                quick(name, list(Version)[n % 3]) for n, name in enumerate(names[:7])
            ]
            packs = stocked("s7", 6, seed=1)
            packs[0].soc = 1.0
            cabinet = SwapCabinet("s7", make, packs, password=PASSWORD)
            stations.append(cabinet)
            for station in stations:
                station.settings.put("meter_s", "1")
            async with running(StationFleet(stations, line(world.url), clock)):
                await until(lambda: all(station.online for station in stations))
                for station in stations[:7]:
                    token = f"driver-00{1 + int(station.id[1:]) % 5}"
                    station.plug(1, *clock(), token=token, soc=0.3, capacity_kwh=60.0)
                await until(lambda: len(world.store.of("sessions")) >= 7)
                cabinet.visit([Pack("on-the-road", 0.2)], *clock(), token="driver-001")
                await until(lambda: cabinet.counts.swaps == 1)
                await until(lambda: any(s["packs_out"] for s in world.store.of("swaps")))
                for station in stations[:7]:
                    station.unplug(1, *clock())
                await until(lambda: not any(station.queued for station in stations))
            assert not any(station.counts.refused for station in stations)
            assert not any(station.counts.broken for station in stations)
            ended = {row["id"] for row in world.store.of("sessions") if row.get("ended_at")}
            assert len(ended) >= 7

    run(work())
