"""Readings of many frames as columns: tables over raw bytes that decode a column when asked.

A column is float64: a reading, or NaN where there is none. `Table.gaps` tells why there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from zerocity.protocols.gbt32960.fields import Field, Layout
from zerocity.protocols.gbt32960.shapes import Row

Array = npt.NDArray[Any]

READING, ABNORMAL, INVALID, ABSENT = 0, 1, 2, 3
"""What `Table.gaps` gives for a place of a column."""
_TYPES = {1: "u1", 2: ">u2", 4: ">u4"}


def decode(raw: Array, field: Field) -> Array:
    """Readings of raw numbers, NaN for the codes; the same arithmetic as `Field.value`."""
    values: Array = raw.astype(np.float64)
    codes = values >= field.top - 1 if field.gaps else None
    if field.scale != 1:
        values *= field.scale
    if field.add:
        values += field.add
    if codes is not None and codes.any():
        values[codes] = np.nan
    return values


def gap_codes(raw: Array, field: Field) -> Array:
    """Why a raw number is no reading: READING, ABNORMAL or INVALID, uint8."""
    found = np.zeros(raw.shape, np.uint8)
    if field.gaps:
        found[raw == field.top - 1] = ABNORMAL
        found[raw == field.top] = INVALID
    return found


class Ragged:
    """A different number of values for each row: row ``i`` owns ``counts[i]`` from ``starts[i]``.

    ``raw`` holds the numbers as sent, native byte order; rows need not follow each other in it.
    """

    __slots__ = ("counts", "field", "raw", "starts")

    def __init__(self, field: Field, starts: Array, counts: Array, raw: Array) -> None:
        self.field, self.starts, self.counts, self.raw = field, starts, counts, raw

    def values(self) -> Array:
        """All readings [the field's unit], in the order of ``raw``; NaN for the codes."""
        return decode(self.raw, self.field)

    def row(self, i: int) -> Array:
        """The raw numbers of one row."""
        part: Array = self.raw[self.starts[i] : self.starts[i] + self.counts[i]]
        return part

    def in_order(self) -> tuple[Array, Array]:
        """Offsets (rows + 1) and raw numbers with the rows one after the other."""
        offsets = np.zeros(self.counts.size + 1, np.int64)
        np.cumsum(self.counts, out=offsets[1:])
        if np.array_equal(self.starts, offsets[:-1]):
            return offsets, self.raw[: offsets[-1]]
        jump = np.repeat(self.starts - offsets[:-1], self.counts)
        return offsets, self.raw[jump + np.arange(offsets[-1])]


class Table:
    """Rows of fixed fields. ``frame[i]`` is the frame of row ``i``.

    Where a report has at most one row (`once`), rows are frames, and ``present`` tells which have
    any; else rows are sorted by frame, in the order of the report.
    """

    __slots__ = ("_cache", "_parts", "count", "frame", "lists")

    def __init__(
        self,
        count: int,
        parts: list[tuple[Layout, Array, Array]],
        frame: Array,
        lists: dict[str, Ragged] | None = None,
    ) -> None:
        self.count, self.frame, self.lists = count, frame, lists or {}
        self._parts = parts  # layout, rows, (rows, size) bytes
        self._cache: dict[str, Array] = {}

    @property
    def present(self) -> Array:
        """Which rows exist, bool."""
        found = np.zeros(self.count, bool)
        for _, rows, _ in self._parts:
            found[rows] = True
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that some row has."""
        return tuple(dict.fromkeys(f.name for layout, _, _ in self._parts for f in layout.fields))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, name: str) -> Array:
        """A column, float64 with NaN for no reading; a name that no row has is NaN all over."""
        if name not in self._cache:
            column = np.full(self.count, np.nan)
            for field, rows, raw in self._raw(name):
                column[rows] = decode(raw, field)
            self._cache[name] = column
        return self._cache[name]

    def raw(self, name: str) -> Array:
        """The numbers as sent, int64; -1 where there is none."""
        column = np.full(self.count, -1, np.int64)
        for _, rows, raw in self._raw(name):
            column[rows] = raw
        return column

    def gaps(self, name: str) -> Array:
        """Why there is no reading: READING, ABNORMAL, INVALID or ABSENT, uint8."""
        column = np.full(self.count, ABSENT, np.uint8)
        for field, rows, raw in self._raw(name):
            column[rows] = gap_codes(raw, field)
        return column

    def decode_all(self) -> None:
        """Decode every column and every list now."""
        for name in self.names:
            self[name]
        for ragged in self.lists.values():
            ragged.values()

    def _raw(self, name: str) -> Iterator[tuple[Field, Array, Array]]:
        for layout, rows, data in self._parts:
            if name in layout.offsets:
                yield layout.field(name), rows, data.view(_record(layout))[name].ravel()


_RECORDS: dict[Layout, np.dtype[Any]] = {}


def _record(layout: Layout) -> np.dtype[Any]:
    if layout not in _RECORDS:
        _RECORDS[layout] = np.dtype([(f.name, _TYPES[f.size]) for f in layout.fields])
    return _RECORDS[layout]


class Gathering:
    """Collects the rows of one table, shape by shape."""

    def __init__(self) -> None:
        self._frames: list[Array] = []
        self._heads: list[tuple[Layout, Array]] = []
        self._values: dict[str, tuple[Field, list[tuple[int, Array, int]]]] = {}

    def add(self, row: Row, frames: Array, data: Array) -> None:
        """The row of ``frames``, whose (frames, length) bytes are ``data``."""
        for field, offset, count in row.values:
            part = data[:, offset : offset + count * field.size]
            pieces = self._values.setdefault(field.name, (field, []))[1]
            pieces.append((len(self._frames), part, count))
        self._frames.append(frames)
        self._heads.append((row.layout, data[:, row.offset : row.offset + row.layout.size]))

    def once(self, count: int) -> Table:
        """The table whose rows are the frames."""
        return Table(count, self._merged(self._frames), np.arange(count))

    def many(self) -> Table:
        """The table of all rows, sorted by frame."""
        frame = np.concatenate(self._frames) if self._frames else np.zeros(0, np.intp)
        order = np.argsort(frame, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        ends = np.cumsum([piece.size for piece in self._frames], dtype=np.intp)
        rows = np.split(place, ends[:-1]) if self._frames else []
        lists = {name: self._list(name, rows, frame.size) for name in self._values}
        return Table(frame.size, self._merged(rows), frame[order], lists)

    def _merged(self, rows: list[Array]) -> list[tuple[Layout, Array, Array]]:
        by_layout: dict[Layout, tuple[list[Array], list[Array]]] = {}
        for (layout, data), where in zip(self._heads, rows, strict=True):
            pieces = by_layout.setdefault(layout, ([], []))
            pieces[0].append(where)
            pieces[1].append(data)
        return [
            (layout, np.concatenate(where), np.concatenate(data))
            for layout, (where, data) in by_layout.items()
        ]

    def _list(self, name: str, rows: list[Array], count: int) -> Ragged:
        field, pieces = self._values[name]
        starts, counts = np.zeros(count, np.int64), np.zeros(count, np.int64)
        kind = np.dtype(_TYPES[field.size])
        raw = np.empty(
            sum(part.shape[0] * each for _, part, each in pieces), kind.newbyteorder("=")
        )
        at = 0
        for piece, part, each in pieces:
            size = part.shape[0] * each
            raw[at : at + size] = np.ascontiguousarray(part).view(kind).ravel()
            starts[rows[piece]] = at + np.arange(part.shape[0]) * each
            counts[rows[piece]] = each
            at += size
        return Ragged(field, starts, counts, raw)
