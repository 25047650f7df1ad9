"""The device model: what a station says of itself, in parts that are joined (OCPP 2.x B05-B08, N).

Every variable goes to the store; memory keeps only the few that decisions read. A 1.6 station's
configuration keys are kept in the same table, as variables of the component ``Configuration``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from zerocity.live.station_file import MOST_REPORTS, Report, StationFile, keep
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.core_v2 import availability
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Reply
from zerocity.protocols.ocpp.office.inventory import note_availability, note_battery
from zerocity.protocols.ocpp.office.orders import V2, asked
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.wire_words import moment
from zerocity.storage.recorder import Row

CONFIGURATION = "Configuration"
# A full inventory of a large station has some hundred parts; an assumption.
MOST_PARTS = 10_000
# Severities of an event that a person must see: 0 danger to 3 critical (OCPP 2.x NotifyEvent).
GRAVE = 3
_SEVERITY = {0: "critical", 1: "high", 2: "high", 3: "medium"}


def notify_report(context: Context, payload: Payload) -> Outcome:
    """NotifyReport: a part of the inventory; parts may come in any order (B07)."""
    hear_part(context, "NotifyReport", payload)
    rows = []
    for data in payload.get("reportData", []):
        for attribute in data["variableAttribute"]:
            if "value" not in attribute:
                continue
            kind = attribute.get("type", "Actual")
            rows += variable_rows(context, data, kind, attribute["value"], context.at)
        if "variableCharacteristics" in data:
            text = orjson.dumps(data["variableCharacteristics"]).decode()
            rows.append(_row(context, data, "Characteristics", text, context.at))
    return Outcome({}, rows)


def notify_event(context: Context, payload: Payload) -> Outcome:
    """NotifyEvent: what changed or alarms; availability, batteries in slots, grave faults (N07)."""
    rows: list[Row] = [message_row(context, "NotifyEvent", payload)]
    for event in sorted(payload["eventData"], key=lambda event: str(event["timestamp"])):
        at = min(moment(event["timestamp"]) or context.at, context.at)
        rows += availability(context, event) or []
        rows += note_availability(context, event, at)
        rows += variable_rows(context, event, "Actual", event["actualValue"], at)
        if event["trigger"] == "Alerting" and _severity(event) <= GRAVE:
            rows.append(_work_row(context, event, at))
    return Outcome({}, rows)


def notify_monitoring_report(context: Context, payload: Payload) -> Outcome:
    """NotifyMonitoringReport: the monitors that are set, in parts (N02)."""
    hear_part(context, "NotifyMonitoringReport", payload)
    rows = []
    for data in payload.get("monitor", []):
        for monitor in data["variableMonitoring"]:
            about = {"component": data["component"], "variable": data["variable"], **monitor}
            rows.append(_monitor_row(context, monitor["id"], about))
    return Outcome({}, rows)


def variables_got(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of GetVariables (B06)."""
    rows: list[Row] = []
    for result in payload["getVariableResult"]:
        if result["attributeStatus"] == "Accepted" and "attributeValue" in result:
            kind = result.get("attributeType", "Actual")
            rows += variable_rows(context, result, kind, result["attributeValue"], context.at)
    return rows


