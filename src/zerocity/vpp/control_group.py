"""A baseline from sites that were not called: drawn by lot, matched, scaled, read on the day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.measures.seeds import stream

NEIGHBOURS = 3
"""Controls matched to each called site; an assumption."""
HISTORY_DAYS = 10


def held_back(names: Sequence[str], share: float) -> Bools:
    """Sites that no event calls, (sites,): ``share`` of them to the nearest, but one at least.

    The lot falls by name alone. So a site keeps its part from run to run, whatever else changes,
    and who settles later finds the same sites. One site is always left to be called.
    """
    drawn = np.zeros(len(names), dtype=np.bool_)
    if share <= 0.0 or len(names) < 2:
        return drawn
    count = min(max(round(share * len(names)), 1), len(names) - 1)
    lot = np.array([stream(0, "held back", name).random() for name in names])
    drawn[np.argsort(lot, kind="stable")[:count]] = True
    return drawn


def matched(history_kw: F64, called: Bools, neighbours: int = NEIGHBOURS) -> I64:
    """Controls nearest to each called site, (called sites, neighbours), as site numbers.

    Near in the shape of the mean day: the root mean square distance of the two days after each is
    centred and divided by its mean absolute power.

    Parameters
    ----------
    history_kw : (days, steps, sites) on normal days. called : (sites,).
    """
    controls = np.flatnonzero(~called)
    if controls.size == 0:
        raise InputError(
            "vpp.control_group", "every site was called", "at least one site left out",
            "Hold back some sites, or use another baseline.",
        )  # fmt: skip
    mean_day = history_kw.mean(axis=0).T
    size = np.abs(mean_day).mean(axis=1, keepdims=True)
    shape = (mean_day - mean_day.mean(axis=1, keepdims=True)) / np.maximum(size, 1e-9)
    apart = ((shape[called][:, None, :] - shape[controls][None, :, :]) ** 2).mean(axis=2)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :neighbours]
    return np.asarray(controls[nearest], np.int64)


def control_baseline(
    metered_kw: F64,
    called: Bools,
    day: int,
    *,
    events: Bools,
    workdays: Bools,
    history_days: int = HISTORY_DAYS,
) -> F64:
    """Power of each called site on run day ``day`` had it not been called, (steps, called) [kW].

    Its mean normal day of the same type, plus what its matched controls do differently today,
    scaled by size: a difference in differences (Card and Krueger 1994, American Economic Review
    84(4), for the idea). It needs no weather and no hours before the event, and is as good as the
    controls are alike.

    Parameters
    ----------
    metered_kw : (days, steps, sites); of ``day`` only the controls are read.
    called : (sites,) sites that had to respond. events, workdays : (days,).
    """
    same = np.flatnonzero(~events[:day] & (workdays[:day] == workdays[day]))[-history_days:]
    if same.size == 0:
        raise InputError(
            "vpp.control_group", "no normal day of the same type", "at least one before the event"
        )
    history = metered_kw[same]
    near = matched(history, called)
    usual = history.mean(axis=0)
    size = np.maximum(np.abs(usual).mean(axis=0), 1e-9)
    moved = (metered_kw[day] - usual) / size
    return np.asarray(usual[:, called] + moved[:, near].mean(axis=2) * size[called])
