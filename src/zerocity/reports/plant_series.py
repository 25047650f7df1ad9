"""What a run wrote about its sites, as arrays for the virtual power plant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zerocity.errors import InputError, RunStateError
from zerocity.measures.arrays import F64
from zerocity.reports.tables import RunTables, step_ms


def site_names(run: RunTables) -> tuple[str, ...]:
    """Names of the run's sites in the order of their numbers."""
    found = run.columns("sites", ["site", "name"])
    if found is None or "name" not in found or "site" not in found:
        raise RunStateError(f"{run.folder}: the table of sites is missing. Run the city again")
    order = np.argsort(found["site"])
    return tuple(str(found["name"][i]) for i in order)


def run_day(run: RunTables, day: date) -> int:
    """Number of a calendar day in the run, from 0; InputError when it is outside."""
    number = (day - run.start).days
    if not 0 <= number < run.days:
        last = run.local_days()[-1]
        raise InputError("--day", str(day), f"a day of the run, {run.start} to {last}")
    return number


def site_series(
    run: RunTables, columns: Sequence[str], days: range | None = None
) -> dict[str, F64]:
    """Columns of ``site_steps`` as (days, steps, sites) [kWh]; one pass over the table.

    ``days`` leaves out the others; RunStateError when a step of a site is missing.
    """
    wanted = days if days is not None else range(run.days)
    sites, length = len(site_names(run)), step_ms(run)
    per_day = 86_400_000 // length
    first = run.start_ms + wanted.start * 86_400_000
    steps = len(wanted) * per_day
    found = {name: np.full((steps, sites), np.nan) for name in columns}
    time = pa.timestamp("ms", "UTC")
    low, high = (pa.scalar(first + at, time) for at in (0, steps * length))
    inside = (pc.field("time") >= low) & (pc.field("time") < high)
    for batch in run.batches("site_steps", ["time", "site", *columns], inside):
        at = (batch["time"] - first) // length
        for name in columns:
            if name not in batch:
                raise RunStateError(f"{run.folder}: site_steps lacks {name}. Run the city again")
            found[name][at, batch["site"]] = batch[name]
    for name, values in found.items():
        if np.isnan(values).any():
            raise RunStateError(f"{run.folder}: site_steps has gaps in {name}. Run the city again")
    return {name: v.reshape(len(wanted), per_day, sites) for name, v in found.items()}


def net_kw_by_site(run: RunTables, days: range | None = None) -> F64:
    """Import less export of each site, (days, steps, sites) [kW]."""
    found = site_series(run, ("import_kwh", "export_kwh"), days)
    step_h = step_ms(run) / 3_600_000
    return (found["import_kwh"] - found["export_kwh"]) / step_h


def city_series(run: RunTables, column: str) -> F64:
    """A column of ``city_steps`` by day, (days, steps)."""
    found = run.columns("city_steps", ["time", column])
    if found is None or column not in found or found[column].size % run.days:
        raise RunStateError(f"{run.folder}: city_steps lacks {column}. Run the city again")
    order = np.argsort(found["time"])
    return np.asarray(found[column][order], np.float64).reshape(run.days, -1)
