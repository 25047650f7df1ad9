"""The rest of the market: dear when the wind is low, cheap under the sun."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from portfolios import MARKET

from zerocity.errors import InputErrors
from zerocity.vpp.products import EnergyMarket


def test_prices_follow_what_is_left_for_the_thermal_plants() -> None:
    prices = MARKET.prices(EnergyMarket())
    assert prices.shape == (96,)
    assert prices[48] < prices[76]
    left = np.array(MARKET.demand_kw) - np.array(MARKET.renewable_kw)
    rank = np.argsort(left)
    assert (np.diff(prices[::4][rank]) >= 0.0).all()


def test_too_much_sun_clears_at_the_floor_and_too_little_of_all_at_the_cap() -> None:
    rules = EnergyMarket()
    assert (replace(MARKET, renewable_kw=(9e7,) * 24).prices(rules) == 0.04).all()
    assert (replace(MARKET, demand_kw=(9e7,) * 24).prices(rules) == 0.5).all()


@pytest.mark.parametrize(
    "change",
    [
        {"demand_kw": (1.0,) * 23},
        {"renewable_kw": (-1.0,) * 24},
        {"thermal_kw": (1.0,)},
        {"thermal_cny_per_kwh": (0.5, 0.4, 0.3, 0.2, 0.1)},
    ],
)
def test_a_bad_day_is_refused(change: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(InputErrors, match=next(iter(change))):
        replace(MARKET, **change)
