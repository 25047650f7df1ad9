"""OCPP 1.6 core: right answers, one session a start, and a bill from the meter alone."""

from __future__ import annotations

from typing import Any

import pytest
from core_cases import AT, City, after, start_v16, stop_v16, values_v16
from hypothesis import given
from hypothesis import strategies as st

from zerocity.charging.session import State
from zerocity.protocols.ocpp.office.handling import Refusal


def charge(city: City, *, name: str = "A", tag: str = "T") -> int:
    """A whole session of 30 kWh from nine to ten; returns its number."""
    number: int = city.hear("StartTransaction", start_v16(tag), name=name)["transactionId"]
    for minute in range(5, 60, 5):
        values = values_v16(number, [(minute, 1000 + minute * 500)])
        city.hear("MeterValues", values, at=after(minute), name=name)
    city.hear("StopTransaction", stop_v16(number, 31_000, 60), at=after(60), name=name)
    return number


def test_session_is_billed_by_its_meter_line_by_line() -> None:
    city = City()
    number = charge(city)
    bill = city.cdr(f"~{number:010d}")
    assert bill["energy_kwh"] == 30.0
    energy, service = bill["lines"]
    assert (energy["window"], energy["energy_kwh"]) == ("flat", 30.0)
    assert energy["price_cny_per_kwh"] == pytest.approx(sum(energy["parts"].values()))
    assert bill["cost_cny"] == pytest.approx(energy["cost_cny"] + service["cost_cny"])
    row = city.table("sessions")[(f"~{number:010d}",)]
    assert (row["state"], row["stop_reason"], row["energy_kwh"]) == ("ended", "Local", 30.0)
    assert len(city.table("session_curves")[(f"~{number:010d}",)]["data"]["points"]) == 11
    assert city.finished == [f"~{number:010d}"]
    assert not city.registry.sessions
    assert city.registry.stations["A"].connectors[1, 1].session is None


def test_running_session_stands_at_its_plug() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    seat = city.registry.stations["A"].connectors[1, 1]
    assert seat.session is not None
    assert (seat.session.number, seat.session.limit_kw, seat.session.priority) == (number, 60.0, 3)
    assert seat.session.state is State.READY
    values = values_v16(number, [(6, 4000)])
    values["meterValue"][0]["sampledValue"] += [
        {"value": "30.5", "measurand": "Power.Active.Import", "unit": "kW"},
        {"value": "41", "measurand": "SoC", "unit": "Percent"},
    ]
    city.hear("MeterValues", values, at=after(6))
    assert (seat.power_kw, seat.power_at_s) == (30.5, 0.0)
    assert seat.session.soc == pytest.approx(0.41)
    assert seat.session.energy_so_far_kwh == 3.0
    assert seat.session.state is State.CHARGING
    kwh, hours, assumed = seat.session.need(after(6))
    assert (kwh, assumed) == (27.0, True)
    assert hours == pytest.approx(1.9)


def test_power_comes_from_energy_where_the_meter_gives_no_power() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    city.hear("MeterValues", values_v16(number, [(6, 4000)]), at=after(6))
    assert city.registry.stations["A"].connectors[1, 1].power_kw == pytest.approx(30.0)


def test_start_told_twice_is_one_session() -> None:
    city = City()
    first = city.hear("StartTransaction", start_v16())
    assert city.hear("StartTransaction", start_v16(), at=after(9)) == first
    assert city.hear("StartTransaction", start_v16(tag="t"), at=after(9)) == first
    assert len(city.registry.sessions) == 1
    later = city.hear("StartTransaction", start_v16(minutes=5, connector=2))
    assert later["transactionId"] != first["transactionId"]


def test_start_told_again_after_the_stop_opens_nothing() -> None:
    city = City()
    number = charge(city)
    before = city.cdr(f"~{number:010d}")
    assert city.hear("StartTransaction", start_v16())["transactionId"] == number
    assert not city.registry.sessions
    assert city.table("sessions")[(f"~{number:010d}",)]["state"] == "ended"
    assert city.cdr(f"~{number:010d}") == before


@pytest.mark.parametrize(
    ("tag", "status"),
    [("T", "Accepted"), ("t", "Accepted"), ("BLOCKED", "Blocked"), ("OLD", "Expired"),
     ("nobody", "Invalid")],
)  # fmt: skip
def test_each_token_gets_its_verdict(tag: str, status: str) -> None:
    city = City()
    assert city.hear("Authorize", {"idTag": tag})["idTagInfo"]["status"] == status
    begun = city.hear("StartTransaction", start_v16(tag))
    assert begun["idTagInfo"]["status"] == status
    session = next(iter(city.registry.sessions.values()))
    wanted = State.READY if status == "Accepted" else State.REFUSED
    assert session.state is wanted


def test_group_of_a_token_is_told() -> None:
    assert City().hear("Authorize", {"idTag": "T"})["idTagInfo"]["parentIdTag"] == "G"


