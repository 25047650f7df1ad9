"""A simulated station obeys: start, stop, reset, availability, triggers, lists, reservations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from station_world import World, plugged

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station.parts import Make

ALL = list(Version)
V2 = [Version.V201, Version.V21]
TOKEN = {"idToken": "boss", "type": "Central"}


def start_message(version: Version, evse: int = 1, **more: Any) -> tuple[str, dict[str, Any]]:
    if version is Version.V16:
        return "RemoteStartTransaction", {"connectorId": evse, "idTag": "boss", **more}
    return "RequestStartTransaction", {
        "evseId": evse,
        "remoteStartId": 5,
        "idToken": TOKEN,
        **more,
    }


def transaction_id(world: World, evse: int = 1) -> str | int:
    running = world.station.evses[evse].transaction
    assert running is not None
    if world.version is Version.V16:
        assert running.number is not None
        return running.number
    return running.id


@pytest.mark.parametrize("version", ALL)
def test_remote_start_waits_for_the_car_and_stop_ends_it(version: Version) -> None:
    world = World(version).connect()
    assert world.ask(*start_message(version))["status"] == "Accepted"
    world.run(10.0)
    plugged(world, token=None)
    world.run(5.0)
    evse = world.station.evses[1]
    assert evse.transaction is not None
    assert evse.transaction.token == "boss"
    name = "RemoteStopTransaction" if version is Version.V16 else "RequestStopTransaction"
    number = transaction_id(world)
    assert world.ask(name, {"transactionId": number})["status"] == "Accepted"
    assert evse.transaction is None
    assert world.ask(name, {"transactionId": number})["status"] == "Rejected"
    if version is not Version.V16:
        assert world.events()[0]["transactionInfo"]["remoteStartId"] == 5
        assert world.events()[-1]["transactionInfo"]["stoppedReason"] == "Remote"


def test_remote_start_is_forgotten_when_nobody_comes() -> None:
    world = World(Version.V16).connect()
    world.ask(*start_message(Version.V16))
    assert world.said("StatusNotification")[-1]["status"] == "Preparing"
    world.run(130.0)
    assert world.said("StatusNotification")[-1]["status"] == "Available"
    plugged(world, token=None)
    assert world.station.evses[1].transaction is None


@pytest.mark.parametrize("version", ALL)
def test_remote_start_brings_its_profile(version: Version) -> None:
    world = World(version).connect()
    plugged(world, token=None)
    schedule: dict[str, Any] = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9000.0}],
    }
    profile: dict[str, Any] = {
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
    }
    if version is Version.V16:
        profile |= {"chargingProfileId": 3, "chargingSchedule": schedule}
    else:
        profile |= {"id": 3, "chargingSchedule": [{"id": 1, **schedule}]}
    assert world.ask(*start_message(version, chargingProfile=profile))["status"] == "Accepted"
    assert world.station.evses[1].power_kw == 9.0


@pytest.mark.parametrize("version", ALL)
def test_reset_ends_the_transaction_and_boots_anew(version: Version) -> None:
    world = World(version).connect()
    plugged(world)
    world.run(1.0)
    kind = "Soft" if version is Version.V16 else "Immediate"
    assert world.ask("Reset", {"type": kind})["status"] == "Accepted"
    world.run(2.0)
    station = world.station
    assert station.hang_up
    assert not station.wants_link(world.now_s)
    last = (world.said("StopTransaction") or world.events())[-1]
    assert "SoftReset" in str(last) or "ImmediateReset" in str(last)
    world.cut()
    station.hang_up = False
    world.run(6.0)
    assert station.wants_link(world.now_s)
    world.connect()
    boots = world.said("BootNotification")
    assert len(boots) == 2
    if version is not Version.V16:
        assert boots[-1]["reason"] == "RemoteReset"


@pytest.mark.parametrize("version", V2)
def test_reset_on_idle_waits(version: Version) -> None:
    world = World(version).connect()
    plugged(world)
    assert world.ask("Reset", {"type": "OnIdle"})["status"] == "Scheduled"
    world.run(10.0)
    assert not world.station.hang_up
    world.station.unplug(1, world.now_s, world.at)
    world.run(3.0)
    assert world.station.hang_up


@pytest.mark.parametrize("version", ALL)
def test_availability_changes_once_the_car_is_gone(version: Version) -> None:
    world = World(version).connect()
    plugged(world)
    world.run(1.0)
    message: dict[str, Any] = (
        {"connectorId": 1, "type": "Inoperative"}
        if version is Version.V16
        else {"evse": {"id": 1}, "operationalStatus": "Inoperative"}
    )
    assert world.ask("ChangeAvailability", message)["status"] == "Scheduled"
    assert world.station.evses[1].power_kw > 0.0
    world.station.unplug(1, world.now_s, world.at)
    world.settle()
    assert "Unavailable" in str(world.said("StatusNotification")[-1])
    plugged(world)
    world.run(2.0)
    assert world.station.evses[1].transaction is None


def test_unlock_in_the_words_of_each_version() -> None:
    world = World(Version.V16).connect()
    plugged(world)
    assert world.ask("UnlockConnector", {"connectorId": 1})["status"] == "Unlocked"
    assert world.said("StopTransaction")[0]["reason"] == "UnlockCommand"
    assert world.ask("UnlockConnector", {"connectorId": 9})["status"] == "NotSupported"
    world = World(Version.V201).connect()
    plugged(world)
    asked = {"evseId": 1, "connectorId": 1}
    assert world.ask("UnlockConnector", asked)["status"] == "OngoingAuthorizedTransaction"
    world.station.unplug(1, world.now_s, world.at)
    assert world.ask("UnlockConnector", asked)["status"] == "Unlocked"


@pytest.mark.parametrize(
    ("version", "wanted", "said"),
    [
        (Version.V16, "BootNotification", "BootNotification"),
        (Version.V16, "Heartbeat", "Heartbeat"),
        (Version.V16, "MeterValues", "MeterValues"),
        (Version.V16, "StatusNotification", "StatusNotification"),
        (Version.V16, "DiagnosticsStatusNotification", "DiagnosticsStatusNotification"),
        (Version.V16, "FirmwareStatusNotification", "FirmwareStatusNotification"),
        (Version.V201, "BootNotification", "BootNotification"),
        (Version.V201, "Heartbeat", "Heartbeat"),
        (Version.V201, "MeterValues", "MeterValues"),
        (Version.V201, "TransactionEvent", "TransactionEvent"),
        (Version.V201, "StatusNotification", "StatusNotification"),
        (Version.V201, "LogStatusNotification", "LogStatusNotification"),
        (Version.V201, "FirmwareStatusNotification", "FirmwareStatusNotification"),
        (Version.V201, "SignChargingStationCertificate", "SignCertificate"),
        (Version.V21, "SignChargingStationCertificate", "SignCertificate"),
    ],
)
def test_triggers(version: Version, wanted: str, said: str) -> None:
    world = World(version).connect()
    plugged(world)
    world.run(1.0)
    before = len(world.said(said))
    assert world.ask("TriggerMessage", {"requestedMessage": wanted})["status"] == "Accepted"
    assert len(world.said(said)) == before + 1


def test_triggers_that_are_not_served() -> None:
    world = World(Version.V201).connect()
    for wanted, status in (
        ("SignV2GCertificate", "NotImplemented"),
        ("TransactionEvent", "Rejected"),
    ):
        assert world.ask("TriggerMessage", {"requestedMessage": wanted})["status"] == status


# Who may charge


def test_a_reservation_is_kept_for_its_token() -> None:
    world = World(Version.V201).connect()
    until = (world.at + timedelta(minutes=5)).isoformat()
    asked = {"id": 9, "expiryDateTime": until, "idToken": TOKEN, "evseId": 1}
    assert world.ask("ReserveNow", asked)["status"] == "Accepted"
    assert world.said("StatusNotification")[-1]["connectorStatus"] == "Reserved"
    plugged(world, token="stranger")
    world.run(1.0)
    assert world.station.evses[1].transaction is None
    world.station.unplug(1, world.now_s, world.at)
    plugged(world, token="boss")
    assert world.events()[0]["reservationId"] == 9
    assert not world.station.reservations


def test_a_reservation_runs_out() -> None:
    world = World(Version.V201).connect()
    until = (world.at + timedelta(minutes=5)).isoformat()
    world.ask("ReserveNow", {"id": 9, "expiryDateTime": until, "idToken": TOKEN, "evseId": 1})
    world.run(301.0)
    assert world.said("ReservationStatusUpdate")[0]["reservationUpdateStatus"] == "Expired"
    assert world.ask("CancelReservation", {"reservationId": 9})["status"] == "Rejected"


def test_reservations_by_the_state_of_the_connector() -> None:
    world = World(Version.V16).connect()
    until = (world.at + timedelta(minutes=5)).isoformat()
    asked = {"connectorId": 1, "expiryDate": until, "idTag": "t", "reservationId": 1}
    plugged(world)
    assert world.ask("ReserveNow", asked)["status"] == "Occupied"
    world.station.unplug(1, world.now_s, world.at)
    world.station.fault(1, "GroundFailure", world.now_s, world.at)
    assert world.ask("ReserveNow", asked)["status"] == "Faulted"
    assert world.said("StatusNotification")[-1]["errorCode"] == "GroundFailure"
    world.station.fault(1, None, world.now_s, world.at)
    world.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    assert world.ask("ReserveNow", asked)["status"] == "Unavailable"


@pytest.mark.parametrize("version", ALL)
def test_the_local_list_decides_while_the_link_is_away(version: Version) -> None:
    world = World(version).connect()
    if version is Version.V16:
        entries = [
            {"idTag": "good", "idTagInfo": {"status": "Accepted"}},
            {"idTag": "bad", "idTagInfo": {"status": "Blocked"}},
        ]
        number = "listVersion"
    else:
        entries = [
            {
                "idToken": {"idToken": name, "type": "Central"},
                "idTokenInfo": {"status": status},
            }
            for name, status in (("good", "Accepted"), ("bad", "Blocked"))
        ]
        number = "versionNumber"
    full = {number: 3, "updateType": "Full", "localAuthorizationList": entries}
    assert world.ask("SendLocalList", full)["status"] == "Accepted"
    assert world.ask("GetLocalListVersion", {}) == {number: 3}
    stale = {number: 3, "updateType": "Differential", "localAuthorizationList": []}
    if version is not Version.V16:
        del stale["localAuthorizationList"]
    assert world.ask("SendLocalList", stale)["status"] == "VersionMismatch"
    world.station.settings.put("unknown_offline", "false")
    world.cut()
    for token, starts in (("bad", False), ("stranger", False), ("good", True)):
        world.station.plug(1, world.now_s, world.at, token=token, soc=0.5, capacity_kwh=50.0)
        assert (world.station.evses[1].transaction is not None) is starts
        world.station.unplug(1, world.now_s, world.at)


def test_a_link_that_is_back_tells_only_what_changed() -> None:
    world = World(Version.V201, Make(evses=3)).connect()
    before = len(world.said("StatusNotification"))
    world.cut()
    world.station.plug(2, world.now_s, world.at, token="t", soc=0.5, capacity_kwh=50.0)
    world.run(10.0)
    world.connect()
    told = world.said("StatusNotification")[before:]
    assert [(t["evseId"], t["connectorStatus"]) for t in told] == [(2, "Occupied")]
    world.cut()
    world.run(100.0)
    world.connect()
    assert len(world.said("StatusNotification")) == before + 1 + 3
