"""`zerocity serve` from the outside: what must be there before, and what is told while it runs."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog
import uvloop

from zerocity.app.doors import Doors, refuse_open_demo
from zerocity.app.live import LivePlatform, ServeRequest, served_city
from zerocity.app.logs import log_to
from zerocity.app.meters_file import read_addresses
from zerocity.app.starting import PLAIN, open_store, refuse_taken
from zerocity.app.street import Ports, StreetRequest, street_main
from zerocity.city.folder import load_city
from zerocity.city.thin import Size
from zerocity.errors import RunStateError
from zerocity.live.cores import roam, share_core
from zerocity.live.facts import Rhythm
from zerocity.protocols.ocpp.server.settings import is_loopback
from zerocity.protocols.sunspec.gateway import SiteAddress

log = structlog.get_logger(__name__)

STATUS_S = 10.0
# How many new objects there are before they are looked through for circles, as gc takes them. The
# way of a message makes none; the usual 700 looks through the same living ones again and again.
LOOK_AFTER = (50_000, 20, 20)
STREET_START_S = 300.0
STREET_END_S = 20.0

Said = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Demo:
    """A city whose devices the twin plays. ``hour``: local time at which it begins, None: now."""

    size: Size
    hour: float | None
    seed: int


def run_served(
    city: str,
    data: Path,
    *,
    database: str,
    host: str,
    ports: tuple[int, int, int],
    sites: Path | None,
    demo: Demo | None,
    rhythm: Rhythm,
    duration_s: float | None,
    require_login: bool,
    doors: Doors,
    log_level: str,
    log_file: Path | None,
    said: Said,
) -> dict[str, Any]:
    """Serve a city until a signal or the end of ``duration_s``; returns what was done.

    Raises a `ZerocityError` for bad input, a port in use, or a store that cannot be opened.
    """
    if demo is not None:
        refuse_open_demo(host)
    _log_plainly(log_level, log_file)
    request = ServeRequest(
        city, data, database, host, *ports, size=demo.size if demo else None,
        demo=demo is not None, shift=shift_of(city, demo), rhythm=rhythm,
        require_login=require_login, doors=doors,
    )  # fmt: skip
    if demo is None:
        addresses = []
        if sites is not None:
            addresses = read_addresses(sites, served_city(request).sites.name)
        return uvloop.run(_serve(request, addresses, None, duration_s, said))
    served_city(request)
    refuse_taken(host, dict(zip(PLAIN, ports, strict=True)))
    open_store(data, request.url).dispose()
    with _Street(request, demo.seed) as street:
        said("starting", {"text": "the twin lives up to now"})
        names = served_city(request).sites.name
        found = street.addresses()
        addresses = [
            SiteAddress(name, "127.0.0.1", port) for name, port in zip(names, found, strict=True)
        ]
        result = uvloop.run(_serve(request, addresses, street, duration_s, said))
        street.end()
    return {**result, "devices": street.report}


async def _serve(
    request: ServeRequest,
    addresses: list[SiteAddress],
    street: _Street | None,
    duration_s: float | None,
    said: Said,
) -> dict[str, Any]:
    platform = LivePlatform(request, addresses)
    await platform.open()
    _rest_memory()
    _settle_threads(platform)
    said("open", _where(platform))
    for text in _cautions(platform):
        said("note", {"text": text})
    if street is not None:
        street.open(Ports(request.host, platform.ocpp.port, platform.vehicle_gateway.port))
    loop = asyncio.get_running_loop()
    if duration_s is not None:
        loop.call_later(duration_s, platform.stop)
    telling = loop.create_task(_tell(platform, street, said))
    try:
        await platform.run()
    finally:
        telling.cancel()
        roam()
    return platform.view.health()


def _rest_memory() -> None:
    """Look for circles seldom, and never again in what lives from the start."""
    gc.set_threshold(*LOOK_AFTER)
    gc.freeze()


def _settle_threads(platform: LivePlatform) -> None:
    """The event loop and the store's writer share a core; what waits or reckons roams."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(initializer=roam))
    core = share_core([platform.recorder.thread_id])
    log.info("serve.settled", core=core)


async def _tell(platform: LivePlatform, street: _Street | None, said: Said) -> None:
    while True:
        await asyncio.sleep(STATUS_S)
        said("status", platform.view.health())
        if street is not None and not street.alive:
            said("ended", {"text": "the devices of the twin have ended"})
            platform.stop()


def _where(platform: LivePlatform) -> dict[str, Any]:
    host = platform.request.host
    ocpp, vehicles = platform.ocpp, platform.vehicle_gateway
    stations = [f"ws://{host}:{ocpp.port}/ocpp/STATION"] if ocpp.port else []
    stations += [f"wss://{host}:{ocpp.tls_port}/ocpp/STATION"] if ocpp.tls_port else []
    fleet = [f"tcp://{host}:{vehicles.port}"]
    fleet += [f"tls://{host}:{vehicles.tls_port}"] if vehicles.tls_port else []
    return {
        "city": platform.city.name,
        "ocpp": " ".join(stations),
        "vehicles": " ".join(fleet),
        "web": f"http://{host}:{platform.web.port}",
        "data": str(platform.request.data),
    }


def _cautions(platform: LivePlatform) -> list[str]:
    """What an operator should hear who lets others reach the city."""
    if is_loopback(platform.request.host):
        return []
    found = ["pages have no TLS: put a proxy before them that has"]
    if platform.ocpp.port:
        found.append(
            "stations of security profile 1 send their passwords in the clear; "
            "--least-profile 2 --tls-port 9311 keeps them out"
        )
    return found


def shift_of(city: str, demo: Demo | None) -> timedelta:
    """By how much a demo's clock is ahead, so that it begins at its hour."""
    if demo is None or demo.hour is None:
        return timedelta(0)
    now = datetime.now(UTC) + timedelta(hours=load_city(city).utc_offset_h)
    hour = now.hour + now.minute / 60.0 + now.second / 3600.0
    return timedelta(hours=demo.hour - hour)


class _Street:
    """The process of a demonstration's devices."""

    def __init__(self, request: ServeRequest, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        what = StreetRequest(request.city, request.size, seed, request.shift)
        self._process = context.Process(target=street_main, args=(what, theirs), daemon=True)
        self._theirs: Connection | None = theirs
        self._begun = False
        self.report: dict[str, Any] = {}

    def __enter__(self) -> _Street:
        self._process.start()
        if self._theirs is not None:
            self._theirs.close()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def alive(self) -> bool:
        """Whether the devices still run."""
        return self._process.is_alive()

    def addresses(self) -> list[int]:
        """Ports of the sites' meters; waits until the twin has lived up to now."""
        try:
            if self._pipe.poll(STREET_START_S):
                ports: list[int] = self._pipe.recv()
                self._begun = True
                return ports
        except EOFError:
            pass
        raise RunStateError("the devices of the twin did not start; see the message above")

    def open(self, ports: Ports) -> None:
        """Let the devices connect."""
        self._pipe.send(ports)

    def end(self) -> None:
        """Let the devices end and tell what they did; nothing the second time."""
        try:
            self._pipe.send("stop")
            if self._begun and self._pipe.poll(STREET_END_S):
                self.report = self._pipe.recv()
        except (OSError, EOFError):
            pass
        self._pipe.close()
        self._process.join(5.0 if self._begun else 0.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _log_plainly(level: str = "warning", file: Path | None = None) -> None:
    """Structured lines without anything personal: to stderr, or to a file."""
    log_to(level, file)
