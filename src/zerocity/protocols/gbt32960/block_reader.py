"""The blocks of a report from bytes; which type is read how stands in `READERS`.

Source: GB/T 32960.3-2016 tables 8 and B.3, GB/T 32960.3-2025 table 9.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from zerocity.protocols.gbt32960 import fields as f
from zerocity.protocols.gbt32960.blocks import (
    Alarm,
    Block,
    Capacitor,
    CellVoltages,
    Engine,
    Extremes,
    FuelCell,
    Hydrogen,
    Motor,
    Motors,
    PackCells,
    PackProbes,
    Position,
    Private,
    Stack,
    Stacks,
    Temperatures,
    Vehicle,
)
from zerocity.protocols.gbt32960.fields import Edition, Gap, Number, Value
from zerocity.protocols.gbt32960.frames import FrameFault


class Cursor:
    """Reads a data unit from front to back; offsets of faults count from the frame's start."""

    __slots__ = ("at", "base", "data")

    def __init__(self, data: bytes, base: int) -> None:
        self.data, self.base, self.at = data, base, 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self.data) - self.at

    def take(self, size: int, what: str) -> bytes:
        """The next ``size`` bytes; raises `FrameFault` where there are fewer."""
        if size > self.left:
            came = f"{what} of {size} bytes where {self.left} are left"
            raise FrameFault("block-length", self.base + self.at, came)
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int, what: str) -> int:
        """The next number of ``size`` bytes."""
        return int.from_bytes(self.take(size, what), "big")

    def row(self, layout: f.Layout, what: str) -> dict[str, Any]:
        """The values of a layout."""
        at = self.at
        self.take(layout.size, what)
        return layout.read(self.data, at)

    def count(self, field: f.Field, what: str) -> Number:
        """How many of something follow; a `Gap` means that none do."""
        count = field.value(self.number(field.size, f"the number of {what}"))
        return count if isinstance(count, Gap) else int(count)

    def many(self, field: f.Field, count: int, what: str) -> tuple[Value, ...]:
        """``count`` values of one field."""
        data = self.take(count * field.size, what)
        return field.values(data if field.size == 1 else struct.unpack(f">{count}H", data))


def _vehicle(cursor: Cursor, layout: f.Layout) -> Vehicle:
    return Vehicle(**cursor.row(layout, "vehicle"))


def _motors(cursor: Cursor, layout: f.Layout) -> Motors:
    # 2016 gives the number of motors no codes: FE would be 254 of them.
    if layout is f.MOTOR_2016:
        count: Number = cursor.number(1, "the number of motors")
    else:
        count = cursor.count(f.COUNT_1, "motors")
    if isinstance(count, Gap):
        return Motors(count)
    return Motors(tuple(Motor(**cursor.row(layout, "a motor")) for _ in range(count)))


def _probes(cursor: Cursor) -> tuple[Value, ...] | Gap:
    count = cursor.count(f.COUNT_2, "probes")
    return count if isinstance(count, Gap) else cursor.many(f.PROBE, count, "probes")


def _fuel_cell(cursor: Cursor, layout: f.Layout) -> FuelCell:
    head = cursor.row(layout, "fuel cell")
    probes = _probes(cursor)
    tail = cursor.row(f.HYDROGEN_2016, "hydrogen")
    return FuelCell(**head, probes_c=probes, **tail)


def _hydrogen(cursor: Cursor, layout: f.Layout) -> Hydrogen:
    return Hydrogen(**cursor.row(layout, "hydrogen"))


def _stacks(cursor: Cursor, layout: f.Layout) -> Stacks:
    count = cursor.count(f.COUNT_1, "stacks")
    if isinstance(count, Gap):
        return Stacks(count)
    found = []
    for _ in range(count):
        head = cursor.row(layout, "a stack")
        found.append(Stack(**head, probes_c=_probes(cursor)))
    return Stacks(tuple(found))


def _engine(cursor: Cursor, layout: f.Layout) -> Engine:
    return Engine(**cursor.row(layout, "engine"))


def _position(cursor: Cursor, layout: f.Layout) -> Position:
    row = cursor.row(layout, "position")
    place = Position(**row)
    east = -place.longitude_deg if place.flags & 4 else place.longitude_deg
    north = -place.latitude_deg if place.flags & 2 else place.latitude_deg
    return Position(place.flags, east, north, place.coordinates)


def _extremes(cursor: Cursor, layout: f.Layout) -> Extremes:
    return Extremes(**cursor.row(layout, "extremes"))


def _codes(cursor: Cursor, what: str) -> tuple[int, ...] | Gap:
    count = cursor.count(f.COUNT_1, what)
    if isinstance(count, Gap):
        return count
    data = cursor.take(4 * count, what)
    return tuple(int.from_bytes(data[i : i + 4], "big") for i in range(0, len(data), 4))


