"""Every payload is held to its schema, with the error code of its edition."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from effort import least_s
from specimens import EVERY_MESSAGE, judged, specimen, spoil

from zerocity.protocols.ocpp.codes import CODES
from zerocity.protocols.ocpp.messages import (
    LONGEST_DESCRIPTION,
    SUBPROTOCOLS,
    Kind,
    MessageError,
    Version,
    check,
    read_message,
)

V16, V201, V21 = Version

BOOT_16 = {"chargePointVendor": "Zero", "chargePointModel": "One"}
BOOT_2 = {"reason": "PowerUp", "chargingStation": {"model": "One", "vendorName": "Zero"}}
TAG = {"idToken": "A1", "type": "ISO14443"}


def test_each_subprotocol_is_an_edition() -> None:
    assert list(SUBPROTOCOLS.values()) == list(Version)
    assert SUBPROTOCOLS["ocpp2.0.1"] is V201


@pytest.mark.parametrize(("version", "payload"), [(V16, BOOT_16), (V201, BOOT_2), (V21, BOOT_2)])
def test_a_lawful_payload_passes(version: Version, payload: dict[str, Any]) -> None:
    assert check(version, "BootNotification", "request", payload) is None


@pytest.mark.parametrize(
    ("version", "payload", "code"),
    [
        (V16, {}, "ProtocolError"),
        (V16, {**BOOT_16, "color": "red"}, "FormationViolation"),
        (V16, {**BOOT_16, "chargePointModel": 1}, "TypeConstraintViolation"),
        (V16, {**BOOT_16, "chargePointModel": None}, "TypeConstraintViolation"),
        (V16, {**BOOT_16, "chargePointModel": "x" * 21}, "PropertyConstraintViolation"),
        (V16, [], "FormationViolation"),
        (V16, None, "FormationViolation"),
        (V201, {}, "OccurrenceConstraintViolation"),
        (V21, {**BOOT_2, "color": "red"}, "FormatViolation"),
        (V21, {**BOOT_2, "reason": 1}, "TypeConstraintViolation"),
        (V201, {**BOOT_2, "reason": "powerup"}, "PropertyConstraintViolation"),
        (V201, "text", "ProtocolError"),
        (V21, {**BOOT_2, "customData": {}}, "OccurrenceConstraintViolation"),
        (V21, {**BOOT_2, "customData": {"vendorId": "v", "more": 1}}, None),
    ],
)
def test_each_wrong_has_its_code(version: Version, payload: Any, code: str | None) -> None:
    violation = check(version, "BootNotification", "request", payload)
    assert (violation and violation.code) == code


@pytest.mark.parametrize(
    ("version", "action", "payload", "code"),
    [
        (V16, "MeterValues", {"connectorId": 1, "meterValue": [
            {"timestamp": "2026-11-22T10:15:30Z", "sampledValue": []}]},
         "OccurenceConstraintViolation"),
        (V16, "SignedUpdateFirmware", {"requestId": 1, "firmware": {
            "location": "https://a", "retrieveDateTime": "x", "signingCertificate": "c",
            "signature": "s"}}, "PropertyConstraintViolation"),
        (V16, "UpdateFirmware", {"location": "no uri", "retrieveDate": "2026-11-22T10:15:30Z"},
         "PropertyConstraintViolation"),
        (V16, "SendLocalList", {"listVersion": 1.5, "updateType": "Full"},
         "TypeConstraintViolation"),
        (V201, "MeterValues", {"evseId": 1, "meterValue": []}, "OccurrenceConstraintViolation"),
        (V201, "GetVariables", {"getVariableData": []}, "OccurrenceConstraintViolation"),
        (V21, "BatterySwap", {"eventType": "BatteryIn", "requestId": 1, "idToken": TAG,
            "batteryData": []}, "OccurrenceConstraintViolation"),
        (V21, "BatterySwap", {"eventType": "BatteryIn", "requestId": 1, "idToken": TAG,
            "batteryData": [{"evseId": 1, "serialNumber": "a", "soC": 101, "soH": 1}]},
         "PropertyConstraintViolation"),
        (V21, "BatterySwap", {"eventType": "BatteryIn", "requestId": 1, "idToken": TAG,
            "batteryData": [{"evseId": 1, "serialNumber": "a", "soc": 1, "soH": 1}]},
         "OccurrenceConstraintViolation"),
        (V21, "DataTransfer", {"vendorId": "v", "data": [1, {"any": None}]}, None),
    ],
)  # fmt: skip
def test_each_rule_of_a_schema_counts(
    version: Version, action: str, payload: dict[str, Any], code: str | None
) -> None:
    violation = check(version, action, "request", payload)
    assert (violation and violation.code) == code


def limit(value: float) -> dict[str, Any]:
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": value}],
            },
        },
    }


@pytest.mark.parametrize(
    ("value", "passes"), [(0.3, True), (21.4, True), (16, True), (0.15, False), (21.39, False)]
)
def test_tenths_are_tenths_in_spite_of_binary_fractions(value: float, passes: bool) -> None:
    assert (check(V16, "SetChargingProfile", "request", limit(value)) is None) is passes


@pytest.mark.parametrize(
    ("version", "action", "kind", "code"),
    [
        (V16, "TransactionEvent", "request", "NotImplemented"),
        (V16, "authorize", "request", "NotImplemented"),
        (V16, "AuthorizeRequest", "request", "NotImplemented"),
        (V201, "BatterySwap", "request", "NotImplemented"),
        (V21, "../../etc/passwd", "request", "NotImplemented"),
        (V21, "", "request", "NotImplemented"),
        (V21, "NotifyPeriodicEventStream", "request", "NotSupported"),
        (V21, "NotifyPeriodicEventStream", "response", "NotSupported"),
        (V21, "Heartbeat", "send", "NotSupported"),
    ],
)
def test_an_action_must_be_known_as_this_kind(
    version: Version, action: str, kind: Kind, code: str
) -> None:
    violation = check(version, action, kind, {})
    assert violation is not None
    assert violation.code == code


def test_the_description_names_the_place_and_keeps_the_value_to_itself() -> None:
    secret = "hunter2" * 20
    violation = check(V16, "Authorize", "request", {"idTag": secret})
    assert violation is not None
    assert violation.description == "idTag: the value is longer than 20 characters"
    moment = {"currentTime": secret}
    violation = check(V21, "Heartbeat", "response", moment)
    assert violation is not None
    assert violation.description.startswith("currentTime: the value is not a")
    assert "hunter2" not in violation.description


def test_one_of_several_wrongs_is_told_the_type_before_the_value() -> None:
    both = {"requestId": "7", "eventType": 5, "batteryData": [], "idToken": TAG, "extra": 1}
    violation = check(V21, "BatterySwap", "request", both)
    assert violation is not None
    assert violation.code == "TypeConstraintViolation"


@pytest.mark.parametrize(
    ("version", "action", "payload"),
    [
        (V16, "MeterValues", {"connectorId": 1, "meterValue": [{"x" * 50: 1}] * 8000}),
        (V16, "MeterValues", {str(number): 1 for number in range(6000)}),
        (V201, "NotifyReport", {"reportData": [1] * 30_000}),
        (V21, "Heartbeat", {"x" * 60_000: 1}),
    ],
)
def test_thousands_of_wrongs_cost_little_and_give_a_short_text(
    version: Version, action: str, payload: dict[str, Any]
) -> None:
    assert least_s(lambda: check(version, action, "request", payload)) < 0.1
    violation = check(version, action, "request", payload)
    assert violation is not None
    assert len(violation.description) <= LONGEST_DESCRIPTION


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2}, 2**70])
def test_what_json_cannot_say_never_passes(value: Any) -> None:
    assert check(V21, "GetTransactionStatus", "request", {"transactionId": value}) is not None
    data = {"vendorId": "v", "data": value}
    if not isinstance(value, int):
        violation = check(V21, "DataTransfer", "request", {**data, "vendorId": value})
        assert violation is not None


@pytest.mark.parametrize(("version", "name"), EVERY_MESSAGE)
def test_nothing_passes_that_the_judge_refuses(version: Version, name: str) -> None:
    rng = Random(f"{version}{name}")
    refused = 0
    for _ in range(12):
        payload = spoil(specimen(version, name, rng), rng, rng.randint(1, 3))
        text = json.dumps(payload).encode()
        try:
            read_message(version, name, text)
        except MessageError as error:
            refused += 1
            violation = error.violation
        else:
            assert judged(version, name, text), text
            continue
        assert violation.code in CODES[version]
        assert 0 < len(violation.description) <= LONGEST_DESCRIPTION
    assert refused > 0
