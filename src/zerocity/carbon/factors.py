"""Grid emission factors: one row a region and year, each with its source."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property

from zerocity.errors import InputError, InputErrors

COLUMNS = ("year", "area", "kgCO2_per_kWh", "certainty", "source")
# A lignite plant emits about 1.2 kg/kWh; a factor above 3 is a slip of unit (t/MWh, g/kWh).
MAX_KGCO2_PER_KWH = 3.0


@dataclass(frozen=True, slots=True)
class Factor:
    """Carbon of one kWh taken from a region's grid in a year [kgCO2/kWh], and who says so."""

    year: int
    region: str
    kgco2_per_kwh: float
    certainty: str
    source: str


@dataclass(frozen=True, slots=True)
class Found:
    """The factor that answers a question, and the year that was asked for."""

    factor: Factor
    asked_year: int

    @property
    def kgco2_per_kwh(self) -> float:
        """The value [kgCO2/kWh]."""
        return self.factor.kgco2_per_kwh

    @property
    def older(self) -> bool:
        """True when the latest known year lies before the year asked for: report it."""
        return self.factor.year < self.asked_year

    @property
    def note(self) -> str:
        """A sentence for reports; empty when the year fits."""
        if not self.older:
            return ""
        row = self.factor
        return f"factor of {row.region} {row.year} stands in for {self.asked_year}"


@dataclass(frozen=True)
class Factors:
    """All rows of a city's factor table."""

    rows: tuple[Factor, ...]

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Region names, sorted."""
        return tuple(sorted({row.region for row in self.rows}))

    def lookup(self, region: str, year: int) -> Found:
        """The row of the latest year <= ``year``; ``Found.older`` tells when it is older.

        Raises InputError for an unknown region, or when every row lies after ``year``: a later
        factor never stands in for an earlier year, since grids only get cleaner.
        """
        rows = [row for row in self.rows if row.region == region]
        if not rows:
            raise InputError("grid region", repr(region), "one of " + ", ".join(self.regions))
        past = [row for row in rows if row.year <= year]
        if not past:
            first = min(row.year for row in rows)
            raise InputError(
                f"grid factor of {region}",
                str(year),
                f"a year from {first} on",
                "Add a row for an earlier year to the factor table",
            )
        return Found(max(past, key=lambda row: row.year), year)


def parse_factors(text: str, name: str) -> Factors:
    """Read the CSV ``text`` with the columns of ``COLUMNS`` (any order, more are ignored).

    ``name`` is the file's name for messages. Raises InputErrors that lists every bad line, or
    InputError when the header lacks a column.
    """
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise InputError(name, f"no column {', '.join(missing)}", "columns " + ", ".join(COLUMNS))
    rows: dict[tuple[str, int], Factor] = {}
    errors: list[InputError] = []
    for record in reader:
        where = f"{name} line {reader.line_num}"
        try:
            row = _row(record, where)
            if (row.region, row.year) in rows:
                raise InputError(
                    where, f"{row.region} {row.year} again", "one row a region and year"
                )
            rows[row.region, row.year] = row
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputErrors(errors)
    if not rows:
        raise InputError(name, "no rows", "at least one row")
    return Factors(tuple(rows.values()))


def _row(record: dict[str, str | None], where: str) -> Factor:
    cells = {column: (record.get(column) or "").strip() for column in COLUMNS}
    empty = [column for column in COLUMNS if not cells[column]]
    if empty:
        raise InputError(where, f"nothing in {', '.join(empty)}", "a value in every column")
    value = _number(cells["kgCO2_per_kWh"], f"{where} kgCO2_per_kWh")
    if not 0.0 <= value <= MAX_KGCO2_PER_KWH:
        raise InputError(
            f"{where} kgCO2_per_kWh",
            cells["kgCO2_per_kWh"],
            f"0 to {MAX_KGCO2_PER_KWH} kg/kWh",
            "Divide g/kWh by 1000",
        )
    year = _number(cells["year"], f"{where} year")
    if not (year.is_integer() and 1990 <= year <= 2100):
        raise InputError(f"{where} year", cells["year"], "a year from 1990 to 2100")
    return Factor(int(year), cells["area"], value, cells["certainty"], cells["source"])


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(where, repr(text), "a number") from None
