"""A linear or mixed-integer program built from whole arrays.

Columns are added in blocks. A block of n columns gives, for each column, the rows in which it
stands and the values there, both (n, k); row -1 means nothing. So the matrix is laid down column
by column without a loop, a sort or a second copy. Everything is written where it will be read:
into buffers that grow, of which `Program.arrays` hands out the part that is filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

from zerocity.measures.arrays import F64, I32, I64, Bools

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
    """Collects rows and columns; see the module's head.

    ``columns``, ``rows`` and ``entries`` are how many are expected; more find room as well.
    """

    def __init__(self, columns: int = 256, rows: int = 64, entries: int = 1024) -> None:
        self.row_count = 0
        self.column_count = 0
        self._sides = np.empty((2, rows))
        self._figures = np.empty((4, columns))
        self._start = np.zeros(columns + 1, dtype=np.int32)
        self._index = np.empty(entries, dtype=np.int32)
        self._value = np.empty(entries)
        self._filled = 0
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

        ``entries`` is a list of (rows, values), each (count,), (count, k) or a scalar for all;
        ``tie`` a cost that breaks ties and stays out of bounds and bills. ``high`` must be finite.
        ``kind`` says which columns are not continuous.
        """
        first, self.column_count = self.column_count, self.column_count + count
        self.at[name] = span = slice(first, self.column_count)
        if self.column_count > self._figures.shape[1]:
            self._figures = _grown(self._figures, self.column_count)
            self._start = _grown(self._start, self.column_count + 1)
        figures = self._figures
        figures[0, span], figures[1, span] = cost, tie
        figures[2, span], figures[3, span] = low, high
        self._lay(entries, first, count)
        if kind is not None:
            self.kinds.append((first, self.column_count, kind))

    def _lay(self, entries: Entries, first: int, count: int) -> None:
        """Lay the entries of a block's columns behind those that are there."""
        parts = [(np.asarray(rows), np.asarray(value)) for rows, value in entries]
        width = sum(rows.shape[1] if rows.ndim == 2 else 1 for rows, _ in parts)
        begin, end = self._filled, self._filled + count * width
        if end > self._index.size:
            self._index, self._value = _grown(self._index, end), _grown(self._value, end)
        index = self._index[begin:end].reshape(count, width)
        values = self._value[begin:end].reshape(count, width)
        at = 0
        for rows, value in parts:
            if rows.ndim == 2:
                part = slice(at, at + rows.shape[1])
                index[:, part] = rows
                values[:, part] = value[:, None] if value.ndim == 1 else value
                at = part.stop
            else:
                index[:, at], values[:, at] = rows, value
                at += 1
        ends = self._start[first + 1 : first + count + 1]
        if np.minimum.reduce(self._index[begin:end], initial=0) == 0:
            ends[:] = np.arange(begin + width, end + 1, width) if width else begin
            self._filled = end
        else:
            self._close_up(index >= 0, ends)

    def _close_up(self, there: Bools, ends: I32) -> None:
        """Take out the entries of the last block, from ``filled`` on, that mean nothing."""
        begin, block = self._filled, slice(self._filled, self._filled + there.size)
        np.cumsum(there.sum(axis=1, dtype=np.int32), out=ends)
        ends += begin
        self._filled = int(ends[-1])
        for buffer in (self._index, self._value):
            buffer[begin : self._filled] = buffer[block][there.ravel()]

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
        start, used = self._start[: columns + 1], slice(self._filled)
        index, value = self._index[used], self._value[used]
        return Arrays(cost, tie, low, high, row_low, row_high, start, index, value)


def _grown(buffer: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """A larger buffer with the same beginning that holds ``size`` on its last axis."""
    held = buffer.shape[-1]
    larger = np.empty((*buffer.shape[:-1], max(size, 2 * held)), dtype=buffer.dtype)
    larger[..., :held] = buffer
    return larger
