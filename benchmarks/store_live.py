"""What one message of value costs the live store, from `submit` to its callback after the commit.

    python benchmarks/store_live.py            # SQLite and a PostgreSQL server of our own
    python benchmarks/store_live.py --json

Each message is one row of `messages` with 800 bytes of payload; every twentieth also changes its
session. They come at a steady pace, as from a gateway, and as fast as the store takes them. Given
is the processor time of this process (submit, writer thread, driver) and of the server's backend,
microseconds a message, and what one core would hold: a second divided by their sum. Medians of
several rounds, in databases that sync to the disk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from zerocity.storage.database import migrate, open_engine
from zerocity.storage.live_tables import messages
from zerocity.storage.recorder import Recorder, Row

START = datetime(2026, 5, 1, tzinfo=UTC)
STATIONS = 500
SESSION_EVERY = 20
PAYLOAD = json.dumps(
    {"connectorId": 1, "meterValue": [{"timestamp": "2026-05-01T00:00:00Z", "sampledValue": [
        {"value": str(1000 * n), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        for n in range(20)]}]}
)[:800]  # fmt: skip


def submissions(count: int, offset: int) -> list[list[Row]]:
    """Return messages as a gateway makes them."""
    made = []
    for number in range(offset, offset + count):
        at = START + timedelta(milliseconds=number)
        station = f"CP{number % STATIONS:05d}"
        key = hashlib.blake2b(b"%d" % number, digest_size=16).hexdigest()
        values = {
            "station": station, "key": key, "message_id": str(number), "action": "MeterValues",
            "received_at": at, "payload": PAYLOAD,
        }  # fmt: skip
        rows = [Row("messages", values)]
        if number % SESSION_EVERY == 0:
            change = {"id": f"session {station}", "station": station, "energy_kwh": number / 1000}
            rows.append(Row("sessions", change))
        made.append(rows)
    return made


def measure(url: str, count: int, pace_a_s: float, offset: int) -> dict[str, float]:
    """Store so many messages at a pace and return what each cost."""
    made = submissions(count, offset)
    done: list[float] = []
    recorder = Recorder(url)
    recorder.submit([Row("sessions", {"id": "warm"})])
    while recorder.waiting:
        time.sleep(0.01)
    backends = server_processes(url)
    server_before, before, start = used_s(backends), time.process_time(), time.perf_counter()
    latencies: list[float] = []
    for number, rows in enumerate(made):
        due = start + number / pace_a_s
        # In bursts of a few milliseconds: a finer sleep would be what is measured.
        while (now := time.perf_counter()) < due or recorder.full:
            time.sleep(0.005)
        recorder.submit(rows, lambda t=now: latencies.append(time.perf_counter() - t))
    while recorder.waiting:
        time.sleep(0.002)
    wall_s, own_s = time.perf_counter() - start, time.process_time() - before
    server_s = used_s(backends) - server_before
    recorder.close()
    done = sorted(latencies)
    return {
        "own_us": own_s / count * 1e6, "server_us": server_s / count * 1e6,
        "a_core_a_s": count / (own_s + server_s), "own_core_a_s": count / own_s,
        "wall_a_s": count / wall_s,
        "p50_ms": done[len(done) // 2] * 1e3, "p99_ms": done[int(len(done) * 0.99)] * 1e3,
    }  # fmt: skip


def server_processes(url: str) -> list[int]:
    """Return the processes of the server that serve this program."""
    if not url.startswith("postgresql"):
        return []
    engine = open_engine(url)
    with engine.connect() as connection:
        asked = "SELECT pid FROM pg_stat_activity WHERE backend_type IN ('client backend', 'walwriter', 'background writer', 'checkpointer')"  # noqa: E501
        found = [int(pid) for pid in connection.scalars(sa.text(asked))]
    engine.dispose()
    return found


def used_s(processes: list[int]) -> float:
    """Processor seconds that other processes have used, by the kernel's book."""
    ticks = 0
    for process in processes:
        path = Path(f"/proc/{process}/stat")
        if path.exists():
            words = path.read_text().rsplit(")", 1)[1].split()
            ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def rounds(url: str, count: int, pace_a_s: float, times: int, offset: int) -> dict[str, float]:
    """Return medians of several rounds."""
    found = [measure(url, count, pace_a_s, offset + n * count) for n in range(times)]
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def database(url: str, count: int, times: int) -> dict[str, Any]:
    """Measure one database at each pace."""
    engine = open_engine(url)
    migrate(engine)
    paces = {"6000/s": 6_000.0, "12000/s": 12_000.0, "all at once": 1e9}
    found: dict[str, Any] = {}
    for number, (name, pace) in enumerate(paces.items()):
        found[name] = rounds(url, count, pace, times, number * times * count)
    with engine.connect() as connection:
        stored = connection.scalar(sa.select(sa.func.count()).select_from(messages))
    assert stored == len(paces) * times * count, "not every message was stored"
    engine.dispose()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=36_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "storage"))
    from postgres_server import PostgresServer

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/live.db"
        found = {"sqlite": database(url, asked.messages, asked.rounds)}
    server = PostgresServer()
    try:
        url = server.new_database()
        found["postgresql"] = database(url, asked.messages, asked.rounds)
    finally:
        server.remove()
    if asked.json:
        print(json.dumps(found))
        return
    for kind, paces in found.items():
        for pace, figures in paces.items():
            words = (f"{name} {value:,.1f}" for name, value in figures.items())
            print(f"{kind:10} {pace:11}", *words, sep="  ")


if __name__ == "__main__":
    main()
