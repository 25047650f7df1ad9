"""A simulated station's device model: settings, variables, reports.

OCPP 1.6 sections 5.2 and 5.8 (configuration keys); 2.0.1 part 2, B05 to B08 and the appendices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zerocity.protocols.ocpp.station.core import Handler, StationCore
from zerocity.protocols.ocpp.station.limits import usable
from zerocity.protocols.ocpp.station.parts import Message, Payload
from zerocity.protocols.ocpp.station.settings import (
    BY_KEY,
    BY_VARIABLE,
    SETTINGS,
    SWAP_SETTINGS,
    Access,
    Setting,
)
from zerocity.protocols.ocpp.wire_words import clipped

# Rows of a report in one message; keeps each under 32 KiB.
_ITEMS = 50
# The new password serves from the next connection on; this long after the answer the station
# connects anew with it (2.0.1 A01.FR.11) [s]; an assumption.
_NEW_PASSWORD_S = 1.0


# Configuration keys of 1.6


def get_configuration(core: StationCore, asked: Payload) -> Payload:
    """GetConfiguration: the keys asked for, or all; a password is never shown."""
    wanted = asked.get("key") or list(BY_KEY)
    found, unknown = [], []
    for key in wanted[: core.settings.number("keys_most")]:
        setting = BY_KEY.get(key)
        if setting is None:
            unknown.append(key)
            continue
        item: Payload = {"key": key, "readonly": setting.access is Access.READ}
        if setting.access is not Access.WRITE:
            item["value"] = clipped(core.settings.text(setting.name), 500)
        found.append(item)
    answer: Payload = {"configurationKey": found}
    if unknown:
        answer["unknownKey"] = unknown
    return answer


def change_configuration(core: StationCore, asked: Payload) -> Payload:
    """ChangeConfiguration."""
    setting = BY_KEY.get(asked["key"])
    if setting is None:
        return {"status": "NotSupported"}
    status = core.settings.ask(setting, asked["value"])
    if status == "Accepted":
        _changed(core, setting)
    return {"status": status}


# Variables of 2.x


def get_variables(core: StationCore, asked: Payload) -> Payload:
    """GetVariables (B06)."""
    return {"getVariableResult": [_read(core, item) for item in asked["getVariableData"]]}


def set_variables(core: StationCore, asked: Payload) -> Payload:
    """SetVariables (B05)."""
    return {"setVariableResult": [_write(core, item) for item in asked["setVariableData"]]}


def _read(core: StationCore, item: Payload) -> Payload:
    result = _named(item)
    setting, problem = _find(core, item)
    if setting is None:
        live = _live_value(core, item)
        if live is None:
            return {**result, "attributeStatus": problem}
        return {**result, "attributeStatus": "Accepted", "attributeValue": live}
    if item.get("attributeType", "Actual") != "Actual":
        return {**result, "attributeStatus": "NotSupportedAttributeType"}
    if setting.access is Access.WRITE:
        return {**result, "attributeStatus": "Rejected"}
    value = core.settings.text(setting.name)
    return {**result, "attributeStatus": "Accepted", "attributeValue": value}


def _write(core: StationCore, item: Payload) -> Payload:
    result = _named(item)
    setting, problem = _find(core, item)
    if setting is None:
        if _live_value(core, item) is not None:
            problem = "Rejected"
        return {**result, "attributeStatus": problem}
    if item.get("attributeType", "Actual") != "Actual":
        return {**result, "attributeStatus": "NotSupportedAttributeType"}
    status = core.settings.ask(setting, item["attributeValue"])
    if status == "Accepted":
        _changed(core, setting)
    return {**result, "attributeStatus": status}


def _named(item: Payload) -> Payload:
    result: Payload = {"component": item["component"], "variable": item["variable"]}
    if "attributeType" in item:
        result["attributeType"] = item["attributeType"]
    return result


def _find(core: StationCore, item: Payload) -> tuple[Setting | None, str]:
    component, variable = item["component"]["name"], item["variable"]["name"]
    setting = BY_VARIABLE.get((component, variable))
    if setting in SWAP_SETTINGS and not core.make.is_swap:
        setting = None
    if setting is not None:
        return setting, ""
    known = {name for name, _ in BY_VARIABLE} | {"EVSE", "Connector"}
    return None, "UnknownVariable" if component in known else "UnknownComponent"


def _live_value(core: StationCore, item: Payload) -> str | None:
    """A variable that shows a state, or None."""
    wanted = item["component"], item["variable"]["name"]
    for row in live_rows(core):
        component = row["component"]
        if component == wanted[0] and row["variable"]["name"] == wanted[1]:
            return str(row["variableAttribute"][0]["value"])
    return None


def _changed(core: StationCore, setting: Setting) -> None:
    """A new password: connect anew with it, once the answer has left."""
    if setting.name == "password":
        core.later(_NEW_PASSWORD_S, lambda: setattr(core, "hang_up", True))


# Reports


def get_base_report(core: StationCore, asked: Payload) -> Payload:
    """GetBaseReport (B07): configuration, everything, or a summary."""
    match asked["reportBase"]:
        case "ConfigurationInventory":
            rows = list(_setting_rows(core))
        case "FullInventory":
            rows = [*_setting_rows(core), *live_rows(core)]
        case _:
            rows = [row for row in live_rows(core) if row["variable"]["name"] in _SUMMARY]
    core.later(0.0, lambda: _report(core, asked["requestId"], rows))
    return {"status": "Accepted"}


def get_report(core: StationCore, asked: Payload) -> Payload:
    """GetReport (B08): the components and variables named, or those that meet a criterion."""
    rows = [*_setting_rows(core), *live_rows(core)]
    wanted = asked.get("componentVariable")
    if wanted is not None:
        rows = [row for row in rows if any(_names(item, row) for item in wanted)]
    criteria = asked.get("componentCriteria")
    if criteria is not None:
        rows = [row for row in rows if row["variable"]["name"] in criteria]
    if not rows:
        return {"status": "EmptyResultSet"}
    core.later(0.0, lambda: _report(core, asked["requestId"], rows))
    return {"status": "Accepted"}


_SUMMARY = {"AvailabilityState", "Available", "Enabled", "Problem"}


def _names(item: Payload, row: Payload) -> bool:
    """Whether a wish of GetReport means a row: what it leaves out may be anything."""
    component, variable = item["component"], item.get("variable")
    if component["name"] != row["component"]["name"]:
        return False
    if "evse" in component and component["evse"] != row["component"].get("evse"):
        return False
    return variable is None or variable["name"] == row["variable"]["name"]


def _report(core: StationCore, request: int, rows: Sequence[Payload]) -> None:
    for number, message in enumerate(report_messages(core, request, rows)):
        if not core.say(message) and number == 0:
            return


def report_messages(core: StationCore, request: int, rows: Sequence[Payload]) -> list[Message]:
    """NotifyReport in parts, all but the last with tbc."""
    parts = [rows[at : at + _ITEMS] for at in range(0, len(rows), _ITEMS)]
    messages: list[Message] = []
    for number, part in enumerate(parts):
        payload: Payload = {
            "requestId": request,
            "generatedAt": core.stamp(),
            "seqNo": number,
            "reportData": list(part),
        }
        if number + 1 < len(parts):
            payload["tbc"] = True
        messages.append(("NotifyReport", payload))
    return messages


def _setting_rows(core: StationCore) -> Iterator[Payload]:
    rows = (*SETTINGS, *SWAP_SETTINGS) if core.make.is_swap else SETTINGS
    for setting in rows:
        if setting.component is None:
            continue
        attribute: Payload = {"mutability": setting.access.value, "persistent": True}
        if setting.access is not Access.WRITE:
            attribute["value"] = core.settings.text(setting.name)
        yield {
            "component": {"name": setting.component},
            "variable": {"name": setting.variable},
            "variableAttribute": [attribute],
            "variableCharacteristics": {"dataType": setting.kind, "supportsMonitoring": False},
        }


def live_rows(core: StationCore) -> Iterator[Payload]:
    """What shows a state: EVSEs, connectors, and the batteries of a swap cabinet."""
    for evse in core.evses.values():
        where = {"id": evse.id}
        state = "Unavailable" if not usable(core, evse) else "Available"
        if evse.faulted:
            state = "Faulted"
        elif evse.car is not None:
            state = "Occupied"
        yield row("EVSE", where, "AvailabilityState", state, "OptionList")
        yield row("EVSE", where, "Available", "true", "boolean")
        watts = f"{round(evse.power_kw * 1000.0, 1)}"
        yield row("EVSE", where, "Power", watts, "decimal", "W", least=0.0, most=evse.max_kw * 1e3)
        plug = {"id": evse.id, "connectorId": 1}
        yield row("Connector", plug, "AvailabilityState", state, "OptionList")
        yield row("Connector", plug, "ConnectorType", core.make.connector_type, "string")
    yield from core.more_rows()


def row(
    component: str,
    evse: Payload | None,
    variable: str,
    value: str,
    kind: str,
    unit: str | None = None,
    *,
    least: float | None = None,
    most: float | None = None,
) -> Payload:
    """One row of a report that the CSMS may only read."""
    about: Payload = {"dataType": kind, "supportsMonitoring": True}
    if unit is not None:
        about["unit"] = unit
    if least is not None:
        about["minLimit"] = least
    if most is not None:
        about["maxLimit"] = most
    return {
        "component": {"name": component} if evse is None else {"name": component, "evse": evse},
        "variable": {"name": variable},
        "variableAttribute": [{"value": value, "mutability": "ReadOnly"}],
        "variableCharacteristics": about,
    }


V16: dict[str, Handler] = {
    "GetConfiguration": get_configuration,
    "ChangeConfiguration": change_configuration,
}
V2: dict[str, Handler] = {
    "GetVariables": get_variables,
    "SetVariables": set_variables,
    "GetBaseReport": get_base_report,
    "GetReport": get_report,
}
