"""A made weather year: the climate's normals, a seed, and the persistence of real days.

Each calendar year is drawn whole and then cut, so a day's weather depends on the seed and its
date alone, not on when a run starts or ends. Clear sky times a clear-sky index: its daily value is
beta-distributed and autocorrelated (cf. Aguiar et al. 1988, doi:10.1016/0038-092X(88)90049-7),
within the day it wanders; months are scaled to the normals. Temperature swings between each day's
extremes, with wider swings on clear days, about a seasonal course that keeps the monthly means.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pvlib
from scipy.special import betaincinv, ndtr

from zerocity.energy.climate import ClimateNormals, FloatArray, WeatherYear
from zerocity.energy.memory import remembering
from zerocity.energy.solar import Sun, sun
from zerocity.errors import InputError
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline

# Fitted to the Lanzhou typical year (CSWD 528890); assumed to hold elsewhere.
SWING_PER_CLEARNESS = 1.1
"""Relative growth of the daily swing per unit of clear-sky index."""
SWING_NOISE = 0.18
WARMTH_OF_CLEAR_DAYS = 0.35
"""Correlation of daily temperature anomaly and daily clear-sky index."""

# Assumed: no station series of sub-daily spread or of single years is at hand.
MONTH_SPREAD = 0.02
"""Standard deviation of a month's irradiation about its normal, cut at twice this."""
DEPARTURE_KEPT = 0.2
"""Share of a drawn month's departure from its mean temperature that stays."""
CLOUD_MEMORY_H = 1.0
CLOUD_SPREAD = 1.1
LEAST_INDEX, LEAST_SPREAD = 0.04, 0.005
"""A month is never darker, nor its days more alike, than this."""
HIGHEST_INDEX = 1.05
"""Clear-sky index that bright cloud edges may reach over a quarter hour."""

# Daily extremes in solar time, the mean course of the same typical year.
COLDEST_SOLAR_H = 6.0
WARMEST_SOLAR_H = 15.0
STRAIGHT_COOLING = 0.7
"""Weight of a straight line against a cosine arc from the warmest to the coldest hour."""


@dataclass(frozen=True, slots=True)
class _Calendar:
    """One calendar year: month index 0-11 of each day, days of each month."""

    timeline: Timeline
    month: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]


def made_weather(normals: ClimateNormals, timeline: Timeline, seed: int) -> WeatherYear:
    """Draw the weather of ``timeline``.

    Every whole month keeps its normals: irradiation within 4 %, mean temperature within about
    half a kelvin. Equal seed and date give equal weather.

    Raises InputError when a month's normal irradiation is more than a clear sky gives.
    """
    years = sorted(set(timeline.years.tolist()))
    made = [_made_year(normals, year, timeline, seed) for year in years]
    first = (timeline.start - date(years[0], 1, 1)).days * timeline.steps_per_day
    cut = slice(first, first + timeline.steps)
    names = ("temperature_c", "ghi_w_m2", "dni_w_m2", "dhi_w_m2", "pressure_hpa")
    return WeatherYear(*(np.concatenate([getattr(y, n) for y in made])[cut] for n in names))


def _made_year(normals: ClimateNormals, year: int, like: Timeline, seed: int) -> WeatherYear:
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    whole = Timeline(date(year, 1, 1), days, like.step_minutes, like.utc_offset_h)
    month = whole.months - 1
    calendar = _Calendar(whole, month, np.bincount(month, minlength=12))
    rng = stream(seed, "weather", year)
    place = (normals.latitude, normals.longitude, normals.altitude_m, normals.linke_turbidity)
    sky = sun(whole, *place)
    sunshine = _memory(rng, days, normals.clearness_memory)
    index = _day_index(normals, calendar, sky, sunshine, rng)
    ghi = _step_index(index, calendar, rng) * sky.clear_ghi_w_m2
    ghi = _keep_days(ghi, index, sky.clear_ghi_w_m2, days)
    split = pvlib.irradiance.erbs(
        ghi, sky.zenith_deg, whole.days_of_year.repeat(whole.steps_per_day)
    )
    pressure = smooth_year(normals.pressure_hpa, calendar.month, calendar.length)
    return WeatherYear(
        _temperature(normals, calendar, index, sunshine, rng),
        ghi,
        np.asarray(split["dni"]),
        np.asarray(split["dhi"]),
        np.repeat(pressure, whole.steps_per_day),
    )


def smooth_year(
    monthly: FloatArray, month: npt.NDArray[np.int64], length: npt.NDArray[np.int64]
) -> FloatArray:
    """The smoothest periodic daily course with the given monthly means, (days,).

    Least sum of squared second differences under twelve linear conditions.
    """
    calendar = (np.asarray(part, np.int64).tobytes() for part in (month, length))
    return np.asarray(_courses(*calendar) @ np.asarray(monthly, np.float64))


@lru_cache(maxsize=8)
def _courses(month_bytes: bytes, length_bytes: bytes) -> FloatArray:
    """The courses of which each has a mean of one in one month and of none in the others."""
    month, length = (np.frombuffer(b, np.int64) for b in (month_bytes, length_bytes))
    days = month.size
    bend = np.roll(np.eye(days), 1, 0) - 2.0 * np.eye(days) + np.roll(np.eye(days), -1, 0)
    mean = (month[None] == np.arange(12)[:, None]) / length[:, None]
    system = np.block([[bend.T @ bend, mean.T], [mean, np.zeros((12, 12))]])
    return np.linalg.solve(system, np.eye(days + 12)[:, days:])[:days]


def _memory(rng: np.random.Generator, size: int, memory: float) -> FloatArray:
    """Standard normal series with one-step correlation ``memory``."""
    noise = rng.standard_normal(size + 50) * np.sqrt(1.0 - memory**2)
    return remembering(noise, memory)[50:]


