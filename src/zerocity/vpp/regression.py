"""A baseline from temperature, day type and hour, by least squares."""

from __future__ import annotations

import numpy as np

from zerocity.errors import InputError
from zerocity.measures.arrays import F64, Bools

BALANCE_C = 18.0
"""Temperature that needs neither heating nor cooling [degC]; an assumption, as in degree days."""
HISTORY_DAYS = 60
"""Normal days that are fitted: a season, not a year; an assumption."""


def regression_baseline(
    metered_kw: F64,
    temperature_c: F64,
    day: int,
    *,
    events: Bools,
    workdays: Bools,
    history_days: int = HISTORY_DAYS,
) -> F64:
    """Power of run day ``day`` from a fit of the normal days before it, (steps,) [kW].

    Each step of the day has its own linear model of a constant, the day type, and the degrees below
    and above 18 degC (Mathieu et al. 2011, doi:10.1109/TSG.2011.2145010, in its simplest form).
    Where the history cannot tell two terms apart, the smallest coefficients are taken.

    Parameters
    ----------
    metered_kw, temperature_c : (days, steps); nothing metered on or after ``day`` is read.
    events, workdays : (days,).
    """
    if metered_kw.shape != temperature_c.shape:
        shapes = f"{metered_kw.shape} and {temperature_c.shape}"
        raise InputError("vpp.regression", shapes, "two arrays of shape (days, steps)")
    normal = np.flatnonzero(~events[:day])[-history_days:]
    if normal.size == 0:
        raise InputError("vpp.regression", "no normal day", "at least one day without event before")
    terms = _terms(temperature_c[normal].T, workdays[normal])
    today = _terms(temperature_c[day][:, None], workdays[day : day + 1])[:, 0]
    found = np.linalg.pinv(terms, rcond=1e-9) @ metered_kw[normal].T[:, :, None]
    return np.asarray((today * found[:, :, 0]).sum(axis=1))


def _terms(temperature_c: F64, workdays: Bools) -> F64:
    """Terms of each step and day, (steps, days, 4); ``temperature_c`` is (steps, days)."""
    cold = np.maximum(BALANCE_C - temperature_c, 0.0)
    warm = np.maximum(temperature_c - BALANCE_C, 0.0)
    working = np.broadcast_to(workdays.astype(np.float64), cold.shape)
    return np.stack([np.ones(cold.shape), working, cold, warm], axis=2)
