"""The blocks of a report to bytes, the other way round of `block_reader`.

What the wire cannot hold raises `InputError`; an edition without such a block, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zerocity.errors import InputError
from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import fields as f
from zerocity.protocols.gbt32960.fields import Edition, Gap, Value

MOST_CELLS_2016 = 200
"""Cells of one pack in one frame, table B.6 of 2016."""
_COUNT_CODES = {Gap.ABNORMAL: -2, Gap.INVALID: -1}


def _count(items: Sequence[object] | Gap, size: int, what: str) -> bytes:
    """How many items follow, or why none do."""
    top = 1 << 8 * size
    if isinstance(items, Gap):
        return (top + _COUNT_CODES[items]).to_bytes(size, "big")
    if len(items) > top - 3:
        raise InputError(what, f"{len(items)}", f"at most {top - 3}")
    return len(items).to_bytes(size, "big")


def _many(field: f.Field, values: Sequence[Value] | Gap) -> bytes:
    if isinstance(values, Gap):
        return b""
    return b"".join(field.raw(value).to_bytes(field.size, "big") for value in values)


def _probes(values: Sequence[Value] | Gap) -> bytes:
    return _count(values, 2, "probes") + _many(f.PROBE, values)


def _plain(layout: f.Layout, block: Any) -> bytes:
    return layout.write(block)


def _motors(layout: f.Layout, block: b.Motors) -> bytes:
    if isinstance(block.motors, Gap):
        if layout is f.MOTOR_2016:
            raise InputError("motors", block.motors.value, "motors (2016 has no code for them)")
        return _count(block.motors, 1, "motors")
    head = _count(block.motors, 1, "motors")
    return head + b"".join(layout.write(motor) for motor in block.motors)


def _fuel_cell(layout: f.Layout, block: b.FuelCell) -> bytes:
    return layout.write(block) + _probes(block.probes_c) + f.HYDROGEN_2016.write(block)


def _stacks(layout: f.Layout, block: b.Stacks) -> bytes:
    head = _count(block.stacks, 1, "stacks")
    stacks = () if isinstance(block.stacks, Gap) else block.stacks
    return head + b"".join(layout.write(stack) + _probes(stack.probes_c) for stack in stacks)


def _position(layout: f.Layout, block: b.Position) -> bytes:
    for name, value, bit in (
        ("longitude_deg", block.longitude_deg, 4),
        ("latitude_deg", block.latitude_deg, 2),
    ):
        if value and (value < 0) != bool(block.flags & bit):
            raise InputError(name, f"{value:g}", f"a sign as bit {bit.bit_length() - 1} tells")
    size = abs(block.longitude_deg), abs(block.latitude_deg)
    return layout.write(b.Position(block.flags, *size, block.coordinates))


def _codes(codes: tuple[int, ...] | Gap, what: str) -> bytes:
    head = _count(codes, 1, what)
    if isinstance(codes, Gap):
        return head
    for code in codes:
        if not 0 <= code < 1 << 32:
            raise InputError(what, f"{code}", "0 to 4294967295")
    return head + b"".join(code.to_bytes(4, "big") for code in codes)


def _alarm(layout: f.Layout, block: b.Alarm) -> bytes:
    lists = (
        (block.battery, "battery faults"),
        (block.motor, "motor faults"),
        (block.engine, "engine faults"),
        (block.other, "other faults"),
    )
    return layout.write(block) + b"".join(_codes(codes, what) for codes, what in lists)


def _alarm_levels(layout: f.Layout, block: b.Alarm) -> bytes:
    levels = () if block.levels is None else block.levels
    head = _alarm(layout, block) + _count(levels, 1, "alarm levels")
    if isinstance(levels, Gap):
        return head
    for pair in levels:
        if not all(0 <= number <= 255 for number in pair):
            raise InputError("alarm levels", f"{pair}", "two bytes")
    return head + b"".join(bytes(pair) for pair in levels)


def _cells(layout: f.Layout, block: b.CellVoltages) -> bytes:
    head = _count(block.packs, 1, "packs")
    packs = () if isinstance(block.packs, Gap) else block.packs
    return head + b"".join(_pack_cells(layout, pack) for pack in packs)


def _pack_cells(layout: f.Layout, pack: b.PackCells) -> bytes:
    if layout is f.PACK_2016:
        if len(pack.cells_v) > 255:
            raise InputError("cells_v", f"{len(pack.cells_v)}", "at most 255 in a frame")
        return layout.write(pack) + bytes((len(pack.cells_v),)) + _many(f.CELL, pack.cells_v)
    total = pack.cells_total
    if pack.first_cell != 1 or (total != len(pack.cells_v) and not isinstance(total, Gap)):
        came = f"{len(pack.cells_v)} of {total} from {pack.first_cell} on"
        raise InputError("cells_v", came, "a whole pack (2025 does not split)")
    if isinstance(total, Gap) and pack.cells_v:
        raise InputError("cells_v", f"{len(pack.cells_v)}", f"none, for their number is {total}")
    count = total if isinstance(total, Gap) else pack.cells_v
    return layout.write(pack) + _count(count, 2, "cells_v") + _many(f.CELL, pack.cells_v)


def _temperatures(layout: f.Layout, block: b.Temperatures) -> bytes:
    head = _count(block.packs, 1, "packs")
    packs = () if isinstance(block.packs, Gap) else block.packs
    return head + b"".join(layout.write(pack) + _probes(pack.probes_c) for pack in packs)


def _capacitor(layout: f.Layout, block: b.Capacitor) -> bytes:
    cells = _count(block.cells_v, 2, "cells_v") + _many(f.CELL, block.cells_v)
    return layout.write(block) + cells + _probes(block.probes_c)


Writer = Callable[[f.Layout, Any], bytes]
WRITERS: dict[Edition, dict[type, tuple[int, Writer, f.Layout]]] = {
    Edition.Y2016: {
        b.Vehicle: (0x01, _plain, f.VEHICLE_2016),
        b.Motors: (0x02, _motors, f.MOTOR_2016),
        b.FuelCell: (0x03, _fuel_cell, f.FUEL_CELL_2016),
        b.Engine: (0x04, _plain, f.ENGINE_2016),
        b.Position: (0x05, _position, f.POSITION_2016),
        b.Extremes: (0x06, _plain, f.EXTREMES_2016),
        b.Alarm: (0x07, _alarm, f.ALARM),
        b.CellVoltages: (0x08, _cells, f.PACK_2016),
        b.Temperatures: (0x09, _temperatures, f.PACK_NUMBER),
    },
    Edition.Y2025: {
        b.Vehicle: (0x01, _plain, f.VEHICLE_2025),
        b.Motors: (0x02, _motors, f.MOTOR_2025),
        b.Hydrogen: (0x03, _plain, f.HYDROGEN_2025),
        b.Engine: (0x04, _plain, f.ENGINE_2025),
        b.Position: (0x05, _position, f.POSITION_2025),
        b.Alarm: (0x06, _alarm_levels, f.ALARM),
        b.CellVoltages: (0x07, _cells, f.PACK_2025),
        b.Temperatures: (0x08, _temperatures, f.PACK_NUMBER),
        b.Stacks: (0x30, _stacks, f.STACK_2025),
        b.Capacitor: (0x31, _capacitor, f.CAPACITOR_2025),
        b.Extremes: (0x32, _plain, f.CAPACITOR_EXTREMES_2025),
    },
}
"""By edition and class: type, who writes it, and the layout of its fixed part."""


def write_block(block: b.Block, edition: Edition) -> bytes:
    """Type and bytes of a block; raises `InputError` for what the edition cannot say."""
    if isinstance(block, b.Private):
        if not 0x80 <= block.kind <= 0xFE or len(block.data) > 65_535:
            came = f"type {block.kind:02X}, {len(block.data)} bytes"
            raise InputError("private block", came, "type 80 to FE, at most 65535 bytes")
        return bytes((block.kind,)) + len(block.data).to_bytes(2, "big") + block.data
    if isinstance(block, b.Unknown):
        return bytes((block.kind,)) + block.data
    known = WRITERS[edition].get(type(block))
    if known is None:
        raise InputError("block", type(block).__name__, f"a block of the {edition.value} edition")
    kind, writer, layout = known
    return bytes((kind,)) + writer(layout, block)
