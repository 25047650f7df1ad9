"""One price, merit order, and what is sold is bought."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.vpp.clearing import Orders, clear, joined, orders_of
from zerocity.vpp.staircase import Staircase

FLOOR, CAP = 0.04, 0.5


def book(*rows: tuple[int, float, float]) -> Orders:
    period, price, quantity = (np.array(column) for column in zip(*rows, strict=True))
    return Orders(period.astype(np.int64), price.astype(float), quantity.astype(float),
                  np.arange(len(rows)))  # fmt: skip


order = st.tuples(
    st.integers(0, 3),
    st.sampled_from([0.04, 0.1, 0.2, 0.3, 0.5]) | st.floats(0.04, 0.5),
    st.floats(-1e5, 1e5),
)


@given(st.lists(order, min_size=1, max_size=30))
def test_sold_is_bought_and_nobody_trades_against_its_limit(rows: list) -> None:  # type: ignore[type-arg]
    orders = book(*rows)
    found = clear(orders, 4, FLOOR, CAP)
    net = np.bincount(orders.period, found.filled_kw, 4)
    assert net == pytest.approx(np.zeros(4), abs=1e-6)
    price = found.price_cny_per_kwh[orders.period]
    buys, sells = found.filled_kw > 1e-6, found.filled_kw < -1e-6
    assert (price[buys] <= orders.price_cny_per_kwh[buys] + 1e-12).all()
    assert (price[sells] >= orders.price_cny_per_kwh[sells] - 1e-12).all()
    assert (np.abs(found.filled_kw) <= np.abs(orders.quantity_kw) + 1e-6).all()
    assert (found.filled_kw * orders.quantity_kw >= 0.0).all()
    assert ((found.price_cny_per_kwh >= FLOOR) & (found.price_cny_per_kwh <= CAP)).all()


@given(st.lists(order, min_size=1, max_size=30))
def test_offers_better_than_the_price_are_served_in_full(rows: list) -> None:  # type: ignore[type-arg]
    orders = book(*rows)
    found = clear(orders, 4, FLOOR, CAP)
    price = found.price_cny_per_kwh[orders.period]
    scarce = np.isin(orders.period, np.flatnonzero(price_at_edge(found.price_cny_per_kwh)))
    better = np.where(
        orders.quantity_kw > 0,
        orders.price_cny_per_kwh > price,
        orders.price_cny_per_kwh < price,
    )
    sure = better & ~scarce
    # Supply is enough when it is within a billionth of what is asked.
    hair = 1e-6 + 1e-8 * np.abs(orders.quantity_kw).sum()
    assert found.filled_kw[sure] == pytest.approx(orders.quantity_kw[sure], abs=hair)


def price_at_edge(price: np.ndarray) -> np.ndarray:
    return np.asarray((price <= FLOOR) | (price >= CAP))


def test_the_marginal_block_sets_the_price_and_shares_in_proportion() -> None:
    found = clear(
        book((0, 0.5, 100.0), (0, 0.1, -60.0), (0, 0.3, -60.0), (0, 0.3, -20.0), (0, 0.4, -99.0)),
        1, FLOOR, CAP,
    )  # fmt: skip
    assert found.price_cny_per_kwh[0] == 0.3
    assert found.filled_kw == pytest.approx([100.0, -60.0, -30.0, -10.0, 0.0])
    assert found.traded_kw[0] == 100.0


def test_scarcity_is_priced_at_the_cap_and_said() -> None:
    found = clear(book((0, 0.5, 100.0), (0, 0.2, -30.0)), 1, FLOOR, CAP)
    assert found.price_cny_per_kwh[0] == CAP
    assert found.filled_kw == pytest.approx([30.0, -30.0])
    assert found.unserved_kw[0] == pytest.approx(70.0)


def test_abundance_is_priced_at_the_floor() -> None:
    found = clear(book((0, 0.5, 10.0), (0, 0.04, -30.0), (1, 0.04, -5.0)), 2, FLOOR, CAP)
    assert found.price_cny_per_kwh.tolist() == [FLOOR, FLOOR]
    assert found.filled_kw == pytest.approx([10.0, -10.0, 0.0])


@given(st.lists(st.floats(-50.0, 50.0), min_size=4, max_size=4), st.floats(0.05, 0.49))
def test_orders_of_a_staircase_trade_its_level(levels: list[float], price: float) -> None:
    net = -np.sort(-np.array([levels]))
    stairs = Staircase(np.array([[FLOOR, 0.1, 0.2, 0.4, CAP]]), net)
    if np.isclose(price, stairs.edges_cny_per_kwh).any():
        return
    mine = orders_of(stairs, 7)
    deep = book((0, price, 1e6), (0, price, -1e6))
    found = clear(joined(mine, deep), 1, FLOOR, CAP)
    got = found.filled_kw[: mine.period.size].sum()
    assert got == pytest.approx(stairs.at(np.array([price]))[0], abs=1e-6)
    assert set(mine.owner.tolist()) <= {7}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(0, np.nan, 1.0)], "price_cny_per_kwh, order 0, period 0: got nan"),
        ([(0, 0.2, 1.0), (1, 0.2, np.inf)], "quantity_kw, order 1, period 1"),
        ([(2, 0.2, 1.0)], "orders.period"),
        ([(0, 0.9, 1.0)], "from 0.04 to 0.5"),
    ],
)
def test_unlawful_orders_are_named(rows: list, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=message):
        clear(book(*rows), 2, FLOOR, CAP)


def test_crossed_bounds_and_odd_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="below the cap"):
        clear(book((0, 0.2, 1.0)), 1, CAP, FLOOR)
    with pytest.raises(InputError, match="owner"):
        Orders(np.zeros(2, np.int64), np.zeros(2), np.zeros(2), np.zeros(3, np.int64))
