"""Day-ahead forecasts that are wrong the way real ones are, and how wrong they were.

The twin knows what the weather and the load will be; a plan may not. So plans see the truth times
an autocorrelated error that grows over the day. Flexible charging needs no such pretence: it is
forecast from the days before, separately for workdays and days of rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.energy.memory import remembering
from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """Relative error of a day-ahead forecast.

    ``spread``: standard deviation at the end of the day, as a share of the value; it starts the
    day at ``first_share`` of that and grows evenly. ``memory_h``: time in which the error's
    correlation falls to 1/e [h]. ``common``: share of the variance that all sites have together
    (one sky, one day), 0-1.
    """

    spread: float
    memory_h: float
    common: float
    first_share: float = 0.6

    def __post_init__(self) -> None:
        for name, low, high in (
            ("spread", 0.0, 1.0),
            ("memory_h", 1e-6, 1e6),
            ("common", 0.0, 1.0),
            ("first_share", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(name, str(value), f"from {low:g} to {high:g}")


# Assumed: no forecast archive for the region is at hand. Of the order usually reported for
# day-ahead irradiance and feeder load.
SUN_ERROR = ErrorModel(spread=0.25, memory_h=4.0, common=0.8)
LOAD_ERROR = ErrorModel(spread=0.08, memory_h=3.0, common=0.3)


def forecast_pv(
    actual_kw: FloatArray,
    rng: np.random.Generator,
    step_h: float,
    clear_kw: FloatArray | None = None,
    error: ErrorModel = SUN_ERROR,
) -> FloatArray:
    """Photovoltaic power as forecast the day before, (S, T) [kW].

    The error multiplies the clear-sky index, so night stays dark.

    Parameters
    ----------
    actual_kw : what the panels will give, (S, T) [kW].
    clear_kw : what they would give under a clear sky, (S, T) [kW]; no forecast exceeds it or, where
        clouds brighten the sky, the truth. None: no such bound.
    """
    forecast = actual_kw * _factors(actual_kw.shape, rng, step_h, error)
    if clear_kw is not None:
        forecast = np.minimum(forecast, np.maximum(clear_kw, actual_kw))
    return np.asarray(forecast)


def forecast_load(
    actual_kw: FloatArray,
    rng: np.random.Generator,
    step_h: float,
    error: ErrorModel = LOAD_ERROR,
) -> FloatArray:
    """The sites' own load as forecast the day before, (S, T) [kW]."""
    return np.asarray(actual_kw * _factors(actual_kw.shape, rng, step_h, error))


def _factors(
    shape: tuple[int, ...], rng: np.random.Generator, step_h: float, error: ErrorModel
) -> FloatArray:
    """Factors about 1, never below 0, (S, T); cut at 2 so that their mean stays 1."""
    sites, steps = shape
    memory = float(np.exp(-step_h / error.memory_h))
    together = _memory(rng, 1, steps, memory)
    alone = _memory(rng, sites, steps, memory)
    mixed = np.sqrt(error.common) * together + np.sqrt(1.0 - error.common) * alone
    growth = error.first_share + (1.0 - error.first_share) * np.arange(1, steps + 1) / steps
    return np.asarray(np.clip(1.0 + error.spread * growth * mixed, 0.0, 2.0))


def _memory(rng: np.random.Generator, sites: int, steps: int, memory: float) -> FloatArray:
    """Standard normal series of one-step correlation ``memory``, from their first step on."""
    noise = rng.standard_normal((sites, steps))
    noise[:, 1:] *= np.sqrt(1.0 - memory**2)
    return remembering(noise, memory)


@dataclass(frozen=True, slots=True)
class FlexMemory:
    """What flexible charging looked like on past workdays (row 1) and days of rest (row 0).

    ``min_kwh``, ``max_kwh``: cumulative bounds at the end of each step, (2, S, T) [kWh].
    ``seen``: days remembered, (2,).
    """

    min_kwh: FloatArray
    max_kwh: FloatArray
    seen: npt.NDArray[np.int64]


def new_flex_memory(sites: int, steps: int) -> FlexMemory:
    """A memory that has seen nothing."""
    empty = np.zeros((2, sites, steps))
    return FlexMemory(empty, empty.copy(), np.zeros(2, np.int64))


def update_flex_memory(
    memory: FlexMemory,
    min_kwh: FloatArray,
    max_kwh: FloatArray,
    *,
    workday: bool,
    weight: float = 0.3,
) -> FlexMemory:
    """Return the memory after a day: an exponentially weighted mean over days of the same type.

    Parameters
    ----------
    min_kwh, max_kwh : the day's cumulative bounds, (S, T) [kWh].
    weight : of the newest day, above 0, at most 1; the first day of a type counts fully.
    """
    if not 0.0 < weight <= 1.0:
        raise InputError("weight", str(weight), "above 0, at most 1")
    for name, values in (("min_kwh", min_kwh), ("max_kwh", max_kwh)):
        if values.shape != memory.min_kwh.shape[1:] or not np.isfinite(values).all():
            wanted = f"finite numbers of shape {memory.min_kwh.shape[1:]}"
            raise InputError(name, f"shape {values.shape} or a gap", wanted)
    row = int(workday)
    new = weight if memory.seen[row] else 1.0
    low, high, seen = memory.min_kwh.copy(), memory.max_kwh.copy(), memory.seen.copy()
    low[row] += new * (min_kwh - low[row])
    high[row] += new * (max_kwh - high[row])
    seen[row] += 1
    return FlexMemory(low, high, seen)


def forecast_flex(memory: FlexMemory, *, workday: bool) -> tuple[FloatArray, FloatArray]:
    """Cumulative bounds (min, max) expected for a day of this type, each (S, T) [kWh].

    A type never seen borrows from the other; a memory that has seen nothing expects nothing. Both
    never fall and min <= max, so they suit a plan.
    """
    row = int(workday)
    if not memory.seen[row]:
        row = 1 - row
    # Rounding of the weighted mean could make neighbours fall by a last digit.
    low = np.maximum.accumulate(np.maximum(memory.min_kwh[row], 0.0), axis=1)
    high = np.maximum.accumulate(np.maximum(memory.max_kwh[row], low), axis=1)
    return low, high


@dataclass(frozen=True, slots=True)
class Score:
    """How good a forecast was: mean absolute error and bias [unit of the series], the error of
    saying "like yesterday", and ``skill`` = 1 - error / that error (1 perfect, 0 no better)."""

    mae: float
    bias: float
    persistence_mae: float
    skill: float


def score(forecast: FloatArray, actual: FloatArray, yesterday: FloatArray) -> Score:
    """Compare ``forecast`` and persistence with ``actual``, arrays of one shape.

    ``skill`` is 0 where persistence made no error either.
    """
    if not forecast.shape == actual.shape == yesterday.shape:
        came = f"shapes {forecast.shape}, {actual.shape} and {yesterday.shape}"
        raise InputError("forecast, actual, yesterday", came, "one shape")
    error = forecast - actual
    mae = float(np.abs(error).mean())
    naive = float(np.abs(yesterday - actual).mean())
    return Score(mae, float(error.mean()), naive, 1.0 - mae / naive if naive > 0.0 else 0.0)
