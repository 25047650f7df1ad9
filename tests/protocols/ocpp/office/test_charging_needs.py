"""A vehicle's needs reach its session, and what it plans beyond its limit is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from block_cases import AT, Case

from zerocity.live.registry import Connector
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.smart_charging import Purpose, profile_id


def plugged(version: Version = Version.V21) -> tuple[Case, LiveSession]:
    case = Case(version)
    session = LiveSession("S1~tx", "S1", 1, 1, "T", AT, 0.0, transaction="tx", limit_kw=120.0)
    case.station.connectors[1, 1] = Connector("S1", 1, 1, "site", 120.0, session=session)
    return case, session


def needs(**more: Any) -> dict[str, Any]:
    leave = (AT + timedelta(hours=3)).isoformat()
    said = {"requestedEnergyTransfer": "DC", "departureTime": leave}
    return {"evseId": 1, "chargingNeeds": said | more}


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_dc_needs(version: Version) -> None:
    case, session = plugged(version)
    dc = {
        "evMaxCurrent": 200, "evMaxVoltage": 400, "evMaxPower": 60_000, "stateOfCharge": 20,
        "evEnergyCapacity": 70_000, "fullSoC": 90,
    }  # fmt: skip
    assert case.hear("NotifyEVChargingNeeds", needs(dcChargingParameters=dc)).payload == {
        "status": "Accepted"
    }
    assert session.need_kwh == pytest.approx(49.0)
    assert (session.capacity_kwh, session.soc, session.limit_kw) == (70.0, 0.2, 60.0)
    assert session.depart_at == AT + timedelta(hours=3)
    assert case.changes == ["site"]
    case.hear("NotifyEVChargingNeeds", needs(dcChargingParameters=dc | {"energyAmount": 5_000}))
    assert session.need_kwh == 5.0


@pytest.mark.parametrize(("transfer", "kw"), [("AC_single_phase", 7.36), ("AC_three_phase", 22.08)])
def test_ac_needs(transfer: str, kw: float) -> None:
    case, session = plugged(Version.V201)
    ac = {"energyAmount": 11_000, "evMinCurrent": 6, "evMaxCurrent": 32, "evMaxVoltage": 230}
    case.hear(
        "NotifyEVChargingNeeds", needs(acChargingParameters=ac, requestedEnergyTransfer=transfer)
    )
    assert session.need_kwh == 11.0
    assert session.limit_kw == pytest.approx(kw)


def test_a_voltage_between_phases_is_not_counted_three_times() -> None:
    case, session = plugged()
    ac = {"energyAmount": 11_000, "evMinCurrent": 6, "evMaxCurrent": 32, "evMaxVoltage": 400}
    transfer = "AC_three_phase"
    case.hear(
        "NotifyEVChargingNeeds", needs(acChargingParameters=ac, requestedEnergyTransfer=transfer)
    )
    assert session.limit_kw == pytest.approx(22.17, abs=0.01)


def test_room_to_give_back() -> None:
    case, session = plugged()
    v2x = {
        "maxDischargePower": -10_000, "maxDischargePower_L2": -10_000, "maxChargePower": 50_000,
        "evTargetEnergyRequest": 30_000, "evMinV2XEnergyRequest": -8_000, "targetSoC": 80,
    }  # fmt: skip
    case.hear(
        "NotifyEVChargingNeeds",
        needs(
            v2xChargingParameters=v2x,
            requestedEnergyTransfer="DC_BPT",
            controlMode="DynamicControl",
        ),
    )
    room = case.station.file.v2x[1]
    assert (room.max_discharge_kw, room.min_v2x_energy_kwh, room.target_soc) == (20.0, -8.0, 0.8)
    assert (room.session, room.control) == ("S1~tx", "DynamicControl")
    assert (session.need_kwh, session.limit_kw) == (30.0, 50.0)


def test_needs_without_a_session_are_refused_and_change_nothing() -> None:
    case = Case()
    outcome = case.hear("NotifyEVChargingNeeds", needs())
    assert outcome.payload["status"] == "Rejected"
    assert case.changes == []


def test_a_schedule_beyond_the_grant_is_refused() -> None:
    case, session = plugged()

    def told(kw: float) -> str:
        period = {"startPeriod": 0, "limit": kw * 1000}
        schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
        payload = {"timeBase": AT.isoformat(), "evseId": 1, "chargingSchedule": schedule}
        status: str = case.hear("NotifyEVChargingSchedule", payload).payload["status"]
        return status

    assert told(90.0) == "Accepted"
    session.granted_kw = 40.0
    assert told(40.1) == "Accepted"
    assert told(60.0) == "Rejected"


def test_priority_comes_and_goes() -> None:
    case, session = plugged()
    for activated, priority in ((True, 9), (False, 0)):
        case.hear("NotifyPriorityCharging", {"transactionId": "tx", "activated": activated})
        assert session.priority == priority
    case.hear("NotifyPriorityCharging", {"transactionId": "other", "activated": True})
    assert session.priority == 0


def test_a_station_pulls_the_limit_of_the_moment() -> None:
    case, session = plugged()
    which = profile_id(1, Purpose.TX, 1)
    assert case.hear("PullDynamicScheduleUpdate", {"chargingProfileId": which}).payload[
        "status"
    ] == ("Rejected")
    for kw, update in ((12.5, {"limit": 12_500}), (-3.0, {"setpoint": -3_000})):
        session.granted_kw = kw
        answer = case.hear("PullDynamicScheduleUpdate", {"chargingProfileId": which}).payload
        assert answer == {"status": "Accepted", "scheduleUpdate": update}
