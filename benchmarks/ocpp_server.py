"""The OCPP server beside the `ocpp` library's: processor time a message, memory, waiting times.

Each server is a process of its own; so is the load (`ocpp_load.py`): 100 stations, one CALL in
flight each. Processor time is read from /proc/<pid>/task/*/schedstat, of the database's processes
too, so other work on the machine disturbs it little. All are measured in turns in one run.

    python benchmarks/ocpp_server.py                 # needs the dev dependencies (ocpp, websockets)
    python benchmarks/ocpp_server.py --rounds 1 --seconds 3
    python benchmarks/ocpp_server.py --json
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "storage")]

from postgres_server import NoServerError, PostgresServer  # noqa: E402

from ocpp_words import SUBPROTOCOL  # noqa: E402

# Each load sends messages that no load before it has sent: what is known need not be stored again.
FIRSTS = itertools.count(1, 500_000)
GOALS = {"MeterValues": 25.0, "TransactionEvent": 35.0}
STORED_GOAL = 12_000.0
HELD_GOAL_KIB = 32.0


@dataclass
class Server:
    """A running server and the processes that work for it."""

    process: subprocess.Popen[str]
    port: int
    database: int | None = None

    def cpu_s(self) -> float:
        """Processor time so far, of its database too."""
        pids = [self.process.pid] + ([] if self.database is None else family(self.database))
        return sum(map(cpu_of, pids))

    def rss_kib(self) -> float:
        """Resident memory of the server itself."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return float(line.split()[1])
        return 0.0


def cpu_of(pid: int) -> float:
    """Processor time of all threads of a process, seconds."""
    total = 0
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def family(pid: int) -> list[int]:
    """A process and its children: PostgreSQL's workers."""
    found = [pid]
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found


