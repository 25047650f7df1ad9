"""TransactionEvent: one session a transaction, whatever the order of its messages."""

from __future__ import annotations

from typing import Any

import pytest
from core_cases import AT, City, Payload, after, event, started
from hypothesis import given
from hypothesis import strategies as st

from zerocity.charging.session import State
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Outcome, Refusal

NAME = "A~tx"


def city() -> City:
    return City(Version.V201)


def whole() -> list[Payload]:
    """A session of 30 kWh in an hour."""
    between = [event("Updated", n, 1000.0 + n * 5000.0, n * 10.0) for n in range(1, 6)]
    ended = event("Ended", 6, 31_000.0, 60.0, state="EVConnected")
    ended["transactionInfo"]["stoppedReason"] = "EVDisconnected"
    return [started(), *between, ended]


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_session_from_start_to_bill(version: Version) -> None:
    here = City(version)
    first, *between, ended = whole()
    answer = here.hear("TransactionEvent", first)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert answer["idTokenInfo"]["groupIdToken"] == {"idToken": "G", "type": "Central"}
    assert answer["chargingPriority"] == 3
    seat = here.registry.stations["A"].connectors[1, 1]
    assert seat.session is not None
    assert seat.session.state is State.CHARGING
    for payload in between:
        assert here.hear("TransactionEvent", payload) == {}
    assert seat.power_kw == pytest.approx(30.0)
    told = here.hear("TransactionEvent", ended)
    bill = here.cdr(NAME)
    assert told == {"totalCost": bill["cost_cny"]}
    assert bill["energy_kwh"] == 30.0
    assert [line["kind"] for line in bill["lines"]] == ["energy", "service"]
    row = here.table("sessions")[(NAME,)]
    assert (row["state"], row["stop_reason"], row["last_seq_no"]) == ("ended", "EVDisconnected", 6)
    assert seat.session is None
    assert here.finished == [NAME]


def test_end_told_again_gets_the_same_cost_and_no_new_bill() -> None:
    here = city()
    answers = [here.hear("TransactionEvent", payload) for payload in whole()]
    count = len(here.rows)
    assert here.hear("TransactionEvent", whole()[-1]) == answers[-1]
    assert [row.table for row in here.rows[count:]] == ["messages"]
    assert here.finished == [NAME]


def test_missing_messages_are_named_on_the_bill_until_they_come() -> None:
    here = city()
    first, one, two, three, *_, ended = whole()
    for payload in (first, one, ended):
        here.hear("TransactionEvent", payload)
    notes = [line["text"] for line in here.cdr(NAME)["lines"] if line["kind"] == "note"]
    assert "messages 2 to 5 of the transaction never came" in notes
    here.hear("TransactionEvent", two)
    here.hear("TransactionEvent", three)
    notes = [line["text"] for line in here.cdr(NAME)["lines"] if line["kind"] == "note"]
    assert "messages 4 to 5 of the transaction never came" in notes


def test_end_alone_is_a_session_without_proved_energy() -> None:
    here = city()
    here.hear("TransactionEvent", whole()[-1])
    bill = here.cdr(NAME)
    assert (bill["energy_kwh"], bill["cost_cny"]) == (0.0, 0.0)
    assert any("messages 0 to 5" in line.get("text", "") for line in bill["lines"])


def test_refused_token_may_not_charge() -> None:
    here = city()
    answer = here.hear("TransactionEvent", started(tag="BLOCKED", state="EVConnected"))
    assert answer["idTokenInfo"]["status"] == "Blocked"
    here.hear("TransactionEvent", event("Updated", 1, 1500.0, 1.0))
    session = here.registry.sessions[NAME]
    assert session.state is State.REFUSED
    assert session.notes == ["unlawful: charge while refused"]


def test_token_shown_after_the_plug() -> None:
    here = city()
    first = started(state="EVConnected")
    token = first.pop("idToken")
    here.hear("TransactionEvent", first)
    session = here.registry.sessions[NAME]
    assert (session.state, session.token) == (State.PLUGGED, None)
    here.hear(
        "TransactionEvent", event("Updated", 1, None, 1.0, idToken=token, state="EVConnected")
    )
    assert session.token == "T"
    assert here.table("sessions")[(NAME,)]["token"] == "T"
    assert here.registry.open_elsewhere("T", None)


def test_another_token_that_ends_a_session_does_not_pay_for_it() -> None:
    here = city()
    here.hear("TransactionEvent", started())
    ended = event("Ended", 1, 2000.0, 10.0, idToken={"idToken": "U", "type": "ISO14443"})
    here.hear("TransactionEvent", ended)
    assert here.table("sessions")[(NAME,)]["token"] == "T"


def test_a_token_charges_in_one_place_at_a_time() -> None:
    here = city()
    here.hear("TransactionEvent", started())
    busy = here.hear("TransactionEvent", started(), name="B")
    assert busy["idTokenInfo"]["status"] == "ConcurrentTx"
    offline = here.hear("TransactionEvent", started("tx2", offline=True), name="B")
    assert offline["idTokenInfo"]["status"] == "Accepted"
    again = here.hear("TransactionEvent", started())
    assert again["idTokenInfo"]["status"] == "Accepted"


