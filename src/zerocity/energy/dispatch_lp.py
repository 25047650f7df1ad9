"""The linear program of a site's day, solved by HiGHS from whole arrays.

It decides for the sites with a store and flexible charging at once whose plans `pairs` cannot
prove.

Sites of equal structure share one matrix. Only costs and bounds change from site to site, and the
dual simplex method starts from the basis of the site before (Dantzig's bounded dual simplex as in
Huangfu and Hall 2018, doi:10.1007/s12532-017-0130-5).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

from zerocity.energy.highs import new_model, new_solver
from zerocity.energy.site_days import FloatArray, SiteDays, store_goal_kwh, store_start_kwh
from zerocity.errors import ZerocityError

COST_SCALE = 100.0
"""Costs enter HiGHS in fen, so that ties a hair apart stay above its dual tolerance."""
TIE_CNY_PER_KWH = 1e-7
"""Preference for acting early among equal prices: keeps plans alike from day to day."""
TOLERANCE = 1e-9

WHOLE_COLUMNS = (
    *("import", "overload", "export", "sun", "charge", "discharge", "store"),
    *("flex", "level", "lost"),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Costs and bounds of k programs of one matrix: (k, columns) and (k, rows)."""

    cost: FloatArray
    low: FloatArray
    high: FloatArray
    row_low: FloatArray
    row_high: FloatArray


class Table:
    """A (k, columns) array with named blocks of T columns and the peak as last column."""

    def __init__(self, names: tuple[str, ...], sites: int, steps: int, fill: float = 0.0) -> None:
        self.values: FloatArray = np.full((sites, len(names) * steps + 1), fill)
        self._at = {name: slice(i * steps, (i + 1) * steps) for i, name in enumerate(names)}

    def __setitem__(self, name: str, values: npt.ArrayLike) -> None:
        self.values[:, self._at[name]] = values

    def __getitem__(self, name: str) -> FloatArray:
        return self.values[:, self._at[name]]


@lru_cache(maxsize=64)
def whole_matrix(steps: int, step_h: float, round_trip: float) -> sparse.csc_matrix:
    """Rows: balance, store, level, peak (T each). The store counts in AC kWh of charging."""
    one, rise = sparse.identity(steps), _differences(steps)
    peak = sparse.csc_matrix(np.full((steps, 1), -1.0))
    inflow, outflow = -step_h * one, step_h / round_trip * one
    rows: list[list[Any]] = [
        [one, one, -one, one, -one, one, None, -one, None, None, None],
        [None, None, None, None, inflow, outflow, rise, None, None, None, None],
        [None, None, None, None, None, None, None, inflow, rise, -one, None],
        [one, one, None, None, None, None, None, None, None, None, peak],
    ]
    return sparse.csc_matrix(sparse.bmat(rows))


def _differences(steps: int) -> sparse.csc_matrix:
    return sparse.csc_matrix(sparse.identity(steps) - sparse.eye(steps, k=-1))


def whole_batch(days: SiteDays, missing: FloatArray, overload: FloatArray) -> Batch:
    """Programs of sites with a store and flexible charging."""
    cost = _whole_cost(days, missing, overload)
    low, high = _whole_bounds(days)
    sites, steps = days.sites, days.steps
    zero = np.zeros((sites, steps))
    start = zero.copy()
    start[:, 0] = store_start_kwh(days) / days.store_charge_efficiency
    equal = [days.load_kw, start, zero]
    return Batch(
        cost.values * COST_SCALE,
        low.values,
        high.values,
        np.hstack([*equal, np.full((sites, steps), -np.inf)]),
        np.hstack([*equal, zero]),
    )


