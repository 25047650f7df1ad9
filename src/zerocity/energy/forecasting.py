"""Probabilistic forecasts of load, sun, arrivals and prices, with bands calibrated on history.

A forecast is the usual day of its kind, moved by what the last hours departed from it and by a
forecast from outside where there is one; how much each counts is fitted for every lead time. Its
bands are the errors it made on later days, sorted by lead, hour and level (see `bands`). Nothing
at or after the issue step enters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.energy.bands import LEVELS, Bands, FloatArray, IntArray, OffsetTable, calibrate
from zerocity.energy.history import Past
from zerocity.energy.memory import remembering
from zerocity.errors import InputError

NIGHT_SHARE = 0.03
"""Below this share of a row's highest scale a value says nothing about its ratio to it."""
FAST_HOURS, SLOW_HOURS = 1.0, 12.0
"""Memories of the two departures that a forecast may lean on: the cloud overhead and the day."""
LEAD_EDGES_H = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
HOUR_GROUPS, LEVEL_GROUPS = 8, 3
BLOCK_HOURS = 12.0
"""Errors this far apart are taken to be exchangeable; those of one morning are not. Chosen because
whole days made the bands of the test series two points too wide, single errors two too narrow."""
RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Kind:
    """What a series may be.

    ``memory_days`` : of the usual day, exponentially weighted. ``by_daytype`` : whether workdays
    and days of rest differ. ``power`` : the spread of errors grows with the forecast to this power
    (1 load, 0.5 counts, 0 sun and prices). ``least``, ``most`` : bounds of value over scale.
    """

    memory_days: float
    by_daytype: bool
    power: float
    least: float = 0.0
    most: float = np.inf


LOAD = Kind(memory_days=5.0, by_daytype=True, power=1.0)
SUN = Kind(memory_days=10.0, by_daytype=False, power=0.0, most=1.3)
ARRIVALS = Kind(memory_days=12.0, by_daytype=True, power=0.5)
PRICE = Kind(memory_days=5.0, by_daytype=True, power=0.0, least=-np.inf)


@dataclass(frozen=True, slots=True)
class Usual:
    """What is known at each step, made by `study`: ratios of value to scale.

    ``ratio`` (S, N) NaN where unknown; ``weight`` (S, N) how much each says; ``days`` (D, 2, S, T)
    the usual day of rest and workday as known at each midnight; ``fast``, ``slow`` (S, N) departure
    from it over the last hours as known when each step begins.
    """

    past: Past
    kind: Kind
    ratio: FloatArray
    weight: FloatArray
    days: FloatArray
    fast: FloatArray
    slow: FloatArray


def study(past: Past, kind: Kind) -> Usual:
    """Work out the usual days and the departures from them, once for all issue steps."""
    top = past.scale.max(axis=1, keepdims=True)
    lit = (past.scale > NIGHT_SHARE * top) & np.isfinite(past.values)
    ratio = np.divide(past.values, past.scale, out=np.full(past.values.shape, np.nan), where=lit)
    weight = np.where(lit, past.scale / np.maximum(top, 1e-300), 0.0)
    usual = _usual_days(ratio, past, kind)
    own = np.stack([usual[d, int(w)] for d, w in enumerate(past.workday)], axis=1)
    gap = ratio - own.reshape(ratio.shape)
    fast, slow = (_departure(gap, weight, past.steps_per_day, h) for h in (FAST_HOURS, SLOW_HOURS))
    return Usual(past, kind, ratio, weight, usual, fast, slow)


def _usual_days(ratio: FloatArray, past: Past, kind: Kind) -> FloatArray:
    """Weighted mean of earlier days of each type; a type never seen borrows from the other."""
    keep = float(np.exp(-1.0 / kind.memory_days))
    by_day = ratio.reshape(past.rows, past.days, -1)
    total = np.zeros((2, past.rows, past.steps_per_day))
    count = np.zeros_like(total)
    result = np.full((past.days, *total.shape), np.nan)
    for day, workday in enumerate(past.workday):
        mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 1e-12)
        result[day] = np.where(np.isnan(mean), mean[::-1], mean)
        today = by_day[:, day]
        rows = slice(int(workday), int(workday) + 1) if kind.by_daytype else slice(0, 2)
        total[rows] = keep * total[rows] + np.nan_to_num(today)
        count[rows] = keep * count[rows] + np.isfinite(today)
    return result


def _departure(gap: FloatArray, weight: FloatArray, per_day: int, hours: float) -> FloatArray:
    """Weighted mean of the gaps before each step, fading over ``hours``; 0 where none is known."""
    keep = float(np.exp(-24.0 / per_day / hours))
    weight = np.where(np.isfinite(gap), weight, 0.0)
    seen = np.stack([np.nan_to_num(gap) * weight, weight])
    sums = remembering(seen, keep)
    before = np.concatenate([np.zeros((*sums.shape[:-1], 1)), sums[..., :-1]], axis=-1)
    known = before[1] > 1e-12
    return np.asarray(np.divide(before[0], before[1], out=np.zeros_like(before[0]), where=known))


