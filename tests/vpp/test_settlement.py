"""Money for relief."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.vpp.program import Program
from zerocity.vpp.settlement import settle

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
