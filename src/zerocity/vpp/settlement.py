"""What was delivered in an event and what it pays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.vpp.program import Program

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Settlement:
    """Energies of the window [kWh] and money [CNY], one entry an event, shape (events,)."""

    requested_kwh: FloatArray
    baseline_kwh: FloatArray
    metered_kwh: FloatArray
    delivered_kwh: FloatArray
    payment_cny: FloatArray
    penalty_cny: FloatArray


def settle(
    program: Program,
    *,
    baseline_kw: FloatArray,
    metered_kw: FloatArray,
    requested_kw: FloatArray,
) -> Settlement:
    """Settle events: delivered = max(0, baseline - metered) in each step of the window.

    Because the worst step counts as 0 and never below, noise in the baseline is paid as relief;
    ``baseline.score_baseline`` says how much. ``payment_cny`` is before the penalty, which is due
    on the energy missing below ``tolerance_share`` of the request.

    Parameters
    ----------
    baseline_kw, metered_kw : net import of the portfolio [kW], shape (events, steps of a day).
    requested_kw : relief asked for [kW], >= 0, same shape or (events, 1).
    """
    if baseline_kw.shape != metered_kw.shape or baseline_kw.ndim != 2:
        shapes = f"{baseline_kw.shape} and {metered_kw.shape}"
        raise InputError("vpp.settle", shapes, "two arrays of shape (events, steps)")
    window = program.window_mask(baseline_kw.shape[1])
    step_h = 24.0 / baseline_kw.shape[1]
    asked_kw = np.broadcast_to(requested_kw, baseline_kw.shape)
    baseline, metered, requested = (
        kw[:, window].sum(axis=1) * step_h for kw in (baseline_kw, metered_kw, asked_kw)
    )
    relief_kw = np.maximum(0.0, baseline_kw - metered_kw)[:, window]
    delivered = relief_kw.sum(axis=1) * step_h
    missing = np.maximum(0.0, program.tolerance_share * requested - delivered)
    return Settlement(
        requested_kwh=requested,
        baseline_kwh=baseline,
        metered_kwh=metered,
        delivered_kwh=delivered,
        payment_cny=delivered * program.price_cny_per_kwh,
        penalty_cny=missing * program.penalty_cny_per_kwh,
    )
