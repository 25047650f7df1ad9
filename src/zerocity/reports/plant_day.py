"""A day of a city or of a run as the virtual power plant's portfolio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from zerocity.city.folder import load_city
from zerocity.city.scenario import City
from zerocity.energy.site_days import SiteDays
from zerocity.energy.tariffs import parse_spot
from zerocity.energy.weather import made_weather
from zerocity.errors import InputError, RunStateError
from zerocity.measures.arrays import F64
from zerocity.measures.timeline import Timeline
from zerocity.reports.plant_series import city_series, run_day, site_names, site_series
from zerocity.reports.tables import RunTables, open_run, step_ms
from zerocity.storage.journal import JournalFile
from zerocity.storage.runs import MANIFEST, require_finished
from zerocity.twin.year import Options, Twin
from zerocity.vpp.bids import check_prices
from zerocity.vpp.members import Members, Planner, peaks_held
from zerocity.vpp.products import EnergyMarket
from zerocity.vpp.response import answer

DEFERRABLE_H = 2.0
"""Hours by which metered charging could have come later; an assumption for days of a run that left
no journal. It is never moved forward."""


@dataclass(frozen=True)
class PlantDay:
    """The plant's day: who takes part, what the sites face, what the market is thought to pay.

    ``portfolio`` is at the retail tariff with peaks held; ``expected_cny_per_kwh`` (periods,) are
    market prices; ``origin`` and ``price_origin`` say in words where the two come from.
    """

    city: City
    day: date
    portfolio: Members
    expected_cny_per_kwh: F64
    fixed_cny_per_kwh: float
    origin: str
    price_origin: str


def plant_day(
    target: str,
    day: date | None = None,
    *,
    prices: Path | None = None,
    seed: int = 1,
    threads: int = 1,
) -> PlantDay:
    """The day of a run folder, or of a city that is lived for that one day.

    Parameters
    ----------
    target : a finished run folder, or the name or folder of a city.
    day : default the first day of the run, or the city's own start.
    prices : CSV of ``step,price_cny_per_kwh`` with one row a period, instead of the city's market.
    """
    planner = partial(answer, threads=threads)
    folder = Path(target)
    if (folder / MANIFEST).is_file():
        manifest, run = require_finished(folder), open_run(folder)
        city, when = city_of_run(folder, manifest), day or run.start
        names, days, origin = _of_run(run, when)
        spot = _run_spot(run, manifest, city, when)
    else:
        city = load_city(target)
        when = day or city.start
        names, days, origin = _of_city(city, when, seed, planner)
        spot = None
    timeline = Timeline(when, 1, 15, city.utc_offset_h)
    retail = at_retail_prices(days, city, timeline)
    held = peaks_held(retail, planner(retail))
    expected, told = _expected(city, timeline, prices, spot)
    fixed = float(sum(city.tariff.fixed_cny_per_kwh.values()))
    return PlantDay(city, when, Members(names, held, planner), expected, fixed, origin, told)


def city_of_run(folder: Path, manifest: Mapping[str, Any]) -> City:
    """The city that a run was made from, its changes applied."""
    name, changes = str(manifest.get("city", "")), manifest.get("overrides") or {}
    try:
        return load_city(name, changes)
    except InputError as error:
        raise InputError(
            str(folder), f"a run of {name!r}, which is not here", "its city folder",
            "Go to the folder that holds the city, and name the run by its path.",
        ) from error  # fmt: skip


def energy_rules(city: City) -> EnergyMarket:
    """The city's energy market; InputError when its vpp.toml has none."""
    if city.energy_market is None:
        raise InputError(
            "--product", "energy", "a product of the city", "vpp.toml has no table [energy]."
        )
    return city.energy_market


def at_retail_prices(days: SiteDays, city: City, timeline: Timeline) -> SiteDays:
    """The day at the city's tariff, whatever prices or signals it was planned with."""
    prices = replace(city.tariff, spot_cny_per_kwh=None).prices(timeline)
    wide = days.load_kw.shape
    return replace(
        days,
        buy_cny_per_kwh=np.broadcast_to(prices.buy, wide).copy(),
        sell_cny_per_kwh=np.broadcast_to(prices.sell, wide).copy(),
    )


