"""Which limits are known to hold: what a station took, refused, or has from somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from block_cases import AT, Case, rows_of

from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office import blocks
from zerocity.protocols.ocpp.office.charging_limits import limit_orders
from zerocity.protocols.ocpp.office.orders import Order


def ready(version: Version) -> Case:
    case = Case(version)
    case.station.version = version.value
    return case


def order_of(case: Case, kw: float | None = 20.0, **more: Any) -> Order:
    (order,) = limit_orders(case.station, 1, kw, at=AT, valid_s=60.0, **more)
    assert check(case.version, order.action, "request", order.payload) is None
    return order


@pytest.mark.parametrize("version", list(Version))
def test_a_refused_limit_is_counted_in_full_until_one_is_taken(version: Version) -> None:
    case = ready(version)
    order = order_of(case)
    rows = case.reply(order.action, order.payload, {"status": "Rejected"})
    assert rows_of(rows, "charging_profiles")[0]["status"] == "rejected"
    assert case.station.file.counts_in_full(1)
    assert case.changes == ["site"]
    case.reply(order.action, order.payload, {"status": "Accepted"})
    assert not case.station.file.counts_in_full(1)
    assert len(case.changes) == 2


def test_silence_counts_in_full_too() -> None:
    case = ready(Version.V201)
    order = order_of(case)
    case.reply(order.action, order.payload, {"status": "Accepted"})
    (row,) = blocks.REFUSALS[order.action](case.context(), order, "Timeout", "")
    assert row.values["status"] == "unanswered"
    assert case.station.file.counts_in_full(1)


@pytest.mark.parametrize("version", list(Version))
def test_a_limit_taken_back_is_forgotten(version: Version) -> None:
    case = ready(version)
    order, back = order_of(case), order_of(case, None)
    case.reply(order.action, order.payload, {"status": "Accepted"})
    rows = case.reply(back.action, back.payload, {"status": "Accepted"})
    assert [row["status"] for row in rows_of(rows, "charging_profiles")] == ["cleared"]
    assert not case.station.file.profiles


def test_clearing_by_criteria_meets_what_it_names_alone() -> None:
    case = ready(Version.V201)
    order = order_of(case)
    case.reply(order.action, order.payload, {"status": "Accepted"})
    other: dict[str, Any] = {"chargingProfileCriteria": {"evseId": 2}}
    assert case.reply("ClearChargingProfile", other, {"status": "Unknown"}) == []
    ours: dict[str, Any] = {
        "chargingProfileCriteria": {"chargingProfilePurpose": "TxDefaultProfile"}
    }
    assert len(case.reply("ClearChargingProfile", ours, {"status": "Accepted"})) == 1


def test_the_unit_level_and_transaction_are_the_stations_own() -> None:
    case = ready(Version.V16)
    case.station.file.rate_unit, case.station.file.most_level = "A", 0
    session = LiveSession("S1-9", "S1", 1, 1, "T", AT, 0.0, number=9)
    profile = order_of(case, session=session).payload["csChargingProfiles"]
    assert (profile["transactionId"], profile["stackLevel"]) == (9, 0)
    assert profile["chargingSchedule"]["chargingRateUnit"] == "A"


def test_whoever_ordered_learns_the_result() -> None:
    case, heard = ready(Version.V201), []
    order = order_of(case, then=heard.append)
    blocks.REPLIES[order.action](case.context(), order, {"status": "Accepted"})
    blocks.REFUSALS[order.action](case.context(), order, "Timeout", "")
    assert heard == [{"status": "Accepted"}, None]


def test_a_persons_order_is_audited_without_its_payload() -> None:
    case = ready(Version.V201)
    order = Order("ClearCache", {}, "anna")
    (row,) = blocks.REPLIES["ClearCache"](case.context(), order, {"status": "Accepted"})
    assert row.table == "audit_log"
    assert (row.values["who"], row.values["outcome"]) == ("anna", "Accepted")


def schedule(kw: float) -> dict[str, Any]:
    return {
        "id": 1, "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": kw * 1000}],
    }  # fmt: skip


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_anothers_limit_holds_until_it_is_cleared(version: Version) -> None:
    case = ready(version)
    limit: dict[str, Any] = {"chargingLimit": {"chargingLimitSource": "SO"}}
    case.hear("NotifyChargingLimit", limit | {"chargingSchedule": [schedule(30), schedule(12)]})
    assert case.station.file.external_limits == {(0, "SO"): 12.0}
    case.hear("NotifyChargingLimit", limit | {"evseId": 2})
    assert case.station.file.external_limits[2, "SO"] is None
    outcome = case.hear("ClearedChargingLimit", {"chargingLimitSource": "SO"})
    assert (0, "SO") not in case.station.file.external_limits
    assert rows_of(outcome.rows, "charging_profiles")[0]["status"] == "cleared"
    assert case.changes == ["site"] * 3


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_what_is_installed_is_taken_over_by_its_source(version: Version) -> None:
    case = ready(version)
    profile = {
        "id": 121, "stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute", "chargingSchedule": [schedule(5)],
    }  # fmt: skip
    for source in ("CSO", "EMS"):
        told = {"requestId": 1, "chargingLimitSource": source, "evseId": 1}
        outcome = case.hear("ReportChargingProfiles", told | {"chargingProfile": [profile]})
        assert rows_of(outcome.rows, "charging_profiles")[0]["status"] == "reported"
    assert case.station.file.profiles == {(1, "TxDefaultProfile", 1): "accepted"}


def test_the_composite_schedule_is_kept() -> None:
    case = ready(Version.V16)
    request = {"connectorId": 1, "duration": 60}
    made = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5.0}]}
    answer = {"status": "Accepted", "connectorId": 1, "chargingSchedule": made}
    (row,) = case.reply("GetCompositeSchedule", request, answer)
    assert (row.values["purpose"], row.values["profile"]) == ("Composite", made)
    assert case.reply("GetCompositeSchedule", request, {"status": "Rejected"}) == []
