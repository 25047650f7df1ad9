"""Led along an award, the sites keep their limits and come as near as they can."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolios import MARKET, made_portfolio, traded

from zerocity.errors import InputError
from zerocity.vpp.follow import follow, uncontrolled
from zerocity.vpp.members import net_kw
from zerocity.vpp.products import EnergyMarket
from zerocity.vpp.response import answer

PRICES = MARKET.prices(EnergyMarket(periods=24))


def test_the_plan_itself_is_followed_at_once() -> None:
    portfolio = traded(made_portfolio(6, 24), PRICES)
    award = net_kw(portfolio.plan()).sum(axis=0)
    found = follow(portfolio, award)
    assert found.rounds == 1
    assert np.abs(found.deviation_kw).max() <= 1.0


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_an_award_that_the_sites_can_meet_is_met(seed: int) -> None:
    portfolio = traded(made_portfolio(6, 24, seed), PRICES)
    # Half-way between two lawful plans is lawful.
    other = answer(traded(portfolio, PRICES[::-1].copy()).days)
    award = (net_kw(portfolio.plan()) + net_kw(other)).sum(axis=0) / 2.0
    before = np.abs(net_kw(portfolio.plan()).sum(axis=0) - award).sum()
    found = follow(portfolio, award, rounds=30)
    assert np.abs(found.deviation_kw).sum() <= 0.15 * before + 1.0
    assert found.gap_cny >= 0.0


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.floats(-2.0, 2.0))
def test_plans_are_lawful_whatever_the_award(seed: int, factor: float) -> None:
    portfolio = traded(made_portfolio(4, 24, seed), PRICES)
    plans, days = follow(portfolio, np.full(24, 100.0 * factor), rounds=4).plans, portfolio.days
    done = np.cumsum(plans.flex_kw, axis=1) * days.step_h
    assert (done <= days.flex_max_kwh + 1e-6).all()
    assert (plans.store_kwh >= -1e-6).all()
    assert (plans.store_kwh <= days.store_kwh[:, None] + 1e-6).all()
    used = days.load_kw + plans.flex_kw + plans.charge_kw - plans.discharge_kw
    assert used - plans.pv_used_kw == pytest.approx(net_kw(plans), abs=1e-6)


def test_a_site_that_nobody_leads_charges_at_once_and_rests_its_battery() -> None:
    portfolio = made_portfolio(6, 24)
    wide = np.full(6, 1e6)
    days = replace(portfolio.days, flex_limit_kw=np.full((6, 24), 1e5), import_limit_kw=wide)
    plans = answer(uncontrolled(days))
    assert not plans.charge_kw.any()
    assert not plans.discharge_kw.any()
    assert np.cumsum(plans.flex_kw, axis=1) * days.step_h == pytest.approx(days.flex_max_kwh)


def test_an_award_that_is_no_number_is_refused() -> None:
    portfolio = made_portfolio(2, 24)
    with pytest.raises(InputError, match="awarded_kw"):
        follow(portfolio, np.full(24, np.nan))
