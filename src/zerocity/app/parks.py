"""Parks of a run or of a city: their judgement and the cases to plan them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zerocity.app.runs import read_text
from zerocity.city.folder import load_city
from zerocity.city.scenario import City
from zerocity.errors import InputError
from zerocity.parks.green_line import parse_line
from zerocity.parks.indicators import ParkSpec
from zerocity.parks.made_year import made_meters
from zerocity.parks.matching import ParkMeters
from zerocity.parks.park_case import ParkCase, with_values
from zerocity.parks.standard import Assessment, judge
from zerocity.reports.park_series import park_meters, run_parks
from zerocity.reports.tables import open_run
from zerocity.storage.runs import MANIFEST, SUMMARY, require_finished
from zerocity.twin.park_case import find_park, park_timeline
from zerocity.twin.park_case import park_cases as made_parks

METHOD_FACTORS = ("China", "China_fossil")
"""Rows of a factor table that the notice's method could mean beside the city's own region."""


def assess_parks(
    target: str,
    park: str = "",
    *,
    seed: int = 1,
    limit: float | None = None,
    certificates_kwh: float = 0.0,
    grid_clean_share: float = 0.0,
) -> list[Assessment]:
    """Judge the parks of a run folder by its series, or those of a city by a made year."""
    folder = Path(target)
    is_run = any((folder / name).exists() for name in (MANIFEST, SUMMARY, "series"))
    parks = _run_parks(folder, park) if is_run else _city_parks(target, park, seed)
    return [
        judge(
            spec, meters, basis,
            other_factors=factors, limit=limit, certificates_kwh=certificates_kwh,
            grid_clean_share=grid_clean_share, metered=basis != MADE_YEAR,
        )
        for spec, meters, basis, factors in parks
    ]  # fmt: skip


Metered = tuple[ParkSpec, ParkMeters, str, dict[str, float]]
MADE_YEAR = "a made year: own load without vehicles, one store run at least cost"


def _run_parks(folder: Path, park: str) -> list[Metered]:
    require_finished(folder)
    run = open_run(folder)
    specs = run_parks(run)
    if not specs or (park and park not in specs):
        known = ", ".join(specs) or "none, this run has no park"
        raise InputError("park", repr(park), f"one of: {known}")
    chosen = {name: spec for name, spec in specs.items() if park in ("", name)}
    basis = f"series of the run {folder.name}, {run.days} days"
    meters = park_meters(run, chosen)
    return [(spec, meters[name], basis, {}) for name, spec in chosen.items()]


def _city_parks(target: str, park: str, seed: int) -> list[Metered]:
    city = load_city(target)
    specs = park_specs(city, park)
    known = [n for n in METHOD_FACTORS if n in city.factors.regions and n != city.grid_region]
    factors = {n: city.factors.lookup(n, city.start.year).kgco2_per_kwh for n in known}
    cases = made_parks(city, specs, seed=seed)
    return [(c.spec, made_meters(c.year, c.assets), MADE_YEAR, factors) for c in cases]


def park_specs(city: City, park: str = "") -> list[ParkSpec]:
    """One park of a city by name, or all of them; InputError when there is none."""
    if park or not city.parks:
        return [find_park(city, park)]
    return list(city.parks)


def park_cases(
    target: str,
    park: str = "",
    *,
    seed: int = 1,
    changes: Mapping[str, str] | None = None,
    grid_region: str = "",
    line: Path | None = None,
) -> list[ParkCase]:
    """Cases to plan a city's parks: a made year each, levers and assets changed by name."""
    city = load_city(target)
    steps = park_timeline(city).steps
    text = read_text(line, "a CSV file of shares") if line else ""
    share = parse_line(text, str(line), steps) if line else None
    cases = made_parks(
        city, park_specs(city, park), seed=seed, grid_region=grid_region, direct_share=share
    )
    return [with_values(case, changes or {}) for case in cases]
