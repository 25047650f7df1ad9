"""Kill the whole platform again and again, and count what is lost and what is doubled.

    python benchmarks/kill_platform.py --kills 200
    python benchmarks/kill_platform.py --kills 3 --database postgresql://... --json

A small city is served as `zerocity serve` does it. Stations of OCPP 1.6, 2.0.1 and 2.1, a swap
cabinet and vehicles of both editions of GB/T 32960 live in this process and never stop; the
platform is killed (SIGKILL) at random moments, while it starts too, and started again on the same
data. After each kill everything that was acknowledged must be in the store; at the end everything
that was said must be there once, and the store's energies must be those of the stations' meters.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "faults"))

from held_against import acknowledged, stored_messages, stored_reports, sums
from served import Life, Nursery, free_ports, wait_open
from townspeople import Town

from zerocity.app.live import served_city
from zerocity.storage.database import open_engine

# Every fourth life ends while it starts; the others serve for up to so long.
STARTING_S, SERVING_S = 1.5, 3.0


def lost(engine: sa.Engine, lake: Path, town: Town) -> int:
    """How much of what was acknowledged is not there."""
    safe, reports = acknowledged(town.accounts), set(town.traffic.safe)
    with engine.connect() as connection:
        missing = len(set(safe) - set(stored_messages(connection)))
    return missing + len(reports - set(stored_reports(lake)))


async def one_life(nursery: Nursery, life: Life, draw: random.Random, number: int) -> None:
    """Begin a life and wait for its moment."""
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, nursery.birth, life)
    if number % 4 == 3:
        await asyncio.sleep(draw.uniform(0.0, STARTING_S))
        return
    await loop.run_in_executor(None, wait_open, life.ports[0])
    await asyncio.sleep(draw.uniform(0.0, SERVING_S))


async def study(folder: Path, database: str, kills: int, seed: int) -> dict[str, Any]:
    """Kill so many times, then end in peace, and count."""
    draw, loop = random.Random(seed), asyncio.get_running_loop()
    life = Life(str(folder), free_ports(), database)
    request = life.request()
    began = time.monotonic()
    with Nursery(folder.parent / "log") as nursery:
        town = Town(served_city(request), life.ports, seed)
        town.start()
        engine = open_engine(request.url)
        missing = before = met = 0
        for number in range(kills):
            await one_life(nursery, life, draw, number)
            await loop.run_in_executor(None, nursery.kill)
            missing += lost(engine, folder / "lake", town)
            known = sum(acknowledged(town.accounts).values()) + len(town.traffic.safe)
            met += known > before
            before = known
        await one_life(nursery, life, draw, 0)
        told = await town.finish()
        status = await loop.run_in_executor(None, nursery.kill, signal.SIGTERM)
        troubles = nursery.troubles()
    found = {
        "kills": kills,
        "seconds": round(time.monotonic() - began),
        "lives_that_served": met,
        "acknowledged": before,
        "lost_after_a_kill": missing,
        "all_told": told,
        "exit_status": status,
        "logged_errors": len(troubles),
        **sums(engine, folder / "lake", town.accounts, town.traffic),
        "reconnects": town.fleet.reconnects,
        "resent": town.traffic.clients.counts().resent,
        "dropped": sum(s.counts.dropped for s in town.stations),
        "refused": sum_refusals(town),
    }
    engine.dispose()
    for line in troubles[:5]:
        print(line[:2000], file=sys.stderr)
    return found


def sum_refusals(town: Town) -> dict[str, int]:
    """Which errors the platform answered, and how often."""
    found: dict[str, int] = {}
    for station in town.stations:
        for code, count in station.counts.refusals.items():
            found[code] = found.get(code, 0) + count
    return found


def main() -> None:
    """Read the options, study, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database", default="", help="an empty one; a SQLite file if left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        found = asyncio.run(study(data, asked.database, asked.kills, asked.seed))
    if asked.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):22} {value}")


if __name__ == "__main__":
    main()
