"""A linear or mixed-integer program built from whole arrays and passed to HiGHS in one call.

Columns are added in blocks. A block of n columns gives, for each column, the rows in which it
stands and the values there, both (n, k); row -1 means nothing. So the matrix is laid down column
by column without a loop, a sort or a second copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

from zerocity.errors import ZerocityError
from zerocity.measures.arrays import F64, I32, I64

Entries = Sequence[tuple[npt.ArrayLike, npt.ArrayLike]]
"""Rows and values of a block of columns, see `Program.columns`."""
COST_SCALE = 100.0
"""Costs enter HiGHS in fen, so that ties a hair apart stay above its dual tolerance."""
TOLERANCE = 1e-9
MIP_GAP = 1e-6
"""Relative gap at which a program with binaries counts as solved."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Values and duals of a solved program.

    ``dual`` is d objective / d row side, (rows,). ``bound`` is a proven lower bound of the
    objective without tie-breaking costs: from the duals, or from branch and bound.
    """

    value: F64
    dual: F64
    bound: float
    finished: bool


class Program:
    """Collects rows and columns; see the module's head."""

    def __init__(self) -> None:
        self.row_count = 0
        self.column_count = 0
        self._rows: list[tuple[F64, F64]] = []
        self._cost: list[F64] = []
        self._tie: list[F64] = []
        self._low: list[F64] = []
        self._high: list[F64] = []
        self._entries: list[tuple[I32, F64, I32]] = []
        self._kinds: list[tuple[int, int, highspy.HighsVarType]] = []
        self.at: dict[str, slice] = {}

    def rows(self, count: int, low: npt.ArrayLike, high: npt.ArrayLike) -> I64:
        """Add ``count`` rows between ``low`` and ``high``; return their numbers, (count,)."""
        first = self.row_count
        self.row_count += count
        self._rows.append((_full(low, count), _full(high, count)))
        return np.arange(first, self.row_count)

    def columns(
        self,
        name: str,
        cost: npt.ArrayLike,
        high: npt.ArrayLike,
        entries: Entries,
        count: int,
        low: npt.ArrayLike = 0.0,
        tie: npt.ArrayLike = 0.0,
        kind: highspy.HighsVarType = highspy.HighsVarType.kContinuous,
    ) -> None:
        """Add the block ``name`` of ``count`` columns.

        ``entries`` is a list of (rows, values), each (count,), (count, k) or a scalar for all;
        ``tie`` a cost that breaks ties and stays out of bounds and bills. ``high`` must be finite.
        """
        first = self.column_count
        self.column_count += count
        self.at[name] = slice(first, self.column_count)
        self._cost.append(_full(cost, count))
        self._tie.append(_full(tie, count))
        self._low.append(_full(low, count))
        self._high.append(_full(high, count))
        self._entries.append(_flat(entries, count))
        if kind != highspy.HighsVarType.kContinuous:
            self._kinds.append((first, self.column_count, kind))

    def binaries(
        self,
        name: str,
        entries: Entries,
        count: int,
        tie: npt.ArrayLike = 0.0,
    ) -> None:
        """Add a block of columns that are 0 or 1 and cost nothing."""
        kind = highspy.HighsVarType.kInteger
        self.columns(name, 0.0, 1.0, entries, count, tie=tie, kind=kind)

    @property
    def whole(self) -> bool:
        """Whether no column is integer or semi-continuous."""
        return not self._kinds

    def cost(self) -> F64:
        """Cost of each column without its tie-breaking part, (columns,)."""
        return np.concatenate(self._cost)

    def solve(self, time_limit_s: float, fixed: F64 | None = None) -> Solution:
        """Solve it; raise ZerocityError when HiGHS finds no plan at all.

        ``fixed`` (columns,) pins integer columns to these values and solves the rest.
        """
        lp, matrix, tie = self._lp(fixed)
        whole = self.whole or fixed is not None
        solver = _solver(time_limit_s, lp.num_col_)
        solver.passModel(lp)
        solver.run()
        status, info = solver.getModelStatus(), solver.getInfo()
        finished = status == highspy.HighsModelStatus.kOptimal
        found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if not (finished or (found and not whole)):
            text = solver.modelStatusToString(status)
            raise ZerocityError(f"site plan: HiGHS ended with '{text}', wanted an optimum")
        answer = solver.getSolution()
        value = np.asarray(answer.col_value)
        if not whole:
            bound = info.mip_dual_bound / COST_SCALE - float(tie @ value)
            return Solution(value, np.zeros(self.row_count), bound, finished)
        dual = np.asarray(answer.row_dual) / COST_SCALE
        return Solution(value, dual, self._bound(matrix, lp, tie, dual), finished)

    def _lp(self, fixed: F64 | None) -> tuple[highspy.HighsLp, sparse.csc_matrix, F64]:
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = self.row_count, self.column_count
        tie = np.concatenate(self._tie)
        lp.col_cost_ = (np.concatenate(self._cost) + tie) * COST_SCALE
        low, high = np.concatenate(self._low), np.concatenate(self._high)
        if fixed is not None:
            self._pin(low, high, fixed)
        lp.col_lower_, lp.col_upper_ = low, high
        lp.row_lower_ = np.concatenate([low for low, _ in self._rows])
        lp.row_upper_ = np.concatenate([high for _, high in self._rows])
        index, value, counts = (
            np.concatenate([block[i] for block in self._entries]) for i in range(3)
        )
        start = np.zeros(self.column_count + 1, dtype=np.int32)
        np.cumsum(counts, out=start[1:])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = start, index, value
        if self._kinds and fixed is None:
            kinds = [highspy.HighsVarType.kContinuous] * self.column_count
            for first, last, kind in self._kinds:
                kinds[first:last] = [kind] * (last - first)
            lp.integrality_ = kinds
        shape = (self.row_count, self.column_count)
        return lp, sparse.csc_matrix((value, index, start), shape=shape), tie

    def _pin(self, low: F64, high: F64, fixed: F64) -> None:
        for first, last, kind in self._kinds:
            span = slice(first, last)
            if kind == highspy.HighsVarType.kInteger:
                low[span] = high[span] = np.round(fixed[span])
            else:
                off = fixed[span] < low[span] / 2.0
                low[span][off] = high[span][off] = 0.0

    def _bound(self, matrix: sparse.csc_matrix, lp: highspy.HighsLp, tie: F64, dual: F64) -> float:
        """Lagrangian bound: any multipliers give one, the solver's own give the best."""
        row_low, row_high = np.asarray(lp.row_lower_), np.asarray(lp.row_upper_)
        rising = np.where(np.isfinite(row_low), np.maximum(dual, 0.0), 0.0)
        falling = np.where(np.isfinite(row_high), np.minimum(dual, 0.0), 0.0)
        multiplier = rising + falling
        at_row = np.where(multiplier > 0.0, row_low, np.where(multiplier < 0.0, row_high, 0.0))
        reduced = np.asarray(lp.col_cost_) / COST_SCALE - tie - matrix.T @ multiplier
        at_column = np.where(reduced > 0.0, np.asarray(lp.col_lower_), np.asarray(lp.col_upper_))
        return float(multiplier @ at_row + reduced @ at_column)


