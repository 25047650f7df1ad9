"""Full and differential lists, and the version that both sides must agree on."""

from __future__ import annotations

from typing import Any

import pytest
from block_cases import Case

from zerocity.errors import InputError
from zerocity.live.tokens import Token
from zerocity.protocols.ocpp.messages import Version, check
from zerocity.protocols.ocpp.office.local_list import MOST_ENTRIES, change_message, list_messages


def number_of(payload: dict[str, Any]) -> int:
    number: int = payload.get("versionNumber", payload.get("listVersion"))
    return number


@pytest.mark.parametrize("version", list(Version))
def test_a_full_list_then_changes(version: Version) -> None:
    case = Case(version)
    tokens = [Token(f"T{i}", status="blocked" if i % 2 else "accepted") for i in range(5)]
    ((action, payload),) = list_messages(version, case.station, tokens)
    assert check(version, action, "request", payload) is None
    assert (payload["updateType"], number_of(payload)) == ("Full", 1)
    case.reply(action, payload, {"status": "Accepted"})
    action, payload = change_message(version, case.station, [Token("NEW")], ["T1"])
    assert check(version, action, "request", payload) is None
    assert (payload["updateType"], number_of(payload)) == ("Differential", 2)
    assert len(payload["localAuthorizationList"]) == 2
    assert (
        sum("idTagInfo" in e or "idTokenInfo" in e for e in payload["localAuthorizationList"]) == 1
    )
    case.reply(action, payload, {"status": "VersionMismatch"})
    with pytest.raises(InputError, match="full list"):
        change_message(version, case.station, [Token("NEW")])


@pytest.mark.parametrize("version", list(Version))
def test_a_long_list_goes_in_parts_of_which_the_first_is_full(version: Version) -> None:
    case = Case(version)
    tokens = [Token(f"T{i}") for i in range(MOST_ENTRIES + 1)]
    parts = list_messages(version, case.station, tokens)
    assert [p["updateType"] for _, p in parts] == ["Full", "Differential"]
    assert [number_of(p) for _, p in parts] == [1, 2]
    assert sum(len(p["localAuthorizationList"]) for _, p in parts) == len(tokens)


def test_an_empty_list_is_lawful_and_a_token_too_long_for_1_6_is_left_out() -> None:
    case = Case(Version.V16)
    ((_, payload),) = list_messages(Version.V16, case.station, [Token("x" * 21)])
    assert "localAuthorizationList" not in payload
    assert check(Version.V16, "SendLocalList", "request", payload) is None
    ((_, payload),) = list_messages(Version.V21, case.station, [Token("x" * 21)])
    assert len(payload["localAuthorizationList"]) == 1


@pytest.mark.parametrize("version", list(Version))
def test_the_version_is_asked_for(version: Version) -> None:
    case = Case(version)
    name = "listVersion" if version is Version.V16 else "versionNumber"
    (row,) = case.reply("GetLocalListVersion", {}, {name: 7})
    assert (case.station.file.list_version, row.values["value"]) == (7, "7")
    with pytest.raises(InputError, match="changes"):
        change_message(version, case.station, [])


def test_a_station_without_a_list_says_so() -> None:
    case = Case(Version.V16)
    ((action, payload),) = list_messages(Version.V16, case.station, [])
    case.reply(action, payload, {"status": "Failed"})
    assert case.station.file.list_version is None
    case.reply(action, payload, {"status": "NotSupported"})
    assert case.station.file.list_version == -1
