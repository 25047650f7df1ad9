"""Offers are what can be held, and the verdict is the product's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from portfolios import made_portfolio

from zerocity.errors import InputError
from zerocity.vpp.offers import peak_offer, reserve_offer, window_of
from zerocity.vpp.products import FrequencyReserve
from zerocity.vpp.program import Program

PORTFOLIO = made_portfolio(8, 24, 4)
PLANS = PORTFOLIO.plan()
PROGRAM = Program(admission_kw=1.0)


def test_a_share_of_what_can_be_held_is_offered() -> None:
    offer = peak_offer(PORTFOLIO, PLANS, PROGRAM)
    assert offer.offered_kw == pytest.approx(0.8 * offer.curve.held_kw)
    assert offer.cost_cny == pytest.approx(offer.curve.cost_cny(offer.offered_kw))
    assert offer.pay_cny == pytest.approx(offer.offered_kw * 2.0 * PROGRAM.price_cny_per_kwh)
    assert offer.admission.admitted


def test_too_little_is_not_admitted() -> None:
    offer = peak_offer(PORTFOLIO, PLANS, replace(PROGRAM, admission_kw=1e6))
    assert not offer.admission.admitted


def test_reserve_is_the_weakest_step_of_the_hours_that_count() -> None:
    day = reserve_offer(PORTFOLIO, PLANS, FrequencyReserve(admission_kw=0.0))
    noon = reserve_offer(
        PORTFOLIO, PLANS,
        FrequencyReserve(admission_kw=0.0, window_start_h=10.0, window_end_h=14.0),
    )  # fmt: skip
    assert day.offered_kw == pytest.approx(day.both_kw.min())
    assert noon.offered_kw >= day.offered_kw
    least = np.minimum(day.down_kw.sum(axis=0), day.up_kw.sum(axis=0))
    assert day.both_kw == pytest.approx(least)


def test_a_longer_hold_never_offers_more() -> None:
    offers = [
        reserve_offer(PORTFOLIO, PLANS, FrequencyReserve(min_duration_h=h)).both_kw
        for h in (1.0, 2.0, 4.0)
    ]
    assert (offers[0] >= offers[1] - 1e-9).all()
    assert (offers[1] >= offers[2] - 1e-9).all()


def test_a_window_without_a_step_is_refused() -> None:
    with pytest.raises(InputError, match="window"):
        window_of(replace(PROGRAM, window_start_h=19.1, window_end_h=19.9), 24)
