"""Real frames of 2016 from public projects, made anonymous, with the values that they mean.

Three ways lead to the values: typed messages, columns, and the compiled fleet records. Where the
file expects nothing, the frame is a logout, a heartbeat or an answer: sound, but without readings.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.columns import Columns, decode_columns, walk
from zerocity.protocols.gbt32960.fields import Gap
from zerocity.protocols.gbt32960.fleet import FLEET, OTHER, REPORT
from zerocity.protocols.gbt32960.frames import Frame
from zerocity.protocols.gbt32960.kernel import fleet
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.message_writer import write

VALUES = {
    "veh": ("speed_km_h", "odometer_km", "voltage_v", "current_a", "soc_percent"),
    "mot": ("controller_c", "speed_rpm", "torque_nm", "motor_c", "voltage_v", "current_a"),
}
EXTREMES = (
    ("max_v_pack", "max_v_cell", "max_v"),
    ("min_v_pack", "min_v_cell", "min_v"),
    ("max_c_pack", "max_c_probe", "max_c"),
    ("min_c_pack", "min_c_probe", "min_c"),
)


@pytest.fixture(scope="module")
def vectors(shared_data: Path) -> list[dict[str, Any]]:
    lines = (shared_data / "gbt32960" / "frames_dev.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def frames(vectors: list[dict[str, Any]]) -> list[bytes]:
    return [bytes.fromhex(vector["hex"]) for vector in vectors]


def value(reading: Any) -> Any:
    return None if isinstance(reading, Gap) else reading


def number(reading: Any, size: int = 1) -> Any:
    """The raw number again, which the file gives for codes that are no readings."""
    top = (1 << 8 * size) - 1
    return {Gap.INVALID: top, Gap.ABNORMAL: top - 1}.get(reading, reading)


def typed(frame: Frame, message: m.Message) -> dict[str, Any] | None:
    if isinstance(message, m.Login):
        return {
            "cmd": frame.command, "vin": frame.vin, "t": list(message.clock),
            "seq": message.serial, "iccid": message.iccid, "n_sub": message.subsystems,
            "code_len": message.code_length,
        }  # fmt: skip
    if not isinstance(message, m.Report):
        return None
    found: dict[str, Any] = {
        "cmd": frame.command, "ack": frame.response, "vin": frame.vin, "enc": frame.encryption,
        "t": list(message.clock),
    }  # fmt: skip
    for block in message.blocks:
        key, of = OF_BLOCK[type(block)]
        values = of(block)
        found[key] = found.get(key, []) + values if key == "oem" else values
    return found


def of_vehicle(block: b.Vehicle) -> list[Any]:
    states = [number(block.state), number(block.charging), number(block.mode)]
    values = [value(getattr(block, name)) for name in VALUES["veh"]]
    pedals = [value(block.accelerator_percent), value(block.brake_percent)]
    return [*states, *values, number(block.dcdc), block.gear, block.insulation_kohm, *pedals]


def of_motors(block: Any) -> list[Any]:
    return [
        [each.number, number(each.state), *(value(getattr(each, n)) for n in VALUES["mot"])]
        for each in block.motors
    ]


def of_extremes(block: b.Extremes) -> list[Any]:
    return [
        found
        for pack, of, name in EXTREMES
        for found in (
            number(getattr(block, pack)), number(getattr(block, of)), value(getattr(block, name))
        )
    ]  # fmt: skip


def of_alarm(block: Any) -> list[Any]:
    lists = (block.battery, block.motor, block.engine, block.other)
    return [number(block.level), block.bits, [list(each) for each in lists]]


def of_cells(block: Any) -> list[Any]:
    return [
        [
            number(pack.pack), value(pack.voltage_v), value(pack.current_a),
            number(pack.cells_total, 2), pack.first_cell, [value(cell) for cell in pack.cells_v],
        ]
        for pack in block.packs
    ]  # fmt: skip


def of_probes(block: Any) -> list[Any]:
    return [[number(pack.pack), [value(each) for each in pack.probes_c]] for pack in block.packs]


OF_BLOCK: dict[type, tuple[str, Any]] = {
    b.Vehicle: ("veh", of_vehicle),
    b.Motors: ("mot", of_motors),
    b.Position: ("pos", lambda p: [p.flags & 1, p.longitude_deg, p.latitude_deg]),
    b.Extremes: ("ext", of_extremes),
    b.Alarm: ("alm", of_alarm),
    b.CellVoltages: ("cv", of_cells),
    b.Temperatures: ("tp", of_probes),
    b.Private: ("oem", lambda block: [[block.kind, block.data.hex()]]),
}


def test_typed_messages_are_exact(vectors: list[dict[str, Any]], frames: list[bytes]) -> None:
    for vector, frame in zip(vectors, frames, strict=True):
        assert typed(*read(frame)) == vector["expected"]


def test_messages_are_written_as_they_came(frames: list[bytes]) -> None:
    for frame in frames:
        envelope, message = read(frame)
        again = write(
            envelope.vin, envelope.command, message, envelope.edition, response=envelope.response
        )
        assert again == frame


def one(columns: Columns, table: str, name: str, row: int) -> Any:
    reading = columns.tables[table][name][row]
    return None if np.isnan(reading) else reading


def raw(columns: Columns, table: str, name: str, row: int) -> int:
    return int(columns.tables[table].raw(name)[row])


def columned(c: Columns, i: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "cmd": c.command[i], "ack": 254, "vin": c.vin[i].decode(), "enc": 1,
        "t": list(c.frame(i)[24:30]),
    }  # fmt: skip
    if c.vehicle.present[i]:
        found["veh"] = [
            *(raw(c, "vehicle", n, i) for n in ("state", "charging", "mode")),
            *(one(c, "vehicle", n, i) for n in VALUES["veh"]),
            *(raw(c, "vehicle", n, i) for n in ("dcdc", "gear", "insulation_kohm")),
            *(one(c, "vehicle", n, i) for n in ("accelerator_percent", "brake_percent")),
        ]
    if c.position.present[i]:
        flags = raw(c, "position", "flags", i)
        east = one(c, "position", "longitude_deg", i) * (-1 if flags & 4 else 1)
        north = one(c, "position", "latitude_deg", i) * (-1 if flags & 2 else 1)
        found["pos"] = [flags & 1, east, north]
    if c.extremes.present[i]:
        found["ext"] = [
            each
            for pack, of, name in EXTREMES
            for each in (
                raw(c, "extremes", pack, i), raw(c, "extremes", of, i), one(c, "extremes", name, i)
            )
        ]  # fmt: skip
    if c.alarm.present[i]:
        codes = c.fault_codes[c.fault_codes[:, 0] == i]
        lists = [codes[codes[:, 1] == which, 2].tolist() for which in range(4)]
        found["alm"] = [raw(c, "alarm", "level", i), raw(c, "alarm", "bits", i), lists]
    return found | listed(c, i)


def listed(c: Columns, i: int) -> dict[str, Any]:
    found = {
        "mot": [
            [raw(c, "motors", "number", row), raw(c, "motors", "state", row)]
            + [one(c, "motors", n, row) for n in VALUES["mot"]]
            for row in np.flatnonzero(c.motors.frame == i)
        ],
        "cv": [
            [raw(c, "packs", "pack", row), one(c, "packs", "voltage_v", row),
             one(c, "packs", "current_a", row), raw(c, "packs", "cells_total", row),
             raw(c, "packs", "first_cell", row), readings(c, "packs", "cell_v", row)]
            for row in np.flatnonzero(c.packs.frame == i)
        ],
        "tp": [
            [raw(c, "probes", "pack", row), readings(c, "probes", "probe_c", row)]
            for row in np.flatnonzero(c.probes.frame == i)
        ],
        "oem": [
            [kind, c.buffer[at : at + size].tobytes().hex()]
            for _, kind, at, size in c.private[c.private[:, 0] == i]
        ],
    }  # fmt: skip
    return {key: rows for key, rows in found.items() if rows}


def readings(c: Columns, table: str, name: str, row: int) -> list[Any]:
    ragged = c.tables[table].lists[name]
    start = ragged.starts[row]
    part = ragged.values()[start : start + ragged.counts[row]]
    return [None if np.isnan(each) else each for each in part]


def test_columns_are_exact(vectors: list[dict[str, Any]], frames: list[bytes]) -> None:
    columns = decode_columns(frames).decode_all()
    assert columns.faults == []
    for i, vector in enumerate(vectors):
        if vector["cmd"] in (2, 3):
            assert columned(columns, i) == vector["expected"]
        else:
            assert typed(*columns.others[i]) == vector["expected"]


def test_fleet_records_are_exact(vectors: list[dict[str, Any]], frames: list[bytes]) -> None:
    records, faults = fleet(b"".join(frames), *walk(b"".join(frames)))
    assert faults == []
    for record, vector in zip(records, vectors, strict=True):
        if vector["cmd"] not in (2, 3):
            assert record["status"] == OTHER
            continue
        assert record["status"] == REPORT
        check_record(dict(zip(FLEET.names or (), record, strict=True)), vector["expected"])


def check_record(record: dict[str, Any], expected: dict[str, Any]) -> None:
    def same(name: str, wanted: float | None) -> None:
        assert record[name] == wanted or (wanted is None and np.isnan(record[name])), name

    vehicle = expected.get("veh", [255, 255, 255, *[None] * 5])
    for name, wanted in zip(VALUES["veh"], vehicle[3:8], strict=True):
        same(name, wanted)
    assert record["charging"] == (-1 if vehicle[1] >= 254 else vehicle[1])
    valid, east, north = expected.get("pos", [None, None, None])
    assert record["position_valid"] == (-1 if valid is None else 1 - valid)
    same("longitude_deg", east if east is not None and abs(east) <= 180 else None)
    same("latitude_deg", north if north is not None and abs(north) <= 90 else None)
    level, bits, _ = expected.get("alm", [-1, -1, []])
    assert (record["alarm_level"], record["alarm_bits"]) == (level, bits)
    cells = [v for pack in expected.get("cv", []) for v in pack[5] if v is not None]
    if cells:
        assert record["cell_mean_v"] == pytest.approx(sum(cells) / len(cells), rel=1e-12)
    else:
        same("cell_mean_v", None)
    probes = [v for pack in expected.get("tp", []) for v in pack[1] if v is not None]
    sent = expected.get("ext", [None] * 12)
    for name, i, found in (
        ("cell_max_v", 2, max(cells, default=None)),
        ("cell_min_v", 5, min(cells, default=None)),
        ("probe_max_c", 8, max(probes, default=None)),
        ("probe_min_c", 11, min(probes, default=None)),
    ):
        same(name, found if sent[i] is None else sent[i])
