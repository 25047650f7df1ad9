"""Decoded columns as an Arrow table of the telemetry lake; `lake_schema` names its columns."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zerocity.protocols.gbt32960.columns import Columns
from zerocity.protocols.gbt32960.fields import CELL, PROBE, Field
from zerocity.protocols.gbt32960.fleet import fleet_of
from zerocity.protocols.gbt32960.frames import HEAD, Command
from zerocity.protocols.gbt32960.lake_schema import LAKE_SCHEMA
from zerocity.protocols.gbt32960.tables import Ragged, Table

Array = npt.NDArray[Any]

_VEHICLE = (
    "state", "charging", "mode", "speed_km_h", "odometer_km", "voltage_v", "current_a",
    "soc_percent", "dcdc", "gear", "insulation_kohm", "accelerator_percent", "brake_percent",
)  # fmt: skip
_FLEET = (
    "longitude_deg", "latitude_deg", "cell_max_v", "cell_min_v", "cell_mean_v", "probe_max_c",
    "probe_min_c",
)  # fmt: skip


def lake_table(columns: Columns, received_at: datetime | Array) -> pa.Table:
    """One row for each report in ``columns``, in their order, by `LAKE_SCHEMA`.

    ``received_at``: aware, for all, or (count,) datetime64 in UTC, one for each frame.
    """
    rows = np.flatnonzero(columns.report)
    found: dict[str, Any] = {
        "vin": pa.array([vin.decode("latin-1").rstrip() for vin in columns.vin[rows].tolist()]),
        "at": pa.array(columns.at[rows]),
        "received_at": _received(received_at, rows),
        "edition": columns.edition[rows],
        "resent": columns.command[rows] == Command.RESEND,
        "content": _contents(columns, rows),
    }
    for name in _VEHICLE:
        found[name] = columns.vehicle[name][rows]
    fleet = fleet_of(columns)[rows]
    for name in _FLEET:
        found[name] = fleet[name]
    for name in ("alarm_level", "alarm_bits"):
        found[name] = np.where(fleet[name] < 0, np.nan, fleet[name])
    valid = fleet["position_valid"]
    found["position_valid"] = pa.array(valid == 1, mask=valid < 0)
    found["coordinates"] = columns.position["coordinates"][rows]
    found |= _lists(columns, rows) | _private(columns, rows)
    return pa.table([_cast(found[field.name], field) for field in LAKE_SCHEMA], schema=LAKE_SCHEMA)


def _contents(columns: Columns, rows: Array) -> Array:
    """A digest of time and blocks; a signature is another each time, and says nothing more."""
    buffer = columns.buffer.tobytes()
    spans = zip((columns.starts[rows] + HEAD).tolist(), columns.told[rows].tolist(), strict=True)
    digests = [hashlib.blake2b(buffer[at:end], digest_size=8).digest() for at, end in spans]
    return np.frombuffer(b"".join(digests), "<u8")


def _received(received_at: datetime | Array, rows: Array) -> pa.Array:
    if isinstance(received_at, datetime):
        return pa.array([received_at] * rows.size, pa.timestamp("ms", tz="UTC"))
    return pa.array(received_at[rows].astype("datetime64[ms]"))


def _cast(column: Any, field: pa.Field) -> pa.Array:
    """A column in the lake's type; NaN becomes null."""
    if isinstance(column, pa.Array):
        if pa.types.is_timestamp(field.type) and column.type.tz is None:
            return column.cast(pa.timestamp(column.type.unit)).cast(field.type)
        return column.cast(field.type)
    return _plain(np.asarray(column), field.type)


def _plain(values: Array, kind: pa.DataType) -> pa.Array:
    none = np.isnan(values) if values.dtype.kind == "f" else None
    if pa.types.is_floating(kind) or none is None or not none.any():
        return pa.array(values, mask=none).cast(kind, safe=False)
    return pa.array(np.where(none, 0, values), mask=none).cast(kind, safe=False)