def _alarm(cursor: Cursor, layout: f.Layout) -> Alarm:
    row = cursor.row(layout, "alarm")
    battery, motor = _codes(cursor, "battery faults"), _codes(cursor, "motor faults")
    engine, other = _codes(cursor, "engine faults"), _codes(cursor, "other faults")
    return Alarm(row["level"], row["bits"], battery, motor, engine, other)


def _alarm_levels(cursor: Cursor, layout: f.Layout) -> Alarm:
    alarm = _alarm(cursor, layout)
    count = cursor.count(f.COUNT_1, "alarm levels")
    levels: tuple[tuple[int, int], ...] | Gap
    if isinstance(count, Gap):
        levels = count
    else:
        data = cursor.take(2 * count, "alarm levels")
        levels = tuple((data[i], data[i + 1]) for i in range(0, len(data), 2))
    return Alarm(
        alarm.level, alarm.bits, alarm.battery, alarm.motor, alarm.engine, alarm.other, levels
    )


def _cells(cursor: Cursor, layout: f.Layout) -> CellVoltages:
    count = cursor.count(f.COUNT_1, "packs")
    if isinstance(count, Gap):
        return CellVoltages(count)
    return CellVoltages(tuple(_pack_cells(cursor, layout) for _ in range(count)))


def _pack_cells(cursor: Cursor, layout: f.Layout) -> PackCells:
    head = cursor.row(layout, "a pack's voltages")
    if layout is f.PACK_2016:
        cells = cursor.many(f.CELL, cursor.number(1, "the number of cells"), "cell voltages")
        return PackCells(**head, cells_v=cells)
    total = cursor.count(f.COUNT_2, "cells")
    cells = () if isinstance(total, Gap) else cursor.many(f.CELL, total, "cell voltages")
    return PackCells(**head, cells_total=total, first_cell=1, cells_v=cells)


def _temperatures(cursor: Cursor, layout: f.Layout) -> Temperatures:
    count = cursor.count(f.COUNT_1, "packs")
    if isinstance(count, Gap):
        return Temperatures(count)
    found = []
    for _ in range(count):
        head = cursor.row(layout, "a pack's temperatures")
        found.append(PackProbes(head["pack"], _probes(cursor)))
    return Temperatures(tuple(found))


def _capacitor(cursor: Cursor, layout: f.Layout) -> Capacitor:
    head = cursor.row(layout, "capacitor")
    count = cursor.count(f.COUNT_2, "cells")
    cells = count if isinstance(count, Gap) else cursor.many(f.CELL, count, "cell voltages")
    return Capacitor(**head, cells_v=cells, probes_c=_probes(cursor))


Reader = Callable[[Cursor, f.Layout], Block]
READERS: dict[Edition, dict[int, tuple[Reader, f.Layout]]] = {
    Edition.Y2016: {
        0x01: (_vehicle, f.VEHICLE_2016),
        0x02: (_motors, f.MOTOR_2016),
        0x03: (_fuel_cell, f.FUEL_CELL_2016),
        0x04: (_engine, f.ENGINE_2016),
        0x05: (_position, f.POSITION_2016),
        0x06: (_extremes, f.EXTREMES_2016),
        0x07: (_alarm, f.ALARM),
        0x08: (_cells, f.PACK_2016),
        0x09: (_temperatures, f.PACK_NUMBER),
    },
    Edition.Y2025: {
        0x01: (_vehicle, f.VEHICLE_2025),
        0x02: (_motors, f.MOTOR_2025),
        0x03: (_hydrogen, f.HYDROGEN_2025),
        0x04: (_engine, f.ENGINE_2025),
        0x05: (_position, f.POSITION_2025),
        0x06: (_alarm_levels, f.ALARM),
        0x07: (_cells, f.PACK_2025),
        0x08: (_temperatures, f.PACK_NUMBER),
        0x30: (_stacks, f.STACK_2025),
        0x31: (_capacitor, f.CAPACITOR_2025),
        0x32: (_extremes, f.CAPACITOR_EXTREMES_2025),
    },
}
"""By edition and type: who reads a block, and the layout of its fixed part."""
FIRST_PRIVATE, LAST_PRIVATE, SIGNATURE = 0x80, 0xFE, 0xFF


def read_block(cursor: Cursor, kind: int, edition: Edition) -> Block:
    """The block of type ``kind``, whose first byte is the next; raises `FrameFault`."""
    if known := READERS[edition].get(kind):
        reader, layout = known
        return reader(cursor, layout)
    if FIRST_PRIVATE <= kind <= LAST_PRIVATE:
        size = cursor.number(2, "the length of a private block")
        return Private(kind, cursor.take(size, "a private block"))
    raise FrameFault("block-type", cursor.base + cursor.at - 1, f"{kind:02X}")
