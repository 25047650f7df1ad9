"""The commands about city folders: cities, init, check, sources."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zerocity.city.figures import Figure
    from zerocity.city.problems import Problem
    from zerocity.city.scenario import City

WIDE = 160
"""Columns of a table that is piped into a file, where nobody set a width."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the app."""
    for command in (cities, init, check, sources):
        app.command(command.__name__)(command)


def cities(as_json: JsonOption = False) -> None:
    """List the reference cities that come with Zerocity.

    Example: zerocity cities
    """
    from zerocity.city.folder import load_city, shipped_cities

    found = [load_city(name) for name in shipped_cities()]
    if as_json:
        _print_json([_summary(city) for city in found])
        return
    rows = [
        (city.name, city.place, f"{len(city.sites)}", f"{city.vehicles:,}", f"{city.packs:,}")
        for city in found
    ]
    _print_table(("name", "place", "sites", "vehicles", "packs"), rows)
    typer.echo("Start your own with: zerocity init NAME")


def init(
    name: Annotated[str, typer.Argument(help="Folder to make; it must not exist yet.")],
    source: Annotated[
        str, typer.Option("--from", help="City to copy: starter, lanzhou, or a folder.")
    ] = "starter",
) -> None:
    """Make a city folder of your own to edit.

    The starter is a small town whose files explain every field.

    Examples: zerocity init my-town; zerocity init my-lanzhou --from lanzhou
    """
    from zerocity.city.folder import init_city

    written = init_city(Path(name), source)
    typer.echo(f"Made {name} with {len(written)} files: {', '.join(written)}")
    typer.echo(f"Edit them, then: zerocity check {name}")


def check(
    folder: Annotated[str, typer.Argument(help="City folder, or the name of a shipped city.")],
    as_json: JsonOption = False,
) -> None:
    """Find every mistake in a city folder in one pass; exit code 2 when there is one.

    Examples: zerocity check my-town; zerocity check my-town --json
    """
    from zerocity.city.folder import check_folder

    city, problems = check_folder(folder)
    if as_json:
        summary = _summary(city) if city else None
        listed = [_problem(problem) for problem in problems]
        _print_json({"ok": city is not None, "problems": listed, "city": summary})
    elif city is not None:
        _print_summary(city)
    else:
        _print_problems(folder, problems)
    if city is None:
        raise typer.Exit(2)


def sources(
    city: Annotated[str, typer.Argument(help="City folder, or the name of a shipped city.")],
    only: Annotated[
        str, typer.Option("--only", help="Only figures that are read, derived or assumed.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List every figure of a city with its source, the assumptions first.

    Weight says how much a run's results hang on a figure: 0 hardly, 3 strongly.

    Examples: zerocity sources lanzhou; zerocity sources lanzhou --only assumed --json
    """
    from zerocity.city.figures import CERTAINTIES, by_doubt
    from zerocity.city.folder import load_city
    from zerocity.errors import InputError

    if only and only not in CERTAINTIES:
        raise InputError("--only", f'"{only}"', f"one of {', '.join(CERTAINTIES)}")
    loaded = load_city(city)
    chosen = [one for one in by_doubt(loaded.figures) if only in ("", one.certainty)]
    if as_json:
        _print_json([_figure(one) for one in chosen])
        return
    rows = [
        (one.certainty, str(one.weight), one.path, _value(one), one.unit, str(one.year or ""),
         one.source + (f" ({one.note})" if one.note else ""))
        for one in chosen
    ]  # fmt: skip
    _print_table(("certainty", "weight", "figure", "value", "unit", "year", "source"), rows)
    assumed = sum(one.assumed for one in loaded.figures)
    typer.echo(f"{len(loaded.figures)} figures, {assumed} of them assumed.")


def _value(figure: Figure) -> str:
    if isinstance(figure.value, float):
        return f"{figure.value:g}"
    if isinstance(figure.value, tuple):
        return ", ".join(f"{number:g}" for number in figure.value)
    return str(figure.value)


def _figure(figure: Figure) -> dict[str, object]:
    names = ("path", "value", "unit", "source", "year", "certainty", "note", "weight")
    return {name: getattr(figure, name) for name in names}


def _problem(problem: Problem) -> dict[str, str]:
    names = ("file", "place", "field", "came", "wanted", "way_out")
    return {name: getattr(problem, name) for name in names}


def _summary(city: City) -> dict[str, object]:
    return {
        "name": city.name,
        "place": city.place,
        "sites": len(city.sites),
        "fleets": len(city.fleets),
        "vehicles": city.vehicles,
        "packs": city.packs,
        "figures": len(city.figures),
        "assumed": len(city.assumptions()),
    }


def _print_summary(city: City) -> None:
    typer.echo(
        f"{city.title}: no mistakes. {len(city.sites)} sites, {len(city.fleets)} fleets, "
        f"{city.vehicles:,} vehicles, {city.packs:,} packs; {len(city.figures)} figures, "
        f"{len(city.assumptions())} of them assumed."
    )


def _print_problems(folder: str, problems: Sequence[Problem]) -> None:
    rows = [(one.file, one.place, one.field, one.came, one.wanted, one.way_out) for one in problems]
    _print_table(("file", "where", "field", "came", "wanted", "way out"), rows)
    noun = "mistake" if len(problems) == 1 else "mistakes"
    typer.echo(f"{folder}: {len(problems)} {noun}.")


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; cells are plain text, never markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, show_lines=False, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else WIDE, highlight=False).print(table)