def _full(values: npt.ArrayLike, count: int) -> F64:
    return np.broadcast_to(np.asarray(values, dtype=np.float64), (count,))


def _flat(entries: Entries, count: int) -> tuple[I32, F64, I32]:
    """Row numbers, values and entries per column of a block, column after column."""
    sides = [_wide(np.asarray(rows), count) for rows, _ in entries]
    index = np.hstack(sides) if sides else np.zeros((count, 0), dtype=np.int64)
    values = [
        np.broadcast_to(_tall(np.asarray(value, dtype=np.float64)), side.shape)
        for side, (_, value) in zip(sides, entries, strict=True)
    ]
    value = np.hstack(values) if values else np.zeros((count, 0))
    there = index >= 0
    if there.all():
        counts = np.full(count, index.shape[1], dtype=np.int32)
        return index.astype(np.int32).ravel(), value.ravel(), counts
    return index[there].astype(np.int32), value[there], there.sum(axis=1, dtype=np.int32)


def _wide(rows: npt.NDArray[np.int64], count: int) -> I64:
    if rows.ndim == 2:
        return rows
    return np.broadcast_to(rows, (count,))[:, None]


def _tall(value: F64) -> F64:
    return value[:, None] if value.ndim == 1 else value


def _solver(time_limit_s: float, columns: int) -> highspy.Highs:
    solver: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
    options: dict[str, bool | int | float | str] = {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "random_seed": 1,
        "solver": "choose",
        "time_limit": time_limit_s,
        "mip_rel_gap": MIP_GAP,
        "primal_feasibility_tolerance": TOLERANCE,
        "dual_feasibility_tolerance": TOLERANCE,
    }
    for name, value in options.items():
        solver.setOptionValue(name, value)
    return solver
