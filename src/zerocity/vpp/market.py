"""Everybody else in the market: a stylised day of demand, renewables and thermal offers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.errors import InputError, InputErrors
from zerocity.measures.arrays import F64, I64
from zerocity.vpp.clearing import Orders, clear, joined
from zerocity.vpp.products import EnergyMarket

REST, STACK = 0, 1
"""Owners of the orders of the rest of the market: its demand, and its supply."""


@dataclass(frozen=True)
class MarketDay:
    """A typical day of the market that the portfolio sells into.

    Attributes
    ----------
    demand_kw, renewable_kw : 24 hourly means [kW]; demand pays any price, renewables state a
        quantity and no price, as the Gansu rules have it.
    thermal_kw, thermal_cny_per_kwh : blocks of the other plants [kW] and what they ask [CNY/kWh],
        rising.
    """

    demand_kw: tuple[float, ...]
    renewable_kw: tuple[float, ...]
    thermal_kw: tuple[float, ...]
    thermal_cny_per_kwh: tuple[float, ...]

    def __post_init__(self) -> None:
        blocks, asks = self.thermal_kw, self.thermal_cny_per_kwh
        checks = [
            ("demand_kw", self.demand_kw, "24 numbers of at least 0", _day(self.demand_kw)),
            (
                "renewable_kw",
                self.renewable_kw,
                "24 numbers of at least 0",
                _day(self.renewable_kw),
            ),
            ("thermal_kw", blocks, "a number for each price", len(blocks) == len(asks)),
            ("thermal_cny_per_kwh", asks, "rising prices", bool((np.diff(asks) >= 0.0).all())),
        ]
        errors = [
            InputError(f"market.{n}", str(came), w) for n, came, w, fine in checks if not fine
        ]
        if errors:
            raise InputErrors(errors)

    def orders(self, rules: EnergyMarket) -> Orders:
        """The rest of the market as limit orders, one day."""
        periods = rules.periods
        hour = np.arange(periods) * 24 // periods
        floor, cap = rules.price_floor_cny_per_kwh, rules.price_cap_cny_per_kwh
        t = np.arange(periods, dtype=np.int64)
        demand = _book(t, cap, np.array(self.demand_kw)[hour], REST)
        sun_wind = _book(t, floor, -np.array(self.renewable_kw)[hour], STACK)
        blocks = [
            _book(t, float(np.clip(ask, floor, cap)), np.full(periods, -size), STACK)
            for size, ask in zip(self.thermal_kw, self.thermal_cny_per_kwh, strict=True)
        ]
        return joined(demand, sun_wind, *blocks)

    def prices(self, rules: EnergyMarket) -> F64:
        """What the market would clear at without the portfolio, (periods,) [CNY/kWh]."""
        floor, cap = rules.price_floor_cny_per_kwh, rules.price_cap_cny_per_kwh
        return clear(self.orders(rules), rules.periods, floor, cap).price_cny_per_kwh


def _day(values: tuple[float, ...]) -> bool:
    return len(values) == 24 and bool(np.isfinite(values).all()) and min(values) >= 0.0


def _book(t: I64, price: float, quantity: F64, owner: int) -> Orders:
    return Orders(t, np.full(t.size, price), quantity, np.full(t.size, owner, np.int64))
