"""Runs of the twin: a city folder in, a run folder out."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from zerocity.books.audit import audit, require_balance
from zerocity.carbon.account import Method
from zerocity.city.folder import find_city, input_hashes, load_city
from zerocity.city.scenario import City
from zerocity.energy.climate import WeatherYear
from zerocity.energy.dispatch import plan_shard, plan_sites, practice
from zerocity.energy.epw import weather_from_epw
from zerocity.energy.tariffs import parse_spot
from zerocity.energy.weather import made_weather
from zerocity.errors import InputError, RunStateError
from zerocity.measures.stopwatch import Stopwatch
from zerocity.measures.timeline import Timeline
from zerocity.reports.run import write_report
from zerocity.runners.local import LocalRunner, available_cores
from zerocity.storage.journal import DayJournal
from zerocity.storage.runs import SERIES, SUMMARY, RunFolder, require_finished, write_json
from zerocity.storage.series import SeriesWriter
from zerocity.storage.tables import SCHEMAS
from zerocity.twin.rows import battery_table, site_table
from zerocity.twin.summary import summarise
from zerocity.twin.year import Options, Twin

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class RunRequest:
    """What to run. ``None`` takes the city's own value."""

    city: str
    out: Path | None = None
    start: date | None = None
    days: int = 365
    seed: int = 1
    processes: int | None = None
    epw: Path | None = None
    spot: Path | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    replace: bool = False
    journal_dates: tuple[date, ...] = ()
    method: Method = Method.CUT_OFF


def silent(done: int, total: int, what: str) -> None:
    """A progress callback that shows nothing."""


def run_city(request: RunRequest, progress: Progress = silent) -> tuple[Path, dict[str, Any]]:
    """Run a city and write its run folder; returns the folder and the summary.

    Raises a `ZerocityError` for bad input, a folder in use, a full disk, or books that do not
    balance. Whatever happens, a folder without manifest.json is no finished run.
    """
    began, watch = time.perf_counter(), Stopwatch(time.perf_counter)
    folder = find_city(request.city)
    city = load_city(folder, request.overrides)
    timeline = Timeline(request.start or city.start, request.days, 15, city.utc_offset_h)
    city = _with_spot(city, request.spot, timeline)
    weather = _weather(city, request, timeline)
    out = request.out or Path("runs") / f"{city.name}-{request.seed}-{timeline.start}"
    cores = request.processes or available_cores()
    options = Options(request.seed, cores, request.method, _journal_days(request, timeline))
    progress(0, timeline.days, "populating the city")
    with LocalRunner(cores) as runner:
        planner = partial(plan_sites, map=runner.map)
        # A worker compiles the planner while this process compiles the physics.
        runner.begin(plan_shard, practice())
        # Whatever is refused is refused here, before an older run makes room for this one.
        with watch.during("populate"):
            twin = Twin(city, timeline, weather, options, _Nowhere(), planner, watch)
        with RunFolder(out, replace=request.replace) as run:
            summary = _live_through(twin, run.path, progress)
            run.hash_beside(SERIES)
            summary["runtime"] = _runtime(time.perf_counter() - began, twin)
            write_json(run.path / SUMMARY, summary)
            progress(request.days, request.days, "writing the report")
            write_report(run.path)
            run.finish(_manifest(request, city, timeline, folder))
    return out, summary


class _Nowhere:
    """Takes no rows: a twin has nothing to say before its run folder is open."""

    def write(self, table: str, part: str, columns: Mapping[str, Any]) -> None:
        """Refuse the rows."""
        raise RunStateError(f"rows of {table} came before the run folder was open")


def _weather(city: City, request: RunRequest, timeline: Timeline) -> WeatherYear:
    if request.epw is None:
        return made_weather(city.climate, timeline, request.seed)
    return weather_from_epw(
        read_text(request.epw, "an EPW weather file"), str(request.epw), timeline
    )


def _with_spot(city: City, spot: Path | None, timeline: Timeline) -> City:
    if spot is None:
        return city
    market = city.spot
    limits = (market.floor_cny_per_kwh, market.cap_cny_per_kwh) if market else (-10.0, 10.0)
    series = parse_spot(read_text(spot, "a CSV file of prices"), str(spot), timeline, *limits)
    return replace(city, tariff=replace(city.tariff, spot_cny_per_kwh=series))


