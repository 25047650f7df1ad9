"""The command dispatch: a case in, schedule and bill out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    flexmeasures: Annotated[
        bool, typer.Option("--flexmeasures", help="The file holds FlexMeasures' flex-model.")
    ] = False,
) -> None:
    """Plan one site at least cost: stores, charging sessions, sun, heat and grid.

    A limit that cannot be kept is broken as little as possible and named; a plan always comes.

    Examples: zerocity dispatch case.toml; zerocity dispatch case.json --json --explain
    """
    from dataclasses import asdict

    from zerocity.cli.dispatch_tables import print_schedule
    from zerocity.energy.case_binding import binding_limits
    from zerocity.energy.schedule import as_json as plain
    from zerocity.energy.site_plan import plan_case

    read = _read(case, flexmeasures)
    schedule = plan_case(read, tie="late" if late else "early")
    found = plain(schedule)
    if explain:
        found["binding_limits"] = [asdict(one) for one in binding_limits(read, schedule)]
    text = json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)
    if out:
        _write(out, text)
    if as_json:
        typer.echo(text)
        return
    print_schedule(read, schedule, explain)
    if out:
        typer.echo(f"Wrote {out}")


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
