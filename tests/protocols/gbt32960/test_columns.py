from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frames_made import ANY_CLOCKS, CLOCKS, VIN, any_frames
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.columns import (
    BUNCH,
    MANY_SHAPES,
    Columns,
    decode_buffer,
    decode_columns,
    utc_seconds,
    walk,
)
from zerocity.protocols.gbt32960.fields import Edition, Gap
from zerocity.protocols.gbt32960.frames import Command, FrameFault
from zerocity.protocols.gbt32960.message_reader import read
from zerocity.protocols.gbt32960.message_writer import write
from zerocity.protocols.gbt32960.tables import ABNORMAL, ABSENT, INVALID, READING

OLD, NEW = Edition.Y2016, Edition.Y2025
CLOCK = m.Clock(25, 10, 27, 20, 2, 2)
ONCE: dict[str, tuple[type, ...]] = {
    "vehicle": (b.Vehicle,),
    "engine": (b.Engine,),
    "alarm": (b.Alarm,),
    # In 2016 the hydrogen stands in the block of the fuel cell.
    "hydrogen": (b.Hydrogen, b.FuelCell),
    "position": (b.Position,),
}


def report(*blocks: b.Block, edition: Edition = OLD, vin: str = VIN) -> bytes:
    return write(vin, Command.REALTIME, m.Report(CLOCK, blocks), edition)


def outcome(frame: bytes) -> tuple[Any, Any]:
    try:
        return read(frame)[1], None
    except FrameFault as fault:
        return None, (fault.offset, fault.rule, fault.came)


@settings(max_examples=60)
@given(st.lists(any_frames(), max_size=12))
def test_columns_say_what_the_typed_reader_says(frames: list[bytes]) -> None:
    columns = decode_columns(frames)
    faults = {fault.frame: (fault.offset, fault.rule, fault.came) for fault in columns.faults}
    for i, frame in enumerate(frames):
        message, fault = outcome(frame)
        assert faults.get(i) == fault
        assert bool(columns.report[i]) == isinstance(message, m.Report)
        if isinstance(message, m.Report):
            check_report(columns, i, message)
        elif message is not None:
            assert columns.others[i][1] == message


def same(column: np.ndarray[Any, Any], gaps: np.ndarray[Any, Any], i: int, reading: Any) -> None:
    if reading is None:
        assert gaps[i] == ABSENT
    elif isinstance(reading, Gap):
        assert gaps[i] == (ABNORMAL if reading is Gap.ABNORMAL else INVALID)
        assert np.isnan(column[i])
    else:
        assert gaps[i] == READING
        assert column[i] == reading


def check_report(columns: Columns, i: int, message: m.Report) -> None:
    utc = message.clock.utc()
    at = columns.at[i]
    assert np.isnat(at) if utc is None else at.astype(np.int64) == utc.timestamp()
    extremes = "extremes" if columns.edition[i] == 2016 else "capacitor_extremes"
    for name, kinds in {**ONCE, extremes: (b.Extremes,)}.items():
        blocks = [block for block in message.blocks if isinstance(block, kinds)]
        assert bool(columns.tables[name].present[i]) == bool(blocks)
        if blocks:
            check_row(columns.tables[name], i, blocks[-1])
    for name, wanted in rows_of(message).items():
        table = columns.tables[name]
        rows = np.flatnonzero(table.frame == i)
        assert len(rows) == len(wanted)
        for row, one in zip(rows, wanted, strict=True):
            check_row(table, int(row), one, many=True)
    check_private(columns, i, message)
    check_alarm(columns, i, message)


def check_private(columns: Columns, i: int, message: m.Report) -> None:
    private = columns.private[columns.private[:, 0] == i]
    blocks = [
        (kind, columns.buffer[at : at + size].tobytes()) for _, kind, at, size in private.tolist()
    ]
    assert blocks == [(each.kind, each.data) for each in message.of(b.Private)]


def check_alarm(columns: Columns, i: int, message: m.Report) -> None:
    codes = columns.fault_codes[columns.fault_codes[:, 0] == i]
    for alarm in message.of(b.Alarm)[-1:]:
        lists = (alarm.battery, alarm.motor, alarm.engine, alarm.other)
        for which, wanted in enumerate(lists):
            found = tuple(codes[codes[:, 1] == which, 2].tolist())
            assert found == (() if isinstance(wanted, Gap) else wanted)
        levels = columns.alarm_levels[columns.alarm_levels[:, 0] == i, 1:]
        sent = alarm.levels if isinstance(alarm.levels, tuple) else ()
        assert [tuple(pair) for pair in levels.tolist()] == list(sent)


