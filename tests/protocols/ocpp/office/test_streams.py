"""Periodic event streams: opened, fed by SEND, adjusted, listed, closed, and bounded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from block_cases import AT, Case, rows_of

from zerocity.live.station_file import MOST_STREAMS
from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office.streams import stream_values


def definition(number: int, interval: int = 5) -> dict[str, Any]:
    return {"id": number, "params": {"interval": interval}, "variableMonitoringId": 8}


def values(number: int, *points: tuple[float, str]) -> dict[str, Any]:
    made = {
        "id": number, "pending": 2, "basetime": AT.isoformat(),
        "data": [{"t": t, "v": v} for t, v in points],
    }  # fmt: skip
    assert check(Version.V21, "NotifyPeriodicEventStream", "send", made) is None
    return made


def test_values_of_an_open_stream_are_kept() -> None:
    case = Case()
    assert stream_values(case.context(), values(1, (0.0, "x"))) == []
    answer = case.hear("OpenPeriodicEventStream", {"constantStreamData": definition(1)}).payload
    assert answer == {"status": "Accepted"}
    rows = stream_values(case.context(), values(1, (10.0, "50.1"), (5.0, "50.0")))
    assert len(rows_of(rows, "messages")) == 1
    stream = case.station.file.streams[1]
    assert (stream.last_at, stream.last_value, stream.pending) == (
        AT + timedelta(seconds=10), "50.1", 2,
    )  # fmt: skip
    assert stream_values(case.context(), values(1, (1e15, "x"))) == []
    case.hear("ClosePeriodicEventStream", {"id": 1})
    case.hear("ClosePeriodicEventStream", {"id": 1})
    assert stream_values(case.context(), values(1, (0.0, "x"))) == []


def test_a_station_cannot_open_streams_without_end() -> None:
    case = Case()
    said = [
        case.hear("OpenPeriodicEventStream", {"constantStreamData": definition(n)}).payload[
            "status"
        ]
        for n in range(MOST_STREAMS + 1)
    ]
    assert said == ["Accepted"] * MOST_STREAMS + ["Rejected"]
    # One that is open already may be opened anew.
    again = case.hear("OpenPeriodicEventStream", {"constantStreamData": definition(3)})
    assert again.payload["status"] == "Accepted"


def test_what_the_station_lists_is_what_is_open() -> None:
    case = Case()
    case.hear("OpenPeriodicEventStream", {"constantStreamData": definition(1)})
    case.reply("GetPeriodicEventStream", {}, {"constantStreamData": [definition(2)]})
    assert list(case.station.file.streams) == [2]
    request = {"id": 2, "params": {"interval": 60, "values": 3}}
    assert case.reply("AdjustPeriodicEventStream", request, {"status": "Rejected"}) == []
    case.reply("AdjustPeriodicEventStream", request, {"status": "Accepted"})
    stream = case.station.file.streams[2]
    assert (stream.interval_s, stream.values) == (60, 3)
    case.reply("GetPeriodicEventStream", {}, {})
    assert not case.station.file.streams
