"""Where everything stands in a report: found once, true for all frames of the same shape.

The typed reader walks one frame with a cursor that takes notes. The bytes that told it where to go
on (types, counts, lengths) are the frame's structure: a frame of the same length whose structure
bytes are the same has everything in the same places, whatever its readings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zerocity.protocols.gbt32960 import fields as f
from zerocity.protocols.gbt32960.block_reader import FIRST_PRIVATE, SIGNATURE, Cursor
from zerocity.protocols.gbt32960.fields import Edition, Value
from zerocity.protocols.gbt32960.frames import HEAD
from zerocity.protocols.gbt32960.message_reader import BLOCK_TYPE, UNKNOWN_REST, read_report

Array = npt.NDArray[Any]

ONCE = {
    f.VEHICLE_2016: "vehicle",
    f.VEHICLE_2025: "vehicle",
    f.ENGINE_2016: "engine",
    f.ENGINE_2025: "engine",
    f.POSITION_2016: "position",
    f.POSITION_2025: "position",
    f.EXTREMES_2016: "extremes",
    f.CAPACITOR_EXTREMES_2025: "capacitor_extremes",
    f.ALARM: "alarm",
    f.HYDROGEN_2016: "hydrogen",
    f.HYDROGEN_2025: "hydrogen",
}
"""Layouts of which a report has one; of several, the last counts."""
MANY = {
    f.MOTOR_2016: "motors",
    f.MOTOR_2025: "motors",
    f.PACK_2016: "packs",
    f.PACK_2025: "packs",
    f.PACK_NUMBER: "probes",
    f.STACK_2025: "stacks",
    f.FUEL_CELL_2016: "fuel_cells",
    f.CAPACITOR_2025: "capacitors",
}
"""Layouts of which a report has any number."""
FAULT_LISTS = ("battery faults", "motor faults", "engine faults", "other faults")
ALARM_LISTS = (*FAULT_LISTS, "alarm levels")


class Row(NamedTuple):
    """Fixed fields at an offset of the frame, and the values that hang on them."""

    table: str
    layout: f.Layout
    offset: int
    values: tuple[tuple[f.Field, int, int], ...]  # field, offset, how many


class Span(NamedTuple):
    """Plain bytes at an offset of the frame."""

    what: str
    kind: int  # the block's type
    offset: int
    size: int


@dataclass(slots=True)
class Shape:
    """One structure: its bytes and what it makes of a frame."""

    where: Array  # (structure,) offsets in the frame
    wanted: Array  # (structure,) bytes
    told: int = 0  # offset behind the last block, where a signature or the check byte follows
    once: list[Row] = field(default_factory=list)
    many: list[Row] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def fits(self, frames: Array) -> Array:
        """Which of the (frames, length) bytes have this shape."""
        fits: Array = (frames[:, self.where] == self.wanted).all(axis=1)
        return fits


class _Tracer(Cursor):
    """A cursor that takes notes of what is read where."""

    __slots__ = ("edition", "kind", "rows", "spans", "structure", "told")

    def __init__(self, data: bytes, edition: Edition) -> None:
        super().__init__(data, HEAD)
        self.edition = edition
        self.structure: list[int] = []
        self.rows: list[tuple[f.Layout, int, list[tuple[f.Field, int, int]]]] = []
        self.spans: list[Span] = []
        self.kind = 0
        self.told = HEAD + len(data)

    def take(self, size: int, what: str) -> bytes:
        data = super().take(size, what)
        private = self.kind >= FIRST_PRIVATE and self.kind != SIGNATURE
        if private or what == UNKNOWN_REST or (size and self.kind != SIGNATURE):
            self.spans.append(Span(what, self.kind, HEAD + self.at - size, size))
        return data

    def number(self, size: int, what: str) -> int:
        value = int.from_bytes(super().take(size, what), "big")
        self.structure.extend(range(HEAD + self.at - size, HEAD + self.at))
        if what == BLOCK_TYPE:
            self.kind = value
            # In 2016 FF is no signature but an unknown type, which ends the report.
            if value == SIGNATURE and self.edition is Edition.Y2025:
                self.told = HEAD + self.at - 1
        return value

    def row(self, layout: f.Layout, what: str) -> dict[str, Any]:
        at = self.at
        super().take(layout.size, what)
        self.rows.append((layout, HEAD + at, []))
        return layout.read(self.data, at)

    def many(self, field: f.Field, count: int, what: str) -> tuple[Value, ...]:
        super().take(count * field.size, what)
        self.rows[-1][2].append((field, HEAD + self.at - count * field.size, count))
        return ()


def shape_of(frame: bytes, edition: Edition, keep_unknown: bool = False) -> Shape:
    """The shape of a report whose envelope is sound; raises the `FrameFault` of the reader."""
    tracer = _Tracer(frame[HEAD:-1], edition)
    read_report(tracer, edition, keep_unknown)
    # The start tells the edition, and with it what the types mean.
    where = np.array([0, *tracer.structure], np.intp)
    shape = Shape(where, np.frombuffer(frame, np.uint8)[where], tracer.told)
    alarm = max((offset for layout, offset, _ in tracer.rows if layout is f.ALARM), default=0)
    shape.spans = [
        span for span in tracer.spans[1:] if span.what not in ALARM_LISTS or span.offset > alarm
    ]
    for layout, offset, values in tracer.rows:
        if layout in ONCE:
            shape.once.append(Row(ONCE[layout], layout, offset, ()))
        else:
            shape.many.append(Row(MANY[layout], layout, offset, tuple(values)))
    return shape
