"""The products that a virtual power plant can sell, as data.

Peak shaving is the `Program` of a city; energy and frequency reserve are here. Nothing in this
file says what Gansu pays: a city folder does, figure by figure, with its source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.errors import InputError, InputErrors
from zerocity.vpp.program import Program

ENERGY, PEAK_SHAVING, FREQUENCY_RESERVE = "energy", "peak_shaving", "frequency_reserve"
PRODUCTS = (ENERGY, PEAK_SHAVING, FREQUENCY_RESERVE)


@dataclass(frozen=True)
class EnergyMarket:
    """Rules of the day-ahead spot market.

    Attributes
    ----------
    periods : delivery periods of a day; Gansu clears 96 quarter hours.
    price_floor_cny_per_kwh, price_cap_cny_per_kwh : bounds of bids and of the clearing price
        (0.04 and, from 1 January 2026, 0.5: Gan gongxinfa [2025] 268, as quoted by third parties).
    price_tick_cny_per_kwh : prices of bids are whole multiples of it.
    min_segments, max_segments : segments of a bid in one period.
    admission_kw : smallest bid of a period that counts as taking part [kW].
    min_duration_h : a delivery must last at least this long [h].
    tolerance_share : deviation from the award, as a share of it, that costs nothing extra.
    penalty_cny_per_kwh : charge on each kWh of deviation beyond the tolerance.
    """

    periods: int = 96
    price_floor_cny_per_kwh: float = 0.04
    price_cap_cny_per_kwh: float = 0.5
    price_tick_cny_per_kwh: float = 0.01
    min_segments: int = 3
    max_segments: int = 10
    admission_kw: float = 1000.0
    min_duration_h: float = 0.25
    tolerance_share: float = 0.05
    penalty_cny_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        floor, cap = self.price_floor_cny_per_kwh, self.price_cap_cny_per_kwh
        tick = self.price_tick_cny_per_kwh
        segments = 1 <= self.min_segments <= self.max_segments <= 100
        _refuse(
            "energy",
            ("periods", self.periods, "24, 48 or 96", self.periods in (24, 48, 96)),
            ("price_floor_cny_per_kwh", floor, "a finite number", bool(np.isfinite(floor))),
            ("price_cap_cny_per_kwh", cap, "above the floor", bool(floor < cap < np.inf)),
            ("price_tick_cny_per_kwh", tick, "above 0, within the prices", 0.0 < tick < cap),
            ("min_segments", self.min_segments, "1 or more, at most max_segments", segments),
            *_common(self),
        )


@dataclass(frozen=True)
class FrequencyReserve:
    """Rules of a frequency-regulation product, sold both ways for whole hours.

    Attributes
    ----------
    window_start_h, window_end_h : local hours in which it is held [h].
    price_cny_per_kwh : pay for one kW held for one hour.
    mileage_cny_per_kw : pay for one kW of movement that was asked for and followed.
    mileage_per_h : movement asked for in an hour, as a multiple of the power held [1/h].
    min_duration_h : the power must be held in either direction for so long [h].
    admission_kw, tolerance_share, penalty_cny_per_kwh : as in `EnergyMarket`, per kW and hour.
    """

    window_start_h: float = 0.0
    window_end_h: float = 24.0
    price_cny_per_kwh: float = 0.0
    mileage_cny_per_kw: float = 0.015
    mileage_per_h: float = 1.0
    min_duration_h: float = 0.5
    admission_kw: float = 10_000.0
    tolerance_share: float = 0.95
    penalty_cny_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        hours = 0.0 <= self.window_start_h < self.window_end_h <= 24.0
        _refuse(
            "frequency_reserve",
            ("window_start_h", self.window_start_h, "an hour in 0-24, before window_end_h", hours),
            *(
                (name, getattr(self, name), "0 or more", _finite(getattr(self, name)))
                for name in ("price_cny_per_kwh", "mileage_cny_per_kw", "mileage_per_h")
            ),
            *_common(self),
        )


@dataclass(frozen=True)
class Admission:
    """Whether an offer may take part, and the sentence that says why not."""

    admitted: bool
    offered_kw: float
    held_h: float
    reason: str


def admit(
    product: EnergyMarket | FrequencyReserve | Program, offered_kw: float, held_h: float
) -> Admission:
    """Check an offer against the least power and the least duration of a product.

    Parameters
    ----------
    offered_kw : constant power that is offered [kW], >= 0.
    held_h : hours for which the portfolio can hold it [h].
    """
    least_h = product.window_h if isinstance(product, Program) else product.min_duration_h
    if not (np.isfinite(offered_kw) and offered_kw >= 0.0):
        raise InputError("offered_kw", str(offered_kw), "a finite number of at least 0 kW")
    reason = ""
    if offered_kw < product.admission_kw:
        reason = f"{offered_kw:,.0f} kW is below the least size of {product.admission_kw:,.0f} kW"
    elif held_h < least_h - 1e-9:
        reason = f"it can be held for {held_h:g} h, and {least_h:g} h are asked for"
    return Admission(not reason, float(offered_kw), float(held_h), reason)


def _finite(value: float) -> bool:
    return bool(np.isfinite(value)) and value >= 0.0


def _common(rules: EnergyMarket | FrequencyReserve) -> tuple[tuple[str, object, str, bool], ...]:
    share = rules.tolerance_share
    names = ("admission_kw", "min_duration_h", "penalty_cny_per_kwh")
    return (
        ("tolerance_share", share, "a share from 0 to 1", 0.0 <= share <= 1.0),
        *((n, getattr(rules, n), "0 or more", _finite(getattr(rules, n))) for n in names),
    )


def _refuse(where: str, *checks: tuple[str, object, str, bool]) -> None:
    errors = [
        InputError(f"{where}.{name}", str(came), wanted)
        for name, came, wanted, fine in checks
        if not fine
    ]
    if errors:
        raise InputErrors(errors)
