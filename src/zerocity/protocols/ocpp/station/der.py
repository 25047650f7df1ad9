"""DER controls at a simulated station (OCPP 2.1 part 2, block R): set, shown, cleared, in force.

Of the controls a station without an inverter model can only keep what it was told: which is the
default, which is scheduled, which is superseded. LimitMaxDischarge bounds what it feeds in.
"""

from __future__ import annotations

from dataclasses import dataclass

from zerocity.protocols.ocpp.station.core import Handler, StationCore
from zerocity.protocols.ocpp.station.parts import Payload
from zerocity.protocols.ocpp.wire_words import moment, status_info

# The field of SetDERControl that holds a control, and the field and the names under which
# ReportDERControl gives it back. Every other control is a curve.
_FIELDS = {
    "EnterService": "enterService",
    "FixedPFAbsorb": "fixedPFAbsorb",
    "FixedPFInject": "fixedPFInject",
    "FixedVar": "fixedVar",
    "FreqDroop": "freqDroop",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limitMaxDischarge",
}
_INNER = {"fixedPFAbsorb": "fixedPF", "fixedPFInject": "fixedPF"}
_WITHOUT_FLAGS = {"enterService", "gradient"}
_MOST_CONTROLS = 24  # what one ReportDERControl can carry of a kind


@dataclass(slots=True)
class Control:
    """One control as the CSMS set it."""

    id: str
    kind: str
    is_default: bool
    body: Payload
    superseded: bool = False


def controls(core: StationCore) -> dict[str, Control]:
    """The station's controls by their id."""
    found: dict[str, Control] = core.notes.setdefault("der", {})
    return found


def set_control(core: StationCore, asked: Payload) -> Payload:
    """SetDERControl (R04): a lower priority number supersedes a higher one of the same kind."""
    kind = asked["controlType"]
    field = _FIELDS.get(kind, "curve")
    if field not in asked:
        return {"status": "Rejected", "statusInfo": status_info("MissingParam", field)}
    kept = controls(core)
    if asked["controlId"] not in kept and len(kept) >= _MOST_CONTROLS:
        return {"status": "Rejected", "statusInfo": status_info("OutOfStorage")}
    new = Control(asked["controlId"], kind, asked["isDefault"], asked[field])
    rivals = [
        c
        for c in kept.values()
        if c.kind == kind and c.is_default == new.is_default and c.id != new.id and not c.superseded
    ]
    beaten = [c for c in rivals if c.body["priority"] >= new.body["priority"]]
    new.superseded = len(beaten) < len(rivals)
    for control in beaten:
        control.superseded = True
    kept[new.id] = new
    answer: Payload = {"status": "Accepted"}
    if beaten:
        answer["supersededIds"] = [control.id for control in beaten]
    if not new.is_default and not new.superseded:
        _announce(core, new, [control.id for control in beaten])
    return answer


def get_control(core: StationCore, asked: Payload) -> Payload:
    """GetDERControl (R04): what fits follows as ReportDERControl."""
    found = [
        c
        for c in controls(core).values()
        if asked.get("controlType") in (None, c.kind)
        and asked.get("controlId") in (None, c.id)
        and asked.get("isDefault") in (None, c.is_default)
    ]
    if not found:
        return {"status": "NotFound"}
    report = _report(asked["requestId"], found)
    core.later(0.0, lambda: core.say(("ReportDERControl", report)))
    return {"status": "Accepted"}


def clear_control(core: StationCore, asked: Payload) -> Payload:
    """ClearDERControl (R04): by id, by kind, or all defaults or all scheduled ones."""
    kept = controls(core)
    gone = [
        c.id
        for c in kept.values()
        if c.is_default == asked["isDefault"]
        and asked.get("controlType") in (None, c.kind)
        and asked.get("controlId") in (None, c.id)
    ]
    for control_id in gone:
        del kept[control_id]
    return {"status": "Accepted" if gone else "NotFound"}


def _announce(core: StationCore, control: Control, beaten: list[str]) -> None:
    """NotifyDERStartStop when a scheduled control begins and when it ends."""
    start = moment(control.body.get("startTime"))
    wait_s = 0.0 if start is None else max((start - core.at).total_seconds(), 0.0)
    core.later(wait_s, lambda: _start_stop(core, control, True, beaten))
    if "duration" in control.body:
        end_s = wait_s + float(control.body["duration"])
        core.later(end_s, lambda: _end(core, control))


def _end(core: StationCore, control: Control) -> None:
    if controls(core).get(control.id) is control:
        del controls(core)[control.id]
        _start_stop(core, control, False, [])


def _start_stop(core: StationCore, control: Control, started: bool, beaten: list[str]) -> None:
    payload: Payload = {
        "controlId": control.id,
        "started": started,
        "timestamp": core.stamp(),
    }
    if beaten:
        payload["supersededIds"] = beaten
    core.say(("NotifyDERStartStop", payload))


def _report(request: int, found: list[Control]) -> Payload:
    payload: Payload = {"requestId": request}
    for control in found:
        field = _FIELDS.get(control.kind, "curve")
        item: Payload = {"id": control.id, _INNER.get(field, field): control.body}
        if field not in _WITHOUT_FLAGS:
            item |= {"isDefault": control.is_default, "isSuperseded": control.superseded}
        if field == "curve":
            item["curveType"] = control.kind
        payload.setdefault(field, []).append(item)
    return payload


V21: dict[str, Handler] = {
    "SetDERControl": set_control,
    "GetDERControl": get_control,
    "ClearDERControl": clear_control,
}
