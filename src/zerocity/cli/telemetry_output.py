"""Where decoded telemetry goes: Parquet, CSV, a table of refused frames, and the terminal."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from rich.markup import escape
from rich.table import Table

from zerocity.cli.tables import console
from zerocity.errors import InputError
from zerocity.protocols.gbt32960.fields import Edition, alarm_names
from zerocity.protocols.gbt32960.frames import FrameFault
from zerocity.protocols.gbt32960.lake_schema import LAKE_SCHEMA

FLAT = [field.name for field in LAKE_SCHEMA if not pa.types.is_list(field.type)]
"""The columns that fit into CSV."""
HIDDEN = "*" * 13
"""What stands for the characters of a VIN that are not shown."""


class Refused(NamedTuple):
    """A frame that was refused: its number from 1, where it stood, and why."""

    frame: int
    where: str
    fault: FrameFault


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of the command."""

    file: str
    source: str | None
    as_json: bool
    out: Path | None
    errors: Path | None
    show_vin: bool
    limit: int


@dataclass(slots=True)
class Totals:
    """What was read so far."""

    frames: int = 0
    reports: int = 0
    others: int = 0
    refused: int = 0
    vehicles: set[bytes] = field(default_factory=set)
    rules: dict[str, int] = field(default_factory=dict)
    first: np.datetime64 | None = None
    last: np.datetime64 | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Refused] = field(default_factory=list)


class _Rows(Protocol):
    def write_table(self, table: pa.Table) -> None: ...


class Writers:
    """The files of one run; a file that was not asked for takes everything and keeps nothing."""

    def __init__(self, reports: _Rows | None, flat: bool, errors: Any) -> None:
        self._reports, self._flat, self._errors = reports, flat, errors

    def reports(self, table: pa.Table) -> None:
        """Write rows of the lake's schema."""
        if self._reports is not None and table.num_rows:
            self._reports.write_table(table.select(FLAT) if self._flat else table)

    def errors(self, refused: Sequence[Refused]) -> None:
        """Write refused frames."""
        if self._errors is not None:
            for one in refused:
                fault = one.fault
                self._errors.writerow([one.frame, one.where, fault.offset, fault.rule, fault.came])


@contextmanager
def writers(out: Path | None, errors: Path | None) -> Iterator[Writers]:
    """Open what was asked for; files get their names when all went well.

    A name without .parquet or .csv is a folder: telemetry.parquet, and refused.csv unless
    ``errors`` says where.
    """
    if out is not None and out.suffix not in (".parquet", ".csv"):
        errors = errors or out / "refused.csv"
        out = out / "telemetry.parquet"
    try:
        with ExitStack() as stack:
            done: list[tuple[Path, Path]] = []
            reports = _reports(out, stack, done) if out else None
            table = _errors(errors, stack, done) if errors else None
            yield Writers(reports, out is not None and out.suffix == ".csv", table)
        for partial, whole in done:
            partial.replace(whole)
    except OSError as error:
        where = str(error.filename or out or errors)
        raise InputError(where, error.strerror or str(error), "a place to write to") from error


def _partial(path: Path, done: list[tuple[Path, Path]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    done.append((partial, path))
    return partial


def _reports(out: Path, stack: ExitStack, done: list[tuple[Path, Path]]) -> _Rows:
    partial = _partial(out, done)
    writer: _Rows
    if out.suffix == ".csv":
        flat = pa.schema([LAKE_SCHEMA.field(name) for name in FLAT])
        writer = stack.enter_context(pyarrow.csv.CSVWriter(partial, flat))
    else:
        writer = stack.enter_context(
            pyarrow.parquet.ParquetWriter(partial, LAKE_SCHEMA, compression="zstd")
        )
    return writer


def _errors(errors: Path, stack: ExitStack, done: list[tuple[Path, Path]]) -> Any:
    stream = stack.enter_context(_partial(errors, done).open("w", encoding="utf-8", newline=""))
    table = csv.writer(stream)
    table.writerow(["frame", "where", "offset", "rule", "came"])
    return table


def print_totals(totals: Totals, wishes: Wishes) -> None:
    """Say what was read; with --json to standard error, and only what was refused."""
    if wishes.as_json:
        return
    out = console()
    if totals.rows:
        out.print(_readings(totals.rows))
    span = f", {totals.first} to {totals.last} UTC" if totals.first is not None else ""
    out.print(
        f"{totals.frames:,} frames of {len(totals.vehicles):,} vehicles: {totals.reports:,} "
        f"reports, {totals.others:,} others, {totals.refused:,} refused{span}",
        soft_wrap=True,
    )
    if totals.faults:
        out.print(_faults(totals.faults))
        counts = ", ".join(f"{rule} {count:,}" for rule, count in sorted(totals.rules.items()))
        out.print(f"Refused by rule: {counts}", soft_wrap=True)
    for path in (wishes.out, wishes.errors):
        if path is not None:
            out.print(f"Wrote {escape(str(path))}", soft_wrap=True)


def _readings(rows: list[dict[str, Any]]) -> Table:
    table = Table(title=f"The first {len(rows)} reports", title_justify="left")
    table.add_column("VIN", no_wrap=True)
    table.add_column("time [UTC]", no_wrap=True)
    table.add_column("alarms")
    for name in ("SoC %", "V", "A", "km/h", "km", "cells V", "deg C"):
        table.add_column(name, justify="right")
    for row in rows:
        at = row["at"].strftime("%Y-%m-%d %H:%M:%S") if row["at"] else "no time"
        names = alarm_names(row["alarm_bits"] or 0, Edition(row["edition"]))
        table.add_row(
            escape(row["vin"].replace(HIDDEN, "…")),
            at,
            " ".join(names),
            _number(row["soc_percent"], 0),
            _number(row["voltage_v"], 1),
            _number(row["current_a"], 1),
            _number(row["speed_km_h"], 1),
            _number(row["odometer_km"], 1),
            f"{_number(row['cell_min_v'], 2)} {_number(row['cell_max_v'], 2)}",
            f"{_number(row['probe_min_c'], 0)} {_number(row['probe_max_c'], 0)}",
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _faults(faults: list[Refused]) -> Table:
    table = Table(title=f"The first {len(faults)} refused frames", title_justify="left")
    for name, side in (("frame", "right"), ("where", "left"), ("byte", "right")):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    table.add_column("rule")
    table.add_column("came")
    for one in faults:
        fault = one.fault
        came = escape(fault.came.encode("unicode_escape").decode())
        table.add_row(str(one.frame), escape(one.where), str(fault.offset), fault.rule, came)
    return table
