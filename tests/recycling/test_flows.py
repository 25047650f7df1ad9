"""Cohort stocks against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from zerocity.errors import InputError
from zerocity.measures.seeds import stream
from zerocity.recycling.flows import (
    cohort_shares,
    draw_lives,
    inflow_driven,
    lived_years,
    stock_driven,
    survival,
)


def test_exponential_lives_with_constant_inflow() -> None:
    years, scale = np.arange(1, 41), 6.0
    stock = inflow_driven(np.ones(40), scale, 1.0).stock
    assert stock == pytest.approx(scale * -np.expm1(-years / scale), rel=1e-12)


@pytest.mark.parametrize(("scale", "shape"), [(9.5, 3.5), (7.0, 3.5), (0.5, 3.5), (100.0, 0.7)])
def test_the_integral_is_that_of_the_survival(scale: float, shape: float) -> None:
    for age in (0.3, 1.0, 8.0):
        got = lived_years(np.array([age]), scale, shape)[0]
        wanted = quad(lambda t: float(np.exp(-((t / scale) ** shape))), 0, age, epsabs=1e-13)[0]
        assert got == pytest.approx(wanted, rel=1e-9)


def test_shares_start_below_one_and_sum_to_the_mean_life() -> None:
    shares = cohort_shares(60, 9.5)
    assert (np.diff(shares) <= 0.0).all()
    assert shares.sum() == pytest.approx(lived_years(np.array([1e9]), 9.5)[0], rel=1e-12)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.floats(0.3, 20), st.floats(0.7, 5))
def test_what_enters_is_in_stock_or_has_left(
    inflow: list[float], scale: float, shape: float
) -> None:
    flows = inflow_driven(np.array(inflow), scale, shape)
    total = flows.inflow.sum()
    assert flows.outflow.sum() + flows.stock[-1] == pytest.approx(total, rel=1e-12, abs=1e-9)
    assert (flows.outflow >= -1e-9 * max(total, 1.0)).all()


def test_a_stock_gives_its_inflow_back() -> None:
    inflow = stream(2, "inflow").uniform(10.0, 100.0, 40)
    flows = inflow_driven(inflow, 8.0)
    assert stock_driven(flows.stock, 8.0).inflow == pytest.approx(inflow, rel=1e-10)


def test_drawn_lives_follow_the_survival() -> None:
    rng = stream(3, "lives")
    lives = draw_lives(rng, np.zeros(200_000), 9.5)
    for age in (4.0, 8.0, 12.0):
        wanted = survival(np.array([age]), 9.5)[0]
        assert (lives > age).mean() == pytest.approx(wanted, abs=0.005)
    old = draw_lives(rng, np.full(200_000, 8.0), 9.5)
    assert old.min() >= 8.0
    wanted = float(survival(np.array([10.0]), 9.5)[0] / survival(np.array([8.0]), 9.5)[0])
    assert (old > 10.0).mean() == pytest.approx(wanted, abs=0.005)


def test_items_reconcile_to_the_cohort_stock() -> None:
    rng, per_year = stream(4, "items"), 50_000
    entry = np.repeat(np.arange(12), per_year) + rng.random(12 * per_year)
    death = entry + draw_lives(rng, np.zeros(entry.size), 5.0)
    stock = inflow_driven(np.full(12, float(per_year)), 5.0).stock
    for year in (1, 5, 12):
        alive = np.count_nonzero((entry < year) & (death >= year))
        assert alive == pytest.approx(stock[year - 1], rel=0.01)


def test_a_senseless_life_is_refused() -> None:
    with pytest.raises(InputError, match="Weibull"):
        cohort_shares(3, 0.0)
