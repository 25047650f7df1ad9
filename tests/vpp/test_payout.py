"""Money is shared to the last fen, by delivery, and never for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zerocity.errors import InputError
from zerocity.vpp.payout import pay_out

energies = arrays(np.float64, 6, elements=st.just(0.0) | st.floats(1e-3, 1e5))
floors = arrays(np.float64, 6, elements=st.floats(0.0, 2.0))
money = st.floats(0.0, 1e6)


@given(money, money, energies, energies, floors)
def test_the_parts_add_up_and_nothing_delivered_is_nothing_paid(
    payment: float, penalty: float, given_kwh: np.ndarray, asked: np.ndarray, floor: np.ndarray
) -> None:
    assume(given_kwh.any())
    found = pay_out(payment, penalty, given_kwh, asked, floor)
    assert found.net_cny.sum() == pytest.approx(payment - penalty, abs=1e-6 + 1e-9 * payment)
    assert found.penalty_cny.sum() == pytest.approx(penalty, rel=1e-9, abs=1e-9)
    assert ((found.floor_cny + found.share_cny)[given_kwh == 0.0] == 0.0).all()
    assert (found.floor_cny >= 0).all()
    assert (found.share_cny >= 0).all()


@given(money, money, energies, energies, floors, st.integers(0, 5), st.floats(1.0, 1e4))
def test_to_deliver_more_never_pays_less(
    payment: float, penalty: float, given_kwh: np.ndarray, asked: np.ndarray, floor: np.ndarray,
    who: int, more: float,
) -> None:  # fmt: skip
    assume(given_kwh.any())
    # The same money and a penalty that somebody still has to bear.
    asked = asked + given_kwh + 2.0 * more
    before = pay_out(payment, penalty, given_kwh, asked, floor).net_cny[who]
    given_kwh = given_kwh.copy()
    given_kwh[who] += more
    after = pay_out(payment, penalty, given_kwh, asked, floor).net_cny[who]
    assert after >= before - 1e-6 * (1.0 + payment + penalty)


@given(money, energies, floors)
def test_the_floor_comes_first(payment: float, given_kwh: np.ndarray, floor: np.ndarray) -> None:
    assume(given_kwh.any())
    owed = given_kwh * floor
    found = pay_out(payment, 0.0, given_kwh, given_kwh, floor)
    if payment >= owed.sum():
        assert found.floor_cny == pytest.approx(owed, rel=1e-9, abs=1e-6)
    else:
        assert found.share_cny == pytest.approx(np.zeros(6), abs=1e-6)


def test_at_one_price_for_each_kwh_it_is_the_shapley_value() -> None:
    energy = np.array([1.0, 2.0, 5.0])
    found = pay_out(0.15 * energy.sum(), 0.0, energy, energy, np.zeros(3))
    assert found.net_cny == pytest.approx(0.15 * energy)


def test_a_penalty_falls_on_those_who_fell_short() -> None:
    found = pay_out(90.0, 12.0, np.array([10.0, 5.0, 0.0]), np.array([10.0, 9.0, 2.0]), np.zeros(3))
    assert found.penalty_cny == pytest.approx([0.0, 8.0, 4.0])
    assert found.net_cny == pytest.approx([60.0, 22.0, -4.0])


def test_a_penalty_that_nobody_earned_is_still_shared() -> None:
    one = np.ones(2)
    assert pay_out(0.0, 6.0, one, one * 0.5, one).penalty_cny == pytest.approx([3.0, 3.0])
    assert pay_out(0.0, 6.0, 0 * one, 0 * one, one).penalty_cny == pytest.approx([3.0, 3.0])


@pytest.mark.parametrize(
    ("payment", "delivered", "message"),
    [
        (np.nan, [1.0, 1.0], "payment_cny"),
        (1.0, [-1.0, 1.0], r"delivered_kwh\[0\]"),
        (1.0, [0.0, 0.0], "nothing delivered"),
        (1.0, [1.0], "three arrays"),
    ],
)
def test_bad_input_is_named(payment: float, delivered: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pay_out(payment, 0.0, np.array(delivered), np.ones(2), np.zeros(2))
