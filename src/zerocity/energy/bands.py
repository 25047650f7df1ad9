"""Forecasts as quantiles, and their calibration on errors that were really made.

Split conformal prediction (Vovk, Gammerman and Shafer 2005, doi:10.1007/b106715; Lei et al. 2018,
doi:10.1080/01621459.2017.1307116) one side at a time, as in conformalized quantile regression
(Romano, Patterson and Candes 2019, arXiv:1905.03222): the offset of a level is the error of that
rank among errors on days that the forecast had not been fitted to. Errors are sorted into cells
(lead, hour, level), so that a band is as wide as its cell deserves.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LEVELS: FloatArray = np.round(np.arange(1, 20) * 0.05, 2)
"""0.05 to 0.95: the 90 % and the 80 % band, and the median."""
LEAST_ERRORS = 60
"""A cell with fewer errors than this borrows from the wider one: 60 errors leave three beyond the
5 % level."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Quantiles of a forecast.

    ``levels`` (Q,) rising probabilities; ``values`` (..., Q) in the unit of the series, never
    falling along Q.
    """

    levels: FloatArray
    values: FloatArray

    @property
    def median(self) -> FloatArray:
        """The value as likely exceeded as not, (...)."""
        return self.quantile(0.5)

    def quantile(self, level: float) -> FloatArray:
        """The value not exceeded with probability ``level``, one of ``levels``, (...)."""
        at = np.flatnonzero(np.abs(self.levels - level) < 1e-9)
        if not at.size:
            known = ", ".join(f"{one:g}" for one in self.levels)
            raise InputError("level", f"{level:g}", f"one of {known}")
        return np.asarray(self.values[..., int(at[0])])

    def interval(self, share: float) -> tuple[FloatArray, FloatArray]:
        """Lower and upper edge of the central band that holds ``share`` of the outcomes."""
        return self.quantile((1.0 - share) / 2.0), self.quantile((1.0 + share) / 2.0)

    def at(self, probability: FloatArray) -> FloatArray:
        """The value at each ``probability`` (..., 0-1), straight between levels.

        Beyond the outermost levels the last slope goes on, as far as half a level's distance.
        """
        place = np.interp(probability, self.levels, np.arange(self.levels.size))
        below = np.minimum(place.astype(np.int64), self.levels.size - 2)[..., None]
        low = np.take_along_axis(self.values, below, axis=-1)[..., 0]
        high = np.take_along_axis(self.values, below + 1, axis=-1)[..., 0]
        gap = self.levels[1] - self.levels[0]
        beyond = np.clip(probability, self.levels[0] - gap / 2, self.levels[-1] + gap / 2)
        beyond = (beyond - np.clip(probability, self.levels[0], self.levels[-1])) / gap
        return np.asarray(low + (place - below[..., 0] + beyond) * (high - low))


def conformal_offsets(
    errors: FloatArray, levels: FloatArray = LEVELS, units: int | None = None
) -> FloatArray:
    """Offsets to add to a point forecast for each level, (Q,), from past ``errors`` (n,).

    Above the median the ceil((n+1) level)-th smallest error, below it the mirror image, so that
    each side keeps its promise for exchangeable errors and any n. NaN is left out.

    Parameters
    ----------
    units : how many exchangeable units the errors come from, at most n. Errors of one day hang
        together, so that only whole days are exchangeable (Chernozhukov, Wuethrich and Zhu 2018,
        arXiv:1802.06300); fewer units move the outer levels further out. None: each error is one.
    """
    known = np.sort(errors[np.isfinite(errors)])
    if not known.size:
        raise InputError("errors", "no finite error", "at least one")
    n = known.size
    grown = (1.0 + 1.0 / (n if units is None else min(max(units, 1), n))) * n
    up = np.ceil(grown * levels - 1e-9)
    down = np.floor(n + 1 - grown * (1.0 - levels) + 1e-9)
    rank = np.where(levels > 0.5, up, np.where(levels < 0.5, down, (n + 1) / 2))
    return np.asarray(known[np.clip(rank.astype(np.int64), 1, n) - 1])


@dataclass(frozen=True, slots=True)
class OffsetTable:
    """Calibrated offsets: ``offsets`` (cells, Q), ``counts`` (cells,) errors behind each."""

    levels: FloatArray
    offsets: FloatArray
    counts: IntArray

    def bands(self, point: FloatArray, spread: FloatArray, cell: IntArray) -> Bands:
        """Bands about ``point`` (...): each level's offset times ``spread`` (...), by ``cell``."""
        return Bands(self.levels, point[..., None] + spread[..., None] * self.offsets[cell])


def calibrate(
    errors: FloatArray,
    cell: IntArray,
    parent: IntArray,
    levels: FloatArray = LEVELS,
    units: int | None = None,
) -> OffsetTable:
    """Learn the offsets of every cell from ``errors`` (n,) that fell into ``cell`` (n,).

    Parameters
    ----------
    parent : (cells,) the group of cells from which a cell with fewer than `LEAST_ERRORS` errors
        borrows; a group that is as poor borrows from all errors.
    units : see `conformal_offsets`.
    """
    known = np.isfinite(errors)
    errors, cell = errors[known], cell[known]
    everything = conformal_offsets(errors, levels, units)
    counts = np.bincount(cell, minlength=parent.size)
    groups = _grouped(errors, parent[cell], int(parent.max()) + 1)
    wide = [
        conformal_offsets(g, levels, units) if g.size >= LEAST_ERRORS else everything
        for g in groups
    ]
    offsets = np.array(
        [
            conformal_offsets(own, levels, units) if own.size >= LEAST_ERRORS else wide[parent[k]]
            for k, own in enumerate(_grouped(errors, cell, parent.size))
        ]
    )
    return OffsetTable(levels, offsets, counts)


def _grouped(errors: FloatArray, key: IntArray, groups: int) -> list[FloatArray]:
    order = np.argsort(key, kind="stable")
    edges = np.searchsorted(key[order], np.arange(groups + 1))
    return [errors[order[a:b]] for a, b in pairwise(edges)]
