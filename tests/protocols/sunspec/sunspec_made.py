"""Sites, pollers and ill-mannered devices for the tests of SunSpec."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from zerocity.live.readings import SiteReading
from zerocity.protocols.sunspec.device import SimSite, SimSiteServer
from zerocity.protocols.sunspec.gateway import SiteAddress, SunspecPoller

STATE = {
    "net_kw": 120.5, "charging_kw": 80.25, "pv_kw": 30.0, "store_kw": 20.0, "store_kwh": 150.0,
    "store_capacity_kwh": 200.0, "import_kwh": 1000.0, "export_kwh": 5.0, "charging_kwh": 700.0,
}  # fmt: skip


def made_site(**kwargs: Any) -> SimSite:
    """A site with everything, measuring `STATE`."""
    site = SimSite(**kwargs)
    site.set_state(**STATE)
    return site


class Taken:
    """Collects readings by site."""

    def __init__(self) -> None:
        self.readings: dict[str, list[SiteReading]] = {}

    def __call__(self, site: str, reading: SiteReading, now_s: float) -> bool:
        self.readings.setdefault(site, []).append(reading)
        return True

    def last(self, site: str) -> SiteReading:
        return self.readings[site][-1]

    def count(self, site: str) -> int:
        return len(self.readings.get(site, []))


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something holds, for a bounded time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(*sites: SimSite) -> AsyncIterator[SimSiteServer]:
    """Simulated sites on free ports."""
    server = SimSiteServer(sites)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def polling(
    addresses: list[SiteAddress], taken: Taken, **kwargs: Any
) -> AsyncIterator[SunspecPoller]:
    """A poller that runs."""
    poller = SunspecPoller(
        addresses, taken, time.monotonic, **{"period_s": 0.05, "timeout_s": 0.3, **kwargs}
    )
    task = asyncio.create_task(poller.run())
    try:
        yield poller
    finally:
        await poller.stop()
        await asyncio.wait_for(task, 5.0)


Handle = Callable[[bytes], Awaitable[bytes | None]]


@asynccontextmanager
async def rude_device(handle: Handle) -> AsyncIterator[int]:
    """A listener that answers each chunk of bytes as ``handle`` says; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1024):
                answer = await handle(data)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def answered(request: bytes, registers: list[int]) -> bytes:
    """A Modbus/TCP answer to a request to read registers."""
    transaction, _, _, unit, function = struct.unpack(">HHHBB", request[:8])
    body = struct.pack(f">BBB{len(registers)}H", unit, function, 2 * len(registers), *registers)
    return struct.pack(">HHH", transaction, 0, len(body)) + body
