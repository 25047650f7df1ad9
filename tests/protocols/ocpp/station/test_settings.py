"""The table of a station's settings is whole, and values are judged by it."""

from __future__ import annotations

import pytest

from zerocity.protocols.ocpp.station.settings import ALL, BY_KEY, BY_NAME, Access, Settings


def test_names_keys_and_variables_are_each_used_once() -> None:
    assert len({one.name for one in ALL}) == len(ALL)
    keys = [one.key for one in ALL if one.key]
    assert len(set(keys)) == len(keys)
    variables = [(one.component, one.variable) for one in ALL if one.component]
    assert len(set(variables)) == len(variables)
    assert all(one.key or one.component for one in ALL)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_each_default_is_lawful(one: object) -> None:
    setting = BY_NAME[one.name]  # type: ignore[attr-defined]
    if setting.default:
        free = setting._replace(access=Access.BOTH, reboot=False)
        assert Settings().ask(free, setting.default) == "Accepted"


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("HeartbeatInterval", "10", "Accepted"),
        ("HeartbeatInterval", "9" * 400, "Rejected"),
        ("HeartbeatInterval", "1.5", "Rejected"),
        ("HeartbeatInterval", "00000000001234567890", "Rejected"),
        ("HeartbeatInterval", "¹", "Rejected"),
        ("LocalPreAuthorize", "TRUE", "Accepted"),
        ("AuthorizationKey", "short", "Rejected"),
        ("NumberOfConnectors", "2", "Rejected"),
    ],
)
def test_what_a_csms_may_set(key: str, value: str, status: str) -> None:
    settings = Settings()
    assert settings.ask(BY_KEY[key], value) == status
    if status == "Accepted":
        assert settings.text(BY_KEY[key].name) == value.lower()
