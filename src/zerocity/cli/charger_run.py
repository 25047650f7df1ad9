"""A run of simulated stations on the terminal: the loop, the progress line, the summary."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from zerocity.cli.tables import console
from zerocity.protocols.ocpp.station.drivers import Drivers, Habits
from zerocity.protocols.ocpp.station.fleet import charging_kw, summary, totals
from zerocity.protocols.ocpp.station.gateway import Line, StationFleet
from zerocity.protocols.ocpp.station.station import SimStation

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop

_SHOWN_STATIONS = 10
_LINE_EVERY_S = 1.0
_PIPED_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for; ``quiet``: no progress."""

    stations: Sequence[SimStation]
    line: Line
    habits: Habits
    duration_s: float | None
    once: bool
    seed: int
    quiet: bool


def run(wish: Wish) -> dict[str, Any]:
    """Run until the duration is over or Ctrl-C; the summary. Raises InputError with ``once``."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_run(wish))


def clock() -> tuple[float, datetime]:
    """Monotonic seconds and UTC."""
    return time.monotonic(), datetime.now(UTC)


async def _run(wish: Wish) -> dict[str, Any]:
    begin_s = time.monotonic()
    drivers = Drivers(wish.stations, wish.habits, seed=wish.seed, now_s=begin_s)
    fleet = StationFleet(
        wish.stations, wish.line, clock, seed=wish.seed, each_tick=drivers.step, once=wish.once
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises instead
            loop.add_signal_handler(number, stop.set)
    if wish.duration_s is not None:
        loop.call_later(wish.duration_s, stop.set)
    progress = asyncio.ensure_future(_show(wish, fleet))
    try:
        await fleet.run(stop)
    finally:
        progress.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await progress
    found = summary(wish.stations, fleet, time.monotonic() - begin_s)
    return found | {"found_no_place": drivers.lost}


async def _show(wish: Wish, fleet: StationFleet) -> None:
    """A line on the error stream: over itself on a terminal, now and then into a pipe."""
    live = sys.stderr.isatty()
    begin, end = ("\r\x1b[2K", "") if live else ("", "\n")
    every_s = _LINE_EVERY_S if live else _PIPED_EVERY_S
    before, last_s, told = 0, time.monotonic(), ""
    try:
        while True:
            await asyncio.sleep(_LINE_EVERY_S)
            now_s = time.monotonic()
            trouble = "" if fleet.connected else fleet.last_trouble
            if trouble and trouble != told:
                text = f"cannot reach {wish.line.url}: {trouble}; trying again"
                print(f"{begin}{text}", file=sys.stderr, flush=True)
            told = trouble
            if wish.quiet or now_s - last_s < every_s - 0.5 * _LINE_EVERY_S:
                continue
            done = totals(wish.stations)
            moved = done["messages"]["sent"] + done["messages"]["received"]
            line = progress_line(wish.stations, fleet, done, (moved - before) / (now_s - last_s))
            before, last_s = moved, now_s
            print(f"{begin}{line}", end=end, file=sys.stderr, flush=True)
    finally:
        if live:
            print(begin, end="", file=sys.stderr, flush=True)


def progress_line(
    stations: Sequence[SimStation], fleet: StationFleet, done: dict[str, Any], per_s: float
) -> str:
    """Connected, charging, power, messages a second, errors."""
    charging = sum(evse.power_kw > 0.0 for s in stations for evse in s.evses.values())
    power_kw = sum(charging_kw(station) for station in stations)
    errors = done["messages"]["refused"] + done["messages"]["broken"] + sum(fleet.troubles.values())
    return (
        f"{fleet.connected}/{len(stations)} connected, {charging} charging, {power_kw:,.0f} kW, "
        f"{per_s:,.0f} messages/s, {errors} errors"
    )


def print_summary(found: dict[str, Any]) -> None:
    """The end of a run as tables."""
    out = console()
    out.print(_totals(found))
    if found["by_station"]:
        out.print(_stations(found["by_station"]))
    for trouble, times in sorted(found["troubles"].items(), key=lambda item: -item[1]):
        out.print(f"{times} times: {trouble}", markup=False)
    if found["ever_connected"] == 0:
        Console(stderr=True).print("no station ever reached the server", markup=False)


def _totals(found: dict[str, Any]) -> Table:
    table = Table(title="Simulated stations", title_justify="left")
    table.add_column("What")
    table.add_column("How much", justify="right")
    messages = found["messages"]
    kinds = ", ".join(f"{count} of {name}" for name, count in found["versions"].items())
    refusals = ", ".join(f"{code} {count}" for code, count in found["refusals"].items())
    rows = [
        ("stations", f"{found['stations']} ({kinds})"),
        ("ever connected", f"{found['ever_connected']}"),
        ("reconnects", f"{found['reconnects']}"),
        ("messages sent", f"{messages['sent']:,}"),
        ("calls answered by the server", f"{messages['answered']:,}"),
        (
            "calls refused by the server",
            f"{messages['refused']:,}" + (refusals and f" ({refusals})"),
        ),
        ("calls from the server", f"{messages['received']:,}"),
        ("messages still waiting", f"{messages['queued']:,}"),
        ("messages given up", f"{messages['dropped']:,}"),
        ("sessions", f"{found['sessions']:,}"),
        ("swaps done, refused", f"{found['swaps']:,}, {found['swaps_refused']:,}"),
        ("energy at the meters", f"{found['energy_kwh']:,.1f} kWh"),
        ("time", f"{found['seconds']:,.0f} s"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _stations(rows: list[dict[str, Any]]) -> Table:
    shown = sorted(rows, key=lambda row: -row["energy_kwh"])[:_SHOWN_STATIONS]
    title = "Stations" if len(shown) == len(rows) else f"The {len(shown)} with most energy"
    table = Table(title=title, title_justify="left")
    for name in ("Station", "OCPP", "kWh", "Sessions", "Swaps", "Sent", "Answered", "Refused"):
        table.add_column(name, justify="left" if name in ("Station", "OCPP") else "right")
    for row in shown:
        table.add_row(
            row["id"],
            row["version"],
            f"{row['energy_kwh']:,.1f}",
            *(f"{row[name]:,}" for name in ("sessions", "swaps", "sent", "answered", "refused")),
        )
    return table
