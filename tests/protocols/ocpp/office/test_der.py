"""Grid support: set, reported, started, superseded, cleared; alarms that a person must see."""

from __future__ import annotations

from typing import Any

from block_cases import AT, Case, rows_of

DISCHARGE: dict[str, Any] = {"priority": 0, "pctMaxDischargePower": 50}


def setting(name: str) -> dict[str, Any]:
    return {
        "isDefault": False, "controlId": name, "controlType": "LimitMaxDischarge",
        "limitMaxDischarge": DISCHARGE,
    }  # fmt: skip


def test_an_accepted_control_puts_others_to_rest() -> None:
    case = Case()
    case.reply("SetDERControl", setting("a"), {"status": "Accepted"})
    rows = case.reply("SetDERControl", setting("b"), {"status": "Accepted", "supersededIds": ["a"]})
    assert case.station.file.controls == {"b": "set", "a": "superseded"}
    assert rows[0].values["control"]["limitMaxDischarge"] == DISCHARGE
    (row,) = case.reply("SetDERControl", setting("c"), {"status": "NotSupported"})
    assert row.values["status"] == "notsupported"
    request = {"isDefault": False, "controlId": "b"}
    (row,) = case.reply("ClearDERControl", request, {"status": "Accepted"})
    assert (row.values["status"], "b" in case.station.file.controls) == ("cleared", False)
    assert case.reply("ClearDERControl", {"isDefault": True}, {"status": "Accepted"}) == []


def test_a_report_lists_what_stands() -> None:
    case = Case()
    entry = {"id": "a", "isDefault": False, "isSuperseded": True, "limitMaxDischarge": DISCHARGE}
    curve = {"priority": 1, "yUnit": "PctMaxW", "curveData": [{"x": 1.0, "y": 2.0}]}
    told = {
        "requestId": 1, "limitMaxDischarge": [entry],
        "curve": [
            {"id": "v", "curveType": "VoltWatt", "isDefault": True, "isSuperseded": False,
             "curve": curve}
        ],
    }  # fmt: skip
    rows = rows_of(case.hear("ReportDERControl", told).rows, "der_controls")
    assert {(r["id"], r["kind"], r["status"]) for r in rows} == {
        ("a", "LimitMaxDischarge", "superseded"), ("v", "VoltWatt", "set"),
    }  # fmt: skip


def test_a_scheduled_control_starts_and_ends() -> None:
    case = Case()
    told = {"controlId": "a", "timestamp": AT.isoformat(), "supersededIds": ["b"]}
    case.hear("NotifyDERStartStop", told | {"started": True})
    assert case.station.file.controls == {"a": "active", "b": "superseded"}
    case.hear("NotifyDERStartStop", told | {"started": False})
    assert case.station.file.controls == {"a": "ended", "b": "set"}


def test_an_alarm_opens_a_work_order_and_its_end_closes_it() -> None:
    case = Case()
    told = {
        "controlType": "HVMustTrip", "gridEventFault": "OverVoltage", "timestamp": AT.isoformat(),
    }  # fmt: skip
    (one,) = rows_of(case.hear("NotifyDERAlarm", told).rows, "work_orders")
    (two,) = rows_of(case.hear("NotifyDERAlarm", told | {"alarmEnded": True}).rows, "work_orders")
    assert (one["status"], two["status"], one["id"]) == ("open", "closed", two["id"])
