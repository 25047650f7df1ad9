"""The commands about zero-carbon parks: assess, plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Seed = Annotated[int, typer.Option("--seed", help="Number that fixes everything random.")]
Park = Annotated[str, typer.Argument(help="Name of the park; all of them where left out.")]

parks = typer.Typer(
    help="Zero-carbon parks: judge them by the notice, plan them at least cost.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    parks.command("assess")(assess)
    parks.command("plan")(plan)
    app.add_typer(parks, name="park")


def assess(
    target: Annotated[str, typer.Argument(help="A finished run folder, or a city.")],
    park: Park = "",
    limit: Annotated[
        float | None, typer.Option("--limit", help="Limit in tCO2/tce; default: the notice's.")
    ] = None,
    certificates: Annotated[
        float, typer.Option("--certificates", help="Green certificates of the period, MWh.")
    ] = 0.0,
    grid_clean: Annotated[
        float, typer.Option("--grid-clean", help="Clean part of the grid's own mix, 0-1.")
    ] = 0.0,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Judge parks by the 2025 notice, and show what clean energy meets their use hour by hour.

    A run is judged by its series, a city by a made year of its parks' own load and sun.

    Examples: zerocity park assess lanzhou xigu_zero_carbon_park; zerocity park assess runs/demo
    """
    from zerocity.app.parks import assess_parks
    from zerocity.cli.park_tables import assessment_json, print_assessments

    found = assess_parks(
        target,
        park,
        seed=seed,
        limit=limit,
        certificates_kwh=certificates * 1000.0,
        grid_clean_share=grid_clean,
    )
    if as_json:
        _print_json([assessment_json(one) for one in found])
        return
    print_assessments(found, whole=bool(park) or len(found) == 1)


def plan(
    city: Annotated[str, typer.Argument(help="A shipped city, or the path of a city folder.")],
    park: Park = "",
    limit: Annotated[
        list[float] | None,
        typer.Option("--limit", help="tCO2/tce to reach; again for more; default: the notice's."),
    ] = None,
    clean_share: Annotated[
        float | None, typer.Option("--clean-share", help="Clean share over the year to reach, 0-1.")
    ] = None,
    hourly_share: Annotated[
        float | None, typer.Option("--hourly-share", help="Clean share by the hour to reach, 0-1.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a price, bound or asset, e.g. pv_most_kwp=20000."),
    ] = None,
    line: Annotated[
        Path | None, typer.Option("--line", help="CSV of the green line's output: step,share.")
    ] = None,
    grid_region: Annotated[
        str, typer.Option("--grid-region", help="Another row of the city's grid factors.")
    ] = "",
    whole_year: Annotated[
        bool, typer.Option("--whole-year", help="All 8,760 hours, not a week a month; slower.")
    ] = False,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Find the cheapest way for a park to reach the standard, and what the last tonne costs.

    Panels, storage, a green line, traced green supply and electric heat compete. Where no plan
    reaches the target, the nearest one is shown with what is missing.

    Examples: zerocity park plan lanzhou xigu_zero_carbon_park; zerocity park plan lanzhou
    xigu_zero_carbon_park --limit 0.4 --limit 0.2 --hourly-share 0.8
    """
    from zerocity.app.parks import park_cases
    from zerocity.cli.park_tables import plan_json, plans_of, print_plans
    from zerocity.parks.park_case import Target

    limits: Sequence[float | None] = limit or [None]
    targets = [Target(one, clean_share, hourly_share) for one in limits]
    cases = park_cases(
        city, park, seed=seed, changes=_changes(change or []), grid_region=grid_region, line=line
    )
    found = [plans_of(case, targets, whole_year) for case in cases]
    if as_json:
        _print_json([plan_json(one) for one in found])
        return
    print_plans(found)


def _changes(pairs: Sequence[str]) -> dict[str, str]:
    from zerocity.errors import InputError

    changes = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InputError("--set", repr(pair), "NAME=VALUE")
        changes[name.strip()] = value.strip()
    return changes


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))