def test_a_token_charges_in_one_place_at_a_time() -> None:
    city = City()
    city.hear("StartTransaction", start_v16())
    second = city.hear("StartTransaction", start_v16(), name="B")
    assert second["idTagInfo"]["status"] == "ConcurrentTx"
    assert city.hear("StartTransaction", start_v16(), name="B") == second
    assert city.hear("StartTransaction", start_v16())["idTagInfo"]["status"] == "Accepted"
    assert city.hear("Authorize", {"idTag": "T"})["idTagInfo"]["status"] == "Accepted"
    city.hear("StopTransaction", stop_v16(1, 2000, 10), at=after(10))
    third = city.hear("StartTransaction", start_v16(minutes=11, connector=2), at=after(11))
    assert third["idTagInfo"]["status"] == "Accepted"


def test_offline_start_is_taken_as_it_was() -> None:
    city = City()
    city.hear("StartTransaction", start_v16(), at=after(1))
    late = city.hear("StartTransaction", start_v16(connector=2), at=after(300), name="B")
    assert late["idTagInfo"]["status"] == "Accepted"
    row = city.table("sessions")[(f"~{late['transactionId']:010d}",)]
    assert (row["offline"], row["started_at"]) == (True, AT)


@pytest.mark.parametrize("number", [0, -1])
def test_transaction_needs_a_plug(number: int) -> None:
    city = City()
    refused = city.ask("StartTransaction", start_v16(connector=number))
    assert isinstance(refused, Refusal)
    assert refused.code == "PropertyConstraintViolation"
    assert not city.registry.sessions
    assert not city.rows


def test_stop_of_an_unknown_transaction_is_confirmed_and_changes_nothing() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    assert city.hear("StopTransaction", stop_v16(-1, 5000, 5)) == {}
    assert city.hear("StopTransaction", stop_v16(number + 1, 5000, 5)) == {}
    assert city.hear("StopTransaction", stop_v16(number, 5000, 5), name="B") == {}
    assert list(city.registry.sessions) == [f"~{number:010d}"]
    assert not city.table("cdrs")
    assert len(city.table("messages")) == 4


def test_readings_of_another_plug_bill_nobody() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    city.hear("MeterValues", values_v16(number, [(5, 9e8)], connector=2))
    session = city.registry.sessions[f"~{number:010d}"]
    assert session.curve == []
    assert any("connector 2" in note for note in session.notes)


def test_readings_without_a_transaction_show_power_alone() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    values = values_v16(None, [(5, 9000)])
    values["meterValue"][0]["sampledValue"].append(
        {"value": "7000", "measurand": "Power.Active.Import"}
    )
    city.hear("MeterValues", values)
    assert city.registry.stations["A"].connectors[1, 1].power_kw == 7.0
    assert city.registry.sessions[f"~{number:010d}"].curve == []


def test_transaction_data_of_the_stop_shapes_the_bill() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    stop = stop_v16(number, 31_000, 120)
    # All of it before ten o'clock, while the price is flat.
    stop["transactionData"] = values_v16(None, [(30, 16_000), (59, 31_000)])["meterValue"]
    city.hear("StopTransaction", stop, at=after(120))
    lines = city.cdr(f"~{number:010d}")["lines"]
    assert [line["window"] for line in lines if line["kind"] == "energy"] == ["flat"]


def test_readings_that_come_after_the_end_settle_it_anew() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    city.hear("StopTransaction", stop_v16(number, 31_000, 120), at=after(120))
    before = city.cdr(f"~{number:010d}")
    assert {line.get("window") for line in before["lines"]} >= {"flat", "valley"}
    city.hear("MeterValues", values_v16(number, [(59, 31_000)]), at=after(130))
    later = city.cdr(f"~{number:010d}")
    assert later["energy_kwh"] == before["energy_kwh"]
    assert later["cost_cny"] > before["cost_cny"]
    assert city.finished == [f"~{number:010d}"]


def test_second_different_end_does_not_count() -> None:
    city = City()
    number = charge(city)
    before = city.cdr(f"~{number:010d}")
    city.hear("StopTransaction", stop_v16(number, 99_000, 61), at=after(61))
    assert city.cdr(f"~{number:010d}") == before


@pytest.mark.parametrize(
    ("word", "status"),
    [("Available", "available"), ("SuspendedEV", "occupied"), ("Faulted", "faulted"),
     ("Reserved", "reserved"), ("Unavailable", "unavailable")],
)  # fmt: skip
def test_status_of_a_plug(word: str, status: str) -> None:
    city = City()
    told = {"connectorId": 1, "errorCode": "NoError", "status": word}
    city.hear("StatusNotification", told)
    assert city.registry.stations["A"].connectors[1, 1].status == status
    assert city.table("connectors")[("A", 1, 1)]["status"] == status
    assert city.changes == ["site"]


def test_late_status_changes_nothing() -> None:
    city = City()
    told = {"connectorId": 1, "errorCode": "NoError"}
    city.hear(
        "StatusNotification", told | {"status": "Faulted", "timestamp": "2026-05-01T00:59:00Z"}
    )
    city.hear(
        "StatusNotification", told | {"status": "Available", "timestamp": "2026-05-01T00:10:00Z"}
    )
    assert city.registry.stations["A"].connectors[1, 1].status == "faulted"


