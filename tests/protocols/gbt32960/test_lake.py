from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from frames_made import VIN, any_frames
from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.columns import decode_columns
from zerocity.protocols.gbt32960.fields import Edition, Gap
from zerocity.protocols.gbt32960.frames import Command
from zerocity.protocols.gbt32960.lake import lake_table
from zerocity.protocols.gbt32960.lake_schema import LAKE_SCHEMA
from zerocity.protocols.gbt32960.message_writer import write

NOW = datetime(2025, 10, 27, 12, 2, 3, tzinfo=UTC)
CLOCK = m.Clock(25, 10, 27, 20, 2, 2)


def rows_of(*frames: bytes) -> list[dict[str, object]]:
    table = lake_table(decode_columns(frames), NOW)
    table.validate(full=True)
    rows: list[dict[str, object]] = table.to_pylist()
    return rows


def test_a_report_becomes_a_row_in_plain_units() -> None:
    report = m.Report(
        CLOCK,
        (
            b.Vehicle(1, 3, 1, 45.5, 1234.5, 350.0, -12.5, 88, 1, 0x2E, 5000, 30, Gap.INVALID),
            b.Motors((b.Motor(1, 1, 40, 3000, 55.5, 50, 350.0, 10.0),)),
            b.Position.at(103.8, 36.5),
            b.Alarm(2, 0b10010, (7,), (), (), (8, 9)),
            b.CellVoltages(
                (
                    b.PackCells(1, 350.0, -12.5, 4, 1, (3.3, 3.31)),
                    b.PackCells(2, 340.0, Gap.ABNORMAL, 1, 1, (Gap.INVALID,)),
                )
            ),
            b.Temperatures((b.PackProbes(1, (21, Gap.ABNORMAL, -5)),)),
            b.Private(0x82, b"\x01\x02"),
        ),
    )
    (row,) = rows_of(write(VIN, Command.RESEND, report))
    wanted = {
        "vin": VIN, "edition": 2016, "resent": True, "state": 1, "charging": 3,
        "speed_km_h": 45.5, "odometer_km": 1234.5, "voltage_v": 350.0, "current_a": -12.5,
        "soc_percent": 88, "gear": 0x2E, "insulation_kohm": 5000, "accelerator_percent": 30,
        "brake_percent": None, "position_valid": True, "coordinates": None,
        "longitude_deg": 103.8, "latitude_deg": 36.5, "alarm_level": 2,
        "alarm_bits": 18, "fault_codes": [7, 8, 9], "pack_numbers": [1, 2],
        "pack_voltage_v": [350.0, 340.0], "pack_current_a": [-12.5, None],
        "pack_first_cell": [1, 1], "pack_cells": [2, 1], "cell_mv": [3300, 3310, None],
        "probe_packs": [1], "probe_counts": [3], "probe_c": [21, None, -5],
        "motor_speed_rpm": [3000], "motor_torque_nm": [55.5], "motor_c": [50],
        "private_kinds": [0x82], "private_data": [b"\x01\x02"],
        "probe_max_c": 21, "probe_min_c": -5,
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert row["at"] == datetime(2025, 10, 27, 12, 2, 2, tzinfo=UTC)
    assert row["received_at"] == NOW
    assert row["cell_mean_v"] == pytest.approx(3.305)
    assert (row["cell_max_v"], row["cell_min_v"]) == pytest.approx((3.31, 3.3))


def test_packs_of_2025_begin_with_cell_1() -> None:
    cells = b.CellVoltages((b.PackCells(1, 350.0, 0.0, 2, 1, (3.3, 3.4)),))
    frame = write(VIN, Command.REALTIME, m.Report(CLOCK, (cells,)), Edition.Y2025)
    (row,) = rows_of(frame)
    assert (row["edition"], row["pack_first_cell"], row["cell_mv"]) == (2025, [1], [3300, 3400])


def test_each_frame_may_have_its_own_time_of_receipt() -> None:
    frames = [write(VIN, Command.REALTIME, m.Report(CLOCK))] * 2
    received = np.array(["2025-10-27T12:00:00.250", "2025-10-27T13:00"], "datetime64[ms]")
    table = lake_table(decode_columns(frames), received)
    assert table["received_at"].to_pylist() == [
        datetime(2025, 10, 27, 12, 0, 0, 250_000, tzinfo=UTC),
        datetime(2025, 10, 27, 13, tzinfo=UTC),
    ]


def test_a_report_without_a_time_has_none() -> None:
    frame = write(VIN, Command.REALTIME, m.Report(m.Clock(*[255] * 6)))
    (row,) = rows_of(frame)
    assert row["at"] is None


@given(st.lists(any_frames(), max_size=10))
def test_any_frames_make_a_lawful_table(frames: list[bytes]) -> None:
    columns = decode_columns(frames)
    table = lake_table(columns, NOW)
    table.validate(full=True)
    assert table.schema.equals(LAKE_SCHEMA)
    assert table.num_rows == int(columns.report.sum())
    for row in table.to_pylist():
        assert sum(row["pack_cells"]) == len(row["cell_mv"])
        assert sum(row["probe_counts"]) == len(row["probe_c"])
        assert len(row["pack_numbers"]) == len(row["pack_cells"]) == len(row["pack_voltage_v"])
        assert len(row["private_kinds"]) == len(row["private_data"])


def test_no_frames_make_an_empty_table() -> None:
    table = lake_table(decode_columns([]), NOW)
    assert (table.num_rows, table.schema) == (0, LAKE_SCHEMA)
    assert isinstance(table, pa.Table)
