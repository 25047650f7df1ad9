"""The command dispatch: a case in, schedule and bill out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zerocity.energy.case import Case


def register(app: typer.Typer) -> None:
    """Add the command of this file to the app."""
    app.command("dispatch")(dispatch)


def dispatch(
    case: Annotated[str, typer.Argument(help="Case file, TOML or JSON, or - for standard input.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for another program.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what stored energy is worth, and what binds.")
    ] = False,
    out: Annotated[str, typer.Option("--out", help="Write the JSON into this file too.")] = "",
    late: Annotated[
        bool, typer.Option("--late", help="Act late among equal prices, not early.")
    ] = False,
    points: Annotated[
        int, typer.Option("--pareto", help="Show so many plans from least cost to least carbon.")
    ] = 0,
    flexmeasures: Annotated[
        bool, typer.Option("--flexmeasures", help="The file holds FlexMeasures' flex-model.")
    ] = False,
) -> None:
    """Plan one site at least cost: stores, charging sessions, sun, heat and grid.

    A limit that cannot be kept is broken as little as possible and named; a plan always comes.

    Examples: zerocity dispatch case.toml; zerocity dispatch case.json --json --explain
    """
    read, tie = _read(case, flexmeasures), "late" if late else "early"
    if points:
        _front(read, points, tie, as_json, out)
    else:
        _plan(read, tie, as_json, explain, out)


def _plan(read: Case, tie: str, as_json: bool, explain: bool, out: str) -> None:
    """Plan, print and write."""
    from dataclasses import asdict

    from zerocity.cli.dispatch_tables import print_schedule
    from zerocity.energy.case_binding import binding_limits
    from zerocity.energy.schedule import as_json as plain
    from zerocity.energy.site_plan import plan_case

    schedule = plan_case(read, tie)
    found = plain(schedule)
    if explain:
        found["binding_limits"] = [asdict(one) for one in binding_limits(read, schedule)]
    if not _print_json(found, as_json, out):
        print_schedule(read, schedule, explain)


def _front(read: Case, points: int, tie: str, as_json: bool, out: str) -> None:
    """Print what less carbon costs."""
    from zerocity.cli.dispatch_tables import print_front
    from zerocity.energy.carbon_front import pareto
    from zerocity.energy.schedule import as_json as plain

    front = pareto(read, points, tie)
    if not _print_json({"front": [plain(one.plan) for one in front]}, as_json, out):
        print_front(front)


def _print_json(found: dict[str, Any], as_json: bool, out: str) -> bool:
    """Write the JSON where it is wanted; return whether it took the place of the tables."""
    text = json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)
    if out:
        _write(out, text)
    if as_json:
        typer.echo(text)
    elif out:
        typer.echo(f"Wrote {out}")
    return as_json


def _read(name: str, flexmeasures: bool) -> Case:
    """Read a case, in our format or FlexMeasures'."""
    from zerocity.energy.case_reader import parse_text, read_case
    from zerocity.energy.flexmeasures import is_flexmeasures, read_flexmeasures

    raw = parse_text(_text(name), "standard input" if name == "-" else name)
    if flexmeasures or is_flexmeasures(raw):
        return read_flexmeasures(raw)
    return read_case(raw)


def _text(name: str) -> str:
    from zerocity.errors import InputError

    where = "standard input" if name == "-" else name
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(where, "bytes that are not UTF-8", "TOML or JSON text") from error
    except OSError as error:
        way_out = "Give the path of a TOML or JSON file, or - for standard input."
        raise InputError(where, str(error.strerror or error), "a file", way_out) from error


def _write(name: str, text: str) -> None:
    from zerocity.errors import InputError

    try:
        Path(name).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        came = str(error.strerror or error)
        raise InputError(f"--out {name}", came, "a file to write") from error
