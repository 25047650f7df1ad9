"""Variables in parts, in any order; what decisions need of them; faults that a person must see."""

from __future__ import annotations

from typing import Any

import pytest
from block_cases import AT, Case, rows_of
from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.ocpp.messages import Version


def variable(
    component: str, name: str, value: str, evse: dict[str, int] | None = None, **more: Any
) -> dict[str, Any]:
    place: dict[str, Any] = {"name": component} | ({"evse": evse} if evse else {})
    attribute = {"value": value} | more
    return {"component": place, "variable": {"name": name}, "variableAttribute": [attribute]}


def part(number: int, last: int, *data: dict[str, Any]) -> dict[str, Any]:
    made = {
        "requestId": 7, "seqNo": number, "generatedAt": AT.isoformat(), "tbc": number != last,
    }  # fmt: skip
    return made | ({"reportData": list(data)} if data else {})


@given(st.permutations(range(4)))
def test_parts_are_joined_in_whatever_order_they_come(order: list[int]) -> None:
    case = Case()
    for number in order:
        case.hear("NotifyReport", part(number, 3))
    report = case.station.file.reports["NotifyReport", 7]
    assert report.whole


def test_variables_are_kept_by_component_instance_evse_and_connector() -> None:
    case = Case()
    data = variable("Connector", "Available", "true", {"id": 2, "connectorId": 1}, type="Target")
    data["variable"]["instance"] = "x"
    data["variableCharacteristics"] = {"dataType": "boolean", "supportsMonitoring": False}
    rows = rows_of(case.hear("NotifyReport", part(0, 0, data)).rows, "station_variables")
    assert [(r["component"], r["variable"], r["evse"], r["attribute"]) for r in rows] == [
        ("Connector:1", "Available[x]", 2, "Target"),
        ("Connector:1", "Available[x]", 2, "Characteristics"),
    ]


@pytest.mark.parametrize(
    ("said", "unit"), [("A,W", "W"), ("A", "A"), ("W", "W"), ("nonsense", "W")]
)
def test_the_rate_unit_that_limits_are_sent_in(said: str, unit: str) -> None:
    case = Case()
    case.hear("NotifyReport", part(0, 0, variable("SmartChargingCtrlr", "RateUnit", said)))
    assert case.station.file.rate_unit == unit


def test_stack_level_and_swap_order_are_remembered() -> None:
    case = Case()
    said = variable("SmartChargingCtrlr", "ProfileStackLevel", "3")
    order = variable("BatterySwapCtrlr", "SwapOrder", "Out-In")
    case.hear("NotifyReport", part(0, 0, said, order))
    assert (case.station.file.most_level, case.station.file.swap_order) == (3, "Out-In")


def test_a_1_6_configuration_is_kept_without_its_secret() -> None:
    case = Case(Version.V16)
    keys = {
        "ChargingScheduleAllowedChargingRateUnit": "Current", "ChargeProfileMaxStackLevel": "0",
        "AuthorizationKey": "secret",
    }  # fmt: skip
    answer = {
        "configurationKey": [{"key": k, "value": v, "readonly": False} for k, v in keys.items()]
    }
    rows = case.reply("GetConfiguration", {}, answer)
    assert {row.values["variable"] for row in rows} == set(keys) - {"AuthorizationKey"}
    assert (case.station.file.rate_unit, case.station.file.most_level) == ("A", 0)
    for key, kept in (("AuthorizationKey", 0), ("HeartbeatInterval", 1)):
        request = {"key": key, "value": "0123456789abcdef"}
        assert len(case.reply("ChangeConfiguration", request, {"status": "Accepted"})) == kept
    assert case.reply("ChangeConfiguration", request, {"status": "Rejected"}) == []


def test_the_inventory_of_batteries() -> None:
    case = Case()
    values = {"SerialNumber": "P1", "SoC": "81.5", "SoH": "99"}
    data = [variable("BatteryCartridge", k, v, {"id": 4}) for k, v in values.items()]
    outcome = case.hear("NotifyReport", part(0, 0, *data))
    slot = case.station.slots[4]
    assert (slot.serial, slot.soc, slot.soh) == ("P1", 0.815, 0.99)
    assert rows_of(outcome.rows, "slots")[-1]["serial"] == "P1"
    for nonsense in ("nan", "101", "-1", "much"):
        bad = variable("BatteryCartridge", "SoC", nonsense, {"id": 4})
        assert not rows_of(case.hear("NotifyReport", part(0, 0, bad)).rows, "slots")
    assert slot.soc == 0.815


