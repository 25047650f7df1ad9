"""After a restart the registry is as it was, and the same message gets the same answer."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from core_cases import AT, City, Payload, after, event, start_v16, started, stop_v16, values_v16
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.charging.billing import SellingTariff
from zerocity.charging.session import State
from zerocity.live.registry import Registry
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.restore import load_registry
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.recorder import Row, write_now

Told = tuple[str, Payload]


def restarted(city: City, engine: sa.Engine) -> City:
    """A new server over the same store."""
    write_now(engine, city.rows)
    described = City(city.version).registry
    described.tokens.clear()
    registry = load_registry(engine, described)
    return City(city.version, registry, rows=list(city.rows), finished=city.finished)


def test_empty_store_is_an_empty_city(engine: sa.Engine) -> None:
    registry = load_registry(engine)
    assert (registry.stations, registry.sessions, registry.last_number) == ({}, {}, 0)


def test_running_session_of_16_goes_on(engine: sa.Engine) -> None:
    city = City()
    boot = {"chargePointVendor": "V", "chargePointModel": "M"}
    city.hear("BootNotification", boot)
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    city.hear("MeterValues", values_v16(number, [(6, 4000)]), at=after(6))
    before = city.registry.sessions[f"~{number:010d}"]
    again = restarted(city, engine)
    station = again.registry.stations["A"]
    assert (station.boot, station.vendor, station.site) == ("accepted", "V", "site")
    session = again.registry.sessions[before.id]
    assert (session.curve, session.state) == (before.curve, State.CHARGING)
    assert (session.number, session.transaction) == (number, "1")
    assert session.energy_so_far_kwh == 3.0
    seat = station.connectors[1, 1]
    assert seat.session is session
    assert math.isnan(seat.power_at_s)
    assert again.hear("StartTransaction", start_v16())["transactionId"] == number
    other = again.hear("StartTransaction", start_v16(connector=2))
    assert other["transactionId"] == number + 1
    assert other["idTagInfo"]["status"] == "ConcurrentTx"


def test_ended_session_is_confirmed_again_and_not_billed_again(engine: sa.Engine) -> None:
    city = City()
    number = city.hear("StartTransaction", start_v16())["transactionId"]
    city.hear("MeterValues", values_v16(number, [(30, 16_000)]), at=after(30))
    city.hear("StopTransaction", stop_v16(number, 31_000, 60), at=after(60))
    again = restarted(city, engine)
    again.registry.stations["A"].boot = "accepted"
    count = len(again.rows)
    assert again.hear("StopTransaction", stop_v16(number, 31_000, 60), at=after(90)) == {}
    assert again.hear("StartTransaction", start_v16(), at=after(90))["transactionId"] == number
    assert {row.table for row in again.rows[count:]} == {"messages"}
    assert again.finished == [f"~{number:010d}"]


def test_cost_is_told_again_after_a_restart(engine: sa.Engine) -> None:
    city = City(Version.V21)
    city.hear("TransactionEvent", started())
    ended = event("Ended", 1, 31_000.0, 60.0)
    told = city.hear("TransactionEvent", ended)
    again = restarted(city, engine)
    again.registry.stations["A"].boot = "accepted"
    assert again.hear("TransactionEvent", ended) == told


def test_refused_session_stays_refused(engine: sa.Engine) -> None:
    city = City(Version.V201)
    city.hear("TransactionEvent", started(tag="BLOCKED"))
    session = restarted(city, engine).registry.sessions["A~tx"]
    assert (session.state, session.token) == (State.REFUSED, "BLOCKED")


def test_tokens_tariffs_reservations_and_plugs(engine: sa.Engine) -> None:
    tariff = SellingTariff.gansu()
    soon = AT + timedelta(hours=1)
    write_now(
        engine,
        [
            Row("stations", {"id": "S", "site": "x", "kind": "swap", "status": "pending",
                             "connectors": [{"evse": 1, "max_kw": 40}]}),
            Row("stations", {"id": "GONE", "status": "removed"}),
            Row("connectors", {"station": "S", "evse": 1, "connector": 1, "status": "faulted",
                               "changed_at": AT}),
            Row("tokens", {"id_token": "Card", "status": "blocked", "priority": 2}),
            Row("tariffs", {"id": "default", "currency": "CNY", "body": tariff.body()}),
            Row("tariffs", {"id": "x", "currency": "CNY",
                            "body": tariff.body() | {"service_cny_per_kwh": 0.9}}),
            Row("reservations", {"id": 7, "station": "S", "evse": 1, "connector": 1,
                                 "token": "Card", "expires_at": soon, "status": "active"}),
            Row("reservations", {"id": 8, "station": "S", "status": "used"}),
        ],
    )  # fmt: skip
    registry = load_registry(engine)
    assert list(registry.stations) == ["S"]
    station = registry.stations["S"]
    assert (station.boot, station.kind) == ("pending", "swap")
    seat = station.connectors[1, 1]
    assert (seat.max_kw, seat.status) == (40.0, "faulted")
    token = registry.token("CARD")
    assert token is not None
    assert (token.status, token.priority) == ("blocked", 2)
    assert registry.tariff("x").service_cny_per_kwh == 0.9
    assert registry.tariff("y").id == "default"
    assert list(registry.reservations) == [7]


def test_known_stations_keep_their_site(engine: sa.Engine) -> None:
    city = City()
    city.hear("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    write_now(engine, city.rows)
    fresh = City(registry=Registry())
    fresh.registry.stations["A"].site = "elsewhere"
    load_registry(engine, fresh.registry)
    assert fresh.registry.stations["A"].site == "elsewhere"
    assert fresh.registry.stations["A"].vendor == "V"


V16 = [
    ("StartTransaction", start_v16()),
    *[("MeterValues", values_v16(1, [(m, 1000 + 500 * m)])) for m in (10, 20, 40)],
    ("StopTransaction", stop_v16(1, 31_000, 60)),
]
V2 = [
    ("TransactionEvent", payload)
    for payload in (
        started(),
        *[event("Updated", n, 1000.0 + 5000 * n, 10.0 * n) for n in (1, 2, 3)],
        event("Ended", 4, 31_000.0, 60.0),
    )
]


@given(
    case=st.sampled_from([(Version.V16, "~0000000001", V16), (Version.V201, "A~tx", V2)]),
    kills=st.lists(st.integers(1, 5), max_size=3),
)
@settings(max_examples=25)
def test_server_killed_at_any_moment_bills_the_same(
    case: tuple[Version, str, list[Told]], kills: list[int]
) -> None:
    version, name, told = case
    plain = City(version)
    for action, payload in told:
        plain.hear(action, payload, at=after(90))
    with TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "live.db")
        migrate(engine)
        city, answers = City(version), {}
        for place, (action, payload) in enumerate(told, 1):
            answers[place] = city.hear(action, payload, at=after(90))
            if place in kills:
                city = restarted(city, engine)
                city.registry.stations["A"].boot = "accepted"
                # Nobody heard the last answer: the station tells it again.
                assert city.hear(action, payload, at=after(90)) == answers[place]
        engine.dispose()
    assert city.cdr(name) == plain.cdr(name)
    assert city.table("sessions") == plain.table("sessions")
    assert set(city.table("messages")) == set(plain.table("messages"))


def test_needs_that_were_told_are_known_again(engine: sa.Engine) -> None:
    city = City(Version.V201)
    city.hear("TransactionEvent", started(state="EVConnected"))
    needs = {
        "evseId": 1,
        "chargingNeeds": {
            "requestedEnergyTransfer": "DC", "departureTime": "2026-05-01T05:00:00Z",
            "dcChargingParameters": {"evMaxCurrent": 100, "evMaxVoltage": 500,
                                     "energyAmount": 20_000, "evEnergyCapacity": 60_000},
        },
    }  # fmt: skip
    city.hear("NotifyEVChargingNeeds", needs)
    city.hear("TransactionEvent", event("Updated", 1, 6000.0, 10.0), at=after(10))
    before = city.registry.sessions["A~tx"]
    session = restarted(city, engine).registry.sessions["A~tx"]
    assert before.need_kwh == 15.0
    assert (session.need_kwh, session.depart_at) == (15.0, before.depart_at)
