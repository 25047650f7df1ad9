"""Fleet records straight from bytes, compiled: what `fleet.fleet_of` says, at its own speed.

The kernel checks every frame as the typed reader does, structure included, and says which it
refuses; why, the typed reader tells. Its walk knows the blocks by the layouts of `fields`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from zerocity.protocols.gbt32960 import fields as f
from zerocity.protocols.gbt32960.columns import Fault
from zerocity.protocols.gbt32960.fleet import OTHER, REFUSED, REPORT, empty_fleet
from zerocity.protocols.gbt32960.frames import HEAD, FrameFault
from zerocity.protocols.gbt32960.kernel_bytes import (
    Whole,
    dword,
    kernel,
    number_of,
    seconds,
    sound,
    word,
)
from zerocity.protocols.gbt32960.message_reader import read

Array = npt.NDArray[Any]

FAULTY = -1
# What the walk of one report keeps, by place in its notes.
MV, CELLS, LOW_MV, HIGH_MV, LOW_C, HIGH_C, SENT_HIGH_MV, SENT_LOW_MV, SENT_HIGH_C, SENT_LOW_C = (
    range(10)
)
NO_CELL, NO_PROBE = f.CELL.top - 1, f.PROBE.top - 1
_CHARGING = f.VEHICLE_2016.offsets["charging"]
_CURRENT = f.VEHICLE_2016.offsets["current_a"]
_SOC = f.VEHICLE_2016.offsets["soc_percent"]
_SPEED, _ODOMETER, _VOLTAGE = (
    f.VEHICLE_2016.offsets[name] for name in ("speed_km_h", "odometer_km", "voltage_v")
)
_MAX_V, _MIN_V, _MAX_C, _MIN_C = (
    f.EXTREMES_2016.offsets[name] for name in ("max_v", "min_v", "max_c", "min_c")
)
_MOTOR_2016, _MOTOR_2025 = f.MOTOR_2016.size, f.MOTOR_2025.size
_PACK_2016, _PACK_2025 = f.PACK_2016.size, f.PACK_2025.size
_FUEL_CELL, _HYDROGEN = f.FUEL_CELL_2016.size, f.HYDROGEN_2016.size
_STACK, _CAPACITOR = f.STACK_2025.size, f.CAPACITOR_2025.size

FIXED = np.zeros((2, 256), np.int64)
"""Size of the blocks that have one, by edition and type; 0 for the others."""
for _kind, _layout in (
    (0x01, f.VEHICLE_2016),
    (0x04, f.ENGINE_2016),
    (0x05, f.POSITION_2016),
    (0x06, f.EXTREMES_2016),
):
    FIXED[0, _kind] = _layout.size
for _kind, _layout in (
    (0x01, f.VEHICLE_2025),
    (0x03, f.HYDROGEN_2025),
    (0x04, f.ENGINE_2025),
    (0x05, f.POSITION_2025),
    (0x32, f.CAPACITOR_EXTREMES_2025),
):
    FIXED[1, _kind] = _layout.size


def fleet(buffer: bytes | Array, starts: Array, lengths: Array) -> tuple[Array, list[Fault]]:
    """Fleet records of the frames of ``buffer`` (dtype `fleet.FLEET`), and why any was refused."""
    data = np.frombuffer(buffer, np.uint8) if not isinstance(buffer, np.ndarray) else buffer
    records = empty_fleet(len(starts))
    slots = np.full(max(2, 1 << (2 * len(starts)).bit_length()), -1, np.int32)
    decode_fleet(data, starts, lengths, records, slots, np.zeros(10, np.int64))
    faults = []
    for i in np.flatnonzero(records["status"] != REPORT).tolist():
        try:
            read(data[starts[i] : starts[i] + lengths[i]].tobytes())
        except FrameFault as fault:
            faults.append(Fault(i, fault.offset, fault.rule, fault.came))
            blank = empty_fleet(1)[0]
            blank["status"], blank["vehicle"] = REFUSED, records[i]["vehicle"]
            records[i] = blank
    return records, faults


@kernel
def decode_fleet(
    data: Array, starts: Array, lengths: Array, out: Array, slots: Array, notes: Array
) -> None:
    """Fill ``out`` (records of `fleet.FLEET`, empty before).

    ``slots`` is a table of -1, its size a power of two above the number of frames; ``notes`` has
    ten places.
    """
    known = 0
    for i in range(starts.size):
        start, length = starts[i], lengths[i]
        row = out[i]
        row.vehicle = -1
        if not sound(data, start, length):
            row.status = REFUSED
            continue
        row.edition = 2016 if data[start] == 0x23 else 2025
        row.command = data[start + 2]
        row.vehicle = number_of(data, starts, i, out, slots, known)
        known = max(known, row.vehicle + 1)
        is_report = row.command == 2 or row.command == 3
        if not is_report or data[start + 3] != 0xFE or data[start + 21] != 1:
            row.status = OTHER
        elif not report(data, start, start + length - 1, row, notes):
            row.status = REFUSED


@kernel
def report(data: Array, start: Whole, end: Whole, row: Any, notes: Array) -> bool:
    """Read a report whose unit ends before ``end``; False where it breaks a rule."""
    at = start + HEAD
    if at + 6 > end:
        return False
    row.at = seconds(data, at)
    at += 6
    edition = 0 if row.edition == 2016 else 1
    clear(notes)
    while at < end:
        kind = np.int64(data[at])
        at += 1
        size = FIXED[edition, kind]
        if size:
            if at + size > end:
                return False
            fixed(data, at, kind, edition, row, notes)
            at += size
        elif kind == 8 - edition:
            at = packs(data, at, end, edition, notes)
        elif kind == 9 - edition:
            at = probes_of_packs(data, at, end, notes)
        elif kind == 7 - edition:
            at = alarm(data, at, end, edition, row)
        else:
            at = other(data, at, end, edition, kind)
        if at == FAULTY:
            return False
    conclude(row, notes)
    return True


@kernel
def clear(notes: Array) -> None:
    """Nothing seen yet."""
    notes[:] = -1
    notes[MV] = notes[CELLS] = 0
    notes[LOW_MV], notes[LOW_C] = NO_CELL, NO_PROBE


@kernel
def conclude(row: Any, notes: Array) -> None:
    """Highest and lowest as sent, or else as found; the mean as found."""
    if notes[CELLS] > 0:
        row.cell_mean_v = notes[MV] / notes[CELLS] * 0.001
    high = notes[SENT_HIGH_MV] if notes[SENT_HIGH_MV] >= 0 else notes[HIGH_MV]
    if high >= 0:
        row.cell_max_v = high * 0.001
    low = notes[SENT_LOW_MV] if notes[SENT_LOW_MV] >= 0 else notes[LOW_MV]
    if low < NO_CELL:
        row.cell_min_v = low * 0.001
    high = notes[SENT_HIGH_C] if notes[SENT_HIGH_C] >= 0 else notes[HIGH_C]
    if high >= 0:
        row.probe_max_c = high - 40
    low = notes[SENT_LOW_C] if notes[SENT_LOW_C] >= 0 else notes[LOW_C]
    if low < NO_PROBE:
        row.probe_min_c = low - 40


@kernel
def fixed(data: Array, at: Whole, kind: Whole, edition: Whole, row: Any, notes: Array) -> None:
    """Take the readings of a block of a fixed size."""
    if kind == 1:
        vehicle(data, at, edition, row)
    elif kind == 5:
        position(data, at, edition, row)
    elif kind == 6 and edition == 0:
        high, low = word(data, at + _MAX_V), word(data, at + _MIN_V)
        notes[SENT_HIGH_MV] = high if high < NO_CELL else -1
        notes[SENT_LOW_MV] = low if low < NO_CELL else -1
        high, low = np.int64(data[at + _MAX_C]), np.int64(data[at + _MIN_C])
        notes[SENT_HIGH_C] = high if high < NO_PROBE else -1
        notes[SENT_LOW_C] = low if low < NO_PROBE else -1


@kernel
def vehicle(data: Array, at: Whole, edition: Whole, row: Any) -> None:
    """Take the readings of the whole vehicle."""
    charging = np.int64(data[at + _CHARGING])
    row.charging = charging if charging < 254 else -1
    row.speed_km_h = tenths(word(data, at + _SPEED), 0xFFFE)
    row.odometer_km = tenths(dword(data, at + _ODOMETER), 0xFFFFFFFE)
    row.voltage_v = tenths(word(data, at + _VOLTAGE), 0xFFFE)
    zero = -1000.0 if edition == 0 else -3000.0
    row.current_a = tenths(word(data, at + _CURRENT), 0xFFFE) + zero
    soc = data[at + _SOC]
    row.soc_percent = soc if soc < 254 else np.nan


@kernel
def tenths(raw: Whole, gap: Whole) -> float:
    """A tenth of a raw number; NaN from ``gap`` up."""
    return raw * 0.1 if raw < gap else np.nan


@kernel
def position(data: Array, at: Whole, edition: Whole, row: Any) -> None:
    """Take the place, signed; NaN where it is none on Earth."""
    flags = data[at]
    at += 1 + edition
    longitude, latitude = dword(data, at) * 1e-6, dword(data, at + 4) * 1e-6
    row.longitude_deg = np.nan
    if longitude <= 180.0:
        row.longitude_deg = -longitude if flags & 4 else longitude
    row.latitude_deg = np.nan
    if latitude <= 90.0:
        row.latitude_deg = -latitude if flags & 2 else latitude
    row.position_valid = 1 - (flags & 1)


@kernel
def packs(data: Array, at: Whole, end: Whole, edition: Whole, notes: Array) -> Whole:
    """Walk cell voltages and note them; the place behind them, or FAULTY."""
    if at >= end:
        return FAULTY
    count = np.int64(data[at])
    at += 1
    if count >= 254:
        return at
    width = 1 + edition
    for _ in range(count):
        at += _PACK_2016 if edition == 0 else _PACK_2025
        if at + width > end:
            return FAULTY
        cells = np.int64(data[at]) if edition == 0 else word(data, at)
        at += width
        if edition == 1 and cells >= 0xFFFE:
            continue
        if at + 2 * cells > end:
            return FAULTY
        cells_of(data, at, cells, notes)
        at += 2 * cells
    return at


@kernel
def cells_of(data: Array, at: Whole, cells: Whole, notes: Array) -> None:
    """Note the cells of one pack."""
    total, number = np.int64(0), np.int64(0)
    low, high = notes[LOW_MV], notes[HIGH_MV]
    for k in range(cells):
        mv = word(data, at + 2 * k)
        reading = mv < NO_CELL
        total += mv if reading else 0
        number += reading
        low = min(low, mv)
        high = max(high, mv if reading else -1)
    notes[MV] += total
    notes[CELLS] += number
    notes[LOW_MV], notes[HIGH_MV] = low, high


@kernel
def probes_of_packs(data: Array, at: Whole, end: Whole, notes: Array) -> Whole:
    """Walk the packs' temperatures and note them; the place behind them, or FAULTY."""
    if at >= end:
        return FAULTY
    count = np.int64(data[at])
    at += 1
    if count >= 254:
        return at
    for _ in range(count):
        at += 1
        begin = at + 2
        at = skip_probes(data, at, end)
        if at == FAULTY:
            return FAULTY
        low, high = notes[LOW_C], notes[HIGH_C]
        for k in range(begin, at):
            raw = np.int64(data[k])
            low = min(low, raw)
            high = max(high, raw if raw < NO_PROBE else -1)
        notes[LOW_C], notes[HIGH_C] = low, high
    return at


