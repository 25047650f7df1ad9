"""Types made from the schemas: every message goes out and comes back as it was."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specimens import EVERY_MESSAGE, judged, schema_of, specimen

from zerocity.protocols.ocpp.messages import (
    MessageError,
    check,
    message_names,
    message_type,
    read_message,
    write_message,
)
from zerocity.protocols.ocpp.structs import python_name, strict_struct_of
from zerocity.protocols.ocpp.versions import Version

SWAP = {
    "eventType": "BatteryIn",
    "requestId": 7,
    "idToken": {"idToken": "DEADBEEF", "type": "ISO14443"},
    "batteryData": [{"evseId": 3, "serialNumber": "CN-1", "soC": 12.5, "soH": 97}],
}


@pytest.mark.parametrize(("version", "name"), EVERY_MESSAGE)
def test_every_message_round_trips_bare_half_and_full(version: Version, name: str) -> None:
    for seed, fullness in ((1, 0.0), (2, 0.5), (3, 1.0), (4, 1.0)):
        payload = specimen(version, name, Random(seed), fullness)
        text = orjson.dumps(payload)
        assert judged(version, name, text), payload
        message = read_message(version, name, text)
        assert type(message) is message_type(version, name)
        written = write_message(version, name, message)
        assert orjson.dumps(written, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
            payload, option=orjson.OPT_SORT_KEYS
        )
        assert read_message(version, name, written) == message
        # By the types alone, without a dictionary between.
        assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message


@settings(max_examples=150)
@given(
    message=st.sampled_from(EVERY_MESSAGE),
    rng=st.randoms(use_true_random=False),
    fullness=st.floats(0, 1),
)
def test_any_lawful_payload_round_trips(
    message: tuple[Version, str], rng: Random, fullness: float
) -> None:
    payload = specimen(*message, rng, fullness)
    assert judged(*message, orjson.dumps(payload))
    assert write_message(*message, read_message(*message, payload)) == payload


@pytest.mark.parametrize(("version", "name"), EVERY_MESSAGE)
def test_null_is_no_value_of_any_field(version: Version, name: str) -> None:
    action, kind = message_names(version)[name]
    payload = specimen(version, name, Random(5), 1.0)
    properties = schema_of(version, name).get("properties", {})
    for field in set(payload) & set(properties):
        spoilt = {**payload, field: None}
        anything = "type" not in properties[field] and "$ref" not in properties[field]
        assert (check(version, action, kind, spoilt) is None) is anything
        if not anything:
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(spoilt, message_type(version, name))


def test_names_of_the_wire_are_the_names_of_the_fields() -> None:
    message = read_message(Version.V21, "BatterySwapRequest", SWAP)
    assert message.batteryData[0].soC == 12.5
    assert message.batteryData[0].soH == 97
    assert message.batteryData[0].productionDate is msgspec.UNSET
    assert write_message(Version.V21, "BatterySwapRequest", message) == SWAP


def test_whole_numbers_stay_whole_on_the_wire() -> None:
    message = read_message(Version.V21, "BatterySwapRequest", SWAP)
    assert b'"soH":97}' in msgspec.json.encode(message)


def test_open_objects_keep_what_vendors_put_there() -> None:
    payload = {**SWAP, "customData": {"vendorId": "x", "a": {"b": [1, None, 2.5]}}}
    message = read_message(Version.V21, "BatterySwapRequest", payload)
    assert message.customData["a"] == {"b": [1, None, 2.5]}
    assert write_message(Version.V21, "BatterySwapRequest", message) == payload


def spoilt_swap(**changes: Any) -> dict[str, Any]:
    payload = copy.deepcopy(SWAP)
    payload["batteryData"][0].update(changes)  # type: ignore[attr-defined]
    return payload


@pytest.mark.parametrize(
    "changes",
    [{"soc": 1}, {"soC": None}, {"soC": 101}, {"soC": "1"}, {"evseId": -1}, {"evseId": 1.0},
     {"serialNumber": "x" * 51}, {"productionDate": "yesterday"}, {"vendorInfo": None}],
)  # fmt: skip
def test_what_breaks_the_schema_is_not_read(changes: dict[str, Any]) -> None:
    with pytest.raises(MessageError):
        read_message(Version.V21, "BatterySwapRequest", spoilt_swap(**changes))


def test_a_message_that_breaks_its_schema_is_not_written() -> None:
    message = read_message(Version.V21, "BatterySwapRequest", SWAP)
    with pytest.raises(MessageError, match="requestId"):
        write_message(
            Version.V21, "BatterySwapRequest", msgspec.structs.replace(message, requestId="7")
        )


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"a":NaN}', b'"\xff"', "\ud800"])
def test_text_that_is_no_object_is_not_read(text: bytes | str) -> None:
    with pytest.raises(MessageError):
        read_message(Version.V16, "HeartbeatRequest", text)


def test_an_unknown_name_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        message_type(Version.V16, "Heartbeat")


def test_a_type_is_made_once() -> None:
    first = message_type(Version.V201, "TransactionEventRequest")
    assert message_type(Version.V201, "TransactionEventRequest") is first


@pytest.mark.parametrize(
    ("wire", "python"), [("soC", "soC"), ("from", "from_"), ("15118EV", "x15118EV_")]
)
def test_python_takes_every_name(wire: str, python: str) -> None:
    assert python_name(wire) == python
    assert python.isidentifier()


def test_names_on_the_wire_need_no_other_name_in_python() -> None:
    for version, name in EVERY_MESSAGE:
        for wire in schema_of(version, name).get("properties", {}):
            assert python_name(wire) == wire


@pytest.mark.parametrize(
    ("version", "action"),
    [(Version.V16, "GetDiagnostics"), (Version.V16, "RemoteStartTransaction")],
)
def test_a_schema_that_says_more_than_types_has_no_strict_type(
    version: Version, action: str
) -> None:
    with pytest.raises(ValueError, match="no type says"):
        strict_struct_of(version, f"{action}Request", action)
