"""Made-up portfolios for the tests of the virtual power plant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from days import made_days

from zerocity.vpp.market import MarketDay
from zerocity.vpp.members import Members, at_market_prices
from zerocity.vpp.response import answer

SUN = np.clip(np.sin((np.arange(24) - 6) / 12 * np.pi), 0.0, None)
MARKET = MarketDay(
    demand_kw=tuple(26e6 + 4e6 * np.sin((np.arange(24) - 14) / 12 * np.pi)),
    renewable_kw=tuple(6e6 + 14e6 * SUN),
    thermal_kw=(8e6, 6e6, 5e6, 4e6, 3e6),
    thermal_cny_per_kwh=(0.15, 0.22, 0.28, 0.35, 0.45),
)


def made_portfolio(sites: int = 6, steps: int = 96, seed: int = 0) -> Members:
    """Sites with a battery, with charging, and with neither; no demand charge."""
    days = made_days(sites=sites, steps=steps, seed=seed)
    days = replace(days, demand_charge_cny_per_kw=np.zeros(sites))
    return Members(tuple(f"site {k}" for k in range(sites)), days, answer)


def traded(portfolio: Members, prices: np.ndarray, fixed: float = 0.15) -> Members:
    """The same sites at market prices."""
    return replace(portfolio, days=at_market_prices(portfolio.days, prices, fixed))
