"""Portfolios are priced without touching what a site can do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from portfolios import made_portfolio, traded

from zerocity.errors import InputError
from zerocity.vpp.members import net_kw, peaks_held, priced


def test_names_must_match_the_sites() -> None:
    portfolio = made_portfolio(3, 24)
    with pytest.raises(InputError, match="2 names"):
        replace(portfolio, names=("a", "b"))


def test_a_signal_moves_both_prices() -> None:
    days = made_portfolio(2, 24).days
    signal = np.linspace(-1.0, 1.0, 24)
    found = priced(days, signal)
    assert found.buy_cny_per_kwh == pytest.approx(days.buy_cny_per_kwh + signal)
    assert found.sell_cny_per_kwh == pytest.approx(days.sell_cny_per_kwh + signal)


def test_at_market_prices_import_pays_the_fixed_part_and_export_does_not() -> None:
    prices = np.linspace(0.1, 0.4, 24)
    days = traded(made_portfolio(2, 24), prices, 0.2).days
    assert days.buy_cny_per_kwh == pytest.approx(np.tile(prices + 0.2, (2, 1)))
    assert days.sell_cny_per_kwh == pytest.approx(np.tile(prices, (2, 1)))
    assert not days.demand_charge_cny_per_kw.any()


def test_a_missing_price_is_named() -> None:
    prices = np.full(24, 0.2)
    prices[7] = np.nan
    with pytest.raises(InputError, match="nothing at step 7"):
        traded(made_portfolio(2, 24), prices)


def test_the_peak_is_held_only_where_it_costs() -> None:
    portfolio = made_portfolio(3, 24)
    plans = portfolio.plan()
    charge = np.array([0.0, 30.0, 30.0])
    days = replace(
        portfolio.days, demand_charge_cny_per_kw=charge, peak_so_far_kw=np.array([0.0, 0.0, 1e9])
    )
    held = peaks_held(days, plans).import_limit_kw
    assert held[[0, 2]].tolist() == days.import_limit_kw[[0, 2]].tolist()
    assert held[1] == min(days.import_limit_kw[1], plans.import_kw[1].max())


def test_without_a_site_the_others_stay() -> None:
    portfolio = made_portfolio(3, 24)
    left = portfolio.without(np.array([False, True, False]))
    assert left.names == ("site 0", "site 2")
    assert net_kw(left.plan()) == pytest.approx(net_kw(portfolio.plan())[[0, 2]])