class _Nowhere:
    """Takes rows and keeps none."""

    def write(self, table: str, part: str, columns: dict[str, Any]) -> None:
        """Drop the rows."""


def _of_city(
    city: City, day: date, seed: int, planner: Planner
) -> tuple[tuple[str, ...], SiteDays, str]:
    """Live one day of the city and keep the problem that its planner was given at midnight."""
    timeline = Timeline(day, 1, 15, city.utc_offset_h)
    seen: list[SiteDays] = []

    def watched(days: SiteDays) -> Any:
        seen.append(days)
        return planner(days)

    weather = made_weather(city.climate, timeline, seed)
    twin = Twin(city, timeline, weather, Options(seed), _Nowhere(), watched)
    try:
        # The first problem is the rehearsal's; the second knows when who arrives.
        twin.open()
        known = len(seen)
        next(twin.days())
    finally:
        twin.close()
    origin = f"the plan of midnight of {day}, in made weather, seed {seed}"
    return tuple(city.sites.name), seen[known], origin


def _of_run(run: RunTables, day: date) -> tuple[tuple[str, ...], SiteDays, str]:
    number, names = run_day(run, day), site_names(run)
    journals = sorted((run.folder / "journal").glob("*.npz"))
    if not journals:
        raise RunStateError(f"{run.folder} holds no journal. Run the city again")
    own = run.folder / "journal" / f"{day}.npz"
    template, _ = JournalFile(own if own in journals else journals[0]).plan()
    if own in journals:
        return names, template, f"the plan of midnight of {day}, from the run's journal"
    days = _metered_day(run, number, template)
    origin = (
        f"the meters of {day}, charging up to {DEFERRABLE_H:g} h later (assumed), and the stores "
        f"of {journals[0].stem}, from the run"
    )
    return names, days, origin


def _metered_day(run: RunTables, number: int, template: SiteDays) -> SiteDays:
    """A day of a run without a journal: load, sun and charging as metered, stores as journalled."""
    first = number - run.local_days()[number].day + 1
    month = range(max(0, first), number + 1)
    wanted = ("import_kwh", "load_kwh", "pv_kwh", "charging_kwh")
    found = {name: v.transpose(0, 2, 1) for name, v in site_series(run, wanted, month).items()}
    step_h = step_ms(run) / 3_600_000
    done = np.cumsum(found["charging_kwh"][-1], axis=1)
    lag = round(DEFERRABLE_H / step_h)
    due = np.concatenate([np.zeros((done.shape[0], lag)), done[:, :-lag]], axis=1)
    due[:, -1] = done[:, -1]
    before = found["import_kwh"][:-1] / step_h
    peak = before.max(axis=(0, 2)) if len(before) else np.zeros(done.shape[0])
    return replace(
        template,
        load_kw=found["load_kwh"][-1] / step_h,
        pv_kw=found["pv_kwh"][-1] / step_h,
        flex_min_kwh=due,
        flex_max_kwh=done,
        flex_limit_kw=np.maximum(template.flex_limit_kw, found["charging_kwh"][-1] / step_h),
        peak_so_far_kw=peak,
    )


def _run_spot(run: RunTables, manifest: Mapping[str, Any], city: City, day: date) -> F64 | None:
    """Spot prices that the run was given for a day, or None."""
    if not manifest.get("spot"):
        return None
    buy = city_series(run, "buy_cny_per_kwh")[run_day(run, day)]
    return np.asarray(buy - sum(city.tariff.fixed_cny_per_kwh.values()))


def _expected(
    city: City, timeline: Timeline, path: Path | None, spot: F64 | None
) -> tuple[F64, str]:
    rules = city.energy_market or EnergyMarket()
    floor, cap = rules.price_floor_cny_per_kwh, rules.price_cap_cny_per_kwh
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(str(path), str(error), "a CSV file of prices") from error
        return parse_spot(text, str(path), timeline, floor, cap), path.name
    if spot is not None:
        return check_prices(rules, np.clip(spot, floor, cap)), "the run's spot prices"
    if city.market_day is None:
        raise InputError(
            "--prices", "nothing", "prices of the day",
            "Give a CSV file, or a table [market] in the city's vpp.toml.",
        )  # fmt: skip
    return city.market_day.prices(rules), "the city's typical market day (assumed)"
