"""Kill a writer of the live store or the lake again and again; count what is lost or doubled.

    python benchmarks/kill_study.py --kills 200                      # SQLite, PostgreSQL, lake
    python benchmarks/kill_study.py --kills 200 --lake               # the telemetry lake alone
    python benchmarks/kill_study.py --kills 10 --database URL --json

A writer submits numbered messages, each with an event for the ledger and a change of its session,
and notes each number that the recorder has acknowledged. It is killed (SIGKILL) at a random moment;
the next one sends everything again that was not acknowledged, as a station does. After each kill
every acknowledged number must be there; at the end each number once, and the chain whole. The
lake's writer appends numbered reports, and converts and compacts the lake between them.
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
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from zerocity.app.lake import LAYOUT, decoded
from zerocity.protocols.gbt32960.blocks import Position
from zerocity.protocols.gbt32960.frames import Command
from zerocity.protocols.gbt32960.message_writer import write as write_frame
from zerocity.protocols.gbt32960.messages import Clock, Report
from zerocity.storage import lake_files, segments
from zerocity.storage.compaction import compact, convert, read
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.lake import Lake
from zerocity.storage.ledger import verify
from zerocity.storage.live_tables import ledger_events, messages, sessions
from zerocity.storage.recorder import Recorder, Row

START = datetime(2026, 5, 1, tzinfo=UTC)
MOST_WAITING = 600
A_SESSION = 50
# Reports of the lake: one each five seconds, 720 an hour; tidied after each so many.
LAKE_STEP_S = 5
LAKE_TIDIED = 40


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


def appending(notes: Path) -> int:
    """The file of notes, opened to add to it."""
    return os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def kill_after(after_s: float, work: Callable[[], None]) -> None:
    """Let a process of its own work, and kill it."""
    child = os.fork()
    if child == 0:
        work()
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
            life = partial(write, url, first, 1 << 30)
            kill_after(draw.uniform(0.0, 0.25), lambda life=life: life(appending(notes)))
            missing = max(missing, lost(url, acknowledged(notes)))
        first = acknowledged(notes)
        end = first + 2 * MOST_WAITING
        file = appending(notes)
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


# The lake


def report_of(number: int) -> tuple[str, datetime, bytes]:
    """A numbered report: its time says which it is."""
    at, vin = START + timedelta(seconds=LAKE_STEP_S * number), f"ZCKLL{number % 20:012d}"
    place = Position.at(103.8, 36.0 + number % 1000 / 1000)
    return f"v{number % 20}", at, write_frame(vin, Command.REALTIME, Report(Clock.of(at), (place,)))


def fill(folder: Path, first: int, last: int, notes: int) -> None:
    """Append reports until killed, or to the last one, and tidy the lake on the way."""
    lake = Lake(folder, segment_bytes=16 << 10, flush_s=0.001)
    for number in range(first, last):
        while lake.waiting > MOST_WAITING:
            time.sleep(0.0005)
        lake.append([report_of(number)], lambda n=number: os.write(notes, b"%d\n" % n))
        if number % LAKE_TIDIED == 0:
            convert(folder, lake.roll(), decoded, LAYOUT)
            compact(folder, LAYOUT)
    if not lake.close(60.0):
        raise SystemExit("the last reports were not stored in time")


def found_in(folder: Path) -> list[int]:
    """The number of each report in the lake's files and in the segments that are none yet."""
    moments = []
    if lake_files.load(folder).files:
        moments = read(folder, START, START + timedelta(days=3650), columns=["at"])[
            "at"
        ].to_pylist()
    known = set(lake_files.load(folder).converted)
    for path in sorted((folder / "segments").glob("*.seg")):
        if int(path.stem) not in known:
            moments += [at for _, at, _ in segments.read(path)]
    return [round((at - START).total_seconds() / LAKE_STEP_S) for at in moments]


def in_child(folder: Path, work: Callable[[], dict[str, int]]) -> dict[str, int]:
    """What a process of its own finds: this one starts no threads, so that it may fork."""
    answer = folder.parent / "answer.json"
    child = os.fork()
    if child == 0:
        answer.write_text(json.dumps(work()))
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("the lake could not be read")
    found: dict[str, int] = json.loads(answer.read_text())
    return found


def count_lost(folder: Path, known: int) -> dict[str, int]:
    """How many acknowledged reports are not there."""
    return {"lost": len(set(range(known)) - set(found_in(folder)))}


def close_up(folder: Path, end: int) -> dict[str, int]:
    """Tidy the lake for the last time, and compare it with what was sent."""
    lake = Lake(folder)
    failed = convert(folder, lake.roll(), decoded, LAYOUT).failed
    lake.close()
    compact(folder, LAYOUT)
    found = found_in(folder)
    sent = set(range(end))
    return {
        "sent": end, "missing_at_end": len(sent - set(found)),
        "doubled": len(found) - len(set(found)), "strangers": len(set(found) - sent),
        "segments_not_decoded": len(failed), "files": len(lake_files.load(folder).files),
    }  # fmt: skip


def lake_study(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill the lake's writer so many times, then let one end in peace, and count."""
    draw = random.Random(seed)
    notes, missing = folder.parent / "acknowledged", 0
    for _ in range(kills):
        first = acknowledged(notes)
        life = partial(fill, folder, first, 1 << 30)
        kill_after(draw.uniform(0.0, 0.4), lambda life=life: life(appending(notes)))
        look = partial(count_lost, folder, acknowledged(notes))
        missing = max(missing, in_child(folder, look)["lost"])
    first = acknowledged(notes)
    end = first + 2 * MOST_WAITING

    def last_life() -> dict[str, int]:
        fill(folder, first, end, appending(notes))
        return close_up(folder, end)

    found = in_child(folder, last_life)
    return {"kills": kills, "acknowledged_before_kills": first, "lost": missing, **found}


def lake_alone(kills: int, seed: int) -> dict[str, Any]:
    """Study a lake in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return lake_study(Path(folder) / "lake", kills, seed)


def main() -> None:
    """Read the options, study, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database", help="an empty database; both kinds where left out")
    parser.add_argument("--lake", action="store_true", help="the telemetry lake alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if asked.lake:
        found = {"lake": lake_alone(asked.kills, asked.seed)}
    elif asked.database:
        found = {"given": study(asked.database, asked.kills, asked.seed)}
    else:
        found = {"lake": lake_alone(asked.kills, asked.seed + 2), **both(asked.kills, asked.seed)}
    if asked.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(name, *(f"{word} {value}" for word, value in figures.items()), sep="\n  ")


if __name__ == "__main__":
    main()
