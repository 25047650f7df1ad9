"""The linear program of one store behind one meter as NumPy arrays, for HiGHS to check and race.

Columns, each of T: import, overload, export, sun used, charge, discharge, stored energy; then the
peak, if it has a price. Rows, each of T: the meter's balance, the store's balance, the peak.
"""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

from zerocity.energy.stores import StoreDays

Array = npt.NDArray[Any]


def program(days: StoreDays, b: int, charge: float = 0.0, floor: float = 0.0) -> highspy.HighsLp:
    """Problem ``b`` with ``charge`` [CNY/kW] on the import's peak above ``floor`` [kW].

    Its least objective contains ``charge * floor``.
    """
    steps = days.load_kw.shape[1]
    cost, lower, upper = columns(days, b)
    left = right = rows(days, b)
    if charge > 0.0:
        cost, lower, upper = (
            np.append(cost, charge),
            np.append(lower, floor),
            np.append(upper, np.inf),
        )
        left, right = np.append(left, np.full(steps, -np.inf)), np.append(right, np.zeros(steps))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cost), len(left)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
    lp.row_lower_, lp.row_upper_ = left, right
    start, index, value = matrix(days, b, charge > 0.0)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = start, index, value
    return lp


def columns(days: StoreDays, b: int) -> tuple[Array, Array, Array]:
    """Price, lower and upper bound of the seven kinds of columns."""
    h, zero = days.step_h, np.zeros(days.load_kw.shape[1])
    over, buy = days.overload_cny_per_kwh[b], days.buy_cny_per_kwh[b]
    wear = np.full_like(zero, h * days.wear_cny_per_kwh[b])
    soft = np.isfinite(over)
    cost = np.concatenate(
        [h * buy, h * (buy + (over if soft else 0.0)), -h * days.sell_cny_per_kwh[b],
         zero, wear, wear, zero]
    )  # fmt: skip
    cost[-1] -= days.final_value_cny_per_kwh[b]
    lower = np.concatenate([np.zeros(6 * zero.size), days.low_kwh[b]])
    upper = np.concatenate(
        [days.import_limit_kw[b], np.full_like(zero, np.inf if soft else 0.0),
         days.export_limit_kw[b], days.pv_kw[b], days.charge_limit_kw[b],
         days.discharge_limit_kw[b], days.high_kwh[b]]
    )  # fmt: skip
    return cost, lower, upper


def rows(days: StoreDays, b: int) -> Array:
    """What the balances of the meter and of the store must give."""
    given = np.concatenate([days.load_kw[b], np.zeros_like(days.load_kw[b])])
    given[days.load_kw.shape[1]] = (1.0 - days.self_discharge[b]) * days.initial_kwh[b]
    return given


def matrix(days: StoreDays, b: int, peak: bool) -> tuple[Array, Array, Array]:
    """The program's matrix by columns: starts, rows, values."""
    steps, h = days.load_kw.shape[1], days.step_h
    at = np.arange(steps, dtype=np.int32)
    into, out = -h * days.charge_efficiency[b], h / days.discharge_efficiency[b]
    lost = days.self_discharge[b] - 1.0
    # Kind of column, kind of row, value.
    blocks = [(0, 0, 1.0), (1, 0, 1.0), (2, 0, -1.0), (3, 0, 1.0), (4, 0, -1.0), (4, 1, into),
              (5, 0, 1.0), (5, 1, out), (6, 1, 1.0)]  # fmt: skip
    parts = [(kind * steps + at, row * steps + at, value) for kind, row, value in blocks]
    parts.append((6 * steps + at[:-1], steps + at[1:], lost))
    if peak:
        parts += [(at, 2 * steps + at, 1.0), (steps + at, 2 * steps + at, 1.0)]
        parts.append((np.full(steps, 7 * steps), 2 * steps + at, -1.0))
    column = np.concatenate([p[0] for p in parts])
    row = np.concatenate([p[1] for p in parts]).astype(np.int32)
    value = np.concatenate([np.full(len(p[0]), p[2]) for p in parts])
    order = np.argsort(column, kind="stable")
    start = np.zeros(7 * steps + peak + 1, np.int32)
    np.cumsum(np.bincount(column, minlength=7 * steps + peak), out=start[1:])
    return start, row[order], value[order]


def solver(**options: object) -> highspy.Highs:
    """A silent HiGHS of one thread that runs the simplex method."""
    highs = highspy.Highs()
    for name, value in (
        {"output_flag": False, "threads": 1, "solver": "simplex"} | options
    ).items():
        highs.setOptionValue(name, value)
    return highs


def least_cost(highs: highspy.Highs) -> float:
    """Objective after a run; inf if infeasible."""
    status = highs.getModelStatus()
    if status == highspy.HighsModelStatus.kOptimal:
        return float(highs.getInfo().objective_function_value)
    lawful = (
        highspy.HighsModelStatus.kInfeasible,
        highspy.HighsModelStatus.kUnboundedOrInfeasible,
    )
    if status in lawful:
        return np.inf
    raise RuntimeError(f"HiGHS ended with {highs.modelStatusToString(status)}")
