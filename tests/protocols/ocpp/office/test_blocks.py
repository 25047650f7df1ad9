"""Every action of every version: what a station may send is handled, whatever it holds."""

from __future__ import annotations

import random
from typing import Any

import pytest
from block_cases import AT, Case, check_rows
from specimens import specimen

from zerocity.live.registry import Connector
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.messages import CALLED_BY, SENT_BY, Role, Version, check
from zerocity.protocols.ocpp.office import blocks, office
from zerocity.protocols.ocpp.office.certificates import make_authority
from zerocity.protocols.ocpp.office.handling import Unlawful
from zerocity.protocols.ocpp.office.orders import Order

TRIES = 25
SENT = [(v, a) for v in Version for a in sorted(CALLED_BY[v, Role.STATION])]
OURS = [(v, a) for v in Version for a in sorted(CALLED_BY[v, Role.CSMS] - {"DataTransfer"})]
AUTHORITY = make_authority("Lanzhou", AT)


def busy_case(version: Version) -> Case:
    """A station with a session at each of two plugs, in a city with an authority."""
    case = Case(version)
    case.station.version = version.value
    case.registry.city.authority = AUTHORITY
    case.registry.city.packs = {"known"}
    for evse in (1, 2):
        session = LiveSession(
            f"S1~{evse}", "S1", evse, 1, "T", AT, 0.0, transaction=str(evse), granted_kw=5.0
        )
        case.station.connectors[evse, 1] = Connector("S1", evse, 1, "site", 50.0, session=session)
    return case


@pytest.mark.parametrize(("version", "action"), SENT)
def test_what_a_station_may_send_is_handled(version: Version, action: str) -> None:
    assert (version, action) in office.HANDLERS


@pytest.mark.parametrize("version", list(Version))
def test_what_a_station_may_tell_is_handled(version: Version) -> None:
    assert {a for v, a in office.TOLD if v is version} >= SENT_BY[version, Role.STATION]


def test_nothing_else_is_handled() -> None:
    assert set(blocks.HANDLERS) <= set(SENT)
    assert set(blocks.REPLIES) == {action for _, action in OURS} | {"DataTransfer"}


@pytest.mark.parametrize(("version", "action"), sorted(blocks.HANDLERS))
def test_whatever_a_valid_message_holds_it_is_answered_and_stored_rightly(
    version: Version, action: str
) -> None:
    rng = random.Random(f"{version}{action}")
    case = busy_case(version)
    for number in range(TRIES):
        payload = specimen(version, f"{action}Request", rng, number / TRIES)
        try:
            outcome = blocks.HANDLERS[version, action](case.context(), payload)
        except Unlawful:
            continue
        assert check(version, action, "response", outcome.payload) is None, outcome.payload
        check_rows(outcome.rows)
        if outcome.after is not None:
            outcome.after()


@pytest.mark.parametrize(("version", "action"), OURS)
def test_whatever_a_valid_result_holds_it_is_taken(version: Version, action: str) -> None:
    rng = random.Random(f"{version}{action}")
    case = busy_case(version)
    for number in range(TRIES):
        request = specimen(version, f"{action}Request", rng, number / TRIES)
        answer = specimen(version, f"{action}Response", rng, number / TRIES)
        for token in (Order(action, request, "anna"), None):
            check_rows(blocks.REPLIES[action](case.context(), token, answer))
            check_rows(blocks.REFUSALS[action](case.context(), token, "Timeout", ""))


def test_every_told_value_is_taken() -> None:
    rng = random.Random(1)
    case = busy_case(Version.V21)
    for number in range(TRIES * 4):
        payload: dict[str, Any] = specimen(Version.V21, "NotifyPeriodicEventStream", rng, 0.5)
        case.hear("OpenPeriodicEventStream", {
            "constantStreamData": {"id": number % 9, "params": {}, "variableMonitoringId": 1}
        })  # fmt: skip
        payload["id"] = number % 9
        rows = blocks.TOLD[Version.V21, "NotifyPeriodicEventStream"](case.context(), payload)
        check_rows(rows)