def _day_index(
    normals: ClimateNormals,
    calendar: _Calendar,
    sky: Sun,
    sunshine: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Daily clear-sky index whose monthly irradiation meets the normals, (days,)."""
    days, step_h = calendar.month.size, calendar.timeline.step_h
    clear = sky.clear_ghi_w_m2.reshape(days, -1).sum(axis=1) * step_h / 1000.0
    possible = np.bincount(calendar.month, clear, 12)
    mean = normals.ghi_kwh_m2 / possible
    if (mean > 0.97).any():
        m = int(np.argmax(mean))
        raise InputError(
            f"ghi_kwh_m2, month {m + 1}",
            f"{normals.ghi_kwh_m2[m]:.1f}",
            f"less than the {possible[m]:.1f} kWh/m2 of a clear sky",
        )
    mean = np.maximum(mean, LEAST_INDEX)
    spread = np.minimum(
        np.maximum(normals.clearness_sd, LEAST_SPREAD),
        0.95 * np.sqrt(mean * (0.98 - mean).clip(0.005)),
    )
    share = mean / 0.98
    weight = np.maximum(share * (1.0 - share) / (spread / 0.98) ** 2 - 1.0, 0.1)
    a, b = (share * weight)[calendar.month], ((1.0 - share) * weight)[calendar.month]
    index = 0.98 * betaincinv(a, b, ndtr(sunshine))
    luck = 1.0 + np.clip(MONTH_SPREAD * rng.standard_normal(12), -0.04, 0.04)
    wanted = np.minimum(normals.ghi_kwh_m2 * luck, 0.99 * possible)
    for _ in range(60):
        index = np.clip(index, 0.04, 1.0)
        index = index * (wanted / np.bincount(calendar.month, index * clear, 12))[calendar.month]
    return np.asarray(index)


def _step_index(index: FloatArray, calendar: _Calendar, rng: np.random.Generator) -> FloatArray:
    """Clear-sky index of each step: partly cloudy days waver most, (steps,)."""
    timeline = calendar.timeline
    wander = _memory(rng, timeline.steps, float(np.exp(-timeline.step_h / CLOUD_MEMORY_H)))
    each = np.repeat(index, timeline.steps_per_day)
    waver = CLOUD_SPREAD * each * np.clip(1.0 - each, 0.02, None)
    return np.asarray(np.clip(each + waver * wander, 0.02, HIGHEST_INDEX))


def _keep_days(ghi: FloatArray, index: FloatArray, clear: FloatArray, days: int) -> FloatArray:
    """Scale each day to its index again, no step above what bright clouds allow."""
    wanted = index * clear.reshape(days, -1).sum(axis=1)
    most = HIGHEST_INDEX * clear.reshape(days, -1)
    made = ghi.reshape(days, -1)
    # What is cut off at the top goes to the steps that have room; a few rounds suffice.
    for _ in range(8):
        drawn = made.sum(axis=1)
        scale = np.divide(wanted, drawn, out=np.zeros(days), where=drawn > 0.0)
        made = np.minimum(made * scale[:, None], most)
    return np.asarray(made.ravel())


def _temperature(
    normals: ClimateNormals,
    calendar: _Calendar,
    index: FloatArray,
    sunshine: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Arcs between each day's extremes, moved onto the monthly means, (steps,) [degC]."""
    month, length = calendar.month, calendar.length
    shared = WARMTH_OF_CLEAR_DAYS
    own = _memory(rng, month.size, normals.temperature_memory)
    drawn = shared * sunshine + np.sqrt(1.0 - shared**2) * own
    anomaly = drawn * smooth_year(normals.temperature_sd_k, month, length)
    middle = smooth_year(normals.temperature_c, month, length) + anomaly
    mean_index = (np.bincount(month, index, 12) / length)[month]
    growth = 1.0 + SWING_PER_CLEARNESS * (index - mean_index)
    growth = growth + SWING_NOISE * rng.standard_normal(month.size)
    swing = smooth_year(normals.daily_swing_k, month, length) * np.clip(growth, 0.25, None)
    course = _arcs(middle, swing, calendar.timeline, normals.longitude)
    daily = course.reshape(month.size, -1).mean(axis=1)
    kept = DEPARTURE_KEPT * np.bincount(month, anomaly, 12) / length
    wrong = np.bincount(month, daily, 12) / length - (normals.temperature_c + kept)
    return course - np.repeat(smooth_year(wrong, month, length), calendar.timeline.steps_per_day)


def _arcs(
    middle: FloatArray, swing: FloatArray, timeline: Timeline, longitude: float
) -> FloatArray:
    shift_h = timeline.utc_offset_h - longitude / 15.0
    # Two days on either side, because clocks may stand a day off the sun.
    day = 24.0 * np.arange(-2, middle.size + 2)
    middle, swing = (np.pad(x, 2, mode="edge") for x in (middle, swing))
    when = np.column_stack([day + COLDEST_SOLAR_H, day + WARMEST_SOLAR_H]).ravel() + shift_h
    value = np.column_stack([middle - swing / 2.0, middle + swing / 2.0]).ravel()
    hours = (np.arange(timeline.steps) + 0.5) * timeline.step_h
    at = np.searchsorted(when, hours) - 1
    share = (hours - when[at]) / (when[at + 1] - when[at])
    arc = (1.0 - np.cos(np.pi * share)) / 2.0
    cooling = STRAIGHT_COOLING * share + (1.0 - STRAIGHT_COOLING) * arc
    weight = np.where(at % 2 == 1, cooling, arc)
    return np.asarray(value[at] + weight * (value[at + 1] - value[at]))