def _whole_cost(days: SiteDays, missing: FloatArray, overload: FloatArray) -> Table:
    h, steps = days.step_h, days.steps
    cost = Table(WHOLE_COLUMNS, days.sites, steps)
    cost["import"] = h * days.buy_cny_per_kwh
    cost["overload"] = h * (days.buy_cny_per_kwh + overload)
    cost["export"] = h * (TIE_CNY_PER_KWH - days.sell_cny_per_kwh)
    wear = days.wear_cny_per_kwh[:, None] / 2.0
    # Unlike slopes, so that delaying one use to advance another is never a tie again.
    cost["charge"] = h * (wear + _early(steps, 1.7))
    cost["discharge"] = h * (wear + _early(steps, 2.1))
    cost["flex"] = h * _early(steps, 1.3)
    cost["lost"] = missing
    cost.values[:, -1] = days.demand_charge_cny_per_kw
    return cost


def _whole_bounds(days: SiteDays) -> tuple[Table, Table]:
    sites, steps = days.sites, days.steps
    low, high = Table(WHOLE_COLUMNS, sites, steps), Table(WHOLE_COLUMNS, sites, steps, np.inf)
    high["import"] = days.import_limit_kw[:, None]
    high["export"] = days.export_limit_kw[:, None]
    high["sun"] = days.pv_kw
    high["charge"] = days.store_charge_kw[:, None]
    high["discharge"] = days.store_discharge_kw[:, None]
    high["store"] = (days.store_kwh / days.store_charge_efficiency)[:, None]
    low["store"][:, -1] = store_goal_kwh(days) / days.store_charge_efficiency
    high["flex"] = days.flex_limit_kw
    low["level"], high["level"] = days.flex_min_kwh, days.flex_max_kwh
    low.values[:, -1] = days.peak_so_far_kw
    return low, high


def _early(steps: int, power: float) -> FloatArray:
    """Tie-breaking cost that grows over the day, (T,) [CNY/kWh]."""
    return np.asarray(TIE_CNY_PER_KWH * (np.arange(1, steps + 1) / steps) ** power)


def solve(matrix: sparse.csc_matrix, batch: Batch) -> FloatArray:
    """Solve the programs of ``batch`` one after another; (k, columns).

    Raises ZerocityError when HiGHS finds no optimum, which lawful input cannot cause.
    """
    solver = _solver()
    rows, columns = matrix.shape
    answers = np.empty((batch.cost.shape[0], columns))
    row_at, column_at = (np.arange(n, dtype=np.int32) for n in (rows, columns))
    solver.passModel(_program(matrix, batch))
    for k in range(answers.shape[0]):
        if k:
            solver.changeColsCost(columns, column_at, batch.cost[k])
            solver.changeColsBounds(columns, column_at, batch.low[k], batch.high[k])
            _change_rows(solver, row_at, batch.row_low[k], batch.row_high[k])
        answers[k] = _run(solver)
    return answers


def _change_rows(
    solver: highspy.Highs, at: npt.NDArray[np.int32], low: FloatArray, high: FloatArray
) -> None:
    # highspy binds the call but its type stub leaves it out.
    solver.changeRowsBounds(at.size, at, low, high)  # type: ignore[attr-defined]


def _solver() -> highspy.Highs:
    return new_solver(
        TOLERANCE,
        parallel="off",
        random_seed=1,
        solver="simplex",
        simplex_strategy=1,
        presolve="off",
        # Ties are broken by our own preference for early charging, so HiGHS need not shake the
        # costs; without that and with Devex pricing a warm day takes two thirds of the time.
        dual_simplex_cost_perturbation_multiplier=0.0,
        simplex_dual_edge_weight_strategy=1,
    )


def _program(matrix: sparse.csc_matrix, batch: Batch) -> highspy.HighsLp:
    return new_model(
        batch.cost[0],
        (batch.low[0], batch.high[0]),
        (batch.row_low[0], batch.row_high[0]),
        (matrix.indptr, matrix.indices, matrix.data),
    )


def _run(solver: highspy.Highs) -> FloatArray:
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        # A basis carried over can be too ill-conditioned to go on from; a cold start is not.
        solver.clearSolver()
        solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        status = solver.modelStatusToString(solver.getModelStatus())
        raise ZerocityError(f"day plan: HiGHS ended with '{status}', wanted an optimum")
    return np.asarray(solver.getSolution().col_value)