def test_offline_readings_are_not_the_power_of_now() -> None:
    here = city()
    here.hear("TransactionEvent", started(offline=True))
    here.hear("TransactionEvent", event("Updated", 1, 6000.0, 10.0, offline=True))
    seat = here.registry.stations["A"].connectors[1, 1]
    assert seat.power_kw == 0.0
    assert here.registry.sessions[NAME].offline
    assert here.registry.sessions[NAME].energy_so_far_kwh == 5.0


def test_two_stations_may_choose_the_same_name() -> None:
    here = city()
    here.hear("TransactionEvent", started())
    here.hear("TransactionEvent", started(tag="U"), name="B")
    assert set(here.registry.sessions) == {"A~tx", "B~tx"}
    here.hear("TransactionEvent", event("Ended", 1, 2000.0, 5.0), name="B")
    assert set(here.registry.sessions) == {"A~tx"}


def test_need_shrinks_as_energy_flows() -> None:
    here = city()
    here.hear("TransactionEvent", started())
    session = here.registry.sessions[NAME]
    session.need_kwh, session.depart_at = 20.0, after(60)
    here.hear("TransactionEvent", event("Updated", 1, 6000.0, 10.0))
    assert session.need(after(30)) == (15.0, 0.5, False)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"seqNo": -1},
        {"seqNo": 2**40},
        {"evse": {"id": -1}},
        {"evse": {"id": 0}},
        {"evse": {"id": 1, "connectorId": 0}},
        {"transactionInfo": {"transactionId": ""}},
        {"transactionInfo": {"transactionId": "a\x00"}},
    ],
)
def test_what_no_station_may_say_changes_nothing(spoilt: Payload) -> None:
    here = city()
    refused = here.ask("TransactionEvent", started() | spoilt)
    assert isinstance(refused, Refusal)
    assert refused.code == "PropertyConstraintViolation"
    assert not here.registry.sessions
    assert not here.rows


def test_far_away_moments_are_not_believed() -> None:
    here = city()
    first = started() | {"timestamp": "1971-01-01T00:00:00+14:00"}
    assert isinstance(here.ask("TransactionEvent", first), Outcome)
    assert here.registry.sessions[NAME].started_at == AT


def test_messages_of_a_session_ended_long_ago_change_nothing() -> None:
    here = city()
    told = [here.hear("TransactionEvent", payload) for payload in whole()]
    session = here.registry.ended.pop(NAME)
    here.registry.forget(NAME, "A", session.start_key, session.cost_cny)
    count = len(here.rows)
    assert here.hear("TransactionEvent", whole()[-1]) == told[-1]
    assert here.hear("TransactionEvent", whole()[0])["idTokenInfo"]["status"] == "Accepted"
    assert not here.registry.sessions
    assert {row.table for row in here.rows[count:]} == {"messages"}


READINGS = st.lists(st.integers(-5000, 40_000), min_size=0, max_size=6)


@given(readings=READINGS, data=st.data())
def test_any_order_and_repeats_lead_to_the_same_bill(
    readings: list[int], data: st.DataObject
) -> None:
    ended = event("Ended", len(readings) + 1, 31_000.0, 60.0)
    told = [started()]
    told += [
        event("Updated", n + 1, 1000.0 + wh, 5.0 + n, state="SuspendedEV")
        for n, wh in enumerate(readings)
        if wh >= -1000
    ]
    told.append(ended)
    extra = data.draw(st.lists(st.sampled_from(told), max_size=6))
    order = data.draw(st.permutations([*told, *extra]))
    plain, mixed = city(), city()
    for here, messages in ((plain, told), (mixed, order)):
        for payload in messages:
            here.hear("TransactionEvent", payload, at=after(70))
    assert mixed.cdr(NAME) == plain.cdr(NAME)
    assert mixed.table("sessions")[(NAME,)] == plain.table("sessions")[(NAME,)]
    assert set(mixed.table("messages")) == set(plain.table("messages"))
    assert len(mixed.finished) == 1
    assert not mixed.registry.sessions
    assert not mixed.registry.busy


@given(
    messages=st.lists(
        st.tuples(st.sampled_from(["Started", "Updated", "Ended"]), st.integers(0, 4)), max_size=10
    )
)
def test_messages_of_one_station_change_no_other(messages: list[tuple[str, int]]) -> None:
    here = city()
    here.hear("TransactionEvent", started(tag="U"), name="B")
    before = (repr(here.registry.sessions["B~tx"]), repr(here.registry.stations["B"]))
    for kind, seq_no in messages:
        more: dict[str, Any] = {"evse": {"id": 1}, "idToken": {"idToken": "T", "type": "ISO14443"}}
        here.hear("TransactionEvent", event(kind, seq_no, 1000.0 * seq_no, 5.0 * seq_no, **more))
    assert (repr(here.registry.sessions["B~tx"]), repr(here.registry.stations["B"])) == before
