"""HiGHS, from whole arrays: a quiet solver of one thread, and a program laid down for it."""

from __future__ import annotations

from typing import Any

import highspy
import numpy.typing as npt

Array = npt.NDArray[Any]


def new_solver(tolerance: float, **options: bool | int | float | str) -> highspy.Highs:
    """A solver of one thread that prints nothing; ``tolerance`` is of primal and dual."""
    solver: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
    quiet = {"output_flag": False, "threads": 1}
    exact = {"primal_feasibility_tolerance": tolerance, "dual_feasibility_tolerance": tolerance}
    for name, value in {**quiet, **exact, **options}.items():
        solver.setOptionValue(name, value)
    return solver


def new_model(
    cost: Array,
    bounds: tuple[Array, Array],
    rows: tuple[Array, Array],
    matrix: tuple[Array, Array, Array],
) -> highspy.HighsLp:
    """Least ``cost`` x within ``bounds`` of x and ``rows`` of A x, low and high each.

    ``matrix`` is A by columns: starts, indices of rows, values.
    """
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cost), len(rows[0])
    lp.col_cost_ = cost
    lp.col_lower_, lp.col_upper_ = bounds
    lp.row_lower_, lp.row_upper_ = rows
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix
    return lp
