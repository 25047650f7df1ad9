"""One week for each month in the place of a whole year, so that a plan takes seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zerocity.errors import InputError
from zerocity.parks.park_case import FloatArray, ParkYear

WEEK_DAYS = 7


def typical_weeks(year: ParkYear) -> ParkYear:
    """A year of one real week a month, each weighted to its month.

    Of a month's whole weeks the one is kept whose daily use, sun and green line lie nearest to the
    month's means; then use, sun and line are scaled, so that each month keeps its energy. What is
    lost is the rare day: a peak or a lull outside the kept weeks, so demand charges come out a
    little low and a store's worth over calm spells too.

    Raises InputError when the year does not hold seven whole days of each of its months.
    """
    per_day = round(24.0 / year.step_h)
    days = year.steps // per_day
    month = year.month[::per_day][:days]
    if abs(per_day * year.step_h - 24.0) > 1e-9 or days * per_day != year.steps:
        raise InputError("park year", f"{year.steps} steps of {year.step_h:g} h", "whole days")
    parts, weights = [], []
    for number in np.unique(month):
        its = np.flatnonzero(month == number)
        if its.size < WEEK_DAYS:
            came = f"{its.size} days of month {number}"
            raise InputError(
                "park year", came, "at least a week of each month", "Plan a whole year."
            )
        first = _nearest_week(year, its, per_day)
        parts.append(np.arange(first * per_day, (first + WEEK_DAYS) * per_day))
        weights.append(np.full(parts[-1].size, its.size / WEEK_DAYS))
    at, weight = np.concatenate(parts), np.concatenate(weights)
    picked = {name: getattr(year, name)[at] for name in _SERIES}
    for name in _SCALED:
        picked[name] = _scaled(year, name, at, weight)
    return replace(year, block_steps=WEEK_DAYS * per_day, weight=weight, **picked)


_SERIES = (
    "month", "use_kw", "sun_kw_per_kwp", "direct_share", "buy_cny_per_kwh", "sell_cny_per_kwh",
    "grid_kgco2_per_kwh",
)  # fmt: skip
_SCALED = ("use_kw", "sun_kw_per_kwp", "direct_share")


def _nearest_week(year: ParkYear, days: np.ndarray, per_day: int) -> int:
    """First day of the month's most usual week."""
    distance = np.zeros(days.size - WEEK_DAYS + 1)
    for name in _SCALED:
        daily = getattr(year, name).reshape(-1, per_day).mean(axis=1)[days]
        weekly = np.convolve(daily, np.full(WEEK_DAYS, 1.0 / WEEK_DAYS), "valid")
        mean = float(daily.mean())
        distance += ((weekly - mean) / max(mean, 1e-9)) ** 2 if mean > 0.0 else 0.0
    return int(days[int(np.argmin(distance))])


def _scaled(year: ParkYear, name: str, at: np.ndarray, weight: FloatArray) -> FloatArray:
    """A series of the kept weeks that keeps each month's sum."""
    whole, kept = getattr(year, name), getattr(year, name)[at].copy()
    for number in np.unique(year.month):
        mine = year.month[at] == number
        had = float(whole[year.month == number].sum())
        has = float(weight[mine] @ kept[mine])
        if has > 0.0:
            kept[mine] *= had / has
    return np.asarray(np.minimum(kept, 1.0) if name == "direct_share" else kept)
