"""What a lane takes is what the long way takes, in the same words."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import orjson
import pytest
from fuzzing import every_lane
from hypothesis import given, settings
from hypothesis import strategies as st
from specimens import specimen, spoil

from zerocity.protocols.ocpp.frames import Call, read_frame
from zerocity.protocols.ocpp.lanes import lanes, read_lane
from zerocity.protocols.ocpp.messages import check
from zerocity.protocols.ocpp.office.office import LANES
from zerocity.protocols.ocpp.versions import Version

OPEN = [(version, action) for version in Version for action in sorted(every_lane(version))]
READING = {"timestamp": "2026-11-22T10:15:30Z", "sampledValue": [{"value": "7"}]}


def framed(action: str, payload: Any) -> bytes:
    return orjson.dumps([2, "m1", action, payload])


def metered(**more: Any) -> bytes:
    return framed("MeterValues", {"connectorId": 1, "meterValue": [READING | more]})


def taken(data: bytes, version: Version = Version.V16) -> Any:
    call = read_lane(data, lanes(version, LANES))
    return None if call is None else call.payload


def same_as_the_long_way(data: bytes, version: Version) -> bool:
    """Whether a lane took the message; if so it is lawful, and told in the same words."""
    quick = read_lane(data, every_lane(version))
    if quick is None:
        return False
    slow = read_frame(data, version)
    assert isinstance(slow, Call)
    assert (quick.id, quick.action) == (slow.id, slow.action)
    assert msgspec.to_builtins(quick.payload) == slow.payload
    assert check(version, slow.action, "request", slow.payload) is None
    return True


@settings(max_examples=500)
@given(st.sampled_from(OPEN), st.integers(0, 2**32), st.booleans(), st.booleans())
def test_what_a_lane_takes_keeps_the_schema(
    place: tuple[Version, str], seed: int, spoilt: bool, spaced: bool
) -> None:
    version, action = place
    rng = Random(seed)
    payload: Any = specimen(version, f"{action}Request", rng)
    if spoilt:
        payload = spoil(payload, rng)
    data = framed(action, payload)
    same_as_the_long_way(data.replace(b",", b" , ") if spaced else data, version)


@settings(max_examples=300)
@given(st.data())
def test_damaged_bytes_are_not_taken_for_others(data: st.DataObject) -> None:
    whole = bytearray(metered())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    same_as_the_long_way(bytes(whole), Version.V16)


@pytest.mark.parametrize("version", list(Version))
def test_common_messages_of_the_open_lanes_are_taken(version: Version) -> None:
    lawful = specimen(version, "MeterValuesRequest", Random(1), 0.0)
    value = "7" if version is Version.V16 else 7.5
    lawful["meterValue"] = [READING | {"sampledValue": [{"value": value}]}]
    assert taken(framed("MeterValues", lawful), version) is not None


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_an_event_of_a_charge_is_taken(version: Version) -> None:
    value = {"value": 61.5, "measurand": "SoC", "unitOfMeasure": {"unit": "Percent"}}
    event = {
        "eventType": "Updated", "timestamp": READING["timestamp"], "seqNo": 3, "offline": False,
        "triggerReason": "MeterValuePeriodic", "evse": {"id": 1, "connectorId": 1},
        "transactionInfo": {"transactionId": "t1", "chargingState": "Charging"},
        "idToken": {"idToken": "A", "type": "ISO14443"},
        "meterValue": [READING | {"sampledValue": [value]}],
    }  # fmt: skip
    assert taken(framed("TransactionEvent", event), version) is not None
    assert taken(framed("TransactionEvent", event | {"customData": {}}), version) is None


@pytest.mark.parametrize(
    "moment",
    ["2026-02-30T10:15:30Z", "2026-11-31T10:15:30Z", "2026-13-01T10:15:30Z", "2026-11-22T24:00:00Z",
     "2026-11-22 10:15:30Z", "2026-11-22T10:15:60Z", "2026-11-22T10:15:30", "2026-W47-7T08:00:00Z",
     "2026-11-22T10:15:30+24:00", "2026-11-22T10:15:30Z\n", "9000-01-01T00:00:00Z"],
)  # fmt: skip
def test_a_moment_that_never_was_is_left_to_the_long_way(moment: str) -> None:
    assert taken(metered(timestamp=moment)) is None


@pytest.mark.parametrize("day", range(1, 32))
@pytest.mark.parametrize("month", range(1, 13))
def test_the_days_of_a_year_but_one_are_taken(month: int, day: int) -> None:
    data = metered(timestamp=f"2028-{month:02}-{day:02}T10:15:30.25+08:00")
    longest = 28 if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    assert same_as_the_long_way(data, Version.V16) == (day <= longest)


@pytest.mark.parametrize(
    "data",
    [metered().replace(b'"7"', b'"\\u0037"'), metered()[:-1], metered() + b"]", b"", b"[]", b"2",
     metered().replace(b"[2,", b"[3,"), metered().replace(b'"m1"', b'""'), b"\xff" + metered(),
     metered().replace(b'"m1"', b'"' + 37 * b"x" + b'"'), metered().replace(b'"7"', b'"\xff"'),
     metered().replace(b"[2,", b"[2.0,"), metered(more=1), framed("Heartbeat", {})],
)  # fmt: skip
def test_anything_else_is_left_to_the_long_way(data: bytes) -> None:
    assert taken(data) is None


def test_an_edition_has_lanes_for_its_own_calls_alone() -> None:
    names = frozenset({"MeterValues", "TransactionEvent", "RequestBatterySwap"})
    assert set(lanes(Version.V16, names)) == {"MeterValues"}
    assert set(lanes(Version.V21, names)) == {"MeterValues", "TransactionEvent"}