def variables_set(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of SetVariables: only what was accepted holds, and secrets are not kept (B05)."""
    wanted = {
        _place(data): data["attributeValue"] for data in asked(token).get("setVariableData", [])
    }
    rows: list[Row] = []
    for result in payload["setVariableResult"]:
        value = wanted.get(_place(result))
        secret = "Password" in result["variable"]["name"]
        if value is None or secret or result["attributeStatus"] != "Accepted":
            continue
        kind = result.get("attributeType", "Actual")
        rows += variable_rows(context, result, kind, value, context.at)
    return rows


def monitors_set(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of SetVariableMonitoring: the ids under which monitors now stand (N04)."""
    return [
        _monitor_row(context, result["id"], result)
        for result in payload["setMonitoringResult"]
        if result["status"] == "Accepted" and "id" in result
    ]


def monitors_cleared(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of ClearVariableMonitoring (N06)."""
    return [
        _monitor_row(context, result["id"], None)
        for result in payload["clearMonitoringResult"]
        if result["status"] in ("Accepted", "NotFound")
    ]


def configuration_got(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of GetConfiguration of a 1.6 station (5.8)."""
    rows: list[Row] = []
    for entry in payload.get("configurationKey", []):
        if "value" in entry and entry["key"] != "AuthorizationKey":
            rows += _configuration_rows(context, entry["key"], entry["value"])
    return rows


def configuration_set(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of ChangeConfiguration; RebootRequired holds from the next boot on (5.4)."""
    request = asked(token)
    if payload["status"] != "Accepted" or request.get("key") in (None, "AuthorizationKey"):
        return []
    return _configuration_rows(context, request["key"], request["value"])


def hear_part(context: Context, action: str, payload: Payload) -> Report:
    """Note a part of a report by its seqNo; the last one is the one without ``tbc``."""
    reports = context.station.file.reports
    key = (action, payload["requestId"])
    report = reports.get(key) or Report()
    keep(reports, key, report, MOST_REPORTS)
    if len(report.heard) < MOST_PARTS:
        report.heard.add(payload["seqNo"])
    if not payload.get("tbc", False):
        report.last = payload["seqNo"]
    return report


def variable_rows(
    context: Context, data: Payload, attribute: str, value: str, at: datetime
) -> list[Row]:
    """The row of a variable, and what else follows from it; remembers what decisions need."""
    component, variable = data["component"], data["variable"]["name"]
    if attribute == "Actual":
        remember(context.station.file, component["name"], variable, value)
    rows = [_row(context, data, attribute, value, at)]
    if attribute == "Actual":
        rows += note_battery(context, component, variable, value, at)
    return rows


def remember(file: StationFile, component: str, variable: str, value: str) -> None:
    """Keep a variable in memory if decisions read it."""
    taker = _REMEMBERED.get((component, variable))
    if taker is not None:
        taker(file, value)


def _configuration_rows(context: Context, key: str, value: str) -> list[Row]:
    data = {"component": {"name": CONFIGURATION}, "variable": {"name": key}}
    return variable_rows(context, data, "Actual", value, context.at)


def _row(context: Context, data: Payload, attribute: str, value: str, at: datetime) -> Row:
    component, variable, evse = _names(data)
    return Row(
        "station_variables",
        {
            "station": context.station.id,
            "component": component,
            "variable": variable,
            "evse": evse,
            "attribute": attribute,
            "value": value,
            "changed_at": at,
        },
    )


def _names(data: Payload) -> tuple[str, str, int]:
    """Component and variable with their instances, the connector, and the EVSE (0: none)."""
    place = data["component"].get("evse", {})
    component = _named(data["component"])
    if "connectorId" in place:
        component += f":{place['connectorId']}"
    return component, _named(data["variable"]), place.get("id", 0)


def _named(thing: Payload) -> str:
    name = str(thing["name"])
    return f"{name}[{thing['instance']}]" if "instance" in thing else name


def _place(data: Payload) -> tuple[str, str, int, str]:
    return (*_names(data), data.get("attributeType", "Actual"))


def _monitor_row(context: Context, number: int, about: dict[str, Any] | None) -> Row:
    data = {"component": {"name": "Monitor"}, "variable": {"name": str(number)}}
    text = orjson.dumps(about).decode() if about is not None else ""
    return _row(context, data, "Definition", text, context.at)


def _severity(event: Payload) -> int:
    """An event's severity, 0 danger to 9 debug; 2.0.1 has none, but a variable for problems."""
    usual = 2 if event["variable"]["name"] == "Problem" else GRAVE + 1
    return int(event.get("severity", usual))


def _work_row(context: Context, event: Payload, at: datetime) -> Row:
    component, variable, evse = _names(event)
    values = {
        "id": f"event/{context.station.id}/{evse}/{component}/{variable}",
        "subject_kind": "station",
        "subject": context.station.id,
        "kind": "station_event",
        "severity": _SEVERITY[_severity(event)],
        "reason": f"{component}.{variable} = {event['actualValue'][:200]}",
        "evidence": event,
    }
    if event.get("cleared", False) or (variable == "Problem" and event["actualValue"] == "false"):
        return Row("work_orders", {**values, "status": "closed"})
    return Row("work_orders", {**values, "status": "open", "created_at": at})


def _rate_unit(file: StationFile, value: str) -> None:
    """W where the station takes both: a limit in W needs no guess of voltage and phases."""
    words = {word.strip() for word in value.split(",")}
    if words & {"W", "Power"}:
        file.rate_unit = "W"
    elif words & {"A", "Current"}:
        file.rate_unit = "A"


def _most_level(file: StationFile, value: str) -> None:
    if value.strip().isdigit():
        file.most_level = int(value)


def _list_version(file: StationFile, value: str) -> None:
    if value.lstrip("-").isdigit():
        file.list_version = int(value)


def _swap_order(file: StationFile, value: str) -> None:
    file.swap_order = value[:20]


_REMEMBERED: dict[tuple[str, str], Callable[[StationFile, str], None]] = {
    ("SmartChargingCtrlr", "RateUnit"): _rate_unit,
    ("SmartChargingCtrlr", "ProfileStackLevel"): _most_level,
    ("BatterySwapCtrlr", "SwapOrder"): _swap_order,
    ("LocalAuthListCtrlr", "Version"): _list_version,
    (CONFIGURATION, "ChargingScheduleAllowedChargingRateUnit"): _rate_unit,
    (CONFIGURATION, "ChargeProfileMaxStackLevel"): _most_level,
}
HANDLERS: dict[tuple[Version, str], Handler] = {
    (version, action): handler
    for version in V2
    for action, handler in (
        ("NotifyReport", notify_report),
        ("NotifyEvent", notify_event),
        ("NotifyMonitoringReport", notify_monitoring_report),
    )
}
REPLIES: dict[str, Reply] = {
    "GetVariables": variables_got,
    "SetVariables": variables_set,
    "SetVariableMonitoring": monitors_set,
    "ClearVariableMonitoring": monitors_cleared,
    "GetConfiguration": configuration_got,
    "ChangeConfiguration": configuration_set,
}
