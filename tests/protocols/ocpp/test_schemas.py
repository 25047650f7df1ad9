"""The published schemas are taken as they are, and only narrowed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from specimens import EVERY_MESSAGE, schema_of

from zerocity.protocols.ocpp.schemas import LARGEST_NUMBER, narrowed, schema, validator
from zerocity.protocols.ocpp.versions import Version

# What narrowing and the types know; a keyword that is not here could be passed over in silence.
KNOWN_KEYWORDS = {
    "$schema", "$id", "$ref", "additionalItems", "additionalProperties", "comment", "default",
    "definitions", "description", "enum", "format", "items", "javaType", "maxItems", "maxLength",
    "maximum", "minItems", "minimum", "multipleOf", "properties", "required", "title", "type",
}  # fmt: skip


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    inside = [*node.get("properties", {}).values(), *node.get("definitions", {}).values()]
    for one in [*inside, *([node["items"]] if "items" in node else [])]:
        yield from nodes(one)


@pytest.mark.parametrize(("version", "name"), EVERY_MESSAGE)
def test_no_schema_uses_a_keyword_that_is_not_known_here(version: Version, name: str) -> None:
    root = schema_of(version, name)
    assert {key for node in nodes(root) for key in node} <= KNOWN_KEYWORDS
    assert {node.get("format") for node in nodes(root)} <= {None, "date-time", "uri"}
    # Where draft 4 and draft 6 could differ, they are not used: identifiers inside, and booleans
    # for exclusive bounds.
    assert all("$id" not in node for node in nodes(root) if node is not root)


def test_narrowing_leaves_the_published_schema_alone() -> None:
    root = schema(Version.V201, "TransactionEventRequest")
    before = copy.deepcopy(root)
    narrowed(root)
    assert root == before


def test_a_schema_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        schema(Version.V16, "AuthorizeRequest")


@pytest.mark.parametrize(
    ("soc", "passes"),
    [(50, True), (50.5, True), (0, True), (100, True), (100.01, False), (-1, False), (True, False),
     (float("inf"), False), (float("nan"), False), ("50", False), (None, False)],
)  # fmt: skip
def test_bounds_of_the_schema_stay(soc: Any, passes: bool) -> None:
    battery = {"evseId": 1, "serialNumber": "a", "soC": soc, "soH": 100}
    payload = {
        "eventType": "BatteryIn",
        "requestId": 1,
        "idToken": {"idToken": "a", "type": "Central"},
        "batteryData": [battery],
    }
    assert validator(Version.V21, "BatterySwap", "request").is_valid(payload) is passes


@pytest.mark.parametrize(
    ("meter", "passes"),
    [(0, True), (LARGEST_NUMBER, True), (-LARGEST_NUMBER, True), (LARGEST_NUMBER + 1, False),
     (2**64 - 1, False), (1.0, False), (1e300, False), (False, False)],
)  # fmt: skip
def test_integers_are_whole_and_exact(meter: Any, passes: bool) -> None:
    payload = {"connectorId": 1, "idTag": "a", "meterStart": meter,
               "timestamp": "2026-11-22T10:15:30Z"}  # fmt: skip
    assert validator(Version.V16, "StartTransaction", "request").is_valid(payload) is passes
    interval = {"currentTime": "2026-11-22T10:15:30Z", "interval": meter, "status": "Accepted"}
    assert validator(Version.V21, "BootNotification", "response").is_valid(interval) is passes


def passes_as_moment(text: str) -> bool:
    for version in Version:
        compiled = validator(version, "Heartbeat", "response")
        if not compiled.is_valid({"currentTime": text}):
            return False
    return True


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T10:15:30Z", "2026-11-22T10:15:30.1Z", "2026-11-22T10:15:30.123456789012+08:00",
     "1000-01-01T00:00:00-23:59", "8999-12-31T23:59:59+23:59", "2024-02-29T00:00:00-00:00"],
)  # fmt: skip
def test_a_moment_passes_and_python_can_read_it(text: str) -> None:
    assert passes_as_moment(text)
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    moment.astimezone(UTC)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-11-22", "2026-11-22T10:15:30", "2026-11-22 10:15:30Z",
     "2026-11-22T10:15Z", "2026-11-22T10:15:30+0800", "2026-11-22T24:00:00Z",
     "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2016-12-31T23:59:60Z",
     "2026-11-22t10:15:30z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
     "2026-11-22T10:15:30Z\n", "\n2026-11-22T10:15:30Z", "２026-11-22T10:15:30Z",
     "2026-11-22T10:15:30.Z", "2026-11-22T10:15:30,5Z", "2026-11-22T10:15:30+24:00"],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: str) -> None:
    assert not passes_as_moment(text)


@given(st.text(alphabet="0123456789-:.TZ+", max_size=30))
def test_every_moment_that_passes_can_be_read_and_moved_to_utc(text: str) -> None:
    if passes_as_moment(text):
        datetime.fromisoformat(text).astimezone(UTC)


@given(st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(8999, 12, 30)))
def test_what_python_writes_in_utc_passes(moment: datetime) -> None:
    assert passes_as_moment(moment.replace(tzinfo=UTC).isoformat())
