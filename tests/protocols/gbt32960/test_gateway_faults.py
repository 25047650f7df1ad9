"""Terminals that misbehave and links that break: each fault with its one right outcome."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from vehicle_world import OK, Wire, World, car, framed, login, report, running, until

from zerocity.protocols.gbt32960.drive import FleetDrive
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import Command, Response
from zerocity.protocols.gbt32960.peer import TIMINGS
from zerocity.protocols.gbt32960.terminal import Terminal
from zerocity.protocols.gbt32960.vehicle_gateway import DriveWorld, VehicleClients


async def logged_in(world: World, number: int = 0) -> Wire:
    wire = await Wire.to(world)
    assert await wire.ask(login(car(number))) == OK
    return wire


def test_half_frames_and_single_bytes_are_put_together() -> None:
    async def talk() -> None:
        async with running() as world:
            wire = await logged_in(world)
            stream = report(car(), 1) + report(car(), 2)
            for start in range(0, len(stream), 7):
                wire.send(stream[start : start + 7])
                await asyncio.sleep(0)
            assert (await wire.answer())[3] == (await wire.answer())[3] == OK
            assert len(world.lake.frames) == 2
            wire.close()

    asyncio.run(talk())


def test_a_wrong_check_byte_costs_one_frame() -> None:
    async def talk() -> None:
        async with running() as world:
            wire = await logged_in(world)
            bad = bytearray(report(car(), 1))
            bad[60] ^= 0x10
            wire.send(bytes(bad), report(car(), 2))
            assert (await wire.answer())[3] == OK
            assert world.units == [report(car(), 2)[24:-1]]
            assert [fault.rule for fault in world.faults] == ["bcc"]
            wire.close()

    asyncio.run(talk())


def test_garbage_is_skipped_and_too_much_of_it_cuts_the_link() -> None:
    noise = np.random.default_rng(1).bytes(4000)

    async def talk() -> None:
        async with running(settings={"most_garbage": 10_000}) as world:
            wire = await logged_in(world)
            wire.send(noise, report(car(), 1))
            async with asyncio.timeout(3):
                assert (await wire.answer())[3] == OK
            assert world.desk.counts.skipped_bytes == len(noise)
            for _ in range(4):
                wire.send(noise)
            assert await wire.is_cut()
            assert world.desk.counts.cut == {"garbage": 1}
            assert await (await logged_in(world)).ask(report(car(), 1)) == OK

    asyncio.run(talk())


def test_a_frame_that_promises_too_much_cuts_the_link() -> None:
    async def talk() -> None:
        async with running(settings={"most_unit": 2000}) as world:
            wire = await logged_in(world)
            wire.send(framed(car(), Command.REALTIME, bytes(60_000))[:3000])
            assert await wire.is_cut()
            assert world.desk.counts.cut == {"a frame too long": 1}
            wire = await logged_in(world)
            wire.send(framed(car(), Command.REALTIME, bytes(3000)))
            assert await wire.is_cut()

    asyncio.run(talk())


def test_a_flood_is_read_slowly_and_loses_nothing() -> None:
    async def talk() -> None:
        limits = {"frames_per_s": 200.0, "burst_s": 0.25}
        async with running(settings=limits) as world:
            flood, calm = await logged_in(world, 0), await logged_in(world, 1)
            began_s = asyncio.get_running_loop().time()
            for start in (0, 200):
                for second in range(start, start + 200):
                    flood.send(report(car(0), second))
                assert await calm.ask(report(car(1), start)) == OK
                for _ in range(200):
                    assert (await flood.answer())[3] == OK
            # What one read brings is taken at once, and its time is waited for before the next.
            assert asyncio.get_running_loop().time() - began_s > 0.5
            assert len(world.lake.frames) == 402
            flood.close()
            calm.close()

    asyncio.run(talk())


def test_who_does_not_read_its_answers_is_cut() -> None:
    async def talk() -> None:
        limits = {"most_unsent": 4096, "frames_per_s": 1e6}
        async with running(settings=limits) as world:
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(one, ("127.0.0.1", world.gateway.port))
            beats = framed(car(), Command.HEARTBEAT, b"") * 2000

            async def flood() -> None:
                while True:
                    await loop.sock_sendall(one, beats)

            with pytest.raises(ConnectionError):
                await asyncio.wait_for(flood(), 5)
            await until(lambda: world.desk.counts.cut == {"answers are not read": 1})
            one.close()

    asyncio.run(talk())


def test_silent_and_unknown_links_are_cut() -> None:
    async def talk() -> None:
        limits = {"login_s": 0.2, "idle_s": 0.5}
        async with running(settings=limits) as world:
            stranger, silent = await Wire.to(world), await logged_in(world)
            assert await stranger.is_cut()
            assert await silent.is_cut()
            assert world.desk.counts.cut == {"no login": 1, "silent": 1}
            assert not world.vehicles.online()

    asyncio.run(talk())


def test_too_many_links_are_refused_and_the_others_live() -> None:
    async def talk() -> None:
        async with running(settings={"most_links": 2}) as world:
            first, second = await logged_in(world, 0), await logged_in(world, 1)
            assert await (await Wire.to(world)).is_cut()
            first.close()
            await until(lambda: world.gateway.links == 1)
            assert await (await logged_in(world, 2)).ask(report(car(2))) == OK
            assert await second.ask(report(car(1))) == OK

    asyncio.run(talk())


def test_one_refusal_after_the_other_ends_a_link() -> None:
    async def talk() -> None:
        async with running() as world:
            wire = await Wire.to(world)
            for _ in range(20):
                assert await wire.ask(report(car())) == Response.ERROR
            assert await wire.is_cut()
            assert not world.lake.frames

    asyncio.run(talk())


def test_a_reset_in_the_middle_frees_the_seat() -> None:
    async def talk() -> None:
        async with running() as world:
            wire = await logged_in(world)
            wire.send(report(car(), 1)[:100])
            await wire.writer.drain()
            reset = struct.pack("ii", 1, 0)
            wire.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, reset
            )
            wire.writer.transport.abort()
            await until(lambda: not world.vehicles.online())
            assert not world.lake.frames
            again = await logged_in(world)
            assert await again.ask(report(car(), 1)) == OK
            again.close()

    asyncio.run(talk())


class Cutter:
    """Stands between vehicles and gateway, and breaks links when told, half open ones too."""

    def __init__(self, port: int) -> None:
        self.port, self.swallows = port, False
        self.pairs: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []

    async def start(self) -> int:
        self.server = await asyncio.start_server(self._pair, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for writer in pair:
                writer.transport.abort()

    async def _pair(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        self.pairs.append((writer, back))
        up, down = self._pipe(reader, back, False), self._pipe(there, writer, True)
        await asyncio.gather(up, down, return_exceptions=True)

    async def _pipe(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool
    ) -> None:
        while data := await reader.read(65_536):
            if not (self.swallows and answers):
                writer.write(data)
        writer.close()


def clients(port: int, count: int, edition: Edition, **times: Any) -> VehicleClients:
    timing = replace(TIMINGS[edition], retry_s=0.1, pause_s=0.1, **times)
    cars = [car(number, edition, period_s=1.0, timing=timing) for number in range(count)]
    world = DriveWorld(FleetDrive(count, datetime.now(UTC), seed=4))
    return VehicleClients(
        "127.0.0.1", port, cars, world,
        make=lambda one: Terminal(one.vin, edition, one.login_unit, timing=timing),
    )  # fmt: skip


def test_links_that_break_lose_no_report_and_double_none() -> None:
    async def talk(edition: Edition) -> None:
        async with running(10) as world:
            cutter = Cutter(world.gateway.port)
            fleet = clients(await cutter.start(), 10, edition)
            work = asyncio.create_task(fleet.run(4.6))
            for wait_s in (0.6, 0.6):
                await asyncio.sleep(wait_s)
                # Answers are lost on the way, then the link: the worst moment.
                cutter.swallows = True
                before = world.desk.counts.reports
                await until(lambda seen=before: world.desk.counts.reports > seen)  # type: ignore[misc]
                await asyncio.sleep(0.05)
                cutter.cut()
                cutter.swallows = False
            await work
            done = fleet.counts()
            assert done.links_lost >= 15
            assert done.resent > 0
            assert done.acknowledged == done.read == len(world.units)
            assert len(set(zip(world.lake.frames, strict=True))) == done.read
            assert world.desk.counts.duplicates > 0
            cutter.server.close()

    async def both() -> None:
        await asyncio.gather(*(talk(edition) for edition in Edition))

    asyncio.run(both())


def test_a_half_open_link_is_given_up_by_the_vehicle() -> None:
    async def talk() -> None:
        async with running(2) as world:
            cutter = Cutter(world.gateway.port)
            fleet = clients(await cutter.start(), 2, Edition.Y2016, answer_s=0.3)
            work = asyncio.create_task(fleet.run(2.8))
            await until(lambda: fleet.online == 2)
            cutter.swallows = True
            await until(lambda: fleet.counts().links_lost >= 2)
            cutter.swallows = False
            await work
            done = fleet.counts()
            assert done.acknowledged == done.read == len(set(world.units))
            cutter.server.close()

    asyncio.run(talk())
