"""Uniform-price clearing of a spot market, period by period.

Each period stands alone: supply in merit order meets demand, everyone trades at one price, and
offers at exactly that price share what is left in proportion to their size. This is the textbook
double auction (e.g. Kirschen and Strbac 2018, Fundamentals of Power System Economics, ch. 3) with
a floor and a cap; no grid, no start-up, no reserve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.vpp.staircase import Staircase


@dataclass(frozen=True)
class Orders:
    """Limit orders, all of shape (M,).

    ``period`` 0-based; ``price_cny_per_kwh`` the most a buyer pays or the least a seller takes;
    ``quantity_kw`` > 0 buys, < 0 sells; ``owner`` any number that tells parties apart.
    """

    period: I64
    price_cny_per_kwh: F64
    quantity_kw: F64
    owner: I64

    def __post_init__(self) -> None:
        shape = self.period.shape
        for name in ("price_cny_per_kwh", "quantity_kw", "owner"):
            values = getattr(self, name)
            if values.shape != shape or len(shape) != 1:
                raise InputError(f"orders.{name}", f"shape {values.shape}", f"shape {shape}, flat")
            bad = np.flatnonzero(~np.isfinite(values))
            if bad.size:
                where = f"orders.{name}, order {bad[0]}, period {self.period[bad[0]]}"
                raise InputError(where, str(values[bad[0]]), "a finite number")


@dataclass(frozen=True)
class Cleared:
    """``price_cny_per_kwh`` (T,); ``traded_kw`` (T,) >= 0; ``filled_kw`` (M,), signed as ordered.

    ``unserved_kw`` (T,) is demand at the cap that no supply was left for.
    """

    price_cny_per_kwh: F64
    traded_kw: F64
    filled_kw: F64
    unserved_kw: F64


def joined(*books: Orders) -> Orders:
    """Several order books as one, in order."""
    return Orders(
        np.concatenate([b.period for b in books]),
        np.concatenate([b.price_cny_per_kwh for b in books]),
        np.concatenate([b.quantity_kw for b in books]),
        np.concatenate([b.owner for b in books]),
    )


def orders_of(stairs: Staircase, owner: int) -> Orders:
    """Limit orders of a staircase: what it buys less at each edge, and what it sells more."""
    edges, net = stairs.edges_cny_per_kwh, stairs.net_kw
    periods = np.arange(len(net))
    side = np.zeros((len(net), 1))
    buys, sells = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    less = buys - np.concatenate([buys[:, 1:], side], axis=1)
    more = np.diff(sells, axis=1, prepend=0.0)
    period = np.repeat(periods, net.shape[1])
    both = np.concatenate([period, period])
    prices = np.concatenate([edges[:, 1:].ravel(), edges[:, :-1].ravel()])
    quantity = np.concatenate([less.ravel(), -more.ravel()])
    kept = quantity != 0.0
    owners = np.full(int(kept.sum()), owner, np.int64)
    return Orders(both[kept].astype(np.int64), prices[kept], quantity[kept], owners)


def clear(orders: Orders, periods: int, floor: float, cap: float) -> Cleared:
    """Clear every period at one price between floor and cap [CNY/kWh].

    The price is the lowest at which supply covers all demand that would pay more than it; the cap
    where supply never does, the floor where nobody asks for more. Sold equals bought.

    Raises InputError for a period outside the day or a limit outside floor and cap.
    """
    if not floor < cap:
        raise InputError("floor", f"{floor:g}", f"below the cap of {cap:g} CNY/kWh")
    _within("period", orders, orders.period, 0, periods - 1)
    _within("price_cny_per_kwh", orders, orders.price_cny_per_kwh, floor - 1e-9, cap + 1e-9)
    price, traded, unserved = np.full(periods, floor), np.zeros(periods), np.zeros(periods)
    filled = np.zeros(orders.quantity_kw.shape)
    by_period = np.argsort(orders.period, kind="stable")
    ends = np.searchsorted(orders.period[by_period], np.arange(periods + 1))
    for t in range(periods):
        ids = by_period[ends[t] : ends[t + 1]]
        limits, quantity = orders.price_cny_per_kwh[ids], orders.quantity_kw[ids]
        price[t] = _price(limits, quantity, floor, cap)
        filled[ids] = _fill(limits, quantity, price[t])
        traded[t] = float(np.maximum(filled[ids], 0.0).sum())
        wanted = float(quantity[(quantity > 0.0) & (limits >= cap - 1e-9)].sum())
        unserved[t] = max(0.0, wanted - traded[t]) if price[t] >= cap - 1e-9 else 0.0
    return Cleared(price, traded, filled, unserved)


def _price(limits: F64, quantity: F64, floor: float, cap: float) -> float:
    levels = np.unique(np.concatenate([[floor, cap], limits]))
    buys = np.where(quantity > 0.0, quantity, 0.0)
    sells = np.where(quantity < 0.0, -quantity, 0.0)
    supply = (sells[None, :] * (limits[None, :] <= levels[:, None])).sum(axis=1)
    demand = (buys[None, :] * (limits[None, :] > levels[:, None])).sum(axis=1)
    enough = np.flatnonzero(supply >= demand - 1e-9 * max(1.0, float(buys.sum())))
    return float(np.clip(levels[enough[0]] if enough.size else cap, floor, cap))


def _fill(limits: F64, quantity: F64, price: float) -> F64:
    """Orders better than the price in full, those at the price in proportion."""
    willing_buy = np.where((quantity > 0.0) & (limits >= price), quantity, 0.0)
    willing_sell = np.where((quantity < 0.0) & (limits <= price), -quantity, 0.0)
    volume = min(float(willing_buy.sum()), float(willing_sell.sum()))
    bought = _served(willing_buy, limits > price, volume)
    sold = _served(willing_sell, limits < price, volume)
    return bought - sold


def _served(willing: F64, first: Bools, volume: float) -> F64:
    """Share ``volume``: the ``first`` in full, the others by what is left; all by part if short."""
    sure = np.where(first, willing, 0.0)
    total = float(sure.sum())
    if total >= volume:
        return sure * (volume / total) if total > 0.0 else sure
    margin = willing - sure
    room = float(margin.sum())
    return sure + margin * min(1.0, (volume - total) / room) if room > 0.0 else sure


def _within(name: str, orders: Orders, values: F64 | I64, low: float, high: float) -> None:
    bad = np.flatnonzero((values < low) | (values > high))
    if bad.size:
        k = int(bad[0])
        where = f"orders.{name}, order {k}, period {orders.period[k]}"
        raise InputError(where, f"{values[k]:g}", f"from {low:g} to {high:g}")
