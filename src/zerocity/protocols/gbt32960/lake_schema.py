"""The columns of the telemetry lake: one row a report, units in the names, times in UTC.

A reading that a vehicle marked as abnormal or invalid, or did not send, is null. ``current_a`` is
as sent: makers send discharge as positive. Lists of packs belong together: ``cell_mv`` holds the
cells of all packs one after the other, ``pack_cells`` how many of them belong to which pack, and
likewise ``probe_c`` and ``probe_counts``. A block of a type that the standard does not define is
kept with all behind it as the last private one. Types are the smallest that hold the wire's steps.
"""

from __future__ import annotations

import pyarrow as pa

_FLEET = [
    ("state", pa.uint8()),  # 1 started, 2 off, 3 other
    ("charging", pa.uint8()),  # 1 parked, 2 driving, 3 not charging, 4 full
    ("mode", pa.uint8()),  # 1 electric, 2 hybrid, 3 fuel
    ("speed_km_h", pa.float32()),
    ("odometer_km", pa.float64()),
    ("voltage_v", pa.float32()),
    ("current_a", pa.float32()),
    ("soc_percent", pa.uint8()),
    ("dcdc", pa.uint8()),  # 1 on, 2 off
    ("gear", pa.uint8()),  # annex A.1
    ("insulation_kohm", pa.uint16()),
    ("accelerator_percent", pa.uint8()),
    ("brake_percent", pa.uint8()),
    ("position_valid", pa.bool_()),
    ("coordinates", pa.uint8()),  # 1 WGS84, 2 GCJ02; null in 2016, which does not tell
    ("longitude_deg", pa.float64()),
    ("latitude_deg", pa.float64()),
    ("alarm_level", pa.uint8()),
    ("alarm_bits", pa.uint32()),
    # As sent (type 06 of 2016), or else found among the cells and probes of this report.
    ("cell_max_v", pa.float32()),
    ("cell_min_v", pa.float32()),
    ("cell_mean_v", pa.float32()),
    ("probe_max_c", pa.int16()),
    ("probe_min_c", pa.int16()),
]
FLEET_COLUMNS = tuple(name for name, _ in _FLEET)


def _lists(kind: pa.DataType) -> pa.DataType:
    # "element" is what Parquet calls it, so that a file's schema equals this one.
    return pa.list_(pa.field("element", kind))


LAKE_SCHEMA = pa.schema(
    [
        pa.field("vin", pa.string(), nullable=False),
        pa.field("at", pa.timestamp("ms", tz="UTC")),
        pa.field("received_at", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("edition", pa.uint16(), nullable=False),  # 2016 or 2025
        pa.field("resent", pa.bool_(), nullable=False),  # sent again after a lost link (03)
        pa.field("content", pa.uint64()),  # alike in reports that say the same
        *(pa.field(name, kind) for name, kind in _FLEET),
        pa.field("fault_codes", _lists(pa.uint32())),  # of battery, motor, engine, other
        pa.field("pack_numbers", _lists(pa.uint8())),
        pa.field("pack_voltage_v", _lists(pa.float32())),
        pa.field("pack_current_a", _lists(pa.float32())),
        pa.field("pack_first_cell", _lists(pa.uint16())),
        pa.field("pack_cells", _lists(pa.uint16())),
        pa.field("cell_mv", _lists(pa.uint16())),
        pa.field("probe_packs", _lists(pa.uint8())),
        pa.field("probe_counts", _lists(pa.uint16())),
        pa.field("probe_c", _lists(pa.int16())),
        pa.field("motor_speed_rpm", _lists(pa.int32())),
        pa.field("motor_torque_nm", _lists(pa.float32())),
        pa.field("motor_c", _lists(pa.int16())),
        pa.field("private_kinds", _lists(pa.uint8())),  # 80 to FE, or what is unknown
        pa.field("private_data", _lists(pa.binary())),
    ]
)
"""The schema of every file of the lake."""
LAKE_SORT = ("vin", "at")
"""How rows are sorted within a file."""
LAKE_KEY = ("vin", "at", "content")
"""Rows alike in these are one report, sent again. Vehicle and time alone are not enough: 2016 sends
a pack of more than 200 cells in several reports of one second."""
