"""The stores of a finished run, lived again under several ways of planning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pvlib

from zerocity.city.scenario import City
from zerocity.energy.climate import WeatherYear
from zerocity.energy.rolling_study import SCENARIO_COUNT, Judged, Series, compare
from zerocity.energy.solar import pv_kw_per_kwp, sun
from zerocity.energy.stores import StoreDays
from zerocity.errors import InputError, RunStateError
from zerocity.measures.arrays import F64, I64
from zerocity.measures.timeline import Timeline
from zerocity.measures.wording import did_you_mean, quote
from zerocity.reports.plant_day import city_of_run
from zerocity.reports.plant_series import city_series, site_names, site_series
from zerocity.reports.tables import RunTables, open_run, step_ms
from zerocity.storage.runs import require_finished
from zerocity.twin.population import CHARGER_EFFICIENCY, INVERTER_EFFICIENCY

START_SHARE = 0.5
"""Content of every store at both ends of the days; an assumption."""


@dataclass(frozen=True)
class Study:
    """Ways of planning compared over the last ``days`` of what was metered at ``names``."""

    title: str
    names: tuple[str, ...]
    days: int
    judged: tuple[Judged, ...]


def study_run(
    folder: Path,
    days: int,
    *,
    only: tuple[str, ...] = (),
    scenarios: int = SCENARIO_COUNT,
    threads: int = 1,
) -> Study:
    """Live the last days of a run's stores again.

    Parameters
    ----------
    only : names of the sites to take; default all that have a store.

    Demand charges stay out on all sides: no plan may import more than the run did in that month.
    """
    manifest, run = require_finished(folder), open_run(folder)
    city, names = city_of_run(folder, manifest), site_names(run)
    stores = _stores(run)
    chosen = _chosen(names, stores, only)
    series = _series(run, city, chosen, stores)
    found = compare(series, days, scenarios, threads)
    picked = tuple(names[i] for i in chosen)
    return Study(f"{city.title}, {folder}", picked, days, tuple(found))


def _chosen(
    names: tuple[str, ...], stores: Mapping[str, Mapping[str, Any]], only: tuple[str, ...]
) -> I64:
    """Numbers of the sites that have a store and are wanted."""
    known = [name for name in names if float(stores.get(name, {}).get("usable_kwh", 0.0)) > 0.0]
    for name in only:
        if name not in known:
            hint = did_you_mean(name, known, "")
            raise InputError("--site", quote(name), "a site with a store", hint)
    if not known:
        raise InputError("the run", "no site with a store", "at least one")
    wanted = set(only or known)
    return np.array([i for i, name in enumerate(names) if name in wanted], dtype=np.int64)


def _stores(run: RunTables) -> dict[str, Mapping[str, Any]]:
    """What the run's summary says of its stores, by site."""
    found = run.summary.get("foresight") or {}
    rows = {str(row.get("site")): row for row in found.get("sites", [])}
    if not all("usable_kwh" in row for row in rows.values()):
        raise RunStateError(f"{run.folder}: summary.json is of an older kind. Run the city again")
    return rows


def _series(
    run: RunTables, city: City, chosen: I64, stores: Mapping[str, Mapping[str, Any]]
) -> Series:
    step_h = step_ms(run) / 3_600_000
    kwh = site_series(run, ("load_kwh", "charging_kwh", "pv_kwh", "import_kwh"))
    kw = {name: _by_site(values, chosen) / step_h for name, values in kwh.items()}
    line = Timeline(run.start, run.days, round(60 * step_h), city.utc_offset_h)
    buy, sell = (city_series(run, f"{side}_cny_per_kwh").ravel() for side in ("buy", "sell"))
    load = kw["load_kwh"] + kw["charging_kwh"]
    usable, wear = (
        np.array([stores[str(city.sites.name[i])][key] for i in chosen], np.float64)
        for key in ("usable_kwh", "wear_cny_per_kwh")
    )
    wide, ones = load.shape, np.ones(load.shape)
    low, high = 0.0 * ones, usable[:, None] * ones
    low[:, -1] = high[:, -1] = START_SHARE * usable
    power = np.minimum(city.sites.storage_kw[chosen], usable / step_h)[:, None] * ones
    each = np.ones(len(chosen))
    whole = StoreDays(
        step_h=step_h, load_kw=load, pv_kw=kw["pv_kwh"],
        buy_cny_per_kwh=np.broadcast_to(buy, wide).copy(),
        sell_cny_per_kwh=np.broadcast_to(np.minimum(sell, buy), wide).copy(),
        import_limit_kw=_peaks(kw["import_kwh"], line),
        export_limit_kw=city.sites.export_limit_kw[chosen][:, None] * ones,
        charge_limit_kw=power, discharge_limit_kw=power.copy(), low_kwh=low, high_kwh=high,
        initial_kwh=START_SHARE * usable, charge_efficiency=CHARGER_EFFICIENCY * each,
        discharge_efficiency=INVERTER_EFFICIENCY * each, self_discharge=0.0 * each,
        wear_cny_per_kwh=wear / 2.0, final_value_cny_per_kwh=0.0 * each,
        overload_cny_per_kwh=np.full(len(chosen), np.inf),
    )  # fmt: skip
    clear = city.sites.pv_kwp[chosen][:, None] * _clear_kw_per_kwp(run, city, line)
    return Series(whole, clear, line.is_workday(), 0.0 * each, line.years * 12 + line.months)


def _peaks(import_kw: F64, line: Timeline) -> F64:
    """Each month's highest import; no plan may raise it, so the demand charge stays as it was."""
    limit = np.empty_like(import_kw)
    months = np.repeat(line.years * 12 + line.months, line.steps_per_day)
    for month in np.unique(months):
        here = months == month
        limit[:, here] = import_kw[:, here].max(axis=1, keepdims=True)
    return limit


def _by_site(values: F64, chosen: I64) -> F64:
    """(days, steps, sites) as (chosen sites, days * steps)."""
    return np.ascontiguousarray(values[:, :, chosen].reshape(-1, len(chosen)).T)


def _clear_kw_per_kwp(run: RunTables, city: City, line: Timeline) -> F64:
    """Power of the city's panels under a clear sky, (steps,) [kW/kWp]."""
    climate, panels = city.climate, city.panels
    place = (climate.latitude, climate.longitude, climate.altitude_m)
    at = sun(line, *place)
    of_year = np.repeat(line.days_of_year, line.steps_per_day)
    parts = pvlib.irradiance.erbs(at.clear_ghi_w_m2, at.zenith_deg, of_year)
    clear = WeatherYear(
        np.repeat(climate.temperature_c[line.months - 1], line.steps_per_day), at.clear_ghi_w_m2,
        np.asarray(parts["dni"]), np.asarray(parts["dhi"]), np.zeros(line.steps),
    )  # fmt: skip
    return pv_kw_per_kwp(
        clear, line, *place, panels.tilt_deg, panels.azimuth_deg, panels.performance_ratio
    )
