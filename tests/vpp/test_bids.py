"""Bids fall with the price, keep the rules, and award the plan at the expected price."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolios import MARKET, made_portfolio

from zerocity.errors import InputError
from zerocity.vpp.bids import build_bids, check_prices, price_grid
from zerocity.vpp.clearing import clear, joined, orders_of
from zerocity.vpp.members import at_market_prices, net_kw
from zerocity.vpp.products import EnergyMarket
from zerocity.vpp.response import answer

RULES = EnergyMarket(periods=24, admission_kw=100.0)
PRICES = MARKET.prices(RULES)


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from([3, 5, 9]))
def test_bids_fall_within_the_rules_whatever_the_portfolio(seed: int, count: int) -> None:
    bids = build_bids(made_portfolio(3, 24, seed), RULES, PRICES, 0.15, count)
    assert (np.diff(bids.stairs.net_kw, axis=1) <= 1e-9).all()
    assert ((bids.stairs.segments >= 3) & (bids.stairs.segments <= 10)).all()
    edges = bids.stairs.edges_cny_per_kwh
    assert edges[:, 0] == pytest.approx(np.full(24, RULES.price_floor_cny_per_kwh))
    assert edges[:, -1] == pytest.approx(np.full(24, RULES.price_cap_cny_per_kwh))
    inner = edges[:, 1:-1][np.diff(edges[:, 1:], axis=1) > 0] / RULES.price_tick_cny_per_kwh
    assert inner == pytest.approx(np.round(inner), abs=1e-6)
    assert 0.0 <= bids.area_error_share < 0.2


def test_cleared_at_the_expected_price_the_award_is_the_plan() -> None:
    portfolio = made_portfolio(6, 24, 3)
    bids = build_bids(portfolio, RULES, PRICES, 0.15)
    orders = joined(MARKET.orders(RULES), orders_of(bids.stairs, 9))
    found = clear(orders, 24, RULES.price_floor_cny_per_kwh, RULES.price_cap_cny_per_kwh)
    assert found.price_cny_per_kwh == pytest.approx(PRICES)
    mine = orders.owner == 9
    award = np.bincount(orders.period[mine], found.filled_kw[mine], 24)
    assert award == pytest.approx(bids.planned_kw, abs=1e-6)
    days = at_market_prices(portfolio.days, PRICES, 0.15)
    assert bids.planned_kw == pytest.approx(net_kw(answer(days)).sum(axis=0), abs=1e-6)


def test_a_dear_hour_is_sold_into_and_a_cheap_one_bought() -> None:
    bids = build_bids(made_portfolio(6, 24, 3), RULES, PRICES, 0.15)
    moved = bids.stairs.net_kw[:, 0] - bids.stairs.net_kw[:, -1]
    assert (moved > 10.0).any()


def test_sites_that_cannot_move_bid_one_level_in_three_segments() -> None:
    portfolio = made_portfolio(3, 24, 0)
    none = np.zeros(3)
    days = replace(
        portfolio.days, store_kwh=none, store_initial_kwh=none, store_final_kwh=none,
        flex_min_kwh=np.zeros((3, 24)), flex_max_kwh=np.zeros((3, 24)),
        pv_kw=np.zeros((3, 24)),
    )  # fmt: skip
    bids = build_bids(replace(portfolio, days=days), RULES, PRICES, 0.15)
    assert (bids.stairs.segments == 3).all()
    assert np.ptp(bids.stairs.net_kw, axis=1) == pytest.approx(np.zeros(24))
    assert bids.area_error_share == 0.0
    few = build_bids(replace(portfolio, days=days), replace(RULES, min_segments=5), PRICES, 0.1, 3)
    assert (few.stairs.segments == 5).all()


def test_a_small_portfolio_is_not_admitted_and_told_why() -> None:
    bids = build_bids(made_portfolio(2, 24), replace(RULES, admission_kw=1e6), PRICES, 0.15, 3)
    assert not bids.admission.admitted
    assert "below the least size of 1,000,000 kW" in bids.admission.reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({5: np.nan}, "prices, period 5: got nan"),
        ({0: 0.01}, "period 0: got 0.01"),
        ({23: 0.9}, "from 0.04 to 0.5"),
    ],
)
def test_prices_that_are_missing_or_unlawful_are_named(
    change: dict[int, float], message: str
) -> None:
    prices = PRICES.copy()
    for period, price in change.items():
        prices[period] = price
    with pytest.raises(InputError, match=message):
        build_bids(made_portfolio(2, 24), RULES, prices, 0.15)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="23 prices"):
        check_prices(RULES, PRICES[1:])
    with pytest.raises(InputError, match="3 or more"):
        price_grid(RULES, PRICES, 2)
    with pytest.raises(InputError, match="one a period"):
        build_bids(made_portfolio(2, 48), RULES, PRICES, 0.15)
    with pytest.raises(InputError, match="block_h"):
        build_bids(made_portfolio(2, 24), RULES, PRICES, 0.15, 3, 1.5)