def read_text(path: Path, wanted: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(str(path), error.strerror or "unreadable", wanted) from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"bytes that are not UTF-8 ({error.reason})", wanted) from error


def _live_through(twin: Twin, out: Path, progress: Progress) -> dict[str, Any]:
    """Run every day and write the series; returns the summary, but for its runtime."""
    writer = SeriesWriter(out / SERIES)
    twin.sink = writer
    journals: dict[int, DayJournal] = {}
    twin.tally.journal = lambda day: journals.setdefault(day, DayJournal())
    try:
        with twin.watch.during("open"):
            twin.open()
        with ThreadPoolExecutor(1) as beside:
            saved: list[Future[None]] = []
            for day in twin.days():
                for kept in list(journals):
                    path = out / "journal" / f"{twin.timeline.local_date(kept)}.npz"
                    saved.append(beside.submit(journals.pop(kept).save, path))
                while saved and saved[0].done():
                    saved.pop(0).result()
                progress(day + 1, twin.timeline.days, str(twin.timeline.local_date(day)))
            for save in saved:
                save.result()
        balances = audit(twin.books)
        require_balance(balances)
        with twin.watch.during("write"):
            _write_tables(twin, writer)
            writer.close()
    except BaseException:
        writer.abandon()
        raise
    finally:
        twin.close()
    with twin.watch.during("judge"):
        return summarise(twin, balances)


def _journal_days(request: RunRequest, timeline: Timeline) -> frozenset[int]:
    days = {(when - timeline.start).days for when in request.journal_dates} or {0}
    outside = [day for day in days if not 0 <= day < timeline.days]
    if outside:
        came = str(timeline.local_date(outside[0]))
        last = timeline.local_date(timeline.days - 1)
        raise InputError("--journal", came, f"a day of the run, {timeline.start} to {last}")
    return frozenset(days)


def _write_tables(twin: Twin, writer: SeriesWriter) -> None:
    city, people = twin.city, twin.people
    writer.write("sites", "all", site_table(city.sites))
    codes, fleet = twin.ledger.codes.rows, twin.renewal.first_fleet.rows
    writer.write(
        "batteries",
        "all",
        battery_table(city, twin.timeline, people.packs, people.products, codes, fleet),
    )
    _write_sums(writer, "ledger", twin.books.postings)
    _write_sums(writer, "stocks", twin.books.stocks)


def _write_sums(writer: SeriesWriter, table: str, sums: Mapping[tuple[Any, ...], float]) -> None:
    """Write amounts by key, in the order of the keys; the table's last column is the amount."""
    rows = [(*key, amount) for key, amount in sorted(sums.items())]
    names = SCHEMAS[table].names
    writer.write(table, "all", {name: [row[k] for row in rows] for k, name in enumerate(names)})


def _runtime(wall_s: float, twin: Twin) -> dict[str, Any]:
    unit = 1024.0 if sys.platform != "darwin" else 1024.0**2
    peak = sum(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    steps = twin.people.packs.size * twin.timeline.steps
    return {
        "wall_s": round(wall_s, 2),
        "battery_steps_per_s": round(steps / wall_s),
        "peak_memory_mb": round(peak / unit, 1),
        "split_s": {name: round(spent, 2) for name, spent in twin.watch.spent_s.items()},
    }


def _manifest(request: RunRequest, city: City, timeline: Timeline, folder: Path) -> dict[str, Any]:
    return {
        "format": 1,
        "zerocity": version("zerocity"),
        "city": city.name,
        "start": str(timeline.start),
        "days": timeline.days,
        "seed": request.seed,
        "overrides": dict(request.overrides),
        "weather": "made from the climate normals" if request.epw is None else request.epw.name,
        "spot": request.spot.name if request.spot else None,
        "carbon_method": str(request.method),
        "inputs": input_hashes(folder),
    }


def report_again(run_dir: Path, out: Path | None = None) -> Path:
    """Write the page of a finished run again, into the run or to ``out``."""
    require_finished(run_dir)
    return write_report(run_dir, out)
