"""What lies in a city's telemetry lake, on the terminal; and its upkeep by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from zerocity.app.lake import LAYOUT, decoded
from zerocity.cli.tables import console
from zerocity.errors import InputError
from zerocity.protocols.gbt32960.frames import mask_vin
from zerocity.storage import lake_files
from zerocity.storage.compaction import compact, convert, retain
from zerocity.storage.lake import Lake
from zerocity.storage.lake_hours import Hour, hours, waiting


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked for."""

    data: Path
    since: str | None
    until: str | None
    vehicle: str | None
    tidy: bool
    delete_before: str | None
    as_json: bool


def show_lake(asked: Asked) -> None:
    """Do the upkeep that is asked for, then list the lake."""
    lake = lake_folder(asked.data)
    since, until = (_moment(text) for text in (asked.since, asked.until))
    limit = _moment(asked.delete_before)
    facts: dict[str, Any] = {"lake": str(lake)}
    if limit is not None:
        facts["deleted"] = retain(lake, limit)
    if asked.tidy:
        facts["tidied"] = tidied(lake)
    found = hours(lake, since, until, vehicle=asked.vehicle)
    facts |= _facts(found, waiting(lake), asked.vehicle)
    if asked.as_json:
        typer.echo(json.dumps(facts))
    else:
        _print(facts, found)


def lake_folder(data: Path) -> Path:
    """The lake of a data folder, or the folder itself where it is one; raises `InputError`."""
    for folder in (data / "lake", data):
        if (folder / "segments").is_dir() or (folder / lake_files.MANIFEST).is_file():
            return folder
    raise InputError(str(data), "no telemetry lake", "the data folder of a live city")


def tidied(lake: Path) -> dict[str, Any]:
    """Make files of all that waits, and join the files of each hour.

    Raises `RunStateError` while the platform runs: it does this itself.
    """
    writer = Lake(lake)
    try:
        made = convert(lake, writer.roll(), decoded, LAYOUT)
    finally:
        writer.close()
    joined = compact(lake, LAYOUT)
    return {
        "segments": made.segments,
        "reports": made.rows,
        "repeats_dropped": made.dropped + joined.dropped,
        "hours_joined": joined.files,
        "failed": made.failed,
    }


def _moment(text: str | None) -> datetime | None:
    """A day or a moment, UTC where it names no zone."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        wanted = "a day or a moment such as 2026-05-01 or 2026-05-01T13:00"
        raise InputError("time", repr(text), wanted) from None


def _facts(found: list[Hour], left: tuple[int, int], vehicle: str | None) -> dict[str, Any]:
    return {
        "vehicle": None if vehicle is None else mask_vin(vehicle),
        "hours": [
            {"start": each.start.isoformat(), "reports": each.rows, "files": each.files,
             "bytes": each.size_bytes}
            for each in found
        ],
        "reports": sum(each.rows for each in found),
        "files": sum(each.files for each in found),
        "bytes": sum(each.size_bytes for each in found),
        "waiting": {"segments": left[0], "bytes": left[1]},
    }  # fmt: skip


def _print(facts: dict[str, Any], found: list[Hour]) -> None:
    out = console()
    if "deleted" in facts:
        out.print(f"{facts['deleted']:,} reports deleted")
    if "tidied" in facts:
        _print_upkeep(facts["tidied"])
    whose = f", vehicle {facts['vehicle']}" if facts["vehicle"] else ""
    table = Table(title=f"{facts['lake']}{whose}", title_justify="left")
    table.add_column("hour (UTC)")
    for name in ("reports", "files", "MB"):
        table.add_column(name, justify="right")
    for each in found:
        table.add_row(f"{each.start:%Y-%m-%d %H}:00", *_cells(each.rows, each.files,
                                                             each.size_bytes))  # fmt: skip
    table.add_section()
    table.add_row("all", *_cells(facts["reports"], facts["files"], facts["bytes"]))
    out.print(table)
    left = facts["waiting"]
    if left["segments"]:
        out.print(f"{left['segments']:,} segments, {left['bytes'] / 1e6:,.1f} MB, are no files yet")


def _print_upkeep(work: dict[str, Any]) -> None:
    console().print(
        f"{work['reports']:,} reports of {work['segments']:,} segments became files; "
        f"{work['hours_joined']:,} hours joined; {work['repeats_dropped']:,} repeats dropped"
    )
    for name, why in work["failed"].items():
        console().print(f"{name} cannot be decoded and is kept: {why}")


def _cells(rows: int, files: int, size_bytes: int) -> tuple[str, str, str]:
    return f"{rows:,}", f"{files:,}", f"{size_bytes / 1e6:,.2f}"
