"""How all sites answer to a price on their net import, by the exact single-store kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zerocity.energy.stores import StoreDays, StorePlans, check_stores, dispatch_stores
from zerocity.errors import InputError
from zerocity.measures.seeds import stream

FloatArray = npt.NDArray[np.float64]


class Question(NamedTuple):
    """A price on net import, (T,) [CNY/kWh], and site x time noise of width ``dither`` on it.

    The noise is ``dither`` times draw ``draw`` of the seed, so that a question can be asked again
    of some sites without storing its answer.
    """

    price: FloatArray
    dither: float
    draw: int


class Answer(NamedTuple):
    """Of groups of sites: net import (G, T) [kW], cost without the price (G,) [CNY].

    ``dual_cny`` is a proven lower bound of the sites' cost with price and noise.
    """

    net_kw: FloatArray
    cost_cny: FloatArray
    dual_cny: float


class SiteOracle:
    """Asks all sites; sites i, i + G, i + 2G... form group i."""

    def __init__(self, days: StoreDays, groups: int, seed: int, threads: int) -> None:
        check_stores(days)
        self.days, self.groups, self.seed, self.threads = days, groups, seed, threads
        self.sites, self.steps = days.load_kw.shape
        self.calls = 0
        self._order = np.argsort(np.arange(self.sites) % groups, kind="stable")
        first = np.bincount(np.arange(self.sites) % groups, minlength=groups)
        self._starts = np.concatenate([[0], np.cumsum(first)[:-1]])
        self._drawn: tuple[int, FloatArray] = (-1, np.zeros((0, 0)))

    def noise(self, draw: int) -> FloatArray:
        """Draw number ``draw``, uniform in -1...1, (N, T). The last one is kept."""
        if self._drawn[0] != draw:
            numbers = stream(self.seed, "coordination", draw)
            self._drawn = draw, numbers.uniform(-1.0, 1.0, (self.sites, self.steps))
        return self._drawn[1]

    def extra(self, question: Question) -> FloatArray:
        """The price that each site sees on top of its own, (N, T) [CNY/kWh]."""
        if question.dither == 0.0:
            return np.broadcast_to(question.price, (self.sites, self.steps))
        return np.asarray(question.price + question.dither * self.noise(question.draw))

    def ask(self, question: Question) -> Answer:
        """The cheapest answer of every site, summed by group."""
        extra = self.extra(question)
        plans = answers(self.days, extra, self.threads)
        self.calls += 1
        if self.calls == 1:
            refuse_impossible(plans.broken_step)
        net = plans.import_kw - plans.export_kw
        cost = plans.objective_cny - self.days.step_h * np.einsum("it,it->i", net, extra)
        return Answer(
            np.add.reduceat(net[self._order], self._starts, axis=0),
            np.add.reduceat(cost[self._order], self._starts),
            float(plans.bound_cny.sum()),
        )


def answers(days: StoreDays, extra: FloatArray, threads: int) -> StorePlans:
    """Plan all sites with ``extra`` (N, T) [CNY/kWh] on both prices."""
    buy, sell = days.buy_cny_per_kwh + extra, days.sell_cny_per_kwh + extra
    priced = replace(days, buy_cny_per_kwh=buy, sell_cny_per_kwh=sell)
    return dispatch_stores(priced, "level", threads)


def refuse_impossible(broken: npt.NDArray[np.int64]) -> None:
    """Name the first site that no plan can serve."""
    if (broken >= 0).any():
        site = int(np.flatnonzero(broken >= 0)[0])
        raise InputError(
            f"site {site}, step {int(broken[site])}",
            "bounds of stored energy that its power limits cannot meet",
            "a site that can be served alone",
            "Give its import limit an overload price, or widen its bounds.",
        )
