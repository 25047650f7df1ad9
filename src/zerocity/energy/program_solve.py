"""Solve a program with HiGHS, prove how good the answer is, and pick one among equal plans.

First the money alone: its duals give a proven lower bound. Then, among all plans of exactly that
cost, the one that the tie-breaking costs like best: columns with a reduced cost stay at their bound
and rows with a price at their side, which is the set of all optima (Dantzig 1963, Linear
Programming and Extensions). So a plan neither flutters between runs nor pays for not fluttering.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import highspy
import numpy as np
from scipy import sparse

from zerocity.energy.program import Arrays, Program
from zerocity.errors import ZerocityError
from zerocity.measures.arrays import F64, I32

COST_SCALE = 100.0
"""Money enters HiGHS in fen, so that small differences stay above its dual tolerance."""
TOLERANCE = 1e-9
MIP_GAP = 1e-6
"""Relative gap at which a program with binaries counts as solved."""
PRICED = 1e-10
"""A reduced cost or row price below this is rounding [fen]."""
TIE_CNY = 1e-7
"""Weight of a binary's tie-breaking cost beside money, where one search has to do."""
PRIMAL_SIMPLEX = 4
OPTIMAL = highspy.HighsModelStatus.kOptimal


@dataclass(frozen=True, slots=True)
class Solution:
    """Values and duals of a solved program.

    ``dual`` is d objective / d row side, (rows,). ``cost`` is the objective of ``value`` and
    ``bound`` a proven lower bound: from the duals, or from branch and bound. ``finished`` is
    False where the time was over before the gap was closed.
    """

    value: F64
    dual: F64
    cost: float
    bound: float
    finished: bool


def solve(program: Program, time_limit_s: float = 60.0) -> Solution:
    """Solve ``program``; raise ZerocityError when HiGHS finds no plan at all."""
    arrays = program.arrays()
    if not program.kinds:
        return _linear(arrays)
    chosen, bound, finished = _mixed(program, arrays, time_limit_s)
    rest = _linear(_pinned(program, arrays, chosen))
    return replace(rest, bound=min(bound, rest.cost), finished=finished)


def _linear(arrays: Arrays) -> Solution:
    solver = _solver()
    solver.passModel(_model(arrays, arrays.cost * COST_SCALE))
    solver.run()
    if solver.getModelStatus() != OPTIMAL:
        raise ZerocityError(_ended(solver))
    answer = solver.getSolution()
    value, dual = np.asarray(answer.col_value), np.asarray(answer.row_dual)
    bound = _bound(arrays, dual / COST_SCALE)
    if arrays.tie.any():
        value = _settled(solver, arrays, value, np.asarray(answer.col_dual), dual)
    cost = float(arrays.cost @ value)
    return Solution(value, dual / COST_SCALE, cost, bound, True)


def _settled(
    solver: highspy.Highs, arrays: Arrays, value: F64, column_price: F64, row_price: F64
) -> F64:
    """Among the optima, the one with the least tie-breaking cost; the first found if in doubt."""
    held = np.flatnonzero(np.abs(column_price) > PRICED).astype(np.int32)
    solver.changeColsBounds(held.size, held, value[held], value[held])
    rows = np.flatnonzero(np.abs(row_price) > PRICED).astype(np.int32)
    side = np.where(row_price > 0.0, arrays.row_low, arrays.row_high)[rows]
    solver.changeRowsBounds(rows.size, rows, side, side)  # type: ignore[attr-defined]
    every = np.arange(value.size, dtype=np.int32)
    solver.changeColsCost(value.size, every, arrays.tie / np.abs(arrays.tie).max())
    solver.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX)
    solver.run()
    if solver.getModelStatus() != OPTIMAL:
        return value
    settled = np.asarray(solver.getSolution().col_value)
    dearer = float(arrays.cost @ (settled - value))
    return settled if dearer <= TOLERANCE * max(1.0, abs(float(arrays.cost @ value))) else value


def _mixed(program: Program, arrays: Arrays, time_limit_s: float) -> tuple[F64, float, bool]:
    """Values of a program with binaries, its lower bound, and whether the gap was closed."""
    whole = _columns_of(program)
    tie = np.zeros_like(arrays.tie)
    tie[whole] = arrays.tie[whole] * TIE_CNY
    model = _model(arrays, (arrays.cost + tie) * COST_SCALE)
    kinds = [highspy.HighsVarType.kContinuous] * arrays.cost.size
    for first, last, kind in program.kinds:
        kinds[first:last] = [kind] * (last - first)
    model.integrality_ = kinds
    solver = _solver()
    solver.setOptionValue("time_limit", time_limit_s)
    solver.passModel(model)
    solver.run()
    info = solver.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        raise ZerocityError(_ended(solver))
    value = np.asarray(solver.getSolution().col_value)
    bound = info.mip_dual_bound / COST_SCALE - float(tie @ value)
    return value, bound, solver.getModelStatus() == OPTIMAL


def _columns_of(program: Program) -> I32:
    spans = [np.arange(first, last, dtype=np.int32) for first, last, _ in program.kinds]
    return np.concatenate(spans)


def _pinned(program: Program, arrays: Arrays, chosen: F64) -> Arrays:
    """The program with its binaries, and what runs or not, as chosen."""
    low, high = arrays.low.copy(), arrays.high.copy()
    for first, last, kind in program.kinds:
        span = slice(first, last)
        if kind == highspy.HighsVarType.kInteger:
            low[span] = high[span] = np.round(chosen[span])
        else:
            off = chosen[span] < low[span] / 2.0
            low[span][off] = high[span][off] = 0.0
    return replace(arrays, low=low, high=high)


def _bound(arrays: Arrays, dual: F64) -> float:
    """Lagrangian bound: any multipliers give one, the solver's own give the best."""
    shape = (arrays.row_low.size, arrays.cost.size)
    matrix = sparse.csc_matrix((arrays.value, arrays.index, arrays.start), shape=shape)
    rising = np.where(np.isfinite(arrays.row_low), np.maximum(dual, 0.0), 0.0)
    falling = np.where(np.isfinite(arrays.row_high), np.minimum(dual, 0.0), 0.0)
    multiplier = rising + falling
    side = np.where(multiplier > 0.0, arrays.row_low, arrays.row_high)
    side[multiplier == 0.0] = 0.0
    reduced = arrays.cost - matrix.T @ multiplier
    at_bound = np.where(reduced > 0.0, arrays.low, arrays.high)
    return float(multiplier @ side + reduced @ at_bound)


def _model(arrays: Arrays, cost: F64) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = arrays.row_low.size, arrays.cost.size
    model.col_cost_ = cost
    model.col_lower_, model.col_upper_ = arrays.low, arrays.high
    model.row_lower_, model.row_upper_ = arrays.row_low, arrays.row_high
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = arrays.start, arrays.index
    model.a_matrix_.value_ = arrays.value
    return model


def _ended(solver: highspy.Highs) -> str:
    status = solver.modelStatusToString(solver.getModelStatus())
    return f"site plan: HiGHS ended with '{status}', wanted an optimum"


def _solver() -> highspy.Highs:
    solver: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
    options: dict[str, bool | int | float | str] = {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "random_seed": 1,
        "mip_rel_gap": MIP_GAP,
        "primal_feasibility_tolerance": TOLERANCE,
        "dual_feasibility_tolerance": TOLERANCE,
    }
    for name, value in options.items():
        solver.setOptionValue(name, value)
    return solver
