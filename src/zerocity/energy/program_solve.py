"""Solve a program with HiGHS, prove how good the answer is, and pick one among equal plans.

First money and tie-breaking costs together, which picks one plan among equals. As a rule its basis
is optimal for the money alone too, which the money's duals at that basis prove; where they do not,
the solver goes on from it. So a plan neither flutters between runs nor pays for not fluttering.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import highspy
import numpy as np

from zerocity.energy.highs import new_solver, pass_program
from zerocity.energy.program import Arrays, Program
from zerocity.errors import ZerocityError
from zerocity.measures.arrays import F64, I32

COST_SCALE = 100.0
"""Money enters HiGHS in fen, so that small differences stay above its dual tolerance."""
TOLERANCE = 1e-9
MIP_GAP = 1e-6
"""Relative gap at which a program with binaries counts as solved."""
TIE_CNY = 1e-7
"""Weight of tie-breaking costs beside money."""
PROVEN = 1e-12
"""Relative gap below which a plan needs no second look."""
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
    """Solve with the ties broken, then prove it for the money alone, or go on from there."""
    solver = _solver()
    _pass(solver, arrays, (arrays.cost + TIE_CNY * arrays.tie) * COST_SCALE)
    solver.run()
    if solver.getModelStatus() == OPTIMAL:
        found = _read(solver, arrays, _money_duals)
        if found.cost - found.bound <= PROVEN * max(1.0, abs(found.cost)):
            return found
    basis = solver.getBasis()
    solver = _solver()  # a new one, because the first still holds all that it worked with
    solver.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX)
    _pass(solver, arrays, arrays.cost * COST_SCALE)
    solver.setBasis(basis)
    solver.run()
    if solver.getModelStatus() != OPTIMAL:
        raise ZerocityError(_ended(solver))
    return _read(solver, arrays, _duals)


def _read(
    solver: highspy.Highs, arrays: Arrays, duals: Callable[[highspy.Highs, Arrays], F64]
) -> Solution:
    value, dual = np.asarray(solver.getSolution().col_value), duals(solver, arrays)
    return Solution(value, dual, float(arrays.cost @ value), _bound(arrays, dual), True)


def _duals(solver: highspy.Highs, _: Arrays) -> F64:
    return np.asarray(solver.getSolution().row_dual) / COST_SCALE


def _money_duals(solver: highspy.Highs, arrays: Arrays) -> F64:
    """Duals of the money alone at the solver's basis, or its own where it cannot solve with it.

    The basic columns, transposed, times the duals are the columns' costs.
    """
    status, basic = solver.getBasicVariables()  # type: ignore[attr-defined]
    if status == highspy.HighsStatus.kOk:
        # A basic row has a number below 0 and no cost.
        cost = np.where(basic >= 0, arrays.cost[np.maximum(basic, 0)], 0.0)
        status, dual, *_ = solver.getBasisTransposeSolve(cost)  # type: ignore[attr-defined]
    return np.asarray(dual) if status == highspy.HighsStatus.kOk else _duals(solver, arrays)


def _mixed(program: Program, arrays: Arrays, time_limit_s: float) -> tuple[F64, float, bool]:
    """Values of a program with binaries, its lower bound, and whether the gap was closed."""
    whole = _columns_of(program)
    tie = np.zeros_like(arrays.tie)
    tie[whole] = arrays.tie[whole] * TIE_CNY
    kinds = np.zeros(arrays.cost.size, dtype=np.int32)
    for first, last, kind in program.kinds:
        kinds[first:last] = int(kind)
    solver = _solver()
    solver.setOptionValue("time_limit", time_limit_s)
    _pass(solver, arrays, (arrays.cost + tie) * COST_SCALE, kinds)
    solver.run()
    info = solver.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        if solver.getModelStatus() != highspy.HighsModelStatus.kTimeLimit:
            raise ZerocityError(_ended(solver))
        return _plainest(program), -np.inf, False
    value = np.asarray(solver.getSolution().col_value)
    bound = info.mip_dual_bound / COST_SCALE - float(tie @ value)
    return value, bound, solver.getModelStatus() == OPTIMAL


def _plainest(program: Program) -> F64:
    """A choice that always leaves a plan: nothing runs, and flows only go inward."""
    value = np.zeros(program.column_count)
    for name, span in program.at.items():
        if name.startswith("one way "):
            value[span] = 1.0
    return value


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
    rising = np.where(np.isfinite(arrays.row_low), np.maximum(dual, 0.0), 0.0)
    falling = np.where(np.isfinite(arrays.row_high), np.minimum(dual, 0.0), 0.0)
    multiplier = rising + falling
    side = np.where(multiplier > 0.0, arrays.row_low, arrays.row_high)
    side[multiplier == 0.0] = 0.0
    reduced = arrays.cost - _by_column(arrays, arrays.value * multiplier[arrays.index])
    at_bound = np.where(reduced > 0.0, arrays.low, arrays.high)
    return float(multiplier @ side + reduced @ at_bound)


def _by_column(arrays: Arrays, entries: F64) -> F64:
    """Sum of a value per entry of the matrix over each column."""
    sums, start = np.zeros(arrays.cost.size), arrays.start[:-1]
    filled = start < arrays.start[1:]
    if filled.any():
        sums[filled] = np.add.reduceat(entries, start[filled])
    return sums


def _pass(solver: highspy.Highs, arrays: Arrays, cost: F64, kinds: I32 | None = None) -> None:
    bounds, rows = (arrays.low, arrays.high), (arrays.row_low, arrays.row_high)
    pass_program(solver, cost, bounds, rows, (arrays.start, arrays.index, arrays.value), kinds)


def _ended(solver: highspy.Highs) -> str:
    status = solver.modelStatusToString(solver.getModelStatus())
    return f"site plan: HiGHS ended with '{status}', wanted an optimum"


def _solver() -> highspy.Highs:
    return new_solver(TOLERANCE, parallel="off", random_seed=1, mip_rel_gap=MIP_GAP)