def test_clock_that_ran_ahead_does_not_bar_later_news() -> None:
    city = City()
    told = {"connectorId": 1, "errorCode": "NoError"}
    city.hear(
        "StatusNotification", told | {"status": "Faulted", "timestamp": "2077-05-01T00:00:00Z"}
    )
    city.hear("StatusNotification", told | {"status": "Available"}, at=after(1))
    assert city.registry.stations["A"].connectors[1, 1].status == "available"


def test_plugs_that_nobody_described_are_taken_in_up_to_a_bound() -> None:
    city = City()
    told: dict[str, Any] = {"errorCode": "NoError", "status": "Available"}
    city.hear("StatusNotification", told | {"connectorId": 0})
    city.hear("StatusNotification", told | {"connectorId": 7})
    assert city.registry.stations["A"].connectors[7, 1].max_kw == 60.0
    for number in range(1, 400):
        city.ask("StatusNotification", told | {"connectorId": number})
    assert len(city.registry.stations["A"].connectors) == 256
    assert isinstance(city.ask("StatusNotification", told | {"connectorId": -3}), Refusal)


def test_pauses_are_told_by_the_status() -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    told = {"connectorId": 1, "errorCode": "NoError", "status": "SuspendedEV"}
    city.hear("StatusNotification", told, at=after(1))
    assert city.registry.sessions[f"~{number:010d}"].state is State.VEHICLE_PAUSE


def test_nobody_knows_other_vendors_messages() -> None:
    answer = City().hear("DataTransfer", {"vendorId": "x.y", "data": "z"})
    assert answer == {"status": "UnknownVendorId"}


def test_no_text_that_a_database_cannot_keep_reaches_it() -> None:
    city = City()
    city.hear("StartTransaction", start_v16(tag="a\x00b"))
    assert not any("\x00" in str(value) for row in city.rows for value in row.values.values())


@given(data=st.data())
def test_repeats_in_any_order_lead_to_the_same_bill(data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.tuples(st.integers(1, 59), st.integers(0, 30_000)), max_size=8))
    stop = ("StopTransaction", stop_v16(1, 31_000, 60))
    told = [("MeterValues", values_v16(1, [(m, 1000 + wh)])) for m, wh in steps]
    told += [stop, *data.draw(st.lists(st.sampled_from([*told, stop]), max_size=8))]
    told.append(("StartTransaction", start_v16()))
    order = data.draw(st.permutations(told))
    plain, mixed = City(), City()
    for city, messages in ((plain, told[: len(steps) + 1]), (mixed, order)):
        city.hear("StartTransaction", start_v16())
        for action, payload in messages:
            city.hear(action, payload, at=after(70))
    assert mixed.cdr("~0000000001") == plain.cdr("~0000000001")
    ended = [city.table("sessions")[("~0000000001",)] for city in (plain, mixed)]
    assert ended[0] == ended[1]
    assert len(mixed.table("messages")) == len(plain.table("messages"))


MESSAGES = st.sampled_from(
    [
        ("StartTransaction", start_v16()),
        ("StartTransaction", start_v16("U", connector=2)),
        ("MeterValues", values_v16(1, [(5, 2000)])),
        ("MeterValues", values_v16(2, [(6, 3000)])),
        ("MeterValues", values_v16(None, [(7, 4000)])),
        ("StopTransaction", stop_v16(1, 5000, 8)),
        ("StopTransaction", stop_v16(2, 6000, 9)),
        ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Faulted"}),
    ]
)


@given(messages=st.lists(MESSAGES, max_size=12))
def test_messages_of_one_station_change_no_other(messages: list[tuple[str, Any]]) -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16("OTHER", wh=7), name="B")["transactionId"]
    assert number == 1
    session = city.registry.sessions["~0000000001"]
    before = (repr(session), repr(city.registry.stations["B"]))
    for action, payload in messages:
        city.hear(action, payload, at=after(10))
    assert (repr(session), repr(city.registry.stations["B"])) == before
    stored = [row for row in city.rows if row.values.get("station") == "B"]
    assert len(stored) == 2


def test_messages_of_a_forgotten_session_keep_their_keys() -> None:
    city = City()
    number = charge(city)
    told = {"MeterValues": values_v16(number, [(55, 28_500)]),
            "StopTransaction": stop_v16(number, 31_000, 60)}  # fmt: skip
    before = set(city.table("messages"))
    session = city.registry.ended.pop(f"~{number:010d}")
    city.registry.forget(session.id, "A", session.start_key, session.cost_cny)
    for action, payload in told.items():
        city.hear(action, payload, at=after(90))
    assert set(city.table("messages")) == before
    city.hear("MeterValues", values_v16(number + 1, [(55, 28_500)]), at=after(90))
    assert len(city.table("messages")) == len(before) + 1
