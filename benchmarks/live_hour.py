"""An hour of a live city: the demonstration runs, and afterwards its promises are checked.

    python benchmarks/live_hour.py [--seconds 3600] [--chargers 300] [--swap-stations 20]
                                   [--vehicles 2000] [--hour 8] [--data FOLDER]

Runs `zerocity serve lanzhou --twin` as its users do and prints, each with its goal: readings above
a site's limit (0), energy of sessions against meters (0.5 %), how much of the plan was charged, and
whether the journal decides itself again to the bit.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> int:
    """Run, check, print; 0 when every goal is met."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        data = asked.data or Path(temporary) / "live"
        began = time.perf_counter()
        events = _serve(asked, data)
        wall_s = time.perf_counter() - began
        ended = events[-1]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = (used.ru_utime + used.ru_stime) / wall_s
        journals = sorted((data / "journal").glob("*.zcj"))
        replayed = [_replay(journal) for journal in journals]
    status = [event for event in events if event["event"] == "status"]
    return _judge(ended, status, replayed, wall_s, cpu)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--chargers", type=int, default=300)
    parser.add_argument("--swap-stations", type=int, default=20)
    parser.add_argument("--vehicles", type=int, default=2000)
    parser.add_argument("--hour", type=float, default=None)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--database", default="")
    return parser.parse_args()


def _serve(asked: argparse.Namespace, data: Path) -> list[dict[str, Any]]:
    command = [
        sys.executable, "-m", "zerocity", "serve", "lanzhou", "--twin", "--json",
        "--chargers", str(asked.chargers), "--swap-stations", str(asked.swap_stations),
        "--vehicles", str(asked.vehicles), "--duration", str(asked.seconds), "--data", str(data),
        "--ocpp-port", "0", "--vehicle-port", "0", "--web-port", "0",
    ]  # fmt: skip
    if asked.hour is not None:
        command += ["--hour", str(asked.hour)]
    if asked.database:
        command += ["--database", asked.database]
    events = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            events.append(event)
            if event["event"] == "status" and len(events) % 30 == 0:
                print(json.dumps(event), flush=True)
    if process.returncode or not events or events[-1]["event"] != "ended":
        raise SystemExit(f"serve ended with {process.returncode}")
    return events


def _replay(journal: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "zerocity", "replay", str(journal), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {"journal": journal.name, "code": done.returncode, "said": done.stdout.strip()[:300]}


def _judge(
    ended: dict[str, Any],
    status: list[dict[str, Any]],
    replayed: list[dict[str, Any]],
    wall_s: float,
    cpu: float,
) -> int:
    online = max((event["stations_online"] for event in status), default=0)
    vehicles = max((event["vehicles_online"] for event in status), default=0)
    balance = ended["balance_error"]
    checks = {
        f"stations online at most {online} of {ended['stations']}": online == ended["stations"],
        f"vehicles online at most {vehicles} of {ended['vehicles']}": vehicles == ended["vehicles"],
        f"readings above a limit: {ended['readings_over_limit']} of {ended['readings']}": ended[
            "readings_over_limit"
        ]
        == 0,
        f"sessions against meters: {balance}": balance is not None and abs(balance) <= 0.005,
        f"replay: {replayed}": bool(replayed) and all(one["code"] == 0 for one in replayed),
        f"steps without a journal: {ended['journal_steps_lost']}": not ended["journal_steps_lost"],
    }
    for name, holds in checks.items():
        print(("holds   " if holds else "MISSED  ") + name)
    print(f"charged by the meters {ended['meters_kwh']} kWh, commanded {ended['said_kwh']} kWh, "
          f"planned {ended['planned_kwh']} kWh")  # fmt: skip
    print(f"wall {wall_s:.0f} s, {cpu:.2f} cores for platform and devices together")
    print(json.dumps(ended))
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