def rows_of(message: m.Report) -> dict[str, list[Any]]:
    def every(kind: type, name: str) -> list[Any]:
        lists = [getattr(block, name) for block in message.of(kind)]
        return [each for one in lists if not isinstance(one, Gap) for each in one]

    return {
        "motors": every(b.Motors, "motors"),
        "packs": every(b.CellVoltages, "packs"),
        "probes": every(b.Temperatures, "packs"),
        "stacks": every(b.Stacks, "stacks"),
        "capacitors": message.of(b.Capacitor),
        "fuel_cells": message.of(b.FuelCell),
    }


def check_row(table: Any, row: int, block: Any, many: bool = False) -> None:
    for name in table.names:
        # 2025 gives no first cell and counts cells by structure; the typed reader fills both in.
        filled = name == "cells_total" or (name == "first_cell" and table.gaps(name)[row] == ABSENT)
        if hasattr(block, name) and not filled:
            wanted = getattr(block, name)
            # Columns leave the sign of a place to its flags.
            wanted = abs(wanted) if name in ("longitude_deg", "latitude_deg") else wanted
            same(table[name], table.gaps(name), row, wanted)
    for name, of in (("cells_v", "cell_v"), ("probes_c", "probe_c")) if many else ():
        wanted = getattr(block, name, None)
        if wanted is None:
            continue
        readings = () if isinstance(wanted, Gap) else wanted
        if of not in table.lists:
            assert readings == ()
            continue
        ragged = table.lists[of]
        found = tuple(ragged.field.value(int(raw)) for raw in ragged.row(row))
        assert found == readings


@given(st.lists(CLOCKS | ANY_CLOCKS, min_size=1, max_size=50))
def test_times_agree_with_those_of_one_clock(clocks: list[m.Clock]) -> None:
    found = utc_seconds(np.array([list(clock) for clock in clocks], np.uint8))
    for at, clock in zip(found, clocks, strict=True):
        utc = clock.utc()
        assert np.isnat(at) if utc is None else at.astype(np.int64) == utc.timestamp()


def test_frames_of_one_shape_and_of_many_lengths_keep_their_order() -> None:
    frames = [
        report(b.Engine(100 + i, 1, 5.0), b.Private(0x80, bytes(i % 7)), vin=f"{i:017}")
        for i in range(200)
    ]
    columns = decode_columns(frames)
    assert columns.engine["speed_rpm"].tolist() == [100 + i for i in range(200)]
    assert columns.vin.tolist() == [f"{i:017}".encode() for i in range(200)]
    assert columns.private[:, 3].tolist() == [i % 7 for i in range(200)]


def test_as_many_shapes_as_frames_are_read_all_the_same() -> None:
    count = BUNCH + 3 * MANY_SHAPES
    kinds = [(0x80 + i % 120, 0x80 + i // 120) for i in range(count)]
    frames = [report(b.Private(k, b"ab"), b.Private(j, b"c"), b.Motors(())) for k, j in kinds]
    columns = decode_columns(frames)
    assert columns.report.all()
    assert columns.private[:, 1].tolist() == [each for pair in kinds for each in pair]


def test_no_frames_make_empty_columns() -> None:
    columns = decode_columns([]).decode_all()
    assert (columns.count, len(columns.packs), columns.faults) == (0, 0, [])
    assert columns.vehicle["soc_percent"].size == 0


def test_frames_may_lie_anywhere_in_a_buffer() -> None:
    one, two = report(b.Engine(1, 1, 0.0)), report(b.Engine(2, 1, 0.0))
    buffer = b"....." + one + b"..." + two
    starts, lengths = np.array([8 + len(one), 5]), np.array([len(two), len(one)])
    columns = decode_buffer(buffer, starts, lengths)
    assert columns.faults == []
    assert columns.engine["speed_rpm"].tolist() == [2, 1]


def test_the_walk_makes_garbage_and_a_cut_end_frames_that_are_refused() -> None:
    one = report(b.Engine(1, 1, 0.0))
    buffer = b"noise" + one + one[:30]
    starts, lengths = walk(buffer)
    assert starts.tolist() == [0, 5, 5 + len(one)]
    columns = decode_buffer(buffer, starts, lengths)
    assert [(fault.frame, fault.rule) for fault in columns.faults] == [(0, "start"), (2, "length")]
    assert columns.report.tolist() == [False, True, False]
    assert walk(b"")[0].size == 0


def test_a_table_that_does_not_exist_is_no_attribute() -> None:
    with pytest.raises(AttributeError):
        _ = decode_columns([]).wheels


def test_a_later_block_of_a_kind_replaces_the_earlier() -> None:
    first, last = b.Alarm(1, 1, (5,)), b.Alarm(2, 4, (6, 7))
    columns = decode_columns([report(first, last)])
    assert columns.alarm["bits"].tolist() == [4.0]
    assert columns.fault_codes.tolist() == [[0, 0, 6], [0, 0, 7]]