@contextlib.contextmanager
def running(script: str, *options: str, database: int | None = None) -> Iterator[Server]:
    """Start a server; it ends when its input does."""
    process = subprocess.Popen(
        [sys.executable, HERE / script, *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        # The library tells of each connection that ends with the load.
        stderr=subprocess.DEVNULL if "library" in script else None,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Server(process, int(process.stdout.readline()), database)
    finally:
        process.kill()
        process.wait()


def load(server: Server, message: str, **options: float) -> dict[str, float]:
    """Put a load on a server; processor time is counted from the moment all have booted."""
    options.setdefault("first", next(FIRSTS))
    words = [f"--{name}={value}" for name, value in options.items() if value is not True]
    words += [f"--{name}" for name, value in options.items() if value is True]
    client = subprocess.Popen(
        [sys.executable, HERE / "ocpp_load.py", "--port", str(server.port), "--message", message,
         *words],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert client.stdout is not None
    if client.stdout.readline().strip() != "go":
        raise RuntimeError(f"the load on {message} did not start")
    before = server.cpu_s()
    found: dict[str, float] = json.loads(client.stdout.readline())
    found["cpu_us"] = 1e6 * (server.cpu_s() - before) / max(1.0, found["count"])
    found["per_core"] = 1e6 / max(1e-9, found["cpu_us"])
    found["rss_kib"] = server.rss_kib()
    client.wait()
    return found


class Bench:
    """All measurements of one run."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.folder = tempfile.TemporaryDirectory()
        try:
            self.postgres: PostgresServer | None = PostgresServer()
        except NoServerError as error:
            print(error, file=sys.stderr)
            self.postgres = None
        self.number = 0

    def kinds(self) -> list[str]:
        """The servers, by how they store."""
        return ["library", "plain", "none", "sqlite"] + (["postgres"] if self.postgres else [])

    def open(self, kind: str, *options: str) -> contextlib.AbstractContextManager[Server]:
        """A fresh server with a fresh store."""
        self.number += 1
        if kind == "library":
            return running("ocpp_library.py")
        store, database = "none", None
        if kind == "plain":
            options = (*options, "--plain")
        if kind == "sqlite":
            store = f"sqlite:///{self.folder.name}/{self.number}.sqlite"
        elif kind == "postgres" and self.postgres is not None:
            store = self.postgres.new_database()
            process = self.postgres._process
            database = process.pid if process is not None else None
        return running("ocpp_ours.py", "--store", store, *options, database=database)

    def once(self, kind: str, message: str) -> dict[str, float]:
        """100 stations, one CALL in flight each."""
        swap = ("--kind", "swap") if message == "BatterySwap" and kind != "library" else ()
        with self.open(kind, *swap) as server:
            load(server, message, stations=100, seconds=1)  # warm
        with self.open(kind, *swap) as server:
            return load(server, message, stations=100, seconds=self.seconds)

    def speed(self, rounds: int) -> dict[str, dict[str, Any]]:
        """All messages on all servers, in turns."""
        table: dict[str, dict[str, list[float]]] = {}
        errors = 0.0
        for _ in range(rounds):
            for message in SUBPROTOCOL:
                for kind in self.kinds():
                    found = self.once(kind, message)
                    errors += found["errors"]
                    table.setdefault(message, {}).setdefault(kind, []).append(found["per_core"])
                    show(message, kind, found)
        medians = {
            message: {kind: statistics.median(all_of) for kind, all_of in kinds.items()}
            for message, kinds in table.items()
        }
        return {"per_core": medians, "errors": {"all": errors}}

    def stored(self, kind: str) -> dict[str, float]:
        """Messages stored a second and core, all in, with enough stations to fill a commit."""
        runs = []
        for _ in range(3):
            with self.open(kind, "--stations", "1000") as server:
                load(server, "MeterValues", stations=100, seconds=1)
                runs.append(load(server, "MeterValues", stations=1000, seconds=self.seconds))
                show("stored", kind, runs[-1])
        return sorted(runs, key=lambda found: found["per_core"])[1]

    def half_load(self, kind: str) -> dict[str, float]:
        """Answer times at half of what the server does here and now."""
        with self.open(kind) as server:
            load(server, "MeterValues", stations=100, seconds=1)
            full = load(server, "MeterValues", stations=100, seconds=self.seconds)
            rate = full["count"] / full["seconds"] / 2
            found = load(server, "MeterValues", stations=100, seconds=self.seconds, rate=rate)
        return found | {"rate": rate}

    def disk(self) -> dict[str, float]:
        """How long a program that does nothing else waits for 8 KiB to be on the disk."""
        waits = []
        with tempfile.NamedTemporaryFile(dir=self.folder.name) as file:
            until = time.monotonic() + 4 * self.seconds
            while time.monotonic() < until:
                file.write(bytes(8192))
                file.flush()
                began = time.monotonic()
                os.fdatasync(file.fileno())
                waits.append(1e3 * (time.monotonic() - began))
                time.sleep(0.004)
        waits.sort()
        return {
            "p50_ms": waits[len(waits) // 2], "p99_ms": waits[int(0.99 * len(waits))],
            "max_ms": waits[-1], "over_50_ms": float(sum(wait > 50.0 for wait in waits)),
        }  # fmt: skip

    def overload(self, kind: str) -> dict[str, float]:
        """1,000 stations that never pause, before a store with little room."""
        with self.open(kind, "--stations", "1000", "--most-waiting", "500") as server:
            load(server, "MeterValues", stations=100, seconds=1)
            found = load(server, "MeterValues", stations=1000, seconds=2 * self.seconds)
            time.sleep(1.0)
            after = load(server, "MeterValues", stations=100, seconds=2, rate=500)
        return found | {"after_p99_ms": after["p99_ms"], "after_errors": after["errors"]}

    def held(self, count: int) -> dict[str, float]:
        """Memory of one idle connection, after its boot."""
        with self.open("none", "--stations", str(count)) as server:
            before = server.rss_kib()
            cpu = server.cpu_s()
            found = load(server, "Heartbeat", stations=count, seconds=5, idle=True)
            each = (found["rss_kib"] - before) / count
            return {
                "connections": count, "kib_each": each, "errors": found["errors"],
                "connect_us": 1e6 * (server.cpu_s() - cpu) / count,
            }  # fmt: skip


def show(message: str, kind: str, found: dict[str, float]) -> None:
    """One line of progress."""
    print(
        f"{message:17}{kind:9}{found['cpu_us']:8.1f} us {found['per_core']:9.0f}/s/core "
        f"wall {found['count'] / found['seconds']:8.0f}/s p99 {found['p99_ms']:7.1f} ms "
        f"errors {found['errors']:.0f}",
        file=sys.stderr,
    )


def report(found: dict[str, Any]) -> None:
    """The figures for a reader."""
    speeds = found["speed"]["per_core"]
    print(f"{'messages/s per core':20}" + "".join(f"{kind:>12}" for kind in speeds["Heartbeat"]))
    for message, row in speeds.items():
        print(f"{message:20}" + "".join(f"{value:12.0f}" for value in row.values()))
    print("times as many as the library:")
    for message, row in speeds.items():
        ratios = [f"{value / row['library']:.1f}" for value in row.values()]
        goal = f"  goal {GOALS[message]:g}" if message in GOALS else ""
        print(f"{message:20}" + "".join(f"{ratio:>12}" for ratio in ratios) + goal)
    for name in ("stored", "half_load", "disk", "overload", "held"):
        text = ", ".join(f"{key} {value:.1f}" for key, value in found[name].items())
        print(f"{name}: {text}")
    print(f"goals: stored {STORED_GOAL:.0f}/s, p99 50 ms at half load, {HELD_GOAL_KIB:g} KiB each")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bench = Bench(options.seconds)
    try:
        best = bench.kinds()[-1]
        speed = bench.speed(options.rounds)
        found = {
            "speed": speed,
            "stored": bench.stored(best),
            "half_load": bench.half_load(best),
            "disk": bench.disk(),
            "overload": bench.overload(best),
            "held": bench.held(options.connections),
        }
    finally:
        if bench.postgres is not None:
            bench.postgres.remove()
    if options.json:
        print(json.dumps(found))
    else:
        report(found)


if __name__ == "__main__":
    main()
