"""A gateway on loopback with a lake in memory, and terminals made of plain sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from zerocity.fleets.vin import demo_vin
from zerocity.live.vehicles import Vehicles
from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import Command, Response, Splitter
from zerocity.protocols.gbt32960.gateway import Settings, VehicleGateway
from zerocity.protocols.gbt32960.peer import command_frame
from zerocity.protocols.gbt32960.reading import Reading
from zerocity.protocols.gbt32960.seats import Fault, Policy
from zerocity.protocols.gbt32960.vehicle import SimVehicle
from zerocity.storage.recorder import Row

NOW = datetime(2026, 5, 1, 8, 0, 0, tzinfo=UTC)


class MemoryLake:
    """Keeps frames in memory; ``held`` keeps the callbacks back, as a slow disk does."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, datetime, bytes]] = []
        self.full = self.held = False
        self.waiting: list[Callable[[], None]] = []

    def append(
        self, frames: Sequence[tuple[str, datetime, bytes]], done: Callable[[], None]
    ) -> None:
        self.waiting.append(done)
        self.frames += frames
        if not self.held:
            self.release()

    def release(self) -> None:
        """Call back as the lake's own thread does."""
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            thread = threading.Thread(target=done)
            thread.start()
            thread.join()


class MemoryStore:
    """Keeps rows in memory."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.full = False

    def submit(
        self,
        rows: Sequence[Row],
        done: Callable[[], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        self.rows += rows
        if done is not None:
            done()

    def of(self, table: str) -> list[dict[str, Any]]:
        return [row.values for row in self.rows if row.table == table]


class World:
    """A gateway that runs, and what it stored."""

    def __init__(self, count: int, policy: Policy | None = None) -> None:
        self.vehicles = Vehicles()
        for number in range(count):
            self.vehicles.add(f"vehicle-{number}", demo_vin(number))
        self.lake, self.store, self.faults = MemoryLake(), MemoryStore(), list[Fault]()
        self.desk = Desk(self.vehicles, policy)
        self.gateway: VehicleGateway

    @property
    def units(self) -> list[bytes]:
        """The data units of the stored frames."""
        return [frame[24:-1] for _, _, frame in self.lake.frames]


@asynccontextmanager
async def running(
    count: int = 3, policy: Policy | None = None, *, settings: dict[str, Any] | None = None,
    **more: Any,
) -> AsyncIterator[World]:  # fmt: skip
    world = World(count, policy)
    world.gateway = VehicleGateway(
        world.desk, world.lake, world.store, Settings(port=0, **(settings or {})),
        faults=world.faults.extend, **more,
    )  # fmt: skip
    await world.gateway.start()
    try:
        yield world
    finally:
        world.lake.held = False
        world.lake.release()
        await world.gateway.stop(1.0)


class Wire:
    """A terminal's socket: whole frames out and in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.splitter, self.frames = Splitter(), list[bytes]()

    @classmethod
    async def to(cls, world: World, **more: Any) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", world.gateway.port, **more))

    def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def answer(self, timeout_s: float = 3.0) -> bytes:
        """The next answer; b"" when the link is closed."""
        async with asyncio.timeout(timeout_s):
            while not self.frames:
                try:
                    data = await self.reader.read(65_536)
                except ConnectionError:
                    return b""
                if not data:
                    return b""
                self.frames += [one for one in self.splitter.feed(data) if isinstance(one, bytes)]
        return self.frames.pop(0)

    async def ask(self, frame: bytes) -> int:
        """Send a frame; the response flag of the answer."""
        self.send(frame)
        answer = await self.answer()
        return answer[3] if answer else 0

    async def is_cut(self, timeout_s: float = 3.0) -> bool:
        async with asyncio.timeout(timeout_s):
            while await self.answer(timeout_s):
                pass
        return True

    def close(self) -> None:
        self.writer.close()


def car(number: int = 0, edition: Edition = Edition.Y2016, **more: Any) -> SimVehicle:
    return SimVehicle(demo_vin(number), edition, iccid=f"898600{number:014d}", **more)


def login(one: SimVehicle, serial: int = 1, at: datetime = NOW) -> bytes:
    return framed(one, Command.LOGIN, one.login_unit(at, serial))


def framed(one: SimVehicle, command: int, unit: bytes, encryption: int = 1) -> bytes:
    return command_frame(one.edition, command, one.vin.encode(), unit, encryption)


def reading(second: float = 0.0, **more: Any) -> Reading:
    known: dict[str, Any] = {
        "soc": 0.55, "voltage_v": 352.4, "current_a": -61.5, "speed_kmh": 43.2,
        "odometer_km": 1234.5, "cells_v": (3.301, 3.298, 3.305), "probes_c": (21.0, 24.0),
        "longitude": 103.83, "latitude": 36.06,
    }  # fmt: skip
    return Reading(at=NOW + timedelta(seconds=second), **{**known, **more})


def report(one: SimVehicle, second: float = 0.0, *, resent: bool = False, **more: Any) -> bytes:
    command = Command.RESEND if resent else Command.REALTIME
    return framed(one, command, one.unit(reading(second, **more)))


async def until(true: Callable[[], bool], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.01)


OK = Response.OK
