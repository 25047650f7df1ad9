"""Many frames decoded at once into columns.

Frames of one length are laid side by side; the first tells its shape (`shapes`), all that share it
are taken together, and a column is decoded in one stroke. Frames that are refused go to ``faults``
with the byte and the rule; the typed reader decides, so both agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import (
    HEAD,
    LONGEST_UNIT,
    Command,
    Encryption,
    Frame,
    FrameFault,
    Response,
    read_frame,
)
from zerocity.protocols.gbt32960.lake_schema import LAKE_SCHEMA
from zerocity.protocols.gbt32960.message_reader import UNKNOWN_REST, read_message
from zerocity.protocols.gbt32960.messages import Message
from zerocity.protocols.gbt32960.shapes import FAULT_LISTS, MANY, ONCE, Shape, shape_of
from zerocity.protocols.gbt32960.tables import Gathering, Table

__all__ = ["LAKE_SCHEMA", "Columns", "Fault", "decode_buffer", "decode_columns", "walk"]

Array = npt.NDArray[Any]

MANY_SHAPES = 32
"""After so many shapes of one length, frames are compared in small bunches, not all with all."""
BUNCH = 1_024


@dataclass(frozen=True, slots=True)
class Fault:
    """A frame that was refused: its number, the byte within it, the rule, and what came."""

    frame: int
    offset: int
    rule: str
    came: str


@dataclass(slots=True)
class Columns:
    """What ``count`` frames say. Arrays are (count,) unless a table says otherwise.

    edition : 2016, 2025, or 0 for a refused frame. sound : whether the envelope is; command and
    vin (bytes) are of such frames. report : whether it is a report that was decoded. told : where
    in ``buffer`` its blocks end and a signature may follow. at : datetime64[s] in UTC, NaT where
    the six bytes are no time.
    vehicle, engine, position, extremes, capacitor_extremes, alarm, hydrogen : rows are frames.
    motors, packs (list ``cell_v``), probes (list ``probe_c``), stacks, fuel_cells, capacitors :
    rows are sorted by frame. fault_codes : (frame, list 0-3, code) rows. alarm_levels : (frame,
    bit, level) rows. private : (frame, type, start in ``buffer``, size) rows, the unknown end of a
    report among them where it is kept.
    others : sound frames that are no reports, with what they say.
    """

    count: int
    buffer: Array
    starts: Array
    lengths: Array
    edition: Array
    command: Array
    vin: Array
    at: Array
    sound: Array
    report: Array
    told: Array
    tables: dict[str, Table] = field(default_factory=dict)
    fault_codes: Array = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    alarm_levels: Array = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    private: Array = field(default_factory=lambda: np.zeros((0, 4), np.int64))
    others: dict[int, tuple[Frame, Message]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def __getattr__(self, name: str) -> Table:
        if name in ONCE.values() or name in MANY.values():
            return self.tables[name]
        raise AttributeError(name)

    def frame(self, i: int) -> bytes:
        """The bytes of frame ``i``."""
        start = int(self.starts[i])
        return self.buffer[start : start + int(self.lengths[i])].tobytes()

    def decode_all(self) -> Columns:
        """Decode every column now and not when it is asked for."""
        for table in self.tables.values():
            table.decode_all()
        return self


def decode_columns(frames: Sequence[bytes], *, keep_unknown: bool = False) -> Columns:
    """Decode frames, each whole and alone in its bytes; ``keep_unknown`` as in `decode_buffer`."""
    lengths = np.fromiter(map(len, frames), np.int64, len(frames))
    starts = np.zeros(len(frames), np.int64)
    np.cumsum(lengths[:-1], out=starts[1:])
    return decode_buffer(b"".join(frames), starts, lengths, keep_unknown=keep_unknown)


def walk(buffer: bytes | bytearray | memoryview) -> tuple[Array, Array]:
    """Starts and lengths of the frames of a buffer, by their own lengths.

    Bytes up to the next start, where none is due, and a cut end count as frames; they are refused
    when decoded. For a stream that may have lost bytes take `frames.Splitter`.
    """
    data = bytes(buffer)
    starts, at, end = [], 0, len(data)
    while at < end:
        starts.append(at)
        head = data[at : at + 2]
        if head in (b"##", b"$$") and at + HEAD < end:
            at += HEAD + 1 + (data[at + 22] << 8 | data[at + 23])
        else:
            found = [p for p in (data.find(s, at + 1) for s in (b"##", b"$$")) if p > 0]
            at = min(found, default=end)
    places = np.array(starts, np.int64)
    return places, np.diff(np.append(places, end)) if starts else places


def decode_buffer(
    buffer: bytes | Array, starts: Array, lengths: Array, *, keep_unknown: bool = False
) -> Columns:
    """Decode the frames of ``buffer`` that begin at ``starts`` and have ``lengths`` bytes.

    ``keep_unknown``: a block of a type that the standard does not define costs no report; it is
    kept with all behind it as if it were private. Without it, that is a fault.
    """
    data = np.frombuffer(buffer, np.uint8) if not isinstance(buffer, np.ndarray) else buffer
    count = len(starts)
    columns = Columns(
        count,
        data,
        starts,
        lengths,
        np.zeros(count, np.uint16),
        np.zeros(count, np.uint8),
        np.zeros(count, "S17"),
        np.full(count, np.datetime64("NaT"), "datetime64[s]"),
        np.zeros(count, bool),
        np.zeros(count, bool),
        np.zeros(count, np.int64),
    )
    sound = _check(columns)
    columns.sound[sound] = True
    kind = columns.command[sound]
    first = starts[sound]
    reports = np.isin(kind, (Command.REALTIME, Command.RESEND))
    reports &= (data[first + 3] == Response.COMMAND) & (data[first + 21] == Encryption.NONE)
    for i in sound[~reports].tolist():
        _read_other(columns, i)
    _Batch(columns, keep_unknown).decode(sound[reports])
    columns.faults.sort(key=lambda fault: fault.frame)
    columns.edition[[fault.frame for fault in columns.faults]] = 0
    return columns


def _check(columns: Columns) -> Array:
    """Check the envelopes; fill edition, command and VIN; the numbers of the sound frames."""
    data, starts, lengths = columns.buffer, columns.starts, columns.lengths
    long = np.flatnonzero((lengths > HEAD) & (lengths <= HEAD + LONGEST_UNIT + 1))
    at = starts[long]
    second, first = data[at + 1], data[at]
    unit = data[at + 22].astype(np.int64) << 8 | data[at + 23]
    fine = (first == second) & ((first == 0x23) | (first == 0x24))
    fine &= unit + HEAD + 1 == lengths[long]
    fine &= np.isin(data[at + 3], list(map(int, Response)))
    fine &= np.isin(data[at + 21], list(map(int, Encryption)))
    fine[fine] = _sums(data, at[fine], lengths[long][fine]) == 0
    sound: Array = long[fine]
    at = starts[sound]
    columns.edition[sound] = np.where(data[at] == 0x23, 2016, 2025)
    columns.command[sound] = data[at + 2]
    if sound.size:
        heads = np.lib.stride_tricks.sliding_window_view(data, 17)[at + 4]
        columns.vin[sound] = np.ascontiguousarray(heads).view("S17").ravel()
    refused = np.ones(columns.count, bool)
    refused[sound] = False
    for i in np.flatnonzero(refused).tolist():
        try:
            read_frame(columns.frame(i))
        except FrameFault as fault:
            columns.faults.append(Fault(i, fault.offset, fault.rule, fault.came))
    return sound


def _sums(data: Array, starts: Array, lengths: Array) -> Array:
    """XOR of each frame from its command to its check byte: 0 where the check is right."""
    if not starts.size:
        return np.zeros(0, np.uint8)
    # Every second sum is one between frames, and not used.
    edges = np.stack([starts + 2, starts + lengths], axis=1).ravel()
    padded = np.append(data, np.uint8(0)) if edges.max() == data.size else data
    sums: Array = np.bitwise_xor.reduceat(padded, edges)[::2]
    return sums


def _read_other(columns: Columns, i: int) -> None:
    try:
        frame = read_frame(columns.frame(i))
        columns.others[i] = frame, read_message(frame)
    except FrameFault as fault:
        columns.faults.append(Fault(i, fault.offset, fault.rule, fault.came))


class _Batch:
    """The reports of one batch on their way into tables."""

    def __init__(self, columns: Columns, keep_unknown: bool) -> None:
        self.columns, self.keep_unknown = columns, keep_unknown
        self.tables = {name: Gathering() for name in (*ONCE.values(), *MANY.values())}
        self.codes: list[Array] = []
        self.levels: list[Array] = []
        self.private: list[Array] = []

    def decode(self, frames: Array) -> None:
        columns = self.columns
        lengths = columns.lengths[frames]
        order = np.argsort(lengths, kind="stable")
        edges = np.flatnonzero(np.diff(lengths[order])) + 1
        for group in np.split(frames[order], edges) if frames.size else ():
            self._length(group)
        for name, gathering in self.tables.items():
            once = name in ONCE.values()
            columns.tables[name] = gathering.once(columns.count) if once else gathering.many()
        columns.fault_codes = _stacked(self.codes, 3)
        columns.alarm_levels = _stacked(self.levels, 3)
        columns.private = _stacked(self.private, 4)

    def _length(self, frames: Array) -> None:
        columns = self.columns
        length = int(columns.lengths[frames[0]])
        windows = np.lib.stride_tricks.sliding_window_view(columns.buffer, length)
        bunches, seen = [frames], 0
        while bunches:
            bunch = bunches.pop()
            data = windows[columns.starts[bunch]]
            left = np.arange(bunch.size)
            while left.size and (seen < MANY_SHAPES or bunch.size <= BUNCH):
                shape = self._shape(int(bunch[left[0]]), data[left[0]])
                if shape is None:
                    left = left[1:]
                    continue
                seen += 1
                fits = shape.fits(data[left] if left.size < bunch.size else data)
                taken = left[fits]
                whole = taken.size == bunch.size
                self._take(shape, bunch[taken], data if whole else data[taken])
                left = left[~fits]
            if left.size:
                rest = bunch[left]
                bunches += [rest[i : i + BUNCH] for i in range(0, rest.size, BUNCH)]

    def _shape(self, frame: int, data: Array) -> Shape | None:
        edition = Edition(int(self.columns.edition[frame]))
        try:
            return shape_of(data.tobytes(), edition, self.keep_unknown)
        except FrameFault as fault:
            self.columns.faults.append(Fault(frame, fault.offset, fault.rule, fault.came))
            return None

    def _take(self, shape: Shape, frames: Array, data: Array) -> None:
        self.columns.report[frames] = True
        self.columns.told[frames] = self.columns.starts[frames] + shape.told
        self.columns.at[frames] = utc_seconds(data[:, HEAD : HEAD + 6])
        for row in (*shape.once, *shape.many):
            self.tables[row.table].add(row, frames, data)
        for span in shape.spans:
            part = data[:, span.offset : span.offset + span.size]
            if span.what in FAULT_LISTS:
                codes = np.ascontiguousarray(part).view(">u4").astype(np.int64)
                self.codes.append(_rows(frames, FAULT_LISTS.index(span.what), codes[..., None]))
            elif span.what == "alarm levels":
                pairs = part.reshape(len(frames), -1, 2).astype(np.int64)
                self.levels.append(_rows(frames, None, pairs))
            elif span.what in ("a private block", UNKNOWN_REST):
                starts = self.columns.starts[frames] + span.offset
                sizes = np.full(frames.size, span.size)
                kinds = np.full(frames.size, span.kind)
                self.private.append(np.stack([frames, kinds, starts, sizes], axis=1))


def _rows(frames: Array, kind: int | None, values: Array) -> Array:
    """Rows (frame, [kind,] values...) of (frames, each, n) values."""
    each = values.shape[1]
    heads = [np.repeat(frames, each)]
    if kind is not None:
        heads.append(np.full(heads[0].size, kind))
    return np.column_stack([*heads, values.reshape(frames.size * each, -1)])


def _stacked(pieces: list[Array], width: int) -> Array:
    """All rows, sorted by frame."""
    if not pieces:
        return np.zeros((0, width), np.int64)
    rows = np.concatenate(pieces)
    in_order: Array = rows[np.argsort(rows[:, 0], kind="stable")]
    return in_order


def utc_seconds(clocks: Array) -> Array:
    """UTC times of (n, 6) clock bytes in Beijing time, datetime64[s]; NaT where they are none."""
    year, month, day, hour, minute, second = clocks.T.astype(np.int64)
    months = ((30 + year) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    fine = (year <= 99) & (month >= 1) & (month <= 12) & (day >= 1)
    fine &= (hour < 24) & (minute < 60) & (second < 60) & (days.astype("datetime64[M]") == months)
    at: Array = days.astype("datetime64[s]") + ((hour - 8) * 3600 + minute * 60 + second)
    at[~fine] = np.datetime64("NaT")
    return at
