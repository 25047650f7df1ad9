"""HiGHS, from whole arrays: a quiet solver of one thread, and a program laid down for it."""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np
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


def pass_program(
    solver: highspy.Highs,
    cost: Array,
    bounds: tuple[Array, Array],
    rows: tuple[Array, Array],
    matrix: tuple[Array, Array, Array],
    kinds: Array | None = None,
) -> None:
    """Hand a program, as `new_model` describes it, to ``solver`` without a model in between.

    A model's fields are filled number by number; this passes the arrays as they are. ``kinds``
    are the columns' ``HighsVarType`` as numbers, (columns,); None where all are continuous.
    """
    if kinds is None:
        kinds = np.zeros(cost.size, dtype=np.int32)
    start, index, value = matrix
    by_column, least = highspy.MatrixFormat.kColwise.value, highspy.ObjSense.kMinimize.value
    solver.passModel(
        cost.size, rows[0].size, value.size, by_column, least, 0.0,
        cost, *bounds, *rows, start, index, value, kinds,
    )  # fmt: skip
