"""Monitors of a simulated station, and the periodic event streams of 2.1.

OCPP 2.0.1 and 2.1 part 2, N02 to N08 (monitoring) and N11 to N14 (streams). The station watches
the variables that show a state; thresholds and changes become NotifyEvent, a periodic monitor with
a stream becomes NotifyPeriodicEventStream, which nobody answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zerocity.protocols.ocpp.station.core import Handler, StationCore
from zerocity.protocols.ocpp.station.device import live_rows
from zerocity.protocols.ocpp.station.parts import Payload

_MOST_MONITORS = 64  # an assumption
_LOOK_S = 1.0  # how often thresholds and changes are looked at [s]; an assumption
_MOST_VALUES = 100  # values that one stream message may gather; an assumption
_STREAMED = "NotifyPeriodicEventStream"


@dataclass(slots=True)
class Monitor:
    """One monitor, as the CSMS set it; ``last`` is what it last told."""

    id: int
    wire: Payload
    last: str | None = None
    alarmed: bool = False
    next_s: float = 0.0


@dataclass(slots=True)
class Stream:
    """One open stream of a periodic monitor."""

    monitor: Monitor
    interval_s: float
    values: int
    begun_s: float = 0.0
    basetime: str = ""
    waiting: list[Payload] = field(default_factory=list)
    open: bool = False


@dataclass(slots=True)
class Watch:
    """All monitors and streams of a station."""

    monitors: dict[int, Monitor] = field(default_factory=dict)
    streams: dict[int, Stream] = field(default_factory=dict)
    events: int = 0
    looking: bool = False


def watch(core: StationCore) -> Watch:
    """The station's watch."""
    found: Watch = core.notes.setdefault("watch", Watch())
    return found


def set_monitoring(core: StationCore, asked: Payload) -> Payload:
    """SetVariableMonitoring (N04)."""
    return {"setMonitoringResult": [_set(core, item) for item in asked["setMonitoringData"]]}


def clear_monitoring(core: StationCore, asked: Payload) -> Payload:
    """ClearVariableMonitoring (N06)."""
    results = []
    for number in asked["id"]:
        found = watch(core).monitors.pop(number, None)
        results.append({"id": number, "status": "NotFound" if found is None else "Accepted"})
        if number in watch(core).streams:
            del watch(core).streams[number]
            core.say(("ClosePeriodicEventStream", {"id": number}))
    return {"clearMonitoringResult": results}


def set_base(core: StationCore, asked: Payload) -> Payload:
    """SetMonitoringBase (N05): all but HardWiredOnly keep what the CSMS set."""
    core.settings.put("monitoring_base", asked["monitoringBase"])
    if asked["monitoringBase"] != "All":
        watch(core).monitors.clear()
    return {"status": "Accepted"}


def set_level(core: StationCore, asked: Payload) -> Payload:
    """SetMonitoringLevel (N05): 0 to 9."""
    if not 0 <= asked["severity"] <= 9:
        return {"status": "Rejected"}
    core.settings.put("monitoring_level", str(asked["severity"]))
    return {"status": "Accepted"}


def get_report(core: StationCore, asked: Payload) -> Payload:
    """GetMonitoringReport (N02): what is set follows as NotifyMonitoringReport."""
    wanted = asked.get("componentVariable")
    found = [
        monitor
        for monitor in watch(core).monitors.values()
        if wanted is None
        or any(item["component"]["name"] == monitor.wire["component"]["name"] for item in wanted)
    ]
    if not found:
        return {"status": "EmptyResultSet"}
    core.later(0.0, lambda: _report(core, asked["requestId"], found))
    return {"status": "Accepted"}


def get_streams(core: StationCore, asked: Payload) -> Payload:
    """GetPeriodicEventStream (2.1)."""
    found = [_stream_data(number, stream) for number, stream in watch(core).streams.items()]
    return {"constantStreamData": found} if found else {}


def adjust_stream(core: StationCore, asked: Payload) -> Payload:
    """AdjustPeriodicEventStream (2.1)."""
    stream = watch(core).streams.get(asked["id"])
    if stream is None:
        return {"status": "Rejected"}
    params = asked["params"]
    stream.interval_s = float(params.get("interval", stream.interval_s)) or stream.interval_s
    stream.values = min(params.get("values", stream.values) or stream.values, _MOST_VALUES)
    return {"status": "Accepted"}


def _set(core: StationCore, item: Payload) -> Payload:
    state = watch(core)
    result: Payload = {
        "component": item["component"],
        "variable": item["variable"],
        "type": item["type"],
        "severity": item["severity"],
    }
    if _value(core, item) is None:
        return {**result, "status": "UnknownVariable"}
    if not 0 <= item["severity"] <= 9 or len(state.monitors) >= _MOST_MONITORS:
        return {**result, "status": "Rejected"}
    number = item.get("id") or max(state.monitors, default=0) + 1
    monitor = Monitor(number, item, next_s=core.now_s + max(float(item["value"]), _LOOK_S))
    state.monitors[number] = monitor
    if "periodicEventStream" in item and item["type"].startswith("Periodic"):
        params = item["periodicEventStream"]
        interval_s = float(params.get("interval", item["value"])) or 1.0
        stream = Stream(monitor, interval_s, min(params.get("values", 1) or 1, _MOST_VALUES))
        state.streams[number] = stream
        core.later(0.0, lambda: _open(core, number, stream))
    if not state.looking:
        state.looking = True
        core.later(_LOOK_S, lambda: _look(core))
    return {**result, "id": number, "status": "Accepted"}


