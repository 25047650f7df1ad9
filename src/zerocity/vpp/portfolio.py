"""What a portfolio's net import costs beside its sites: a cap, a floor, a target, each priced.

In every step the price of the sum N of all net imports is convex and piecewise linear,

    F(N) = slack * max(N - cap, 0) + slack * max(floor - N, 0) + deviation * |N - target|,

so that no request is impossible: what cannot be kept is broken at the slack's price.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Limits of the summed net import (import minus export), all (T,).

    Parameters
    ----------
    cap_kw : highest sum [kW]; inf where there is none.
    floor_kw : lowest sum [kW]; -inf where there is none.
    target_kw : the sum to follow [kW]; nan where there is none.
    slack_cny_per_kwh : price of each kWh above the cap or below the floor, > 0.
    deviation_cny_per_kwh : price of each kWh off the target, >= 0.
    """

    cap_kw: FloatArray
    floor_kw: FloatArray
    target_kw: FloatArray
    slack_cny_per_kwh: float
    deviation_cny_per_kwh: float

    def __post_init__(self) -> None:
        steps = self.cap_kw.shape
        if len(steps) != 1 or steps[0] == 0:
            raise InputError("cap_kw", f"shape {steps}", "one value a step")
        for name in ("floor_kw", "target_kw"):
            if getattr(self, name).shape != steps:
                raise InputError(name, f"shape {getattr(self, name).shape}", f"shape {steps}")
        for name, wrong in (("cap_kw", -np.inf), ("floor_kw", np.inf)):
            bad = np.isnan(getattr(self, name)) | (getattr(self, name) == wrong)
            _refuse(name, getattr(self, name), bad, "kW")
        _refuse("target_kw", self.target_kw, np.isinf(self.target_kw), "kW, or nan for none")
        _refuse("floor_kw", self.floor_kw, self.floor_kw > self.cap_kw, "at most the cap")
        if not 0.0 < self.slack_cny_per_kwh < np.inf:
            raise InputError("slack_cny_per_kwh", str(self.slack_cny_per_kwh), "more than 0")
        if not 0.0 <= self.deviation_cny_per_kwh < np.inf:
            raise InputError("deviation_cny_per_kwh", str(self.deviation_cny_per_kwh), "0 or more")

    def cost(self, net_kw: FloatArray) -> FloatArray:
        """F of each step at the sums ``net_kw``, (T,) [CNY/h]."""
        over = np.maximum(net_kw - self.cap_kw, 0.0) + np.maximum(self.floor_kw - net_kw, 0.0)
        off = np.abs(np.where(np.isnan(self.target_kw), 0.0, net_kw - self.target_kw))
        return np.asarray(self.slack_cny_per_kwh * over + self.deviation_cny_per_kwh * off)


def _refuse(name: str, values: FloatArray, bad: npt.NDArray[np.bool_], wanted: str) -> None:
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise InputError(f"{name}, step {at}", str(values[at]), wanted)


@dataclass(frozen=True, slots=True)
class Kinks:
    """F by its kinks: ``at_kw`` (3, T), rising; ``slopes`` (4, T) [CNY/kWh] between them.

    A limit that a step does not have is a kink without a bend. ``cost`` is F at the kinks.
    """

    at_kw: FloatArray
    slopes: FloatArray
    cost: FloatArray

    @property
    def low(self) -> FloatArray:
        """Least price that the portfolio can put on net import, (T,) [CNY/kWh]."""
        return np.asarray(self.slopes[0])

    @property
    def high(self) -> FloatArray:
        """Greatest price that the portfolio can put on net import, (T,) [CNY/kWh]."""
        return np.asarray(self.slopes[-1])

    def dual(self, price: FloatArray) -> FloatArray:
        """min over N of F(N) - price * N, (T,) [CNY/h], for prices between low and high."""
        return np.asarray((self.cost - price * self.at_kw).min(axis=0))

    def nearest(self, price: FloatArray, net_kw: FloatArray) -> FloatArray:
        """The N that is best at ``price`` and, among equals, nearest to ``net_kw``, (T,) [kW]."""
        count = len(self.at_kw)
        least = (self.slopes < price).sum(axis=0) - 1
        most = (self.slopes <= price).sum(axis=0) - 1
        columns = np.arange(price.size)
        low = np.where(least < 0, -np.inf, self.at_kw[np.clip(least, 0, count - 1), columns])
        high = np.where(most >= count, np.inf, self.at_kw[np.clip(most, 0, count - 1), columns])
        return np.asarray(np.clip(net_kw, low, np.maximum(low, high)))


def kinks(portfolio: Portfolio) -> Kinks:
    """The kinks of F, for the dual and for a linear program."""
    p = portfolio
    points = np.stack([p.floor_kw, p.target_kw, p.cap_kw])
    given = np.isfinite(points)
    anchor = np.where(given, points, 0.0).sum(axis=0) / np.maximum(given.sum(axis=0), 1)
    points = np.where(given, points, anchor)
    slack, off = p.slack_cny_per_kwh, p.deviation_cny_per_kwh
    bends = np.where(given, np.array([[slack], [2.0 * off], [slack]]), 0.0)
    order = np.argsort(points, axis=0, kind="stable")
    points, bends = np.take_along_axis(points, order, 0), np.take_along_axis(bends, order, 0)
    left = -slack * given[0] - off * given[1]
    slopes = left + np.vstack([np.zeros_like(left), np.cumsum(bends, axis=0)])
    # A sum of prices may miss zero by a rounding; without a cap or floor it must be zero.
    slopes[-1] = slack * given[2] + off * given[1]
    return Kinks(points, slopes, np.stack([p.cost(row) for row in points]))
