"""Limits as charging profiles: schema-valid in each version, never above what was asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office.smart_charging import (
    FALLBACK,
    Purpose,
    composite_message,
    default_messages,
    dynamic_message,
    limit_messages,
    plan_messages,
    rate_kw,
)

AT = datetime(2026, 5, 1, 10, 0, 0, tzinfo=UTC)
VERSIONS = tuple(Version)


def profile_of(payload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = payload.get("csChargingProfiles") or payload["chargingProfile"]
    return found


def schedule_of(payload: dict[str, Any]) -> dict[str, Any]:
    schedule = profile_of(payload)["chargingSchedule"]
    found: dict[str, Any] = schedule[0] if isinstance(schedule, list) else schedule
    return found


@given(
    version=st.sampled_from(VERSIONS),
    kw=st.floats(0.0, 1_000.0),
    unit=st.sampled_from(["W", "A"]),
    phases=st.integers(0, 3),
    voltage_v=st.floats(100.0, 900.0),
)
def test_a_limit_fits_the_schema_and_is_never_exceeded(
    version: Version, kw: float, unit: str, phases: int, voltage_v: float
) -> None:
    ((action, payload),) = limit_messages(
        version, 2, kw, at=AT, valid_s=90.0, transaction=7, rate_unit=unit, phases=phases,
        voltage_v=voltage_v,
    )  # fmt: skip
    assert check(version, action, "request", payload) is None
    schedule = schedule_of(payload)
    (period,) = schedule["chargingSchedulePeriod"]
    meant = rate_kw(period["limit"], unit, phases=phases, voltage_v=voltage_v)
    step = 0.001 if unit == "W" else 0.1 * voltage_v * max(phases, 1) / 1000.0
    assert kw - step - 1e-6 <= meant <= kw + 1e-6
    assert schedule["duration"] >= 90


@pytest.mark.parametrize("version", VERSIONS)
def test_the_narrowest_purpose_is_taken_and_ids_replace_each_other(version: Version) -> None:
    tx, other = (
        profile_of(limit_messages(version, 1, kw, at=AT, valid_s=60, transaction="12")[0][1])
        for kw in (50.0, 20.0)
    )
    assert tx["chargingProfilePurpose"] == "TxProfile"
    assert tx["transactionId"] == (12 if version is Version.V16 else "12")
    key = "chargingProfileId" if version is Version.V16 else "id"
    assert tx[key] == other[key]
    default = profile_of(limit_messages(version, 1, 50.0, at=AT, valid_s=60)[0][1])
    assert default["chargingProfilePurpose"] == "TxDefaultProfile"
    assert default[key] != tx[key]
    whole = limit_messages(version, 0, 50.0, at=AT, valid_s=60)[0][1]
    assert profile_of(whole)["chargingProfilePurpose"] == (
        "ChargePointMaxProfile" if version is Version.V16 else "ChargingStationMaxProfile"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_standing_default_has_no_end_and_lies_below_the_limits(version: Version) -> None:
    ((action, payload),) = default_messages(version, 7.0, at=AT)
    assert check(version, action, "request", payload) is None
    assert "duration" not in schedule_of(payload)
    moving = profile_of(limit_messages(version, 1, 5.0, at=AT, valid_s=60)[0][1])
    assert profile_of(payload)["stackLevel"] < moving["stackLevel"]


def test_stack_levels_stay_within_what_the_station_takes() -> None:
    payload = limit_messages(Version.V201, 1, 5.0, at=AT, valid_s=60, most_level=0)[0][1]
    assert profile_of(payload)["stackLevel"] == 0


def test_with_a_default_the_schedule_itself_falls_back() -> None:
    payload = limit_messages(Version.V16, 1, 50.0, at=AT, valid_s=60, default_kw=7.0)[0][1]
    schedule = schedule_of(payload)
    assert "duration" not in schedule
    first, second = schedule["chargingSchedulePeriod"]
    assert (first["limit"], second["limit"]) == (50_000.0, 7_000.0)
    # It began before now, so that a clock behind ours obeys at once; the fallback is not early.
    began = datetime.fromisoformat(schedule["startSchedule"])
    assert (AT - began).total_seconds() + 60 == second["startPeriod"]


@pytest.mark.parametrize("version", VERSIONS)
def test_none_takes_the_same_profile_back(version: Version) -> None:
    made = profile_of(limit_messages(version, 3, 5.0, at=AT, valid_s=60)[0][1])
    ((action, payload),) = limit_messages(version, 3, None, at=AT, valid_s=60)
    assert action == "ClearChargingProfile"
    assert check(version, action, "request", payload) is None
    assert set(payload.values()) == {made.get("id", made.get("chargingProfileId"))}


def test_only_2_1_discharges() -> None:
    payload = limit_messages(Version.V21, 1, -10.0, at=AT, valid_s=60, transaction="a")[0][1]
    (period,) = schedule_of(payload)["chargingSchedulePeriod"]
    assert period["setpoint"] == -10_000.0
    assert check(Version.V21, "SetChargingProfile", "request", payload) is None
    with pytest.raises(InputError, match="OCPP 2"):
        limit_messages(Version.V201, 1, -10.0, at=AT, valid_s=60)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plan_of_many_periods_and_the_question_for_the_composite(version: Version) -> None:
    plan = [(0, 50.0), (900, 20.0), (1800, 0.0)]
    ((action, payload),) = plan_messages(version, 1, plan, at=AT, duration_s=2700, transaction=3)
    assert check(version, action, "request", payload) is None
    assert [p["limit"] for p in schedule_of(payload)["chargingSchedulePeriod"]] == [
        50_000.0, 20_000.0, 0.0,
    ]  # fmt: skip
    assert check(version, *_request(composite_message(version, 1, 600))) is None


def _request(message: tuple[str, dict[str, Any]]) -> Any:
    return message[0], "request", message[1]


def test_a_dynamic_profile_is_moved_by_its_value_alone() -> None:
    for kw in (12.0, -12.0):
        assert check(Version.V21, *_request(dynamic_message(110, kw))) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"kw": float("nan")},
        {"kw": -1.0},
        {"valid_s": 0},
        {"rate_unit": "kW"},
        {"phases": 4},
        {"voltage_v": 0.0},
    ],
)
def test_what_no_station_could_obey_is_refused(wrong: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"kw": 5.0, "at": AT, "valid_s": 60} | wrong
    kw = arguments.pop("kw")
    with pytest.raises(InputError):
        limit_messages(Version.V16, 1, kw, **arguments)


def test_a_refused_purpose_has_a_wider_one() -> None:
    assert FALLBACK[Purpose.TX] is Purpose.TX_DEFAULT
    payload = limit_messages(Version.V201, 4, 5.0, at=AT, valid_s=60, purpose=Purpose.STATION_MAX)[
        0
    ][1]
    assert payload["evseId"] == 0
