"""Cost curves rise, and what they promise the sites can do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolios import made_portfolio

from zerocity.errors import InputError
from zerocity.vpp.cost_curve import cost_curve, cost_curves


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from(["down", "up"]), st.integers(0, 20))
def test_segments_are_positive_and_rise_in_price(seed: int, direction: str, start: int) -> None:
    portfolio = made_portfolio(4, 24, seed)
    curve = cost_curve(portfolio, portfolio.plan(), start, 2.0, direction)  # type: ignore[arg-type]
    assert (curve.power_kw > 0.0).all()
    assert (np.diff(curve.price_cny_per_kwh) >= -1e-9).all()
    assert curve.held_kw <= curve.total_kw + 1e-6
    assert curve.site_kw.sum() == pytest.approx(curve.total_kw, abs=1e-6)


def test_cost_adds_the_segments_up() -> None:
    portfolio = made_portfolio(6, 24, 2)
    curve = cost_curve(portfolio, portfolio.plan(), 18, 2.0)
    half = float(curve.power_kw[0]) / 2.0
    assert curve.cost_cny(half) == pytest.approx(half * 2.0 * curve.price_cny_per_kwh[0])
    whole = float((curve.power_kw * curve.price_cny_per_kwh).sum() * 2.0)
    assert curve.cost_cny(curve.total_kw) == pytest.approx(whole)
    assert curve.cost_cny(2.0 * curve.total_kw) == np.inf


def test_a_longer_window_gives_more_energy() -> None:
    portfolio = made_portfolio(6, 96, 2)
    curves = cost_curves(portfolio, portfolio.plan(), 72)
    assert [(c.direction, c.duration_h) for c in curves[:5]] == [
        ("down", h) for h in (0.25, 0.5, 1.0, 2.0, 4.0)
    ]
    assert len(curves) == 10
    energies = [c.total_kw * c.duration_h for c in curves[:5]]
    assert energies == sorted(energies)


def test_late_in_the_day_only_short_windows_are_left() -> None:
    portfolio = made_portfolio(3, 24)
    found = cost_curves(portfolio, portfolio.plan(), 23)
    assert [c.duration_h for c in found] == [1.0, 1.0]


def test_a_window_beyond_the_day_is_refused() -> None:
    portfolio = made_portfolio(3, 24)
    with pytest.raises(InputError, match="2 h from step 23"):
        cost_curve(portfolio, portfolio.plan(), 23, 2.0)
