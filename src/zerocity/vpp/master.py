"""The restricted master of the coordination: the best mix of answers already seen.

Sites are pooled in groups. A column is one answer of one group: its net import in every step and
its cost. The master picks a convex mix for each group at least cost (Dantzig and Wolfe 1960,
doi:10.1287/opre.8.1.101). Its rows are the steps and the groups, however many sites there are.
The price of each step is kept within a box around the best price known (the boxstep method,
Marsten, Hogan and Blankenship 1975, doi:10.1287/opre.23.3.389), which in the primal is a free
exchange at the prices of the box's sides.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zerocity.energy.highs import new_model, new_solver
from zerocity.vpp.portfolio import Kinks

FloatArray = npt.NDArray[np.float64]

TOLERANCE = 1e-7
PRIMAL = 4
"""HiGHS' number of the primal simplex method."""
DUST = 1e-9
"""Weights below this are none."""


class Mix(NamedTuple):
    """A solution of the master.

    ``model_cny`` bounds the true optimum from above if no side of the box binds. ``price`` (T,).
    ``weights`` one a column, in the order in which they came; ``net_kw`` (T,) and ``cost_cny`` of
    the mix without the portfolio's own cost.
    """

    model_cny: float
    price: FloatArray
    weights: FloatArray
    net_kw: FloatArray
    cost_cny: float


class Master:
    """A linear program that grows by columns; HiGHS restarts from the basis it has."""

    def __init__(self, bends: Kinks, groups: int, step_h: float, money: float) -> None:
        self.steps, self.groups, self.step_h = bends.low.size, groups, step_h
        # Groups' powers and costs near 1: the solver's tolerances are absolute.
        self._kw = max(float(np.abs(bends.at_kw).mean()) / groups, 1e-6)
        self._cny = max(abs(money) / groups, 1e-6)
        self._base = step_h * float(bends.cost[0].sum())
        self._nets: list[FloatArray] = []
        self._costs: list[FloatArray] = []
        # Columns come, rows stay: the old basis is still feasible, and the primal method goes on.
        self._solver: Any = new_solver(
            TOLERANCE, presolve="off", solver="simplex", simplex_strategy=PRIMAL
        )
        self._solver.passModel(self._start(bends))

    def _start(self, bends: Kinks) -> Any:
        """Rows of steps and groups; columns of the box's two sides and of F between its kinks."""
        steps, groups = self.steps, self.groups
        widths = np.diff(bends.at_kw, axis=0) / self._kw
        segments = len(widths)
        count = (2 + segments) * steps
        exchange = self._price(bends.slopes[1:-1]).ravel()
        right = np.concatenate([bends.at_kw[0] / self._kw, np.ones(groups)])
        signs = np.concatenate([[-1.0, 1.0], np.full(segments, -1.0)])
        return new_model(
            np.concatenate([np.zeros(2 * steps), exchange]),
            (np.zeros(count), np.concatenate([np.full(2 * steps, np.inf), widths.ravel()])),
            (right, right),
            (
                np.arange(count + 1),
                np.tile(np.arange(steps), 2 + segments),
                np.repeat(signs, steps),
            ),
        )

    def _price(self, price: FloatArray) -> FloatArray:
        return np.asarray(price * (self.step_h * self._kw / self._cny))

    def add(self, net_kw: FloatArray, cost_cny: FloatArray) -> None:
        """Add one column a group: (G, T) [kW] and (G,) [CNY]."""
        steps, count = self.steps, self.groups
        index = np.empty((count, steps + 1), np.int32)
        index[:, :steps], index[:, steps] = np.arange(steps), steps + np.arange(count)
        value = np.ones((count, steps + 1))
        value[:, :steps] = net_kw / self._kw
        self._solver.addCols(
            count, cost_cny / self._cny, np.zeros(count), np.full(count, np.inf),
            value.size, np.arange(count) * (steps + 1), index.ravel(), value.ravel(),
        )  # fmt: skip
        self._nets.append(net_kw)
        self._costs.append(cost_cny)

    def solve(self, low: FloatArray, high: FloatArray) -> Mix:
        """The best mix with the price of each step held within low...high, (T,) [CNY/kWh]."""
        sides = np.arange(2 * self.steps, dtype=np.int32)
        costs = np.concatenate([self._price(high), -self._price(low)])
        self._solver.changeColsCost(len(sides), sides, costs)
        self._solver.run()
        solution = self._solver.getSolution()
        weights = self._lawful(np.array(solution.col_value)[-self.groups * len(self._nets) :])
        net, cost = self._sum(weights)
        dual = -np.array(solution.row_dual)[: self.steps] / self._price(np.ones(self.steps))
        model = self._solver.getInfo().objective_function_value * self._cny + self._base
        return Mix(float(model), np.clip(dual, low, high), weights, net, cost)

    def _lawful(self, weights: FloatArray) -> FloatArray:
        """Weights of each group that are exactly none below 0 and 1 in sum, (columns, G)."""
        table = np.maximum(weights.reshape(-1, self.groups), 0.0)
        table[table < DUST] = 0.0
        total = table.sum(axis=0)
        table[0, total == 0.0] = 1.0
        return np.asarray(table / table.sum(axis=0))

    def _sum(self, weights: FloatArray) -> tuple[FloatArray, float]:
        net, cost = np.zeros(self.steps), 0.0
        for row, nets, costs in zip(weights, self._nets, self._costs, strict=True):
            used = np.flatnonzero(row)
            net += row[used] @ nets[used]
            cost += float(row[used] @ costs[used])
        return net, cost