@kernel
def skip_probes(data: Array, at: Whole, end: Whole) -> Whole:
    """The place behind a number of probes and their temperatures, or FAULTY."""
    if at + 2 > end:
        return FAULTY
    count = word(data, at)
    at += 2
    if count < 0xFFFE:
        at += count
    return at if at <= end else FAULTY


@kernel
def alarm(data: Array, at: Whole, end: Whole, edition: Whole, row: Any) -> Whole:
    """Take level and bits, walk the lists; the place behind them, or FAULTY."""
    if at + 5 > end:
        return FAULTY
    level = np.int64(data[at])
    row.alarm_level = level if level < 254 else -1
    row.alarm_bits = dword(data, at + 1)
    at += 5
    for k in range(4 + edition):
        if at >= end:
            return FAULTY
        count = np.int64(data[at])
        at += 1
        if count < 254:
            at += (4 if k < 4 else 2) * count
    return at if at <= end else FAULTY


@kernel
def other(data: Array, at: Whole, end: Whole, edition: Whole, kind: Whole) -> Whole:
    """Walk a block without fleet readings; the place behind it, or FAULTY."""
    behind = end + 1
    if 0x80 <= kind <= 0xFE:
        behind = at + 2 + word(data, at) if at + 2 <= end else behind
    elif kind == 2:
        behind = motors(data, at, end, edition)
    elif kind == 3 and edition == 0:
        behind = skip_probes(data, at + _FUEL_CELL, end)
        behind = behind + _HYDROGEN if behind != FAULTY else end + 1
    elif kind == 0x30 and edition == 1:
        behind = stacks(data, at, end)
    elif kind == 0x31 and edition == 1:
        behind = capacitor(data, at + _CAPACITOR, end)
    elif kind == 0xFF and edition == 1:
        behind = signature(data, at, end)
    return behind if behind <= end else FAULTY


