"""What every section needs: the run opened once, its sites and its folded energy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from zerocity.reports.page import Note, Table, row
from zerocity.reports.tables import RunTables, SiteEnergy, site_energy

FloatArray = npt.NDArray[np.float64]
Column = npt.NDArray[Any]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHORT = {
    "brt": "BRT",
    "pv": "PV",
    "vpp": "VPP",
    "cny": "CNY",
    "kwh": "kWh",
    "mwh": "MWh",
    "kw": "kW",
    "mw": "MW",
}
SITE_TABLE = (
    "site", "name", "kind", "district", "longitude", "latitude", "grid_limit_kw", "pv_kwp",
    "storage_kwh", "plugs", "swap_slots",
)  # fmt: skip


@dataclass(frozen=True)
class Results:
    """A run opened for reporting; the large tables are folded when first asked for."""

    run: RunTables

    @property
    def summary(self) -> dict[str, Any]:
        """The run's own summary."""
        return self.run.summary

    def part(self, name: str) -> dict[str, Any]:
        """One part of the summary; empty when it is absent or of another shape."""
        found = self.summary.get(name)
        return found if isinstance(found, dict) else {}

    @cached_property
    def sites(self) -> dict[str, Column] | None:
        """The table of sites in order of their number."""
        found = self.run.columns("sites", SITE_TABLE)
        if found is None or "site" not in found or "name" not in found:
            return None
        order = np.argsort(found["site"], kind="stable")
        return {name: values[order] for name, values in found.items()}

    @cached_property
    def energy(self) -> SiteEnergy | None:
        """``site_steps`` folded, None when it is empty."""
        sites = self.sites
        if sites is None:
            return None
        limits = np.full(int(sites["site"].max()) + 1, np.inf)
        if "grid_limit_kw" in sites:
            limits[sites["site"]] = sites["grid_limit_kw"]
        return site_energy(self.run, limits)

    @cached_property
    def month_keys(self) -> list[tuple[int, int]]:
        """(year, month) of each run day."""
        return [(day.year, day.month) for day in self.run.local_days()]

    @cached_property
    def months(self) -> list[str]:
        """Names of the run's months in order of time, with the year where it is not one year."""
        keys = list(dict.fromkeys(self.month_keys))
        several = len({year for year, _ in keys}) > 1
        return [f"{MONTHS[m - 1]} {y}" if several else MONTHS[m - 1] for y, m in keys]

    @cached_property
    def month_of_day(self) -> npt.NDArray[np.int64]:
        """Index into ``months`` of each run day, shape (days,)."""
        order = {key: i for i, key in enumerate(dict.fromkeys(self.month_keys))}
        return np.array([order[key] for key in self.month_keys])

    def by_month(self, daily: FloatArray) -> FloatArray:
        """Sum a daily series by month, shape (months,)."""
        return np.bincount(self.month_of_day, daily, minlength=len(self.months)).astype(float)

    def by_month_and_hour(self, steps: FloatArray, step_h: float) -> FloatArray:
        """Mean power [kW] by month and local hour, shape (months, 24), from energy by step."""
        hours = steps.reshape(self.run.days, 24, -1).sum(axis=2)
        table = np.zeros((len(self.months), 24))
        np.add.at(table, self.month_of_day, hours)
        return table / np.bincount(self.month_of_day)[:, None]


def as_float(value: Any) -> float | None:
    """A finite number, or None for anything else; a whole number stays one, as a count should."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def pairs(found: dict[str, Any]) -> list[tuple[str, float]]:
    """The entries of a part of the summary that are numbers, in stored order."""
    kept = [(str(name), as_float(value)) for name, value in found.items()]
    return [(name, value) for name, value in kept if value is not None]


def words(name: str) -> str:
    """A stored name as words."""
    return " ".join(SHORT.get(part, part) for part in name.split("_"))


def counted(number: int, thing: str) -> str:
    """A number of things, in the singular where it is one."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def nothing(what: str, why: str) -> tuple[Note, ...]:
    """The sentence that stands where a section is empty."""
    return (Note(f"{what}: {why}", empty=True),)


def hour_table(title: str, months: Sequence[str], values: FloatArray) -> Table:
    """A heat map's numbers, months across and hours down."""
    rows = tuple(row(f"{hour:02d}:00", *(float(v) for v in values[:, hour])) for hour in range(24))
    return Table(title, ("hour", *months), rows, folded=True)