@dataclass(frozen=True, slots=True)
class Ahead:
    """What an issue step knows of the H steps from it on, each (S, I, H)."""

    features: FloatArray
    usual: FloatArray
    scale: FloatArray
    target: IntArray


def look_ahead(known: Usual, issues: IntArray, horizon: int) -> Ahead:
    """Collect the features (S, I, H, F) of ``issues`` (I,) for leads 0 to ``horizon`` - 1.

    Raises InputError when an issue step leaves no room for the horizon within the days of `Past`,
    or when nothing at all is known of a row's usual day.
    """
    past = known.past
    steps = past.values.shape[1]
    outside = issues[(issues < 0) | (issues + horizon > steps)]
    if outside.size:
        wanted = f"0 to {steps - horizon}, so that the horizon of {horizon} fits"
        raise InputError("issue step", str(int(outside[0])), wanted)
    target = issues[:, None] + np.arange(horizon)
    day, issued = target // past.steps_per_day, issues[:, None] // past.steps_per_day
    types = past.workday[day].astype(np.int64)
    usual = known.days[issued, types, :, target % past.steps_per_day]
    usual = np.moveaxis(usual, -1, 0)
    given = _given(past, issues, target)
    scale = past.scale[:, target]
    usual = _bridged(usual, given, scale)
    wide = np.ones_like(usual)
    departs = [known.fast[:, issues, None] * wide, known.slow[:, issues, None] * wide]
    outside_says = np.nan_to_num(given - usual)
    features = np.stack([wide, *departs, outside_says], axis=-1)
    return Ahead(features, usual, scale, target)


def _given(past: Past, issues: IntArray, target: IntArray) -> FloatArray:
    """The newest outside forecast at each issue, as a ratio; NaN where there is none, (S, I, H)."""
    if past.given is None:
        return np.full((past.rows, *target.shape), np.nan)
    day = issues // past.steps_per_day
    place = target - day[:, None] * past.steps_per_day
    inside = place < 2 * past.steps_per_day
    found = past.given[:, day[:, None], np.where(inside, place, 0)]
    scale = past.scale[:, target]
    floor = NIGHT_SHARE * past.scale.max(axis=1)[:, None, None]
    blank = np.full(found.shape, np.nan)
    return np.asarray(np.divide(found, scale, out=blank, where=inside & (scale > floor)))


def _bridged(usual: FloatArray, given: FloatArray, scale: FloatArray) -> FloatArray:
    """Fill hours that no earlier day has shown: from outside, else from the row's mean."""
    usual = np.where(np.isnan(usual), given, usual)
    lit = scale > NIGHT_SHARE * scale.max(axis=(1, 2), keepdims=True)
    for row, values in enumerate(usual):
        gaps = np.isnan(values)
        if not gaps.any():
            continue
        if gaps[lit[row]].all() and lit[row].any():
            wanted = "a metered day before the issue step, or a forecast from outside"
            raise InputError(f"values, row {row}", "no history to forecast from", wanted)
        values[gaps] = np.nanmean(values) if not gaps.all() else 0.0
    return usual


@dataclass(frozen=True, slots=True)
class Forecaster:
    """A fitted and calibrated forecast.

    ``weights`` (H, F) of the features at each lead; ``table`` the offsets by cell; ``edges`` (2,)
    ratios that part low, middle and high forecasts; ``ranks`` (K, S, H) in which quantile the
    outcomes of past issues fell, the material of scenarios, and ``rank_steps`` (K,) the step of the
    day at which each was issued; NaN where the outcome is unknown.
    """

    kind: Kind
    steps_per_day: int
    weights: FloatArray
    table: OffsetTable
    edges: FloatArray
    ranks: FloatArray
    rank_steps: IntArray


def fit(
    known: Usual,
    now: int,
    horizon: int = 96,
    window_days: int = 90,
    issues_per_day: int = 12,
    levels: FloatArray = LEVELS,
) -> Forecaster:
    """Fit weights and calibrate bands on what came before step ``now``.

    The older half of the last ``window_days`` fits the weights, the newer half calibrates: errors
    must be made on days that the weights have not seen.

    Raises InputError when fewer than four whole days lie before ``now``.
    """
    per_day = known.past.steps_per_day
    every = _stride(per_day, issues_per_day)
    # The first day has no usual day to depart from.
    first = max(per_day, now - window_days * per_day)
    issues = np.arange(first, now - horizon + 1, every)
    if issues.size < 2 * issues_per_day:
        raise InputError("now", f"step {now}", f"at least {4 * per_day}, four days of history")
    # The newer half calibrates, so that the bands follow the season.
    half = issues.size // 2
    weights = _fit_weights(known, look_ahead(known, issues[:half], horizon))
    return _calibrated(known, issues[half:], horizon, weights, levels)


