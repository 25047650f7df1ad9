"""Weather from an EnergyPlus weather file (EPW), laid onto a run's steps.

Format: EnergyPlus 24.1, Auxiliary Programs, chapter 2.9 "EnergyPlus Weather File (EPW) Data
Dictionary": eight header lines, then one row per hour of local standard time. Row hour 1 is the
hour from 0:00 to 1:00; irradiance is the sum over it, temperature and pressure hold at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from zerocity.energy.climate import FloatArray, WeatherYear
from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline

HEADER_LINES = 8
LONGEST_GAP_H = 6
_PAD_DAYS = 2


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    place: int
    missing: float
    low: float
    high: float


_COLUMNS = (
    _Column("dry bulb temperature", 6, 99.9, -90.0, 70.0),
    _Column("station pressure", 9, 999999.0, 31000.0, 120000.0),
    _Column("global horizontal irradiance", 13, 9999.0, 0.0, 2000.0),
    _Column("direct normal irradiance", 14, 9999.0, 0.0, 2000.0),
    _Column("diffuse horizontal irradiance", 15, 9999.0, 0.0, 2000.0),
)
_FIELDS_WANTED = _COLUMNS[-1].place + 1


def weather_from_epw(text: str, name: str, timeline: Timeline) -> WeatherYear:
    """Lay a typical or actual year of ``text`` onto ``timeline``.

    A run day takes the file's day of the same month and date (29 February falls back on the
    28th), so a run may start anywhere and last longer than a year. Irradiance keeps its sum in
    every hour of the file. The file's time zone may differ from the run's. Gaps of up to six hours
    are interpolated.

    Parameters
    ----------
    text : the whole file.
    name : the file's name, for messages.

    Raises InputError with file, line, what came and what was wanted.
    """
    lines = text.splitlines()
    zone_h = _time_zone_h(lines, name)
    rows = lines[HEADER_LINES:]
    while rows and not rows[-1].strip():
        rows.pop()
    values, dates = _table(rows, name)
    picked = np.concatenate([np.arange(24) + 24 * d for d in _file_days(dates, timeline)])
    shift_h = zone_h - timeline.utc_offset_h + 24.0 * _PAD_DAYS
    edges = np.asarray(shift_h + np.arange(timeline.steps + 1) * timeline.step_h, np.float64)
    temperature, pressure, *sun = (values[picked, c] for c in range(len(_COLUMNS)))
    ghi, dni, dhi = (_means(hourly, edges) for hourly in sun)
    return WeatherYear(_points(temperature, edges), ghi, dni, dhi, _points(pressure, edges) / 100.0)


def _time_zone_h(lines: list[str], name: str) -> float:
    header = lines[0].lstrip("\ufeff").split(",") if lines else [""]
    if header[0].strip().upper() != "LOCATION" or len(header) < 10:
        raise InputError(
            f"{name}, line 1", repr(",".join(header)[:60]), "a LOCATION line with ten fields"
        )
    zone = _number(header[8], f"{name}, line 1, time zone")
    if not -12.0 <= zone <= 14.0:
        raise InputError(f"{name}, line 1, time zone", header[8], "hours from -12 to 14")
    return zone


def _table(rows: list[str], name: str) -> tuple[FloatArray, list[tuple[int, int]]]:
    """Values (hours, columns) and (month, day) of each file day."""
    if len(rows) not in (8760, 8784):
        raise InputError(
            f"{name}, line {HEADER_LINES + len(rows)}",
            f"{len(rows)} hourly rows after {HEADER_LINES} header lines",
            "8760 or 8784, one whole year",
        )
    values = np.empty((len(rows), len(_COLUMNS)))
    dates: list[tuple[int, int]] = []
    for number, (where, fields) in enumerate(_split(rows, name)):
        month, day, hour = (int(_number(fields[i], where)) for i in (1, 2, 3))
        if hour != number % 24 + 1:
            raise InputError(where, f"hour {hour}", f"hour {number % 24 + 1}")
        if hour == 1:
            dates.append((month, day))
        for c, column in enumerate(_COLUMNS):
            values[number, c] = _value(fields[column.place], column, where)
    for c, column in enumerate(_COLUMNS):
        _bridge(values[:, c], column.name, name)
    return values, dates


def _split(rows: list[str], name: str) -> Iterator[tuple[str, list[str]]]:
    for number, row in enumerate(rows):
        where = f"{name}, line {HEADER_LINES + 1 + number}"
        fields = row.split(",")
        if len(fields) < _FIELDS_WANTED:
            raise InputError(where, f"{len(fields)} fields", f"at least {_FIELDS_WANTED}")
        yield where, fields


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(where, repr(text), "a number") from None


def _value(text: str, column: _Column, where: str) -> float:
    """The number, or NaN where the file's code says that it is missing."""
    value = _number(text, f"{where}, {column.name}") if text.strip() else np.nan
    if np.isnan(value) or value >= column.missing:
        return np.nan
    if not column.low <= value <= column.high:
        raise InputError(
            f"{where}, {column.name}",
            text.strip(),
            f"from {column.low:g} to {column.high:g}, or {column.missing:g} for missing",
        )
    return value


def _bridge(values: FloatArray, column: str, name: str) -> None:
    """Interpolate short gaps in place; the year is a circle."""
    missing = np.isnan(values)
    if not missing.any():
        return
    start, length = _longest_gap(missing)
    if length > LONGEST_GAP_H:
        raise InputError(
            f"{name}, line {HEADER_LINES + 1 + start}, {column}",
            f"{length} missing hours in a row",
            f"at most {LONGEST_GAP_H}",
            "Fill the gap from another source.",
        )
    hours = np.arange(values.size)
    known = ~missing
    values[missing] = np.interp(hours[missing], hours[known], values[known], period=values.size)


def _longest_gap(missing: npt.NDArray[np.bool_]) -> tuple[int, int]:
    rises = np.flatnonzero(np.diff(missing.astype(np.int8), prepend=0, append=0))
    starts, ends = rises[::2], rises[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest] - starts[longest])


def _file_days(dates: list[tuple[int, int]], timeline: Timeline) -> list[int]:
    """The file's day for each run day, with two days of margin at either end."""
    place = {date: number for number, date in enumerate(dates)}
    days = []
    for d in range(-_PAD_DAYS, timeline.days + _PAD_DAYS):
        date = timeline.start + timedelta(days=d)
        key = (date.month, date.day)
        key = (2, 28) if key == (2, 29) and key not in place else key
        if key not in place:
            raise InputError("weather file", "no row", f"rows of month {key[0]}, day {key[1]}")
        days.append(place[key])
    return days


def _points(hourly: FloatArray, edges: FloatArray) -> FloatArray:
    """Values that hold at the end of each hour, at the middle of each step."""
    middles = (edges[:-1] + edges[1:]) / 2.0
    return np.interp(middles, np.arange(1, hourly.size + 1), hourly)


def _means(hourly: FloatArray, edges: FloatArray) -> FloatArray:
    """Step means of hourly sums: smooth inside an hour, its energy kept, never below zero."""
    sums = np.concatenate([[0.0], np.cumsum(hourly)])
    course = PchipInterpolator(np.arange(sums.size), sums)
    return np.asarray(np.maximum(np.diff(course(edges)), 0.0) / np.diff(edges))
