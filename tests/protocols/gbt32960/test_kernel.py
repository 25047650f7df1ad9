from __future__ import annotations

import numpy as np
from frames_made import VIN, any_frames, reports
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.columns import decode_columns
from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.fleet import FLEET, NO_TIME, OTHER, REFUSED, fleet_of
from zerocity.protocols.gbt32960.frames import Command
from zerocity.protocols.gbt32960.kernel import fleet
from zerocity.protocols.gbt32960.message_writer import write


def both_ways(frames: list[bytes]) -> tuple[np.ndarray, list[object]]:
    """The kernel's records and faults, after they were found equal to those of the columns."""
    columns = decode_columns(frames)
    records, faults = fleet(columns.buffer, columns.starts, columns.lengths)
    wanted = fleet_of(columns)
    for name in FLEET.names or ():
        floats = FLEET[name] == np.float64
        assert np.array_equal(records[name], wanted[name], equal_nan=floats), name
    assert faults == columns.faults
    return records, list(faults)


@settings(max_examples=60)
@given(st.lists(any_frames(), max_size=12))
def test_the_kernel_says_what_the_columns_say(frames: list[bytes]) -> None:
    both_ways(frames)


@settings(max_examples=30)
@given(st.lists(reports(Edition.Y2025), min_size=1, max_size=4))
def test_signed_reports_of_2025_are_read(made: list[m.Report]) -> None:
    signed = [m.Report(each.clock, each.blocks, m.Signature(1, b"r", b"s")) for each in made]
    records, faults = both_ways(
        [write(VIN, Command.REALTIME, each, Edition.Y2025) for each in signed]
    )
    assert faults == []
    assert (records["edition"] == 2025).all()


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_bytes_that_are_no_frame_are_refused(frames: list[bytes]) -> None:
    records, faults = both_ways(frames)
    assert (records["status"] == REFUSED).all()
    assert len(faults) == len(frames)
    assert (records["vehicle"] == -1).all()


def test_vehicles_are_numbered_as_they_appear() -> None:
    order = ["B", "A", "B", "C", "A"]
    frames = [write(vin, Command.HEARTBEAT, m.Heartbeat()) for vin in order]
    records, _ = both_ways(frames)
    assert records["vehicle"].tolist() == [0, 1, 0, 2, 1]
    assert (records["status"] == OTHER).all()


def test_thousands_of_vehicles_keep_their_numbers() -> None:
    frames = [write(f"{i % 3_000:017}", Command.HEARTBEAT, m.Heartbeat()) for i in range(6_000)]
    records, _ = both_ways(frames)
    assert records["vehicle"].tolist() == [i % 3_000 for i in range(6_000)]


def test_every_day_of_a_century_is_the_right_second() -> None:
    days = np.arange(np.datetime64("2000-01-01"), np.datetime64("2100-01-01"))
    frames = [
        write(
            VIN, Command.REALTIME, m.Report(m.Clock(d.year - 2000, d.month, d.day, 7, 59, 60 - 1))
        )
        for d in days.tolist()
    ]
    records, _ = both_ways(frames)
    wanted = days.astype("datetime64[s]").astype(np.int64) - 1
    assert np.array_equal(records["at"], wanted)
    assert NO_TIME not in records["at"]
