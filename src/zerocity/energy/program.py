"""A linear or mixed-integer program built from whole arrays.

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

from zerocity.measures.arrays import F64, I32, I64

Entries = Sequence[tuple[npt.ArrayLike, npt.ArrayLike]]
"""Rows and values of a block of columns, see `Program.columns`."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """A whole program: (columns,) costs and bounds, (rows,) sides, the matrix by columns.

    ``tie`` orders plans of equal cost; it is no part of the objective.
    """

    cost: F64
    tie: F64
    low: F64
    high: F64
    row_low: F64
    row_high: F64
    start: I32
    index: I32
    value: F64


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
        self.kinds: list[tuple[int, int, highspy.HighsVarType]] = []
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
            self.kinds.append((first, self.column_count, kind))

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
        return not self.kinds

    def high(self, name: str) -> F64:
        """Upper bounds of the block ``name``."""
        return self._high[list(self.at).index(name)]

    def arrays(self) -> Arrays:
        """Lay the collected blocks behind each other."""
        index, value, counts = (
            np.concatenate([block[i] for block in self._entries]) for i in range(3)
        )
        start = np.zeros(self.column_count + 1, dtype=np.int32)
        np.cumsum(counts, out=start[1:])
        blocks = (self._cost, self._tie, self._low, self._high)
        cost, tie, low, high = (np.concatenate(block) for block in blocks)
        row_low, row_high = (np.concatenate([one[i] for one in self._rows]) for i in range(2))
        return Arrays(cost, tie, low, high, row_low, row_high, start, index, value)


def _full(values: npt.ArrayLike, count: int) -> F64:
    return np.full(count, values, dtype=np.float64)


def _flat(entries: Entries, count: int) -> tuple[I32, F64, I32]:
    """Row numbers, values and entries per column of a block, column after column."""
    parts = [(np.asarray(rows), np.asarray(value)) for rows, value in entries]
    widths = [rows.shape[1] if rows.ndim == 2 else 1 for rows, _ in parts]
    index = np.empty((count, sum(widths)), dtype=np.int32)
    values = np.empty((count, sum(widths)))
    at = 0
    for (rows, value), width in zip(parts, widths, strict=True):
        index[:, at : at + width] = rows if rows.ndim == 2 else rows[:, None]
        values[:, at : at + width] = value[:, None] if value.ndim == 1 else value
        at += width
    there = index >= 0
    if there.all():
        return index.ravel(), values.ravel(), np.full(count, at, dtype=np.int32)
    return index[there], values[there], there.sum(axis=1, dtype=np.int32)
