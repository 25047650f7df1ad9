"""Grid support by charging stations: DER control of OCPP 2.1 (part 2, block R; IEEE 1547-2018).

A control is set by its id, reported in lists by kind, and starts, ends or is superseded at the
station. Rows in ``der_controls`` hold the station's last word on each.
"""

from __future__ import annotations

from typing import Any

from zerocity.live.station_file import MOST_CONTROLS, keep
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Reply
from zerocity.protocols.ocpp.office.orders import asked
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.wire_words import moment
from zerocity.storage.recorder import Row

# The lists of ReportDERControl, the field of each that holds the control, and its type; a curve
# names its own type.
_LISTS = {
    "curve": ("curve", None),
    "enterService": ("enterService", "EnterService"),
    "fixedPFAbsorb": ("fixedPF", "FixedPFAbsorb"),
    "fixedPFInject": ("fixedPF", "FixedPFInject"),
    "fixedVar": ("fixedVar", "FixedVar"),
    "freqDroop": ("freqDroop", "FreqDroop"),
    "gradient": ("gradient", "Gradients"),
    "limitMaxDischarge": ("limitMaxDischarge", "LimitMaxDischarge"),
}


def report_control(context: Context, payload: Payload) -> Outcome:
    """ReportDERControl: the controls that stand at the station (R04)."""
    rows = []
    for name, (field, kind) in _LISTS.items():
        for entry in payload.get(name, []):
            status = "superseded" if entry.get("isSuperseded", False) else "set"
            about = entry.get("curveType", kind)
            rows.append(_note(context, entry["id"], status, about, entry[field]))
    return Outcome({}, rows)


def start_stop(context: Context, payload: Payload) -> Outcome:
    """NotifyDERStartStop: a scheduled control began or ended; others may rest meanwhile (R05)."""
    at = min(moment(payload["timestamp"]) or context.at, context.at)
    started = payload["started"]
    rows = [_note(context, payload["controlId"], "active" if started else "ended", at=at)]
    for other in payload.get("supersededIds", []):
        rows.append(_note(context, other, "superseded" if started else "set", at=at))
    context.registry.changed(context.station.site)
    return Outcome({}, rows)


def alarm(context: Context, payload: Payload) -> Outcome:
    """NotifyDERAlarm: a grid event that a control answers to, for a person to see (R06)."""
    rows = [message_row(context, "NotifyDERAlarm", payload), _work_row(context, payload)]
    context.registry.changed(context.station.site)
    return Outcome({}, rows)


def control_set(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of SetDERControl: accepted, and which others it puts to rest (R01-R03)."""
    request = asked(token)
    if not request:
        return []
    accepted = payload["status"] == "Accepted"
    control = {name: value for name, value in request.items() if name in _FIELDS}
    status = "set" if accepted else payload["status"].lower()
    rows = [_note(context, request["controlId"], status, request["controlType"], control)]
    if accepted:
        rows += [_note(context, o, "superseded") for o in payload.get("supersededIds", [])]
    return rows


def control_cleared(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of ClearDERControl for one control (R04); lists are reported anew."""
    name = asked(token).get("controlId")
    if name is None or payload["status"] not in ("Accepted", "NotFound"):
        return []
    context.station.file.controls.pop(name, None)
    values = {"station": context.station.id, "id": name, "status": "cleared"}
    return [Row("der_controls", {**values, "changed_at": context.at})]


_FIELDS = frozenset(
    {"curve", "enterService", "fixedPFAbsorb", "fixedPFInject", "fixedVar", "freqDroop",
     "gradient", "limitMaxDischarge", "isDefault"}
)  # fmt: skip


def _note(
    context: Context,
    name: str,
    status: str,
    kind: str | None = None,
    control: Any = None,
    at: Any = None,
) -> Row:
    keep(context.station.file.controls, name, status, MOST_CONTROLS)
    values = {
        "station": context.station.id,
        "id": name,
        "status": status,
        "changed_at": at or context.at,
    }
    if kind is not None:
        values["kind"] = kind
    return Row("der_controls", values if control is None else {**values, "control": control})


def _work_row(context: Context, payload: Payload) -> Row:
    fault = payload.get("gridEventFault", "grid event")
    kind = payload["controlType"]
    values = {
        "id": f"der/{context.station.id}/{kind}/{fault}",
        "subject_kind": "station",
        "subject": context.station.id,
        "kind": "der_alarm",
        "severity": "medium",
        "reason": f"{fault} ({kind})",
        "evidence": payload,
    }
    if payload.get("alarmEnded", False):
        return Row("work_orders", {**values, "status": "closed"})
    return Row("work_orders", {**values, "status": "open", "created_at": context.at})


HANDLERS: dict[tuple[Version, str], Handler] = {
    (Version.V21, "ReportDERControl"): report_control,
    (Version.V21, "NotifyDERStartStop"): start_stop,
    (Version.V21, "NotifyDERAlarm"): alarm,
}
REPLIES: dict[str, Reply] = {
    "SetDERControl": control_set,
    "ClearDERControl": control_cleared,
}
