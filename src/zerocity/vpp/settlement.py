"""What was delivered in an event and what it pays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.vpp.products import EnergyMarket, FrequencyReserve
from zerocity.vpp.program import Program, hours_mask

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


@dataclass(frozen=True)
class EnergySettlement:
    """One day on the spot market. Money is what the portfolio pays, negative = earns [CNY].

    ``award_cny`` at the day-ahead price, ``deviation_cny`` at the real-time price, ``penalty_cny``
    (>= 0) on the deviation beyond the tolerance. Energies [kWh] of each period, shape (T,):
    ``deviation_kwh`` is metered less awarded, ``beyond_kwh`` (>= 0) what the tolerance leaves.
    """

    award_cny: float
    deviation_cny: float
    penalty_cny: float
    deviation_kwh: FloatArray
    beyond_kwh: FloatArray

    @property
    def total_cny(self) -> float:
        """All the day costs [CNY]."""
        return self.award_cny + self.deviation_cny + self.penalty_cny


def settle_energy(
    rules: EnergyMarket,
    *,
    awarded_kw: FloatArray,
    metered_kw: FloatArray,
    price_cny_per_kwh: FloatArray,
    real_time_cny_per_kwh: FloatArray,
) -> EnergySettlement:
    """Settle awards in two steps: the award day-ahead, the rest in real time.

    Parameters
    ----------
    awarded_kw, metered_kw : net import of the portfolio [kW], shape (T,).
    price_cny_per_kwh, real_time_cny_per_kwh : clearing prices of the two markets, shape (T,).

    Raises InputError naming the period of a value that is missing.
    """
    _check_periods(
        rules.periods,
        awarded_kw=awarded_kw,
        metered_kw=metered_kw,
        price_cny_per_kwh=price_cny_per_kwh,
        real_time_cny_per_kwh=real_time_cny_per_kwh,
    )
    step_h = 24.0 / rules.periods
    awarded, deviation = awarded_kw * step_h, (metered_kw - awarded_kw) * step_h
    free = rules.tolerance_share * np.abs(awarded)
    beyond = np.maximum(np.abs(deviation) - free, 0.0)
    return EnergySettlement(
        award_cny=float((awarded * price_cny_per_kwh).sum()),
        deviation_cny=float((deviation * real_time_cny_per_kwh).sum()),
        penalty_cny=float(beyond.sum() * rules.penalty_cny_per_kwh),
        deviation_kwh=deviation,
        beyond_kwh=beyond,
    )


def _check_periods(periods: int, **given: FloatArray) -> None:
    for name, values in given.items():
        if values.shape != (periods,):
            raise InputError(f"settle.{name}", f"shape {values.shape}", f"({periods},)")
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            where = f"settle.{name}, period {bad[0]}"
            raise InputError(where, str(values[bad[0]]), "a finite number")


@dataclass(frozen=True)
class ReserveSettlement:
    """One day of frequency reserve [CNY]; energies are power held over time [kWh]."""

    held_kwh: float
    available_kwh: float
    capacity_cny: float
    mileage_cny: float
    penalty_cny: float

    @property
    def total_cny(self) -> float:
        """What the portfolio earns [CNY]."""
        return self.capacity_cny + self.mileage_cny - self.penalty_cny


def settle_reserve(
    rules: FrequencyReserve, awarded_kw: float, available_kw: FloatArray
) -> ReserveSettlement:
    """Settle reserve: pay for what was there, a penalty on what was missing below the tolerance.

    Parameters
    ----------
    awarded_kw : power sold both ways in the product's hours [kW], >= 0.
    available_kw : power that was there both ways in each period, (T,) [kW], >= 0.
    """
    if not awarded_kw >= 0.0 or not (available_kw >= 0.0).all():
        raise InputError("settle.available_kw", "a negative or no number", "0 kW or more")
    window = hours_mask(rules.window_start_h, rules.window_end_h, available_kw.size)
    step_h = 24.0 / available_kw.size
    there = np.minimum(available_kw[window], awarded_kw)
    held, available = awarded_kw * int(window.sum()) * step_h, float(there.sum()) * step_h
    missing = np.maximum(rules.tolerance_share * awarded_kw - there, 0.0).sum() * step_h
    return ReserveSettlement(
        held_kwh=held,
        available_kwh=available,
        capacity_cny=available * rules.price_cny_per_kwh,
        mileage_cny=available * rules.mileage_per_h * rules.mileage_cny_per_kw,
        penalty_cny=float(missing) * rules.penalty_cny_per_kwh,
    )
