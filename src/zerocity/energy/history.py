"""What was metered, with its gaps and lies named, and what is known ahead of every step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STUCK_HOURS = 6.0
"""A live meter that says the same number, to the last digit, for longer than this is taken for
stuck; an assumption. A true constant (a lamp, a standby) would only be forecast from other days."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A stretch of one row that is not believed: ``first`` to ``last`` step, both included."""

    row: int
    first: int
    last: int
    why: str

    def __str__(self) -> str:
        steps = self.last - self.first + 1
        return f"row {self.row}, steps {self.first} to {self.last} ({steps}): {self.why}"


def screen(
    values: FloatArray, step_h: float, most: FloatArray | float = np.inf, least: float = 0.0
) -> tuple[FloatArray, tuple[Fault, ...]]:
    """Take out what no meter can have seen: the believable values, and what was taken out.

    Parameters
    ----------
    values : (S, N) as they came; NaN and infinities are gaps.
    step_h : length of a step [h].
    most : highest value that is physically possible, a number or (S, 1) or (S, N): the rating of
        the connection, the clear sky.
    least : lowest possible value; -inf for prices.

    Returns
    -------
    A copy with NaN in the place of gaps, of values outside ``least`` to ``most`` and of stretches
    of one repeated value longer than `STUCK_HOURS` (zeros excepted: nights and holidays are dark),
    and one `Fault` for each stretch, by row and time.
    """
    if values.ndim != 2:
        raise InputError("values", f"shape {values.shape}", "(rows, steps)")
    gap = ~np.isfinite(values)
    with np.errstate(invalid="ignore"):
        high, low = values > most, values < least
    kinds = (
        (gap, "no value"),
        (high & ~gap, "more than is possible"),
        (low & ~gap, "less than is possible"),
        (_stuck(values, max(int(STUCK_HOURS / step_h), 1)) & ~gap & ~high & ~low, "stuck"),
    )
    bad = np.logical_or.reduce([mask for mask, _ in kinds])
    found = [f for mask, why in kinds for f in _stretches(mask, why)]
    return np.where(bad, np.nan, values), tuple(sorted(found, key=lambda f: (f.row, f.first)))


def _stuck(values: FloatArray, longest: int) -> Bools:
    """Steps in runs of one nonzero value longer than ``longest``."""
    mask = np.zeros(values.shape, np.bool_)
    for row, series in enumerate(values):
        starts = np.flatnonzero(np.concatenate([[True], series[1:] != series[:-1]]))
        lengths = np.diff(np.append(starts, series.size))
        for start, length in zip(starts, lengths, strict=True):
            if length > longest and series[start] != 0.0:
                mask[row, start : start + length] = True
    return mask


def _stretches(mask: Bools, why: str) -> list[Fault]:
    found = []
    for row in np.flatnonzero(mask.any(axis=1)):
        edges = np.flatnonzero(np.diff(mask[row].astype(np.int8), prepend=0, append=0))
        found += [
            Fault(int(row), int(a), int(b) - 1, why)
            for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]
    return found


@dataclass(frozen=True, slots=True)
class Past:
    """Series by row and step over D whole days of T steps, the days to be forecast included.

    Parameters
    ----------
    values : what was metered, (S, D*T); NaN where it is missing, not believed or still to come.
    scale : what the values are measured against and is known ahead, >= 0, (S, D*T): the clear-sky
        power for photovoltaics, the row's mean for a load, 1 for a price. Where it is 0 (night) the
        value is 0 for certain.
    workday : (D,).
    given : a forecast from outside, or None: row d is issued at midnight of day d for the next two
        days, (S, D, 2*T), in the unit of the values; NaN where there is none.
    """

    values: FloatArray
    scale: FloatArray
    workday: Bools
    given: FloatArray | None = None

    def __post_init__(self) -> None:
        days = self.workday.size
        if self.values.ndim != 2 or not days or self.values.shape[1] % days or not self.values.size:
            came = f"shape {self.values.shape} for {days} days"
            raise InputError("values", came, "(rows, whole days of equal steps)")
        if self.scale.shape != self.values.shape:
            wanted = f"the shape of the values, {self.values.shape}"
            raise InputError("scale", f"shape {self.scale.shape}", wanted)
        bad = ~np.isfinite(self.scale) | (self.scale < 0.0)
        if bad.any():
            row, step = (int(i) for i in np.argwhere(bad)[0])
            came = str(self.scale[row, step])
            raise InputError(f"scale, row {row}, step {step}", came, "a number of 0 or more")
        wanted_shape = (self.values.shape[0], days, 2 * self.steps_per_day)
        if self.given is not None and self.given.shape != wanted_shape:
            raise InputError("given", f"shape {self.given.shape}", f"shape {wanted_shape}")

    @property
    def rows(self) -> int:
        """Number of series S."""
        return int(self.values.shape[0])

    @property
    def days(self) -> int:
        """Number of days D."""
        return int(self.workday.size)

    @property
    def steps_per_day(self) -> int:
        """Steps in a day T."""
        return int(self.values.shape[1] // self.workday.size)
