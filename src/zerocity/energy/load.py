"""The day's shape of a site's own load.

No metered load of a Lanzhou park or station is published, so the shapes are assumptions: an
industrial site runs two shifts and rests at the weekend, a commercial one follows opening hours.
Each keeps the site's annual mean.
"""

from __future__ import annotations

import numpy as np

from zerocity.errors import InputError
from zerocity.measures.arrays import F64

# Share of the mean in each hour, workday and rest day, before the mean is put back to one.
_SHAPES: dict[str, tuple[list[float], list[float]]] = {
    "industrial": (
        [0.7] * 6 + [0.85, 1.0, 1.2, 1.3, 1.3, 1.25, 1.1, 1.25, 1.3, 1.3, 1.25, 1.2]
        + [1.1, 1.0, 0.95, 0.9, 0.85, 0.75],
        [0.6] * 7 + [0.7] * 11 + [0.65] * 6,
    ),
    "commercial": (
        [0.45] * 6 + [0.6, 0.8, 1.1, 1.3, 1.4, 1.4, 1.35, 1.35, 1.4, 1.4, 1.4, 1.35]
        + [1.3, 1.2, 1.1, 0.9, 0.7, 0.5],
        [0.45] * 7 + [0.6, 0.9, 1.2, 1.35, 1.4, 1.4, 1.4, 1.4, 1.4, 1.35, 1.3]
        + [1.25, 1.15, 1.0, 0.8, 0.6, 0.5],
    ),
    "none": ([1.0] * 24, [1.0] * 24),
}  # fmt: skip
LOAD_KINDS = tuple(_SHAPES)


def load_shape(kind: str, workday: bool, steps_per_day: int) -> F64:
    """Load of one day as a share of the annual mean, shape (steps_per_day,).

    The mean over five workdays and two rest days is 1. Linear between the middles of the hours.
    Raises InputError for a kind that is not in `LOAD_KINDS`.
    """
    if kind not in _SHAPES:
        raise InputError("load_kind", repr(kind), "one of " + ", ".join(LOAD_KINDS))
    work, rest = (np.array(hours) for hours in _SHAPES[kind])
    week_mean = (5.0 * work.mean() + 2.0 * rest.mean()) / 7.0
    hours = (work if workday else rest) / week_mean
    middle = (np.arange(steps_per_day) + 0.5) * 24.0 / steps_per_day
    shape = np.interp(middle, np.arange(24) + 0.5, hours, period=24.0)
    return np.asarray(shape * (hours.mean() / shape.mean()))


def site_loads(
    mean_kw: F64, kinds: tuple[str, ...], workday: bool, noise: F64, steps_per_day: int
) -> F64:
    """Own load of every site over one day, shape (sites, steps_per_day) [kW].

    noise : multiplies each site's day, (sites, steps_per_day), about 1.
    """
    by_kind = {kind: load_shape(kind, workday, steps_per_day) for kind in set(kinds)}
    shapes = np.array([by_kind[kind] for kind in kinds])
    return np.asarray(mean_kw[:, None] * shapes * noise)


def smooth_noise(rng: np.random.Generator, sites: int, steps: int, sigma: float) -> F64:
    """Noise about 1 that wanders over the day, (sites, steps): lognormal, hours of memory."""
    knots = rng.normal(0.0, sigma, (sites, 13))
    places = np.linspace(0.0, 12.0, steps)
    low = np.minimum(places.astype(int), 11)
    part = places - low
    path = knots[:, low] * (1.0 - part) + knots[:, low + 1] * part
    return np.asarray(np.exp(path - sigma**2 / 2.0))