def event(component: str, name: str, value: str, **more: Any) -> dict[str, Any]:
    made = {
        "eventId": 1, "timestamp": AT.isoformat(), "trigger": "Delta", "actualValue": value,
        "component": {"name": component, "evse": {"id": 4}}, "variable": {"name": name},
        "eventNotificationType": "HardWiredNotification",
    }  # fmt: skip
    return {"generatedAt": AT.isoformat(), "seqNo": 0, "eventData": [made | more]}


def test_an_available_slot_is_empty_and_an_occupied_one_holds_a_battery() -> None:
    case = Case()
    case.hear(
        "NotifyReport", part(0, 0, variable("BatteryCartridge", "SerialNumber", "P1", {"id": 4}))
    )
    case.hear("NotifyEvent", event("EVSE", "AvailabilityState", "Occupied"))
    assert case.station.slots[4].serial == "P1"
    outcome = case.hear("NotifyEvent", event("EVSE", "AvailabilityState", "Available"))
    assert case.station.slots[4].serial is None
    assert rows_of(outcome.rows, "slots")
    assert rows_of(outcome.rows, "connectors")[0]["status"] == "available"


def test_a_charger_has_no_slots() -> None:
    case = Case()
    case.station.kind = "charger"
    case.hear("NotifyEvent", event("EVSE", "AvailabilityState", "Available"))
    case.hear("NotifyReport", part(0, 0, variable("BatteryCartridge", "SoC", "5", {"id": 4})))
    assert not case.station.slots


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_a_problem_opens_a_work_order_and_its_end_closes_it(version: Version) -> None:
    case = Case(version)
    broken = case.hear("NotifyEvent", event("Fan", "Problem", "true", trigger="Alerting"))
    mended = case.hear("NotifyEvent", event("Fan", "Problem", "false", trigger="Alerting"))
    (one,), (two,) = rows_of(broken.rows, "work_orders"), rows_of(mended.rows, "work_orders")
    assert (one["status"], two["status"]) == ("open", "closed")
    assert one["id"] == two["id"]
    assert "created_at" not in two


def test_only_grave_alerts_of_2_1_need_a_person() -> None:
    case = Case()
    for severity, orders in ((0, 1), (3, 1), (4, 0)):
        told = event("Fan", "Speed", "0", trigger="Alerting", severity=severity)
        assert len(rows_of(case.hear("NotifyEvent", told).rows, "work_orders")) == orders


def test_what_was_got_and_set_is_kept_if_it_was_accepted() -> None:
    case = Case()
    place = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    got = {"attributeStatus": "Accepted", "attributeValue": "60", **place}
    bad = {"attributeStatus": "UnknownVariable", **place}
    rows = case.reply(
        "GetVariables", {"getVariableData": [place]}, {"getVariableResult": [got, bad]}
    )
    assert [row.values["value"] for row in rows] == ["60"]
    secret = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    request = {
        "setVariableData": [
            {**place, "attributeValue": "90"},
            {**secret, "attributeValue": "x" * 16},
        ]
    }
    answer = {"setVariableResult": [{"attributeStatus": "Accepted", **p} for p in (place, secret)]}
    rows = case.reply("SetVariables", request, answer)
    assert [row.values["value"] for row in rows] == ["90"]


def test_monitors_are_listed_set_and_cleared() -> None:
    case = Case()
    place = {"component": {"name": "Fan"}, "variable": {"name": "Speed"}}
    wanted = {"value": 5.0, "type": "LowerThreshold", "severity": 3}
    result = {"id": 9, "status": "Accepted", "type": "LowerThreshold", "severity": 3, **place}
    rows = case.reply(
        "SetVariableMonitoring", {"setMonitoringData": [wanted | place]},
        {"setMonitoringResult": [result]},
    )  # fmt: skip
    assert rows[0].values["variable"] == "9"
    listed = {
        "variableMonitoring": [
            {"id": 9, "transaction": False, "eventNotificationType": "CustomMonitor", **wanted}
        ],
        **place,
    }
    told = {"requestId": 1, "seqNo": 0, "generatedAt": AT.isoformat(), "monitor": [listed]}
    assert rows_of(case.hear("NotifyMonitoringReport", told).rows, "station_variables")
    gone = {"clearMonitoringResult": [{"id": 9, "status": "Accepted"}]}
    (row,) = case.reply("ClearVariableMonitoring", {"id": [9]}, gone)
    assert (row.values["variable"], row.values["value"]) == ("9", "")
