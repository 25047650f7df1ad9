from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.ageing_models import MODEL_KEYS
from zerocity.batteries.ageing_state import aged_state, cycle_loss, new_state
from zerocity.batteries.wear import wear_price
from zerocity.errors import InputError

LAWS = np.arange(len(MODEL_KEYS), dtype=np.int8)
ONE = np.ones(LAWS.size)


def test_a_life_of_cycles_paid_by_its_wear_pays_for_the_loss() -> None:
    """The sum over a life of small spans is the price times the share of loss used up."""
    span, price, paid = 50.0, 1000.0, np.zeros(LAWS.size)
    for done in np.arange(0.0, 3000.0, span):
        state = aged_state(LAWS, ONE, 0 * ONE, done * ONE, mean_dod=0.7)
        paid += 2.0 * span * wear_price(state, LAWS, price, dod=0.7, rate_c=0.3, ahead_efc=span)
    lost = cycle_loss(aged_state(LAWS, ONE, 0 * ONE, 3000.0 * ONE, mean_dod=0.7), LAWS)
    assert paid == pytest.approx(price * lost / 0.4, rel=1e-9)


def test_an_older_pack_wears_cheaper() -> None:
    young = wear_price(new_state(LAWS.size), LAWS, 800.0)
    old = wear_price(aged_state(LAWS, ONE, 0 * ONE, 2000 * ONE), LAWS, 800.0)
    assert (old < young).all()
    assert (old > 0.0).all()


@given(st.floats(0.1, 10.0))
def test_it_is_linear_in_the_price(factor: float) -> None:
    state = new_state(LAWS.size)
    one, more = (wear_price(state, LAWS, price) for price in (500.0, 500.0 * factor))
    assert more == pytest.approx(factor * one)


def test_deeper_cycles_and_losses_on_the_way() -> None:
    state = new_state(LAWS.size)
    plain = wear_price(state, LAWS, 800.0)
    assert (wear_price(state, LAWS, 800.0, dod=0.3) < plain).all()
    # More AC energy passes for the same cycle, so each AC kWh wears less.
    lossy = wear_price(state, LAWS, 800.0, charge_efficiency=0.9)
    assert lossy == pytest.approx(plain * 2.0 / (1.0 / 0.9 + 1.0))


def test_an_lfp_store_costs_a_few_fen_a_kilowatt_hour() -> None:
    """About 6,000 cycles for 800 CNY/kWh: 0.07 CNY for each kWh in or out, by the order."""
    lfp = np.array([MODEL_KEYS.index("lfp250")], dtype=np.int8)
    state = aged_state(lfp, np.ones(1), np.zeros(1), np.full(1, 1000.0))
    assert 0.02 < float(wear_price(state, lfp, 800.0)[0]) < 0.12


@pytest.mark.parametrize("name", ["usable_loss", "ahead_efc"])
def test_spans_that_are_not_positive_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=name):
        wear_price(new_state(1), LAWS[:1], 800.0, **{name: 0.0})  # type: ignore[arg-type]
