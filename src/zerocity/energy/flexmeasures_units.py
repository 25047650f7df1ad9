"""Quantities with units and time series, as FlexMeasures writes them in its JSON.

A value is a number, a text like "3.1 kWh", "90%" or "0.29 EUR/kWh", a list of values with times, or
a reference to a sensor of its database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from zerocity.errors import InputError
from zerocity.measures.arrays import F64
from zerocity.measures.wording import quote

Kind = Literal["energy", "power", "price", "peak price", "share"]

ENERGY_KWH = {"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3, "GWh": 1e6}
POWER_KW = {"W": 1e-3, "kW": 1.0, "MW": 1e3, "GW": 1e6}
# A connection is often given in apparent power; at a power factor of 1 the number is the same.
POWER_KW |= {unit.replace("W", "VA"): factor for unit, factor in POWER_KW.items()}
POWER_KW |= {f"{unit}/h": factor for unit, factor in ENERGY_KWH.items()}
LARGEST = 1e15
SHARE = {"": 1.0, "%": 0.01, "dimensionless": 1.0}
WANTED = {
    "energy": 'an energy like "3.1 kWh"',
    "power": 'a power like "50 kW"',
    "price": 'a price like "0.29 EUR/kWh"',
    "peak price": 'a price like "260 EUR/MW"',
    "share": 'a share like "90%" or 0.9',
}
_QUANTITY = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*)?$")
_DURATION = re.compile(
    r"^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$"
)


@dataclass(slots=True)
class Reading:
    """The steps of a plan, the sensors whose values came along, and what was found on the way."""

    start: datetime
    step: timedelta
    steps: int
    sensors: Mapping[str, Any]
    errors: list[InputError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    currencies: set[str] = field(default_factory=set)
    plain_unit: str = ""

    def error(self, where: str, came: str, wanted: str, way_out: str = "") -> None:
        """Note a mistake."""
        self.errors.append(InputError(where, came, wanted, way_out))

    def number(self, where: str, raw: object, kind: Kind) -> float:
        """Return one quantity in kWh, kW, per kWh, per kW or as a share; NaN when unusable."""
        if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) < LARGEST:
            if kind == "share":
                return float(raw)
            unit = self.plain_unit if kind == "energy" else ""
            factor = ENERGY_KWH.get(unit)
            if factor is not None:
                return float(raw) * factor
            self.error(where, quote(raw), WANTED[kind], "Write the unit behind the number.")
            return float("nan")
        found = _QUANTITY.match(raw) if isinstance(raw, str) else None
        factor = self._factor((found[2] or "").strip(), kind) if found else None
        if found is None or factor is None:
            self.error(where, quote(raw), WANTED[kind])
            return float("nan")
        if not abs(float(found[1])) < LARGEST:
            self.error(where, quote(raw), "a sensible size")
            return float("nan")
        return float(found[1]) * factor

    def _factor(self, unit: str, kind: Kind) -> float | None:
        if kind in ("energy", "power", "share"):
            table = {"energy": ENERGY_KWH, "power": POWER_KW, "share": SHARE}[kind]
            return table.get(unit)
        currency, slash, per = unit.partition("/")
        divisor = (ENERGY_KWH if kind == "price" else POWER_KW).get(per.strip())
        if not slash or divisor is None or not currency.strip():
            return None
        self.currencies.add(currency.strip())
        return 1.0 / divisor

    def series(self, where: str, raw: object, kind: Kind) -> F64:
        """Return the value that holds in each step, NaN where none does, (steps,)."""
        values = np.full(self.steps, np.nan)
        if isinstance(raw, Mapping) and "sensor" in raw:
            return self._sensor(where, raw["sensor"], kind)
        if not isinstance(raw, list | Mapping):
            values[:] = self.number(where, raw, kind)
            return values
        for first, last, value in self._parts(where, raw, kind):
            begin = max(int(np.ceil((first - self.start) / self.step - 1e-9)), 0)
            end = max(int(np.ceil((last - self.start) / self.step - 1e-9)), begin + (first == last))
            values[begin:end] = value
        return values

    def ends(self, where: str, raw: object) -> tuple[F64, int]:
        """Return the energy given for the end of each step, NaN where none is, and how many of
        the given times lie outside the plan."""
        values, outside = np.full(self.steps, np.nan), 0
        if not isinstance(raw, list | Mapping) or (isinstance(raw, Mapping) and "sensor" in raw):
            return self.series(where, raw, "energy"), 0
        for first, last, value in self._parts(where, raw, "energy"):
            begin = int(np.ceil((first - self.start) / self.step - 1e-9)) - 1
            end = int(np.floor((last - self.start) / self.step + 1e-9)) - 1
            if begin == end and not 0 <= begin < self.steps:
                outside += 1
            values[max(begin, 0) : max(end + 1, 0)] = value
        return values, outside

    def _parts(
        self, where: str, raw: list[Any] | Mapping[str, Any], kind: Kind
    ) -> list[tuple[datetime, datetime, float]]:
        found = []
        for at, part in enumerate(raw if isinstance(raw, list) else [raw]):
            place = f"{where}[{at}]" if isinstance(raw, list) else where
            if not isinstance(part, Mapping) or "value" not in part:
                self.error(place, quote(part), 'a table with "value" and times')
                continue
            span = self._span(place, part)
            value = self.number(f"{place}.value", part["value"], kind)
            if span is not None:
                found.append((*span, value))
        return found

    def _span(self, where: str, part: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
        known = {"value", "datetime", "start", "end", "duration"}
        for key in part:
            if key not in known:
                self.error(f"{where}.{key}", "an unknown field", f"one of {sorted(known)}")
        if "datetime" in part:
            moment = self._time(f"{where}.datetime", part["datetime"])
            return None if moment is None else (moment, moment)
        if "start" not in part or ("end" not in part and "duration" not in part):
            self.error(where, quote(dict(part)), '"datetime", or "start" with "end" or "duration"')
            return None
        start = self._time(f"{where}.start", part["start"])
        if start is None:
            return None
        if "end" in part:
            end = self._time(f"{where}.end", part["end"])
            return None if end is None else (start, end)
        length = duration(part["duration"])
        if length is None:
            self.error(f"{where}.duration", quote(part["duration"]), 'a duration like "PT1H"')
            return None
        # The calendar ends with the year 9999.
        return start, start + min(length, datetime.max.replace(tzinfo=start.tzinfo) - start)

    def _time(self, where: str, raw: object) -> datetime | None:
        found = moment(raw)
        if found is None:
            self.error(where, quote(raw), 'a time with zone like "2026-01-01T00:00:00+08:00"')
        return found

    def _sensor(self, where: str, number: object, kind: Kind) -> F64:
        """Values that came along under "sensors"; a database is out of reach."""
        given = self.sensors.get(str(number))
        if not isinstance(given, list):
            way_out = f'Give its values: "sensors": {{"{number}": ["0.3 EUR/kWh", ...]}}.'
            self.error(where, f"a reference to sensor {number}", "values", way_out)
        elif len(given) != self.steps:
            name = f"sensors.{number}"
            self.error(name, f"{len(given)} values", f"{self.steps} values, one a step")
        else:
            return np.array([self.number(f"sensors.{number}", one, kind) for one in given])
        return np.full(self.steps, np.nan)


def moment(raw: object) -> datetime | None:
    """A time with a zone from ISO 8601 text, or None."""
    try:
        found = datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def duration(raw: object) -> timedelta | None:
    """A length of time above 0 from ISO 8601 text like "PT15M" or "P1D", or None."""
    found = _DURATION.match(raw) if isinstance(raw, str) else None
    if found is None:
        return None
    weeks, days, hours, minutes, seconds = (float(part or 0.0) for part in found.groups())
    try:
        length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return None
    return length if length > timedelta(0) else None
