"""What the portfolio would have taken without the event, and how wrong that guess is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.vpp.program import Program

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Baseline:
    """The baseline of one day: ``power_kw`` (steps,), the mean before adjustment, the factor."""

    power_kw: FloatArray
    unadjusted_kw: FloatArray
    factor: float
    days_used: int


@dataclass(frozen=True)
class BaselineScore:
    """Error of the baseline in the event window of days without event, metered = truth.

    ``bias_kw`` > 0 means that the baseline is too high: relief is credited that nobody gave.
    ``false_relief_kw`` is the mean of max(0, baseline - metered) on those days: what settlement
    would have paid for doing nothing. All nan when ``days`` is 0.
    """

    days: int
    bias_kw: float
    rmse_kw: float
    false_relief_kw: float
    mean_metered_kw: float


def baseline_10_of_10(history_kw: FloatArray, eligible: BoolArray, count: int = 10) -> FloatArray:
    """Mean of the last ``count`` eligible days, step by step [kW], shape (steps,).

    The high-X-of-Y family with X = Y = 10; see Coughlin et al. 2008, Estimating Demand Response
    Load Impacts, LBNL-63728. With fewer eligible days, all of them are used.

    Parameters
    ----------
    history_kw : metered power of past days in order of time [kW], shape (days, steps).
    eligible : days of the same type without an event, shape (days,).
    """
    chosen = np.flatnonzero(eligible)[-count:]
    if len(chosen) == 0:
        raise InputError(
            "vpp.baseline", "no eligible day", "at least one normal day of the same type", ""
        )
    return np.asarray(history_kw[chosen].mean(axis=0), dtype=np.float64)


def same_day_factor(
    baseline_kw: FloatArray, today_kw: FloatArray, adjust: BoolArray, cap: float
) -> float:
    """Factor that fits the baseline to the hours before the event, within 1 - cap ... 1 + cap.

    1 where there is nothing to fit: no adjustment step, or a baseline of no net import there, for
    which a factor has no meaning.
    """
    expected = float(baseline_kw[adjust].sum())
    if expected <= 0.0:
        return 1.0
    return float(np.clip(today_kw[adjust].sum() / expected, 1.0 - cap, 1.0 + cap))


def day_baseline(
    program: Program,
    metered_kw: FloatArray,
    day: int,
    *,
    events: BoolArray,
    workdays: BoolArray,
) -> Baseline:
    """The baseline of run day ``day``, from earlier days and the same day before the event.

    Parameters
    ----------
    metered_kw : net import of the portfolio [kW], shape (days, steps); nothing later than the
        adjustment hours of ``day`` is read.
    events, workdays : shape (days,).
    """
    eligible = ~events[:day] & (workdays[:day] == workdays[day])
    raw = baseline_10_of_10(metered_kw[:day], eligible, program.baseline_days)
    adjust = program.adjustment_mask(metered_kw.shape[1])
    factor = same_day_factor(raw, metered_kw[day], adjust, program.adjustment_cap)
    used = min(int(eligible.sum()), program.baseline_days)
    return Baseline(raw * factor, raw, factor, used)


def scored_days(
    program: Program, days: int, *, events: BoolArray, workdays: BoolArray
) -> list[int]:
    """Days without event, lawful by type, that have a full history of their type before them."""
    found = []
    for day in range(days):
        same_type = ~events[:day] & (workdays[:day] == workdays[day])
        lawful = workdays[day] or not program.workdays_only
        if lawful and not events[day] and same_type.sum() >= program.baseline_days:
            found.append(day)
    return found


def score_guesses(
    program: Program, metered_kw: FloatArray, guesses_kw: Mapping[int, FloatArray]
) -> BaselineScore:
    """Score any baseline: ``guesses_kw`` of days without event, by day, against the meter.

    Parameters
    ----------
    metered_kw : (days, steps) [kW]. guesses_kw : (steps,) for each scored day.
    """
    window = program.window_mask(metered_kw.shape[1])
    if not guesses_kw or not window.any():
        return BaselineScore(0, np.nan, np.nan, np.nan, np.nan)
    errors = [guess[window] - metered_kw[day, window] for day, guess in guesses_kw.items()]
    error = np.concatenate(errors)
    return BaselineScore(
        days=len(errors),
        bias_kw=float(error.mean()),
        rmse_kw=float(np.sqrt((error**2).mean())),
        false_relief_kw=float(np.maximum(error, 0.0).mean()),
        mean_metered_kw=float(metered_kw[list(guesses_kw)][:, window].mean()),
    )


def score_baseline(
    program: Program, metered_kw: FloatArray, *, events: BoolArray, workdays: BoolArray
) -> BaselineScore:
    """Score the 10-of-10 baseline on each day without event that has a full history of its type.

    Only days on which an event would be lawful by type (workday or any) are scored.
    """
    days = scored_days(program, metered_kw.shape[0], events=events, workdays=workdays)
    guesses = {
        day: day_baseline(program, metered_kw, day, events=events, workdays=workdays).power_kw
        for day in days
    }
    return score_guesses(program, metered_kw, guesses)
