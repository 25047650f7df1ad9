"""Periodic event streams of OCPP 2.1 (part 2, N11-N15): a monitor's values without answers.

A station opens a stream on a monitor, then sends values by SEND. What was never opened is dropped,
since nobody can say what its values mean.
"""

from __future__ import annotations

import math
from datetime import timedelta

from zerocity.live.station_file import MOST_STREAMS, Stream, keep
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Reply, Told
from zerocity.protocols.ocpp.office.orders import asked
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.wire_words import moment, status_info
from zerocity.storage.recorder import Row


def open_stream(context: Context, payload: Payload) -> Outcome:
    """OpenPeriodicEventStream: accepted while the station has not too many."""
    data, streams = payload["constantStreamData"], context.station.file.streams
    if data["id"] not in streams and len(streams) >= MOST_STREAMS:
        info = status_info("TooManyStreams", f"at most {MOST_STREAMS}")
        return Outcome({"status": "Rejected", "statusInfo": info})
    _take(context, data)
    return Outcome({"status": "Accepted"}, [_row(context, data["id"])])


def close_stream(context: Context, payload: Payload) -> Outcome:
    """ClosePeriodicEventStream; closing one that is not open harms nothing."""
    closed = context.station.file.streams.pop(payload["id"], None)
    return Outcome({}, [_row(context, payload["id"])] if closed is not None else [])


def stream_values(context: Context, payload: Payload) -> list[Row]:
    """NotifyPeriodicEventStream (SEND): values at seconds after a base time, kept as they came."""
    stream, base = context.station.file.streams.get(payload["id"]), moment(payload["basetime"])
    if stream is None or base is None:
        return []
    last = max(payload["data"], key=lambda point: float(point["t"]))
    if not math.isfinite(last["t"]) or abs(last["t"]) > _LONGEST_S:
        return []
    stream.last_at = base + timedelta(seconds=last["t"])
    stream.last_value, stream.pending = last["v"], payload["pending"]
    return [message_row(context, "NotifyPeriodicEventStream", payload)]


def streams_listed(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of GetPeriodicEventStream: what is open at the station, and nothing else."""
    streams = context.station.file.streams
    listed = payload.get("constantStreamData", [])
    known = {data["id"] for data in listed}
    for number in [number for number in streams if number not in known]:
        del streams[number]
    for data in listed:
        _take(context, data)
    return [_row(context, data["id"]) for data in listed if data["id"] in streams]


def stream_adjusted(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of AdjustPeriodicEventStream."""
    request = asked(token)
    stream = context.station.file.streams.get(request.get("id", -1))
    if stream is None or payload["status"] != "Accepted":
        return []
    stream.interval_s = request["params"].get("interval", stream.interval_s)
    stream.values = request["params"].get("values", stream.values)
    return [_row(context, request["id"])]


# A base time is of the same day; an assumption that keeps the sum within a datetime's range.
_LONGEST_S = 86_400.0 * 365


def _take(context: Context, data: Payload) -> None:
    params, streams = data["params"], context.station.file.streams
    stream = streams.get(data["id"]) or Stream(data["variableMonitoringId"])
    stream.monitor = data["variableMonitoringId"]
    stream.interval_s, stream.values = params.get("interval"), params.get("values")
    keep(streams, data["id"], stream, MOST_STREAMS)


def _row(context: Context, number: int) -> Row:
    stream = context.station.file.streams.get(number)
    value = "closed"
    if stream is not None:
        value = f"monitor {stream.monitor}, {stream.interval_s} s, {stream.values} values"
    return Row(
        "station_variables",
        {
            "station": context.station.id,
            "component": "PeriodicEventStream",
            "variable": str(number),
            "evse": 0,
            "attribute": "Definition",
            "value": value,
            "changed_at": context.at,
        },
    )


HANDLERS: dict[tuple[Version, str], Handler] = {
    (Version.V21, "OpenPeriodicEventStream"): open_stream,
    (Version.V21, "ClosePeriodicEventStream"): close_stream,
}
TOLD: dict[tuple[Version, str], Told] = {
    (Version.V21, "NotifyPeriodicEventStream"): stream_values,
}
REPLIES: dict[str, Reply] = {
    "GetPeriodicEventStream": streams_listed,
    "AdjustPeriodicEventStream": stream_adjusted,
}
