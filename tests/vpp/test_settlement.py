"""Money for relief."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zerocity.errors import InputError
from zerocity.vpp.products import EnergyMarket, FrequencyReserve
from zerocity.vpp.program import Program
from zerocity.vpp.settlement import (
    EnergySettlement,
    settle,
    settle_energy,
    settle_reserve,
)

PROGRAM = Program(price_cny_per_kwh=0.15, penalty_cny_per_kwh=0.3, tolerance_share=0.8)


def flat(kw: float, events: int = 1) -> np.ndarray:
    return np.full((events, 96), kw)


def test_full_delivery_by_hand() -> None:
    paid = settle(
        PROGRAM, baseline_kw=flat(1000.0), metered_kw=flat(400.0), requested_kw=flat(600.0)
    )
    assert paid.delivered_kwh[0] == pytest.approx(1200.0)
    assert paid.requested_kwh[0] == pytest.approx(1200.0)
    assert paid.payment_cny[0] == pytest.approx(180.0)
    assert paid.penalty_cny[0] == 0.0
    assert paid.baseline_kwh[0] - paid.metered_kwh[0] == pytest.approx(paid.delivered_kwh[0])


def test_shortfall_below_tolerance_costs() -> None:
    paid = settle(
        PROGRAM, baseline_kw=flat(1000.0), metered_kw=flat(900.0), requested_kw=flat(600.0)
    )
    assert paid.penalty_cny[0] == pytest.approx((0.8 * 1200.0 - 200.0) * 0.3)


def test_only_the_window_counts_and_rises_never_pay() -> None:
    metered = flat(1000.0)
    metered[0, :76] = 0.0
    metered[0, 80:84] = 2000.0
    metered[0, 76:80] = 900.0
    paid = settle(PROGRAM, baseline_kw=flat(1000.0), metered_kw=metered, requested_kw=flat(100.0))
    assert paid.delivered_kwh[0] == pytest.approx(100.0)


@given(st.floats(0.0, 1e4), st.floats(0.0, 1e4), st.floats(0.0, 1e4), st.floats(0.0, 1e4))
def test_money_is_monotone_in_relief(base: float, met: float, met2: float, asked: float) -> None:
    low, high = sorted((met, met2))
    one, two = (
        settle(PROGRAM, baseline_kw=flat(base), metered_kw=flat(m), requested_kw=flat(asked))
        for m in (high, low)
    )
    assert two.payment_cny[0] >= one.payment_cny[0] >= 0.0
    assert two.penalty_cny[0] <= one.penalty_cny[0]


def test_shapes_must_agree() -> None:
    with pytest.raises(InputError, match="settle"):
        settle(PROGRAM, baseline_kw=flat(1.0), metered_kw=flat(1.0, 2), requested_kw=flat(1.0))


RULES = EnergyMarket(periods=24, tolerance_share=0.1, penalty_cny_per_kwh=0.2)
FLAT = np.full(24, 0.3)


def settled(awarded: np.ndarray, metered: np.ndarray) -> EnergySettlement:
    return settle_energy(
        RULES, awarded_kw=awarded, metered_kw=metered, price_cny_per_kwh=FLAT,
        real_time_cny_per_kwh=FLAT,
    )  # fmt: skip


def test_what_is_delivered_as_awarded_pays_the_award() -> None:
    award = np.linspace(-50.0, 100.0, 24)
    found = settled(award, award)
    assert found.total_cny == pytest.approx(float(award.sum() * 0.3))
    assert found.penalty_cny == 0.0


@given(arrays(np.float64, 24, elements=st.floats(-1e4, 1e4)),
       arrays(np.float64, 24, elements=st.floats(-1e4, 1e4)))  # fmt: skip
def test_at_one_price_only_the_penalty_depends_on_the_award(
    award: np.ndarray, metered: np.ndarray
) -> None:
    found = settled(award, metered)
    money = found.award_cny + found.deviation_cny
    assert money == pytest.approx(float((metered * FLAT).sum()), abs=1e-6)
    assert found.penalty_cny >= 0.0
    assert (found.beyond_kwh <= np.abs(found.deviation_kwh) + 1e-9).all()


def test_only_the_deviation_beyond_the_tolerance_costs() -> None:
    award = np.full(24, 100.0)
    metered = award.copy()
    metered[:2] = (109.0, 115.0)
    found = settled(award, metered)
    assert found.beyond_kwh.sum() == pytest.approx(5.0)
    assert found.penalty_cny == pytest.approx(1.0)


def test_a_missing_price_or_meter_is_named() -> None:
    broken = FLAT.copy()
    broken[3] = np.nan
    with pytest.raises(InputError, match="price_cny_per_kwh, period 3"):
        settle_energy(RULES, awarded_kw=FLAT, metered_kw=FLAT, price_cny_per_kwh=broken,
                      real_time_cny_per_kwh=FLAT)  # fmt: skip
    with pytest.raises(InputError, match="metered_kw"):
        settled(FLAT, FLAT[1:])


def test_reserve_pays_what_was_there_and_fines_what_was_not() -> None:
    rules = FrequencyReserve(
        window_start_h=10.0, window_end_h=14.0, price_cny_per_kwh=0.01, mileage_per_h=2.0,
        tolerance_share=0.5, penalty_cny_per_kwh=1.0,
    )  # fmt: skip
    available = np.full(24, 200.0)
    whole = settle_reserve(rules, 100.0, available)
    assert whole.held_kwh == whole.available_kwh == 400.0
    assert whole.total_cny == pytest.approx(400.0 * 0.01 + 400.0 * 2.0 * 0.015)
    available[11] = 20.0
    less = settle_reserve(rules, 100.0, available)
    assert less.available_kwh == pytest.approx(320.0)
    assert less.penalty_cny == pytest.approx(30.0)
    with pytest.raises(InputError, match="available_kw"):
        settle_reserve(rules, 100.0, -available)
