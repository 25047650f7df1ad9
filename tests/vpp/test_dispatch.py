"""A request is given as far as the sites reach, at least cost, and again when one fails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolios import made_portfolio

from zerocity.errors import InputError
from zerocity.vpp.dispatch import call, mixed_plans, own_cost_cny, redispatch
from zerocity.vpp.members import net_kw

WINDOW = np.zeros(24, bool)
WINDOW[18:21] = True


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.floats(-400.0, 400.0))
def test_the_request_is_given_while_the_sites_can(seed: int, asked_kwh: float) -> None:
    portfolio = made_portfolio(5, 24, seed)
    base = portfolio.plan()
    found = call(portfolio, base, WINDOW, asked_kwh)
    given_kwh = found.relief_kw[:, WINDOW].sum() * portfolio.days.step_h
    assert found.given_kwh == pytest.approx(given_kwh, abs=1e-6)
    assert abs(given_kwh) <= abs(asked_kwh) + 1e-6
    if found.short_kwh > 1e-6:
        assert abs(found.signal_cny_per_kwh) == 4.0
    else:
        assert given_kwh == pytest.approx(asked_kwh, abs=1e-6)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.floats(10.0, 300.0))
def test_every_schedule_keeps_the_limits_of_its_site(seed: int, asked_kwh: float) -> None:
    portfolio = made_portfolio(5, 24, seed)
    plans, days = call(portfolio, portfolio.plan(), WINDOW, asked_kwh).plans, portfolio.days
    balance = (
        days.load_kw + plans.flex_kw + plans.charge_kw - plans.discharge_kw - plans.pv_used_kw
        - net_kw(plans)
    )  # fmt: skip
    assert balance == pytest.approx(np.zeros_like(balance), abs=1e-6)
    assert (plans.store_kwh >= -1e-6).all()
    assert (plans.store_kwh <= days.store_kwh[:, None] + 1e-6).all()
    done = np.cumsum(plans.flex_kw, axis=1) * days.step_h
    assert (done <= days.flex_max_kwh + 1e-6).all()
    assert (plans.export_kw <= days.export_limit_kw[:, None] + 1e-6).all()
    assert (plans.pv_used_kw <= days.pv_kw + 1e-6).all()


def test_more_costs_more_and_the_cheap_sites_go_first() -> None:
    portfolio = made_portfolio(8, 24, 5)
    base = portfolio.plan()
    costs = [call(portfolio, base, WINDOW, kwh).cost_cny.sum() for kwh in (50.0, 150.0, 300.0)]
    assert costs == sorted(costs)
    assert own_cost_cny(portfolio, base).shape == (8,)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.lists(st.booleans(), min_size=6, max_size=6))
def test_the_others_take_over_while_capacity_lasts(seed: int, down: list[bool]) -> None:
    portfolio = made_portfolio(6, 24, seed)
    base, failed = portfolio.plan(), np.array(down)
    first = call(portfolio, base, WINDOW, 60.0)
    again = redispatch(portfolio, first, WINDOW, failed, base)
    assert not again.relief_kw[failed].any()
    whole = call(portfolio, base, WINDOW, 1e9)
    # What each site can give at most does not depend on the others.
    left = whole.relief_kw[~failed][:, WINDOW].sum() * portfolio.days.step_h
    assert again.given_kwh == pytest.approx(min(60.0, max(left, 0.0)), abs=1e-3)
    assert again.asked_kwh == first.asked_kwh


def test_the_weakest_step_is_at_most_the_mean() -> None:
    portfolio = made_portfolio(8, 24, 5)
    found = call(portfolio, portfolio.plan(), WINDOW, 150.0)
    assert found.least_kw(WINDOW) <= 50.0 + 1e-6


def test_mixed_plans_lie_between() -> None:
    portfolio = made_portfolio(3, 24)
    base = portfolio.plan()
    other = call(portfolio, base, WINDOW, 1e9).plans
    mixed = mixed_plans(base, other, np.array([0.0, 0.5, 1.0]))
    assert mixed.flex_kw[0] == pytest.approx(base.flex_kw[0])
    assert mixed.import_kw[1] == pytest.approx((base.import_kw[1] + other.import_kw[1]) / 2)
    assert mixed.store_kwh[2] == pytest.approx(other.store_kwh[2])


def test_bad_requests_are_refused() -> None:
    portfolio = made_portfolio(2, 24)
    base = portfolio.plan()
    with pytest.raises(InputError, match="window"):
        call(portfolio, base, np.zeros(24, bool), 5.0)
    with pytest.raises(InputError, match="relief_kwh"):
        call(portfolio, base, WINDOW, np.nan)
    with pytest.raises(InputError, match="failed"):
        redispatch(portfolio, call(portfolio, base, WINDOW, 5.0), WINDOW, np.zeros(3, bool), base)
