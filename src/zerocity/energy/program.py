"""A linear or mixed-integer program built from whole arrays.

Columns are added in blocks. A block of n columns gives, for each column, the rows in which it
stands and the values there, both (n, k); row -1 means nothing. So the matrix is laid down column
by column without a loop or a sort. Everything is written where it will be read: into buffers that
grow, of which `Program.arrays` hands out the part that is filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

from zerocity.measures.arrays import F64, I32, I64

Entries = Sequence[tuple[I64, float | F64]]
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
    """Collects rows and columns; see the module's head.

    ``columns``, ``rows`` and ``entries`` are how many are expected; more find room as well.
    """

    def __init__(self, columns: int = 256, rows: int = 64, entries: int = 1024) -> None:
        self.row_count = 0
        self.column_count = 0
        self._sides = np.empty((2, rows))
        self._figures = np.empty((4, columns))
        self._index = np.empty(entries, dtype=np.int32)
        self._value = np.empty(entries)
        self._filled = 0
        self._blocks: list[tuple[int, int]] = []
        self.kinds: list[tuple[int, int, highspy.HighsVarType]] = []
        self.at: dict[str, slice] = {}

    def rows(self, count: int, low: npt.ArrayLike, high: npt.ArrayLike) -> I64:
        """Add ``count`` rows between ``low`` and ``high``; return their numbers, (count,)."""
        first, self.row_count = self.row_count, self.row_count + count
        if self.row_count > self._sides.shape[1]:
            self._sides = _grown(self._sides, self.row_count)
        self._sides[0, first : self.row_count] = low
        self._sides[1, first : self.row_count] = high
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
        kind: highspy.HighsVarType | None = None,
    ) -> None:
        """Add the block ``name`` of ``count`` columns.

        ``entries`` is a list of (rows, values), both (count,) or (count, k); what all columns
        share may be given once. ``tie`` is a cost that breaks ties and stays out of bounds and
        bills. ``high`` must be finite. ``kind`` says which columns are not continuous.
        """
        first, self.column_count = self.column_count, self.column_count + count
        self.at[name] = span = slice(first, self.column_count)
        if self.column_count > self._figures.shape[1]:
            self._figures = _grown(self._figures, self.column_count)
        figures = self._figures
        figures[0, span], figures[1, span] = cost, tie
        figures[2, span], figures[3, span] = low, high
        self._lay(entries, count)
        if kind is not None:
            self.kinds.append((first, self.column_count, kind))

    def _lay(self, entries: Entries, count: int) -> None:
        """Lay the entries of a block's columns behind those that are there."""
        width = sum(rows.shape[1] if rows.ndim == 2 else 1 for rows, _ in entries)
        begin, end = self._filled, self._filled + count * width
        if end > self._index.size:
            self._index, self._value = _grown(self._index, end), _grown(self._value, end)
        index = self._index[begin:end].reshape(count, width)
        values = self._value[begin:end].reshape(count, width)
        at = 0
        for rows, value in entries:
            if rows.ndim == 2:
                part = slice(at, at + rows.shape[1])
                index[:, part] = rows
                values[:, part] = value
                at = part.stop
            else:
                index[:, at], values[:, at] = rows, value
                at += 1
        self._blocks.append((count, width))
        self._filled = end

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
        return self._figures[3, self.at[name]]

    def arrays(self) -> Arrays:
        """All blocks behind each other, as views of this program's buffers."""
        columns, rows = self.column_count, self.row_count
        cost, tie, low, high = self._figures[:, :columns]
        row_low, row_high = self._sides[:, :rows]
        index, value = self._index[: self._filled], self._value[: self._filled]
        start = np.zeros(columns + 1, dtype=np.int32)
        if self._blocks:
            counts, widths = zip(*self._blocks, strict=True)
            np.cumsum(np.repeat(widths, counts), out=start[1:])
        if np.minimum.reduce(index, initial=0) < 0:
            start, index, value = _closed_up(start, index, value)
        return Arrays(cost, tie, low, high, row_low, row_high, start, index, value)


def _closed_up(start: I32, index: I32, value: F64) -> tuple[I32, I32, F64]:
    """The matrix without the entries that mean nothing."""
    there = index >= 0
    before = np.zeros(index.size + 1, dtype=np.int32)
    np.cumsum(there, out=before[1:])
    return before[start], index[there], value[there]


def _grown(buffer: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """A larger buffer with the same beginning that holds ``size`` on its last axis."""
    held = buffer.shape[-1]
    larger = np.empty((*buffer.shape[:-1], max(size, 2 * held)), dtype=buffer.dtype)
    larger[..., :held] = buffer
    return larger