def _lists(columns: Columns, rows: Array) -> dict[str, pa.Array]:
    """The list columns: one list for each row, empty where a report has none."""
    packs, probes, motors = columns.packs, columns.probes, columns.motors
    counts = {name: _counts(table, columns.count, rows) for name, table in columns.tables.items()}
    codes = columns.fault_codes
    of_codes = np.bincount(codes[:, 0], minlength=columns.count)[rows]

    def listed(table: str, values: Array, name: str) -> pa.Array:
        return _list(counts[table], _plain(values, _kind(name)), _kind(name))

    found = {
        "fault_codes": _list(of_codes, pa.array(codes[:, 2]), pa.uint32()),
        "pack_numbers": listed("packs", packs["pack"], "pack_numbers"),
        "pack_voltage_v": listed("packs", packs["voltage_v"], "pack_voltage_v"),
        "pack_current_a": listed("packs", packs["current_a"], "pack_current_a"),
        "pack_first_cell": listed("packs", _first_cells(packs), "pack_first_cell"),
        "probe_packs": listed("probes", probes["pack"], "probe_packs"),
        "motor_speed_rpm": listed("motors", motors["speed_rpm"], "motor_speed_rpm"),
        "motor_torque_nm": listed("motors", motors["torque_nm"], "motor_torque_nm"),
        "motor_c": listed("motors", motors["motor_c"], "motor_c"),
    }
    for table, name, of, values, field, add in (
        (packs, "cell_v", "pack_cells", "cell_mv", CELL, 0),
        (probes, "probe_c", "probe_counts", "probe_c", PROBE, int(PROBE.add)),
    ):
        each, per_frame, flat = _flat(table, name, columns.count, field, add, _kind(values))
        key = "packs" if table is packs else "probes"
        found[of] = listed(key, each.astype(np.float64), of)
        found[values] = _list(per_frame[rows], flat, _kind(values))
    return found


def _private(columns: Columns, rows: Array) -> dict[str, pa.Array]:
    """The makers' own blocks, as they came."""
    blocks = columns.private
    counts = np.bincount(blocks[:, 0], minlength=columns.count)[rows]
    data = [columns.buffer[at : at + size].tobytes() for _, _, at, size in blocks.tolist()]
    return {
        "private_kinds": _list(counts, pa.array(blocks[:, 1]), pa.uint8()),
        "private_data": _list(counts, pa.array(data, pa.binary()), pa.binary()),
    }


def _kind(name: str) -> pa.DataType:
    return LAKE_SCHEMA.field(name).type.value_type


def _counts(table: Table, frames: int, rows: Array) -> Array:
    return np.bincount(table.frame, minlength=frames)[rows]


def _first_cells(packs: Table) -> Array:
    """2025 sends whole packs: they begin with cell 1."""
    first = packs["first_cell"]
    return np.where(np.isnan(first), 1.0, first)


def _list(counts: Array, values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Lists of ``counts`` values each; values of refused frames there are none."""
    offsets = np.zeros(counts.size + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values.cast(kind))


def _flat(
    table: Table, name: str, frames: int, field: Field, add: int, kind: pa.DataType
) -> tuple[Array, Array, pa.Array]:
    """Values of each row, values of each frame, and all values one after the other."""
    ragged = table.lists.get(name)
    if ragged is None:
        return np.zeros(len(table), np.int64), np.zeros(frames, np.int64), pa.array([], kind)
    per_frame = np.bincount(table.frame, ragged.counts, minlength=frames).astype(np.int64)
    return ragged.counts, per_frame, _whole_steps(ragged, field, add, kind)


def _whole_steps(ragged: Ragged, field: Field, add: int, kind: pa.DataType) -> pa.Array:
    """Readings in the wire's own steps (mV, deg C), null for the codes."""
    _, raw = ragged.in_order()
    values = raw if not add else raw.astype(np.int32) + add
    return pa.array(values, mask=raw >= field.top - 1).cast(kind, safe=False)
