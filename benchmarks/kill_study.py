"""Kill a writer of the live store again and again, and count what is lost and what is doubled.

    python benchmarks/kill_study.py --kills 200                      # SQLite and PostgreSQL
    python benchmarks/kill_study.py --kills 10 --database URL --json

A writer submits numbered messages, each with an event for the ledger and a change of its session,
and notes each number that the recorder has acknowledged. It is killed (SIGKILL) at a random moment;
the next one sends everything again that was not acknowledged, as a station does. After each kill
every acknowledged number must be there; at the end each number once, and the chain whole.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from zerocity.storage.database import migrate, open_engine
from zerocity.storage.ledger import verify
from zerocity.storage.live_tables import ledger_events, messages, sessions
from zerocity.storage.recorder import Recorder, Row

START = datetime(2026, 5, 1, tzinfo=UTC)
MOST_WAITING = 600
A_SESSION = 50


def rows_of(number: int) -> list[Row]:
    """What one message leaves behind."""
    at = START + timedelta(seconds=number)
    session = f"s{number // A_SESSION}"
    message = {
        "station": f"CP{number % 20}", "key": f"{number:08d}", "message_id": str(number),
        "action": "MeterValues", "received_at": at, "payload": "x" * (number % 900),
    }  # fmt: skip
    event = {"key": f"{number:08d}", "battery": session, "at": at, "event": "charged", "data": {}}
    return [
        Row("messages", message),
        Row("ledger_events", event),
        Row("sessions", {"id": session, "station": "CP", "energy_kwh": float(number)}),
    ]


def write(url: str, first: int, last: int, notes: int) -> None:
    """Submit numbers until killed, or to the last one; note each that was acknowledged."""
    recorder = Recorder(url, flush_s=0.001)
    for number in range(first, last):
        while recorder.waiting > MOST_WAITING:
            time.sleep(0.0005)
        recorder.submit(rows_of(number), lambda n=number: os.write(notes, b"%d\n" % n))
    if not recorder.close(60.0):
        raise SystemExit("the last rows were not stored in time")


def run_and_kill(url: str, first: int, notes: Path, after_s: float) -> None:
    """Let a writer of its own process write, and kill it."""
    child = os.fork()
    if child == 0:
        file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        write(url, first, 1 << 30, file)
        os._exit(0)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def acknowledged(notes: Path) -> int:
    """How many numbers were acknowledged; they are so in order."""
    text = notes.read_text() if notes.exists() else ""
    numbers = [int(line) for line in text.split()]
    if numbers != sorted(set(numbers)):
        raise SystemExit("a number was acknowledged twice, or before one that was sent earlier")
    return len(numbers)


def lost(url: str, known: int) -> int:
    """How many of the acknowledged numbers miss their message or their event."""
    engine = open_engine(url)
    missing = 0
    with engine.connect() as connection:
        for table in (messages, ledger_events):
            asked = sa.select(sa.func.count()).where(table.c.key < f"{known:08d}")
            missing = max(missing, known - int(connection.scalar(asked) or 0))
    engine.dispose()
    return missing


def study(url: str, kills: int, seed: int) -> dict[str, Any]:
    """Kill a writer so many times, then let one end in peace, and count."""
    draw = random.Random(seed)
    migrate(open_engine(url))
    missing = 0
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "acknowledged"
        for _ in range(kills):
            first = acknowledged(notes)
            # Between the first connection and some hundred commits.
            run_and_kill(url, first, notes, draw.uniform(0.0, 0.25))
            missing = max(missing, lost(url, acknowledged(notes)))
        first = acknowledged(notes)
        end = first + 2 * MOST_WAITING
        file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        write(url, first, end, file)
        os.close(file)
        if acknowledged(notes) != end:
            raise SystemExit("the last writer was not told of every row")
    return {"kills": kills, "acknowledged_before_kills": first, "lost": missing, **final(url, end)}


def final(url: str, end: int) -> dict[str, Any]:
    """Compare the database with what was sent, number by number."""
    engine = open_engine(url)
    with engine.connect() as connection:
        keys = connection.scalars(sa.select(messages.c.key)).all()
        events = connection.scalars(sa.select(ledger_events.c.key)).all()
        energies = dict(connection.execute(sa.select(sessions.c.id, sessions.c.energy_kwh)).all())
        chain = verify(connection)
    engine.dispose()
    sent = {f"{number:08d}" for number in range(end)}
    doubled = len(keys) - len(set(keys)) + len(events) - len(set(events))
    missing = len(sent - set(keys)) + len(sent - set(events))
    last = {f"s{n // A_SESSION}": float(n) for n in range(end)}
    return {
        "sent": end, "missing_at_end": missing, "doubled": doubled,
        "strangers": len(set(keys) - sent) + len(set(events) - sent),
        "sessions_wrong": sum(energies.get(name) != energy for name, energy in last.items()),
        "chain_whole": chain.whole and chain.rows == end,
    }  # fmt: skip


def both(kills: int, seed: int) -> dict[str, dict[str, Any]]:
    """Study a SQLite file and a PostgreSQL server of our own, which syncs to the disk."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "storage"))
    from postgres_server import PostgresServer

    with tempfile.TemporaryDirectory() as folder:
        found = {"sqlite": study(f"sqlite:///{folder}/live.db", kills, seed)}
    server = PostgresServer()
    try:
        found["postgresql"] = study(server.new_database(), kills, seed + 1)
    finally:
        server.remove()
    return found


def main() -> None:
    """Read the options, study, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database", help="an empty database; both kinds where left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.database:
        found = {"given": study(asked.database, asked.kills, asked.seed)}
    else:
        found = both(asked.kills, asked.seed)
    if asked.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(name, *(f"{word} {value}" for word, value in figures.items()), sep="\n  ")


if __name__ == "__main__":
    main()
