"""Kill the vehicle gateway again and again, and count what is lost and what is doubled.

    python benchmarks/vehicle_kill_study.py --kills 200
    python benchmarks/vehicle_kill_study.py --kills 5 --json

Vehicles report over real sockets to a gateway with its real lake and store. The gateway is killed
(SIGKILL) at random moments and started again on the same folder; the vehicles come back by
themselves and resend. After each kill every report that was acknowledged must be in the lake; at
the end every report that was read must be there, each once.

A nursery process has everything imported and forks a gateway for each life, so that a life begins
in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from zerocity.fleets.vin import demo_vin
from zerocity.live.vehicles import Vehicles
from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.drive import FleetDrive
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import HEAD, Command
from zerocity.protocols.gbt32960.gateway import Settings, VehicleGateway
from zerocity.protocols.gbt32960.peer import TIMINGS
from zerocity.protocols.gbt32960.restore import restore_records, restore_reports
from zerocity.protocols.gbt32960.terminal import Terminal
from zerocity.protocols.gbt32960.vehicle import SimVehicle
from zerocity.protocols.gbt32960.vehicle_gateway import DriveWorld, VehicleClients
from zerocity.storage import segments
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.lake import Lake
from zerocity.storage.live_tables import alarms, work_orders
from zerocity.storage.recorder import Recorder

VEHICLES = 20
# The clock of the study's vehicles runs so many times faster, so that each life sees many reports.
FASTER = 20.0


async def serve(folder: Path, port: int) -> None:
    """One life of the gateway."""
    url = f"sqlite:///{folder / 'live.db'}"
    lake, recorder = Lake(folder / "lake", flush_s=0.001), Recorder(url, flush_s=0.001)
    vehicles = Vehicles()
    for number in range(VEHICLES):
        vehicles.add(f"v{number}", demo_vin(number))
    desk = Desk(vehicles)
    restore_reports(desk, lake.roll())
    restore_records(desk, open_engine(url))
    settings = Settings(port=port, flush_s=0.001, frames_per_s=1e5)
    await VehicleGateway(desk, lake, recorder, settings).start()
    await asyncio.sleep(3600)


def nursery(folder: Path, port: int) -> None:
    """Fork a gateway for each line that comes in, and say its process number."""
    migrate(open_engine(f"sqlite:///{folder / 'live.db'}"))
    print("ready", flush=True)
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            asyncio.run(serve(folder, port))
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)


class FastClock:
    """Time that runs ``FASTER``."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.began_s, self.began = self.loop.time(), datetime.now(UTC)

    def seconds(self) -> float:
        return (self.loop.time() - self.began_s) * FASTER

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds())


class Study:
    """The vehicles, and what they know to be safe."""

    def __init__(self, port: int, seed: int) -> None:
        clock = FastClock()
        self.safe: Counter[bytes] = Counter()
        self.read: Counter[bytes] = Counter()
        cars = [
            SimVehicle(demo_vin(number), list(Edition)[number % 2], iccid=f"{number:020d}",
                       period_s=1.0, offset_s=0.05 * number)
            for number in range(VEHICLES)
        ]  # fmt: skip
        drive = FleetDrive(VEHICLES, clock.now(), seed=seed, alarm_share=0.5, alarm_within_s=200)
        self.clients = VehicleClients(
            "127.0.0.1", port, cars, DriveWorld(drive), make=self.terminal,
            clock=clock.seconds, now=clock.now, seed=seed,
        )  # fmt: skip

    def terminal(self, car: SimVehicle) -> Terminal:
        # The times of the study's clock: half a second here is ten of theirs.
        timing = replace(TIMINGS[car.edition], retry_s=0.4, pause_s=0.4, answer_s=200.0)
        made = Terminal(
            car.vin, car.edition, car.login_unit, timing=timing,
            delivered=lambda unit: self.safe.update([car.vin.encode() + unit]),
        )  # fmt: skip
        unit_of = car.unit

        def noted(reading: Any) -> bytes:
            unit = unit_of(reading)
            self.read[car.vin.encode() + unit] += 1
            return unit

        car.unit = noted  # type: ignore[method-assign]
        return made


def stored(folder: Path) -> Counter[bytes]:
    """The reports in the lake: VIN and data unit, and how often."""
    found: Counter[bytes] = Counter()
    for path in sorted((folder / "lake" / "segments").glob(f"*{segments.SUFFIX}")):
        for _, _, frame in segments.read(path):
            if frame[2] in (Command.REALTIME, Command.RESEND):
                found[frame[4:21] + frame[HEAD:-1]] += 1
    return found


async def study(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    draw = random.Random(seed)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = [sys.executable, __file__, "--nursery", str(folder), "--port", str(port)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nurse:
        assert nurse.stdin is not None
        assert nurse.stdout is not None
        nurse.stdout.readline()

        def birth() -> int:
            print(file=nurse.stdin, flush=True)
            return int(nurse.stdout.readline())  # type: ignore[union-attr]

        one = Study(port, seed)
        work = asyncio.create_task(one.clients.run())
        lost, before = 0, 0
        for _ in range(kills):
            child = birth()
            await asyncio.sleep(draw.uniform(0.15, 0.9))
            safe = set(one.safe)
            os.kill(child, signal.SIGKILL)
            lost += len(safe - set(stored(folder)))
            before = len(safe)
        child = birth()
        await asyncio.sleep(1.0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        os.kill(child, signal.SIGKILL)
        nurse.stdin.close()
    return summed(one, folder, kills, lost, before)


def summed(one: Study, folder: Path, kills: int, lost: int, before: int) -> dict[str, Any]:
    found, counts = stored(folder), one.clients.counts()
    with open_engine(f"sqlite:///{folder / 'live.db'}").connect() as connection:
        orders = connection.execute(work_orders.select()).all()
        rows = len(connection.execute(alarms.select()).all())
    per_alarm = Counter((order.subject, json.dumps(order.evidence["alarm"])) for order in orders)
    return {
        "kills": kills,
        "acknowledged_before_kills": before,
        "lost": lost,
        "read": sum(one.read.values()),
        "acknowledged": counts.acknowledged,
        "missing_at_end": len(set(one.read) - set(found)),
        "doubled": sum(number - 1 for number in found.values()),
        "strangers": len(set(found) - set(one.read)),
        "resent": counts.resent,
        "alarms": rows,
        "orders": len(orders),
        "orders_doubled": sum(number - 1 for number in per_alarm.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--nursery", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.nursery:
        nursery(chosen.nursery, chosen.port)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(study(Path(folder), chosen.kills, chosen.seed))
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):26} {value}")


if __name__ == "__main__":
    main()