def _open(core: StationCore, number: int, stream: Stream) -> None:
    def answered(payload: Payload) -> None:
        if payload["status"] != "Accepted":
            watch(core).streams.pop(number, None)
            return
        stream.open, stream.begun_s, stream.basetime = True, core.now_s, core.stamp()
        core.later(stream.interval_s, lambda: _flow(core, number, stream))

    payload = {"constantStreamData": _stream_data(number, stream)}
    core.say(("OpenPeriodicEventStream", payload), answered)


def _stream_data(number: int, stream: Stream) -> Payload:
    return {
        "id": number,
        "variableMonitoringId": stream.monitor.id,
        "params": {"interval": int(stream.interval_s), "values": stream.values},
    }


def _flow(core: StationCore, number: int, stream: Stream) -> None:
    if watch(core).streams.get(number) is not stream:
        return
    value = _value(core, stream.monitor.wire)
    if value is not None:
        stream.waiting.append({"t": round(core.now_s - stream.begun_s, 3), "v": value})
    if len(stream.waiting) >= stream.values and core.online and core.peer is not None:
        data, stream.waiting = stream.waiting, []
        payload = {"id": number, "pending": 0, "basetime": stream.basetime, "data": data}
        core.peer.tell(_STREAMED, payload)
    stream.waiting = stream.waiting[-_MOST_VALUES:]
    # The interval is that of a message; the values are spread over it.
    core.later(stream.interval_s / stream.values, lambda: _flow(core, number, stream))


def _look(core: StationCore) -> None:
    state = watch(core)
    level = core.settings.number("monitoring_level")
    for monitor in list(state.monitors.values()):
        if monitor.wire["severity"] <= level and monitor.id not in state.streams:
            _judge(core, state, monitor)
    state.looking = bool(state.monitors)
    if state.looking:
        core.later(_LOOK_S, lambda: _look(core))


def _judge(core: StationCore, state: Watch, monitor: Monitor) -> None:
    value = _value(core, monitor.wire)
    if value is None:
        return
    kind, bound = monitor.wire["type"], float(monitor.wire["value"])
    if kind.startswith("Periodic"):
        if core.now_s >= monitor.next_s:
            monitor.next_s += max(bound, _LOOK_S)
            _notify(core, state, monitor, value, "Periodic")
        return
    if kind in ("UpperThreshold", "LowerThreshold"):
        number = _number(value)
        over = number is not None and (number > bound if kind[0] == "U" else number < bound)
        if over != monitor.alarmed:
            monitor.alarmed = over
            _notify(core, state, monitor, value, "Alerting", cleared=not over)
        return
    if monitor.last is None:
        monitor.last = value
    elif _moved(monitor.last, value, bound):
        monitor.last = value
        _notify(core, state, monitor, value, "Delta")


def _moved(last: str, value: str, bound: float) -> bool:
    one, other = _number(last), _number(value)
    return last != value if one is None or other is None else abs(one - other) >= max(bound, 1e-9)


def _notify(
    core: StationCore,
    state: Watch,
    monitor: Monitor,
    value: str,
    trigger: str,
    *,
    cleared: bool = False,
) -> None:
    state.events += 1
    event: Payload = {
        "eventId": state.events,
        "timestamp": core.stamp(),
        "trigger": trigger,
        "actualValue": value,
        "component": monitor.wire["component"],
        "variable": monitor.wire["variable"],
        "variableMonitoringId": monitor.id,
        "eventNotificationType": "CustomMonitor",
    }
    if cleared:
        event["cleared"] = True
    core.say(("NotifyEvent", {"generatedAt": core.stamp(), "seqNo": 0, "eventData": [event]}))


def _report(core: StationCore, request: int, monitors: list[Monitor]) -> None:
    rows = []
    for monitor in monitors:
        item: Payload = {
            "id": monitor.id,
            "transaction": monitor.wire.get("transaction", False),
            "value": monitor.wire["value"],
            "type": monitor.wire["type"],
            "severity": monitor.wire["severity"],
        }
        if core.version.value == "2.1":
            item["eventNotificationType"] = "CustomMonitor"
        rows.append(
            {
                "component": monitor.wire["component"],
                "variable": monitor.wire["variable"],
                "variableMonitoring": [item],
            }
        )
    payload = {"requestId": request, "seqNo": 0, "generatedAt": core.stamp(), "monitor": rows}
    core.say(("NotifyMonitoringReport", payload))


def _value(core: StationCore, item: Payload) -> str | None:
    for row in live_rows(core):
        if row["component"] == item["component"] and row["variable"] == item["variable"]:
            return str(row["variableAttribute"][0]["value"])
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


V2: dict[str, Handler] = {
    "SetVariableMonitoring": set_monitoring,
    "ClearVariableMonitoring": clear_monitoring,
    "SetMonitoringBase": set_base,
    "SetMonitoringLevel": set_level,
    "GetMonitoringReport": get_report,
}
V21: dict[str, Handler] = {
    "GetPeriodicEventStream": get_streams,
    "AdjustPeriodicEventStream": adjust_stream,
}
