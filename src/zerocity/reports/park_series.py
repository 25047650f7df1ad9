"""A run's parks and their meters, from its written series alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from zerocity.errors import InputError, RunStateError
from zerocity.parks.indicators import GUIDES, ParkSpec
from zerocity.parks.matching import ParkMeters
from zerocity.reports.tables import RunTables, fold, step_ms

FloatArray = npt.NDArray[np.float64]

COLUMNS = (
    "import_kwh", "export_kwh", "pv_used_kwh", "load_kwh", "charging_kwh", "storage_charge_kwh",
    "storage_discharge_kwh",
)  # fmt: skip
NUMBERS = ("other_energy_tce", "other_carbon_t", "annual_energy_tce", "green_import_share")


def run_parks(run: RunTables) -> dict[str, ParkSpec]:
    """The parks of a run as its summary tells them; RunStateError where it does not say enough."""
    found = run.summary.get("parks")
    parks = found if isinstance(found, dict) else {}
    return {str(name): _spec(run, str(name), told) for name, told in parks.items()}


def _spec(run: RunTables, name: str, told: Any) -> ParkSpec:
    where = f"{run.folder}: the summary's park {name!r}"
    if not isinstance(told, dict) or not isinstance(told.get("sites"), list):
        raise RunStateError(f"{where} does not name its sites: an older run. Run the city again")
    try:
        numbers = {key: float(told.get(key, 0.0)) for key in NUMBERS}
        numbers |= {one.field: float(told[one.field]) for one in GUIDES if one.field in told}
        return ParkSpec(name, tuple(str(site) for site in told["sites"]), **numbers)
    except (TypeError, ValueError, InputError) as error:
        raise RunStateError(f"{where} cannot be read: {error}. Run the city again") from error


def park_meters(run: RunTables, parks: Mapping[str, ParkSpec]) -> dict[str, ParkMeters]:
    """The meters of each park, step by step; one pass over the run's largest table.

    Raises RunStateError when the run holds no series of its sites or steps.
    """
    step, at = step_ms(run), _site_numbers(run, parks)
    steps = run.days * 86_400_000 // step
    sums = {name: np.zeros((len(COLUMNS), steps)) for name in parks}
    seen = False
    ours = pc.field("site").isin(sorted({site for sites in at.values() for site in sites}))
    for batch in run.batches("site_steps", ["time", "site", *COLUMNS], ours):
        lost = [column for column in COLUMNS if column not in batch]
        if lost:
            raise RunStateError(f"{run.folder}: site_steps lacks {lost[0]}. Run the city again")
        seen = True
        when = (batch["time"] - run.start_ms) // step
        inside = (when >= 0) & (when < steps)
        for name, numbers in at.items():
            theirs = np.zeros(int(batch["site"].max()) + 1, np.bool_)
            theirs[[site for site in numbers if site < len(theirs)]] = True
            mine = np.flatnonzero(theirs[batch["site"]] & inside)
            for row, column in enumerate(COLUMNS):
                fold(sums[name][row], when[mine], batch[column][mine])
    if not seen:
        raise RunStateError(f"{run.folder}: no series of its sites. Run the city again")
    factor, hours = _grid_factor(run, step, steps), step / 3_600_000.0
    return {name: _meters(values, factor, hours) for name, values in sums.items()}


def _meters(sums: FloatArray, factor: FloatArray, step_h: float) -> ParkMeters:
    got = dict(zip(COLUMNS, sums, strict=True))
    return ParkMeters(
        step_h=step_h,
        use_kwh=got["load_kwh"] + got["charging_kwh"],
        pv_kwh=got["pv_used_kwh"],
        direct_kwh=np.zeros_like(factor),
        charge_kwh=got["storage_charge_kwh"],
        discharge_kwh=got["storage_discharge_kwh"],
        import_kwh=got["import_kwh"],
        export_kwh=got["export_kwh"],
        grid_kgco2_per_kwh=factor,
    )


def _site_numbers(run: RunTables, parks: Mapping[str, ParkSpec]) -> dict[str, list[int]]:
    table = run.columns("sites", ["site", "name"])
    if table is None or "site" not in table or "name" not in table:
        raise RunStateError(f"{run.folder}: no table of sites. Run the city again")
    number = {str(name): int(site) for site, name in zip(table["site"], table["name"], strict=True)}
    found = {}
    for name, spec in parks.items():
        lost = [site for site in spec.sites if site not in number]
        if lost:
            raise RunStateError(f"{run.folder}: park {name!r} counts {lost[0]!r}, which is no site")
        found[name] = [number[site] for site in spec.sites]
    return found


def _grid_factor(run: RunTables, step: int, steps: int) -> FloatArray:
    table = run.columns("city_steps", ["time", "grid_kgco2_per_kwh"])
    if table is None or "grid_kgco2_per_kwh" not in table:
        raise RunStateError(f"{run.folder}: no series of the grid's factor. Run the city again")
    factor = np.full(steps, np.nan)
    when = (table["time"] - run.start_ms) // step
    kept = (when >= 0) & (when < steps)
    factor[when[kept]] = table["grid_kgco2_per_kwh"][kept]
    if np.isnan(factor).any():
        gap = int(np.isnan(factor).argmax())
        raise RunStateError(f"{run.folder}: no grid factor at step {gap}. Run the city again")
    return factor