def _fit_weights(known: Usual, ahead: Ahead) -> FloatArray:
    """Ridge regression of the departure from the usual day at every lead, (H, F)."""
    gap = known.ratio[:, ahead.target] - ahead.usual
    weight = np.where(np.isfinite(gap), known.weight[:, ahead.target], 0.0)
    scaled = ahead.features * weight[..., None]
    square = np.einsum("sihf,sihg->hfg", scaled, ahead.features)
    right = np.einsum("sihf,sih->hf", scaled, np.nan_to_num(gap))
    size = np.maximum(np.trace(square, axis1=1, axis2=2), 1e-12)
    square += RIDGE * size[:, None, None] / square.shape[-1] * np.eye(square.shape[-1])
    return np.asarray(np.linalg.solve(square, right[..., None])[..., 0])


def _calibrated(
    known: Usual, issues: IntArray, horizon: int, weights: FloatArray, levels: FloatArray
) -> Forecaster:
    kind, per_day = known.kind, known.past.steps_per_day
    ahead = look_ahead(known, issues, horizon)
    ratio = _point(kind, ahead, weights)
    lit = known.weight[:, ahead.target] > 0.0
    edges = np.quantile(ratio[lit], [1.0 / 3.0, 2.0 / 3.0]) if lit.any() else np.zeros(2)
    cell, parent = _cells(ahead.target, per_day, ratio, edges)
    error = (known.ratio[:, ahead.target] - ratio) / _spread(kind, ratio)
    units = int((issues[-1] - issues[0]) / per_day * 24.0 / BLOCK_HOURS)
    table = calibrate(error[lit], cell[lit], parent, levels, units)
    bands = table.bands(ratio, _spread(kind, ratio), cell)
    ranks = _ranks(np.where(lit, known.ratio[:, ahead.target], np.nan), bands)
    return Forecaster(
        kind, per_day, weights, table, edges, np.moveaxis(ranks, 1, 0), issues % per_day
    )


def _stride(per_day: int, issues_per_day: int) -> int:
    """Steps between issues, without a common divisor with the day: every time gets its turn."""
    every = max(per_day // issues_per_day, 1)
    while math.gcd(every, per_day) > 1:
        every -= 1
    return every


def _point(kind: Kind, ahead: Ahead, weights: FloatArray) -> FloatArray:
    moved = ahead.usual + np.einsum("sihf,hf->sih", ahead.features, weights)
    return np.asarray(np.clip(moved, kind.least, kind.most))


def _spread(kind: Kind, ratio: FloatArray) -> FloatArray:
    if kind.power == 0.0:
        return np.ones_like(ratio)
    # The floor keeps a forecast of nothing from being certain.
    return np.asarray(np.maximum(ratio, 0.05) ** kind.power)


def _cells(
    target: IntArray, per_day: int, ratio: FloatArray, edges: FloatArray
) -> tuple[IntArray, IntArray]:
    """Cell of each value, (S, I, H), and the parent of each cell: the same without the hour."""
    lead_h = (target - target[:, :1] + 1) * 24.0 / per_day
    lead = np.searchsorted(LEAD_EDGES_H, lead_h)
    hour = target % per_day * HOUR_GROUPS // per_day
    level = np.searchsorted(edges, ratio, side="right")
    cell = (lead * LEVEL_GROUPS + level) * HOUR_GROUPS + hour
    groups = (len(LEAD_EDGES_H) + 1) * LEVEL_GROUPS
    return np.asarray(cell), np.repeat(np.arange(groups), HOUR_GROUPS)


def _ranks(ratio: FloatArray, bands: Bands) -> FloatArray:
    """Probability at which each outcome fell, to the nearest level's middle, NaN if unknown."""
    below = (ratio[..., None] > bands.values).sum(axis=-1)
    middles = np.concatenate([[0.0], bands.levels, [1.0]])
    rank = (middles[below] + middles[below + 1]) / 2.0
    return np.where(np.isfinite(ratio), rank, np.nan)


def forecast(model: Forecaster, known: Usual, issues: npt.ArrayLike) -> Bands:
    """Forecast the ``H`` steps from each issue step on, values (S, I, H, Q) in the series' unit.

    Uses nothing metered at or after the issue step. Lead 0 is the step that begins at the issue.
    """
    at = np.atleast_1d(np.asarray(issues, np.int64))
    ahead = look_ahead(known, at, model.weights.shape[0])
    ratio = _point(model.kind, ahead, model.weights)
    cell, _ = _cells(ahead.target, model.steps_per_day, ratio, model.edges)
    bands = model.table.bands(ratio, _spread(model.kind, ratio), cell)
    values = np.clip(bands.values, model.kind.least, model.kind.most) * ahead.scale[..., None]
    return Bands(bands.levels, values)


def persistence(past: Past, issues: npt.ArrayLike, horizon: int) -> FloatArray:
    """The value of the same time on the day before the issue, (S, I, H); NaN where unknown."""
    at = np.atleast_1d(np.asarray(issues, np.int64))
    target = at[:, None] + np.arange(horizon) - past.steps_per_day
    target -= np.where(target >= at[:, None], past.steps_per_day, 0)
    found = past.values[:, np.maximum(target, 0)]
    return np.where(target >= 0, found, np.nan)
