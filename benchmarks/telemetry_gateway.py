"""How many frames a second the vehicle gateway takes in, checks, stores and acknowledges.

    python benchmarks/telemetry_gateway.py
    python benchmarks/telemetry_gateway.py --json

The gateway runs in a process of its own with its real lake (written ahead and synced by group
commit) and the SQLite store; a second process sends. Measured is the processor time of all threads
of the gateway's process, so that the sender beside it does not count: frames per second of one
core. Every frame is a different one (time and content), with cells and temperatures.

Two ways: many frames behind each other on few links, as platforms and resending vehicles send; and
one frame at a time on each of many links, as live vehicles do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from zerocity.fleets.vin import demo_vin
from zerocity.live.vehicles import Vehicles
from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.drive import FleetDrive
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import Command, check_byte
from zerocity.protocols.gbt32960.gateway import Settings, VehicleGateway
from zerocity.protocols.gbt32960.peer import beijing_bytes, command_frame
from zerocity.protocols.gbt32960.vehicle import SimVehicle
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.lake import Lake
from zerocity.storage.recorder import Recorder

START = datetime(2026, 5, 1, tzinfo=UTC)
ANSWER_BYTES = 31
try:
    import uvloop
except ImportError:
    uvloop = None


async def serve(folder: Path, vehicles: int) -> None:
    """The gateway; says its port, and on each line that comes in what it used and stored."""
    url = f"sqlite:///{folder / 'live.db'}"
    migrate(open_engine(url))
    registry = Vehicles()
    for number in range(vehicles):
        registry.add(f"v{number}", demo_vin(number))
    desk = Desk(registry)
    settings = Settings(port=0, frames_per_s=1e9, idle_s=1e6)
    gateway = VehicleGateway(desk, Lake(folder / "lake"), Recorder(url), settings)
    await gateway.start()
    print(gateway.port, file=sys.stderr, flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        counts = desk.counts
        told = [time.process_time(), counts.stored, counts.refused, counts.duplicates]
        told.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        print(json.dumps(told), file=sys.stderr, flush=True)


def frames_of(number: int, count: int, edition: Edition) -> list[bytes]:
    """Reports of one vehicle, a second apart: the time, the odometer and the check are new."""
    drive = FleetDrive(1, START, seed=number, kinds=(("taxi", "bus")[number % 2],))
    drive.step(30.0)
    unit = bytearray(SimVehicle(demo_vin(number), edition).unit(drive.reading(0)))
    vin, made = demo_vin(number).encode(), []
    for second in range(count):
        unit[:6] = beijing_bytes(START + timedelta(seconds=second))
        unit[12:16] = (10_000 + second).to_bytes(4, "big")
        made.append(command_frame(edition, Command.REALTIME, vin, bytes(unit)))
    assert check_byte(made[-1][2:]) == 0
    return made


class Sender:
    """One link: log in, then send and count answers."""

    def __init__(self, number: int, edition: Edition) -> None:
        self.car = SimVehicle(demo_vin(number), edition, iccid=f"{number:020d}")

    async def open(self, port: int) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        login = self.car.login_unit(START, 1)
        vin = self.car.vin.encode()
        self.writer.write(command_frame(self.car.edition, Command.LOGIN, vin, login))
        assert (await self.reader.readexactly(ANSWER_BYTES))[3] == 1

    async def behind_each_other(self, frames: list[bytes], window: int) -> None:
        for start in range(0, len(frames), window):
            part = frames[start : start + window]
            self.writer.write(b"".join(part))
            await self.reader.readexactly(ANSWER_BYTES * len(part))

    async def one_by_one(self, frames: list[bytes]) -> None:
        await self.behind_each_other(frames, 1)


async def measure(way: str, links: int, each: int, edition: Edition) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, "--serve", folder, "--links", str(links)]
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
            text=True,
        ) as server:  # fmt: skip
            assert server.stdin is not None
            assert server.stderr is not None
            port = int(server.stderr.readline())

            def told() -> list[float]:
                print(file=server.stdin, flush=True)
                found: list[float] = json.loads(server.stderr.readline())  # type: ignore[union-attr]
                return found

            work = [(Sender(n, edition), frames_of(n, each, edition)) for n in range(links)]
            await asyncio.gather(*(one.open(port) for one, _ in work))
            before, began_s = told(), time.monotonic()
            if way == "behind each other":
                sends = [one.behind_each_other(frames, 500) for one, frames in work]
            else:
                sends = [one.one_by_one(frames) for one, frames in work]
            await asyncio.gather(*sends)
            wall_s, after = time.monotonic() - began_s, told()
            server.kill()
    count = links * each
    assert after[1] - before[1] == count, "every frame is stored"
    assert after[2] == after[3] == 0
    size = statistics.mean(len(frames[0]) for _, frames in work)
    return {
        "way": way, "edition": edition.value, "links": links, "frames": count,
        "bytes_per_frame": round(size), "cpu_s": round(after[0] - before[0], 3),
        "frames_per_core_s": round(count / (after[0] - before[0])),
        "frames_per_wall_s": round(count / wall_s), "memory_mb": round(after[4] / 1024),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--links", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    if chosen.serve:
        run = uvloop.run if uvloop is not None else asyncio.run
        run(serve(chosen.serve, chosen.links))
        return
    found = []
    for way, links, each in (("behind each other", 20, 5000), ("one by one", 1000, 40)):
        for edition in Edition:
            tries = [asyncio.run(measure(way, links, each, edition)) for _ in range(chosen.repeat)]
            found.append(sorted(tries, key=lambda one: one["frames_per_core_s"])[len(tries) // 2])
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    for one in found:
        print(
            f"{one['way']:18} {one['edition']}  {one['bytes_per_frame']} B  "
            f"{one['frames_per_core_s']:>7,} frames/s a core  "
            f"{one['frames_per_wall_s']:>7,} by the clock  {one['memory_mb']} MB"
        )


if __name__ == "__main__":
    main()
