"""The readings that a fleet is run by, one record a report, whatever its edition.

The highest and lowest cell and probe are those that the vehicle sends (type 06 of 2016), or else
those found in this report; the mean is of the cells in this report. `kernel.fleet` makes the same
records straight from bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from zerocity.protocols.gbt32960.columns import Columns
from zerocity.protocols.gbt32960.fields import CELL, PROBE
from zerocity.protocols.gbt32960.tables import Table

Array = npt.NDArray[Any]

REPORT, OTHER, REFUSED = 0, 1, 2
NO_TIME = np.iinfo(np.int64).min
FLEET = np.dtype(
    [
        ("status", np.uint8),  # REPORT, OTHER (a sound frame that is no report) or REFUSED
        ("command", np.uint8),
        ("edition", np.uint16),  # 2016 or 2025
        ("vehicle", np.int32),  # number of the VIN, in the order of first appearance; -1 for none
        ("at", np.int64),  # [s] since 1970 in UTC; NO_TIME where the frame has no lawful time
        ("soc_percent", np.float64),
        ("voltage_v", np.float64),
        ("current_a", np.float64),  # as sent: makers send discharge as positive
        ("speed_km_h", np.float64),
        ("odometer_km", np.float64),
        ("longitude_deg", np.float64),  # NaN beyond 180
        ("latitude_deg", np.float64),  # NaN beyond 90
        ("cell_max_v", np.float64),
        ("cell_min_v", np.float64),
        ("cell_mean_v", np.float64),
        ("probe_max_c", np.float64),
        ("probe_min_c", np.float64),
        ("alarm_bits", np.int64),  # -1 where no alarms were sent
        ("alarm_level", np.int16),  # -1 where none, or none valid, was sent
        ("charging", np.int16),  # table 9; -1 likewise
        ("position_valid", np.int8),  # 1 of now, 0 the last known, -1 not sent
    ],
    align=True,
)
"""One record a frame. Floats are NaN where a reading is missing, abnormal or invalid."""
_VEHICLE = ("soc_percent", "voltage_v", "current_a", "speed_km_h", "odometer_km")


def empty_fleet(count: int) -> Array:
    """``count`` records that say nothing."""
    records = np.zeros(count, FLEET)
    for name in FLEET.names or ():
        if FLEET[name] == np.float64:
            records[name] = np.nan
    records["at"] = NO_TIME
    for name in ("alarm_bits", "alarm_level", "charging", "position_valid"):
        records[name] = -1
    return records


def fleet_of(columns: Columns) -> Array:
    """The records of decoded columns, (count,) of dtype `FLEET`."""
    records = empty_fleet(columns.count)
    others = np.array(sorted(columns.others), np.intp)
    records["status"] = np.where(columns.report, REPORT, REFUSED)
    records["status"][others] = OTHER
    sound = records["status"] != REFUSED
    records["command"][sound] = columns.command[sound]
    records["edition"][sound] = columns.edition[sound]
    records["vehicle"] = _numbered(columns.vin, columns.sound)
    known = ~np.isnat(columns.at)
    records["at"][known] = columns.at[known].astype(np.int64)
    vehicle = columns.vehicle
    for name in _VEHICLE:
        records[name] = vehicle[name]
    charging = vehicle.raw("charging")
    records["charging"] = np.where(charging >= 254, -1, charging)
    _fill_position(records, columns.position)
    records["alarm_bits"] = columns.alarm.raw("bits")
    level = columns.alarm.raw("level")
    records["alarm_level"] = np.where(level >= 254, -1, level)
    _fill_cells(records, columns)
    return records


def _numbered(vins: Array, sound: Array) -> Array:
    """Each VIN's number in the order of first appearance; -1 where the envelope is not sound."""
    numbers = np.full(vins.size, -1, np.int32)
    _, first, which = np.unique(vins[sound], return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int32)
    rank[np.argsort(first)] = np.arange(first.size)
    numbers[sound] = rank[which]
    return numbers


def _fill_position(records: Array, position: Table) -> None:
    flags = position.raw("flags")
    for name, bit, most in (("longitude_deg", 4, 180.0), ("latitude_deg", 2, 90.0)):
        place = position[name]
        place = np.where(place <= most, place, np.nan)
        records[name] = np.where(flags & bit, -place, place)
    records["position_valid"] = np.where(flags < 0, -1, 1 - (flags & 1))


def _fill_cells(records: Array, columns: Columns) -> None:
    packs, probes, sent = columns.packs, columns.probes, columns.extremes
    lowest, highest, total, count = _per_frame(packs, "cell_v", columns.count, CELL.top - 1)
    found = {"cell_max_v": highest, "cell_min_v": lowest}
    for name, raws in found.items():
        column = sent[name.removeprefix("cell_")[:3] + "_v"]
        own = np.where(count > 0, raws * CELL.scale, np.nan)
        records[name] = np.where(np.isnan(column), own, column)
    some = count > 0
    records["cell_mean_v"][some] = total[some] / count[some] * CELL.scale
    lowest, highest, _, count = _per_frame(probes, "probe_c", columns.count, PROBE.top - 1)
    for name, raws in {"probe_max_c": highest, "probe_min_c": lowest}.items():
        column = sent[name.removeprefix("probe_")[:3] + "_c"]
        own = np.where(count > 0, raws + float(PROBE.add), np.nan)
        records[name] = np.where(np.isnan(column), own, column)


def _per_frame(table: Table, name: str, frames: int, gap: int) -> tuple[Array, ...]:
    """Lowest, highest, sum and number of the raw readings of each frame; raws from ``gap`` up
    are none."""
    lowest, highest = np.full(frames, gap, np.int64), np.full(frames, -1, np.int64)
    total, count = np.zeros(frames, np.int64), np.zeros(frames, np.int64)
    if name in table.lists:
        ragged = table.lists[name]
        offsets, raw = ragged.in_order()
        some = ragged.counts > 0
        starts, of = offsets[:-1][some], table.frame[some]
        if starts.size:
            readings = raw < gap
            plain = np.where(readings, raw, 0).astype(np.int64)
            np.minimum.at(lowest, of, np.minimum.reduceat(raw, starts).astype(np.int64))
            tops = np.maximum.reduceat(np.where(readings, raw.astype(np.int64), -1), starts)
            np.maximum.at(highest, of, tops)
            np.add.at(total, of, np.add.reduceat(plain, starts))
            np.add.at(count, of, np.add.reduceat(readings.astype(np.int64), starts))
    return lowest, highest, total, count