@kernel
def motors(data: Array, at: Whole, end: Whole, edition: Whole) -> Whole:
    """The place behind the motors; may lie beyond the end."""
    if at >= end:
        return end + 1
    count = np.int64(data[at])
    if edition == 0:
        return at + 1 + count * _MOTOR_2016
    return at + 1 + (count * _MOTOR_2025 if count < 254 else 0)


@kernel
def stacks(data: Array, at: Whole, end: Whole) -> Whole:
    """The place behind the fuel-cell stacks, or FAULTY."""
    if at >= end:
        return FAULTY
    count = np.int64(data[at])
    at += 1
    for _ in range(count if count < 254 else 0):
        at = skip_probes(data, at + _STACK, end)
        if at == FAULTY:
            break
    return at


@kernel
def capacitor(data: Array, at: Whole, end: Whole) -> Whole:
    """The place behind a capacitor's cells and probes, or FAULTY."""
    if at + 2 > end:
        return FAULTY
    cells = word(data, at)
    return skip_probes(data, at + 2 + (2 * cells if cells < 0xFFFE else 0), end)


@kernel
def signature(data: Array, at: Whole, end: Whole) -> Whole:
    """The end, where a signature fills all that is left, or FAULTY."""
    at += 1
    for _ in range(2):
        if at + 2 > end:
            return FAULTY
        at += 2 + word(data, at)
    return at if at == end else FAULTY
