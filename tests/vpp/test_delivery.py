"""Shares add up and no site is asked for more than it has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zerocity.errors import InputError
from zerocity.vpp.delivery import offer_kw, share_again, share_request
from zerocity.vpp.program import Program

available = arrays(np.float64, 5, elements=st.floats(0.0, 1e4))


@given(st.floats(0.0, 1e5), available)
def test_shares_sum_to_the_lesser_of_request_and_flexibility(
    asked: float, able: np.ndarray
) -> None:
    shares = share_request(asked, able)
    assert (shares <= able + 1e-9).all()
    assert shares.sum() == pytest.approx(min(asked, able.sum()), abs=1e-6)


def test_shares_are_proportional() -> None:
    assert share_request(30.0, np.array([10.0, 20.0, 30.0])).tolist() == [5.0, 10.0, 15.0]
    by_step = share_request(np.array([0.0, 30.0]), np.array([[10.0, 10.0], [20.0, 50.0]]))
    assert by_step[:, 0].tolist() == [0.0, 0.0]
    assert by_step[:, 1] == pytest.approx([5.0, 25.0])


@given(st.floats(0.0, 2e4), available, arrays(np.bool_, 5))
def test_the_others_take_over(asked: float, able: np.ndarray, failed: np.ndarray) -> None:
    first = share_request(asked, able)
    second = share_again(first, able, failed)
    assert not second[failed].any()
    assert (second[~failed] >= first[~failed] - 1e-9).all()
    assert (second <= able + 1e-6).all()
    assert second.sum() == pytest.approx(min(first.sum(), able[~failed].sum()), abs=1e-5)


def test_a_small_portfolio_offers_nothing() -> None:
    program = Program(admission_kw=1000.0, request_share=0.5)
    assert offer_kw(program, np.array([900.0, 900.0])) == 0.0
    assert offer_kw(program, np.array([1500.0, 900.0])) == pytest.approx(1200.0)


@pytest.mark.parametrize("bad", [-1.0, float("nan")])
def test_bad_powers_are_refused(bad: float) -> None:
    with pytest.raises(InputError, match="requested_kw"):
        share_request(bad, np.ones(2))
    with pytest.raises(InputError, match="available_kw"):
        share_request(1.0, np.array([bad]))
