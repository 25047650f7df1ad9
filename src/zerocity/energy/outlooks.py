"""What a controller foresees at each step: the expected course, and scenarios about it.

Scenarios take their ups and downs from real past errors: the quantiles in which past outcomes fell,
lead by lead, are laid onto today's bands (the Schaake shuffle, Clark et al. 2004,
doi:10.1175/1525-7541(2004)005<0243:TSSAMF>2.0.CO;2). A cloud that came and stayed does so again,
and load and sun keep the company they kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from zerocity.energy.bands import Bands, FloatArray, IntArray
from zerocity.energy.forecasting import Forecaster, Usual, fit, forecast
from zerocity.errors import InputError

NEAR_HOURS = 2.0
"""Past issues within this time of day lend their errors to a scenario."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Forecasts made at K steps in a row for H steps each, (B, K, M, H) [kW].

    The last of the M is the expected course; those before it are scenarios, equally likely.
    """

    load_kw: FloatArray
    pv_kw: FloatArray


class Foreseer(Protocol):
    """Forecasts made at the run's steps ``first`` to ``first + count - 1``, each from itself on."""

    def __call__(self, first: int, count: int) -> Outlook:
        """Return the outlook; it may know nothing metered at or after each issue step."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Knows everything: the upper end of every comparison."""

    load_kw: FloatArray
    pv_kw: FloatArray
    horizon: int = 96

    def __call__(self, first: int, count: int) -> Outlook:
        """Return what will come."""
        at = first + np.arange(count)[:, None] + np.arange(self.horizon)
        at = np.minimum(at, self.load_kw.shape[1] - 1)
        return Outlook(self.load_kw[:, at][:, :, None], self.pv_kw[:, at][:, :, None])


@dataclass(slots=True)
class FromHistory:
    """Forecasts load and sun from what was metered before, refitted as the run goes on.

    Parameters
    ----------
    load, sun : histories of the same rows and days, see `study`. Days before the run are history.
    start : step of the histories at which the run begins; at least four days in.
    scenarios : how many beside the expected course; 0 for none.
    refit_days : days between fits.
    """

    load: Usual
    sun: Usual
    start: int
    horizon: int = 96
    scenarios: int = 0
    refit_days: int = 7
    _fitted: int = field(default=-1, repr=False)
    _models: tuple[Forecaster, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.load.past.values.shape != self.sun.past.values.shape:
            came = f"shapes {self.load.past.values.shape} and {self.sun.past.values.shape}"
            raise InputError("load, sun", came, "histories of the same rows and days")

    def __call__(self, first: int, count: int) -> Outlook:
        """Forecast from each of the steps on; beyond the known days the last day goes on."""
        issues = self.start + first + np.arange(count)
        self._refit(int(issues[0]))
        load, sun = (
            self._foresee(known, model, issues)
            for known, model in zip((self.load, self.sun), self._models, strict=True)
        )
        return Outlook(load, sun)

    def _refit(self, now: int) -> None:
        gone = now - self._fitted
        if self._fitted < 0 or gone < 0 or gone >= self.refit_days * self.load.past.steps_per_day:
            self._models = tuple(fit(known, now, self.horizon) for known in (self.load, self.sun))
            self._fitted = now

    def _foresee(self, known: Usual, model: Forecaster, issues: IntArray) -> FloatArray:
        bands = forecast(model, known, issues)
        expected = bands.values.mean(axis=-1)[:, :, None]
        if not self.scenarios:
            return np.asarray(expected)
        return np.concatenate([draw(model, bands, issues, self.scenarios), expected], axis=2)


def draw(model: Forecaster, bands: Bands, issues: IntArray, count: int) -> FloatArray:
    """Lay ``count`` past courses of errors onto the bands, (S, I, count, H); the same every time.

    Parameters
    ----------
    bands : (S, I, H, Q), made by ``model`` at ``issues`` (I,).
    """
    ranks = _whole(model.ranks)
    chosen = np.stack([_past_issues(model, int(i), count) for i in issues])
    probability = np.moveaxis(ranks[chosen], 2, 0)
    wide = Bands(bands.levels, np.broadcast_to(
        bands.values[:, :, None], (*probability.shape, bands.levels.size)))  # fmt: skip
    return wide.at(probability)


def _past_issues(model: Forecaster, issue: int, count: int) -> IntArray:
    """Past issues at about this time of day, evenly spread over the calibration."""
    per_day = model.steps_per_day
    apart = np.abs(model.rank_steps - issue % per_day)
    apart = np.minimum(apart, per_day - apart)
    near = np.flatnonzero(apart <= NEAR_HOURS * per_day / 24.0)
    if near.size < count:
        near = np.argsort(apart, kind="stable")[: max(count, 1)]
    return np.asarray(near[np.linspace(0, near.size - 1, count).round().astype(np.int64)])


def _whole(ranks: FloatArray) -> FloatArray:
    """Fill unknown ranks (nights, gaps) with the last known one of the course, else the next."""
    place = np.where(np.isfinite(ranks), np.arange(ranks.shape[-1]), -1)
    before = np.maximum.accumulate(place, axis=-1)
    after = np.where(np.isfinite(ranks), np.arange(ranks.shape[-1]), ranks.shape[-1])
    after = np.minimum.accumulate(after[..., ::-1], axis=-1)[..., ::-1]
    take = np.where(before >= 0, before, np.minimum(after, ranks.shape[-1] - 1))
    return np.nan_to_num(np.take_along_axis(ranks, take, axis=-1), nan=0.5)
