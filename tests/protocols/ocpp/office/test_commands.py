"""Every action that we may start can be ordered; what a station cannot do is refused plainly."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from block_cases import AT, Case
from specimens import specimen

from zerocity.errors import InputError
from zerocity.live.registry import Connector
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.messages import CALLED_BY, Role, Version, check
from zerocity.protocols.ocpp.office.commands import BUILDERS, command, order, words

OURS = [(v, a) for v in Version for a in sorted(CALLED_BY[v, Role.CSMS])]
# Arguments that each word takes, and the versions that can do it.
ALL, V2, V21 = tuple(Version), (Version.V201, Version.V21), (Version.V21,)
CASES: dict[str, tuple[dict[str, Any], tuple[Version, ...]]] = {
    "start": ({"token": "T", "evse": 1}, ALL),
    "stop": ({"evse": 1}, ALL),
    "limit": ({"evse": 1, "kw": 7.5, "valid_s": 60}, ALL),
    "composite": ({"evse": 1}, ALL),
    "profiles": ({"evse": 1}, V2),
    "priority": ({"evse": 1, "active": True}, V21),
    "transaction_status": ({"evse": 1}, V2),
    "reserve": ({"token": "T", "until": (AT + timedelta(hours=1)).isoformat(), "evse": 1}, ALL),
    "cancel_reservation": ({"reservation": 5}, ALL),
    "swap": ({"token": "T"}, V21),
    "show_cost": ({"session": "S1~1", "cost": 12.5}, V2),
    "unlock": ({"evse": 1}, ALL),
    "availability": ({"on": False, "evse": 1}, ALL),
    "clear_cache": ({}, ALL),
    "send_local_list": ({}, ALL),
    "local_list_version": ({}, ALL),
    "get_variables": ({"variables": ["OCPPCommCtrlr.HeartbeatInterval"]}, ALL),
    "set_variable": ({"variable": "OCPPCommCtrlr.HeartbeatInterval", "value": "60"}, ALL),
    "install_certificate": ({"certificate": "PEM"}, ALL),
    "certificates": ({}, ALL),
    "renew_certificate": ({}, ALL),
    "reset": ({"when": "idle"}, ALL),
    "trigger": ({"message": "Heartbeat", "evse": 1}, ALL),
    "inventory": ({}, ALL),
    "monitors": ({}, V2),
    "update_firmware": ({"location": "https://city.example/f.bin"}, ALL),
    "get_log": ({"location": "https://city.example/logs", "kind": "security"}, ALL),
    "customer_information": ({"token": "T"}, V2),
    "show_message": ({"id": 4, "text": "Welcome", "until": AT.isoformat()}, V2),
    "clear_message": ({"id": 4}, V2),
    "shown_messages": ({}, V2),
    "grid_controls": ({}, V21),
    "limit_discharge": ({"id": "a", "percent": 50}, V21),
    "reserve_signal": ({"signal": 3}, V21),
}


def case_of(version: Version) -> Case:
    case = Case(version)
    case.station.version = version.value
    session = LiveSession("S1~1", "S1", 1, 1, "T", AT, 0.0, transaction="tx", number=9)
    case.station.connectors[1, 1] = Connector("S1", 1, 1, "site", 50.0, session=session)
    return case


def run(case: Case, name: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if name == "cancel_reservation" and not case.registry.reservations:
        run(case, "reserve", CASES["reserve"][0])
        arguments = {"reservation": next(iter(case.registry.reservations))}
    return command(case.registry, case.station, name, arguments, AT)


def test_every_word_is_tried() -> None:
    assert set(CASES) == set(BUILDERS)


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize("name", sorted(CASES))
def test_every_word_in_every_version(version: Version, name: str) -> None:
    arguments, versions = CASES[name]
    case = case_of(version)
    if version in versions:
        action, payload = run(case, name, dict(arguments))
        assert check(version, action, "request", payload) is None
        fresh = case if name == "cancel_reservation" else case_of(version)
        again = {"reservation": next(iter(case.registry.reservations), 0)}
        given = again if name == "cancel_reservation" else dict(arguments)
        with pytest.raises(InputError, match="nonsense"):
            command(fresh.registry, fresh.station, name, {**given, "nonsense": 1}, AT)
    else:
        with pytest.raises(InputError):
            run(case, name, dict(arguments))
        assert not case.station.file.swaps


@pytest.mark.parametrize(("version", "action"), OURS)
def test_every_action_can_be_ordered_as_the_standard_writes_it(
    version: Version, action: str
) -> None:
    case, rng = case_of(version), random.Random(action)
    for fullness in (0.0, 0.5, 1.0):
        payload = specimen(version, f"{action}Request", rng, fullness)
        assert run(case, action, payload) == (action, payload)
        if "requestId" in payload:
            del payload["requestId"]
            _, numbered = run(case, action, payload)
            assert check(version, action, "request", numbered) is None
    with pytest.raises(InputError):
        run(case, action, {"nonsense": 1})
    assert action in words(version)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("BootNotification", {}),
        ("dance", {}),
        ("reset", {"when": "later"}),
        ("unlock", {"evse": -1}),
        ("unlock", {"evse": True}),
        ("unlock", {}),
        ("availability", {"on": "yes"}),
        ("limit", {"evse": 1, "kw": "much"}),
        ("stop", {"evse": 2}),
        ("reserve", {"token": "T", "until": "soon"}),
        ("reserve", {"token": "NOBODY", "until": "2026-06-01T00:00:00Z"}),
        ("cancel_reservation", {"reservation": 99}),
        ("get_variables", {"variables": ["NoDot"]}),
        ("send_local_list", {"tokens": ["NOBODY"]}),
        ("send_local_list", {"tokens": "T"}),
    ],
)
def test_a_wrong_order_is_refused(name: str, arguments: dict[str, Any]) -> None:
    case = case_of(Version.V201)
    with pytest.raises(InputError):
        command(case.registry, case.station, name, arguments, AT)
    assert not case.registry.reservations


def test_an_order_names_who_gave_it() -> None:
    case = case_of(Version.V16)
    made = order(case.registry, case.station, "stop", {"session": "S1~1"}, AT, "anna")
    assert (made.action, made.payload, made.who) == (
        "RemoteStopTransaction", {"transactionId": 9}, "anna",
    )  # fmt: skip


def test_a_password_is_not_repeated_in_an_error() -> None:
    case = case_of(Version.V16)
    with pytest.raises(InputError) as caught:
        command(case.registry, case.station, "reset", {"password": "hunter2"}, AT)
    assert "hunter2" not in str(caught.value)
