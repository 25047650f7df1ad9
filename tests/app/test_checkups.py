"""The curve of each ended session goes to diagnosis; its result to ledger, receipt and centre."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from zerocity.aftersales.session_checkup import Rated
from zerocity.app.checkups import CheckUps, Subject, on_session_ended, rated_by_city
from zerocity.charging.billing import Bill, SellingTariff, bill
from zerocity.charging.receipt import receipt
from zerocity.charging.session import State
from zerocity.city.folder import load_city
from zerocity.live.registry import Connector, LiveStation, Registry, Slot
from zerocity.live.sessions import LiveSession, Sample
from zerocity.live.tokens import Token
from zerocity.live.vehicles import Vehicles
from zerocity.passports.lifecycle import TRANSITIONS, Event, Stage
from zerocity.storage import ledger
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.live_tables import cdrs, ledger_events, work_orders
from zerocity.storage.recorder import Recorder

T0 = datetime(2026, 5, 1, 1, tzinfo=UTC)


def made_session(
    *, station: str = "A", token: str | None = "T", capacity_kwh: float = 60.0, until: float = 0.8
) -> LiveSession:
    """A direct-current session of 60 kW, ended."""
    session = LiveSession(f"{station}~1", station, 1, 1, token, T0, 0.0, state=State.CHARGING)
    wh, soc, k = 0.0, 0.2, 0
    while soc < until:
        at = T0 + timedelta(seconds=15 * k)
        session.take(Sample(at, round(wh), 60.0, round(soc, 2), 380.0, 158.0))
        wh, soc, k = wh + 250.0, soc + 0.96 * 0.25 / capacity_kwh, k + 1
    session.meter_end_wh, session.ended_at = round(wh), T0 + timedelta(seconds=15 * k)
    session.state, session.cost_cny = State.ENDED, 12.0
    return session


def made_bill(session: LiveSession) -> Bill:
    return bill(session.account(60.0), SellingTariff.gansu())


def made_registry() -> Registry:
    registry = Registry()
    charger = LiveStation("A", "site")
    charger.connectors[1, 1] = Connector("A", 1, 1, "site", 60.0)
    swap = LiveStation("S", "site", kind="swap")
    swap.slots[1] = Slot(1, "PACK-7", 0.5, 0.9)
    registry.add_station(charger)
    registry.add_station(swap)
    registry.add_token(Token("T", vehicle="bus-1"))
    return registry


def made_vehicles() -> Vehicles:
    vehicles = Vehicles()
    vehicles.add("bus-1", "LZCTEST0000000001", "city_bus")
    return vehicles


def _tables(rows: list[object]) -> list[str]:
    return [row.table for row in rows]  # type: ignore[attr-defined]


def test_a_known_vehicle_gets_a_ledger_event_and_a_line_on_the_receipt() -> None:
    session = made_session()
    checks = CheckUps(made_registry(), made_vehicles(), lambda subject, site: Rated(62.0))
    rows = list(checks(session, made_bill(session), session.ended_at or T0))
    assert _tables(rows) == ["cdrs", "ledger_events"]
    event = rows[1].values
    assert (event["battery"], event["event"]) == ("vehicle/bus-1", "checked")
    assert event["data"]["capacity_kwh"]["low"] < 60.0 < event["data"]["capacity_kwh"]["high"]
    assert event["data"]["capacity_ratio"] is not None
    assert "T" not in event["data"].values()
    paper = receipt(rows[0].values)
    assert paper.check_up.startswith("Battery check-up: usable capacity")
    assert paper.sure == "fair"
    assert (checks.made, checks.said, checks.grave, checks.failed) == (1, 1, 0, 0)
    assert checks.last("site")[0]["battery"] == "vehicle/bus-1"
    assert checks.last("elsewhere") == []


def test_a_pack_in_a_slot_is_known_by_its_number_and_billed_to_nobody() -> None:
    session = made_session(station="S", token=None)
    session.cost_cny = None
    checks = CheckUps(made_registry(), made_vehicles())
    rows = list(checks(session, made_bill(session), T0))
    assert _tables(rows) == ["ledger_events"]
    assert rows[0].values["battery"] == "PACK-7"
    assert rows[0].values["data"]["stage"] == "swap_pool"


def test_a_battery_that_nobody_knows_leaves_a_receipt_only() -> None:
    for session in (made_session(token="stranger"), made_session(token=None)):
        checks = CheckUps(made_registry(), made_vehicles())
        assert _tables(list(checks(session, made_bill(session), T0))) == ["cdrs"]
        assert checks.last("site")[0]["battery"] is None


def test_a_vehicle_is_known_by_its_own_name_as_token() -> None:
    checks = CheckUps(made_registry(), made_vehicles())
    subject = checks.subject(made_session(token="bus-1"))
    assert subject == Subject("vehicle", "bus-1", Stage.IN_SERVICE)


def test_a_grave_finding_makes_one_work_order() -> None:
    session = made_session(capacity_kwh=30.0)
    checks = CheckUps(made_registry(), made_vehicles(), lambda subject, site: Rated(62.0))
    rows = list(checks(session, made_bill(session), T0))
    assert _tables(rows) == ["cdrs", "ledger_events", "work_orders"]
    order = rows[2].values
    assert order["subject"] == "bus-1"
    assert order["severity"] == "high"
    assert "very low capacity" in order["reason"]
    assert order["evidence"]["signs"] == ["very low capacity"]
    assert checks.grave == 1


def test_a_curve_that_says_nothing_leaves_no_event() -> None:
    session = made_session(until=0.3)
    checks = CheckUps(made_registry(), made_vehicles())
    rows = list(checks(session, made_bill(session), T0))
    assert _tables(rows) == ["cdrs"]
    assert "nothing can be said" in receipt(rows[0].values).check_up
    assert checks.said == 0


@pytest.mark.parametrize("stage", list(Stage))
def test_only_a_lawful_check_enters_the_ledger(stage: Stage) -> None:
    session = made_session()
    subject = Subject("battery", "PACK-7", stage)
    _, rows = on_session_ended(session, made_bill(session), T0, subject=subject)
    if (stage, Event.CHECKED) in TRANSITIONS:
        assert _tables(rows) == ["cdrs", "ledger_events"]
    else:
        assert _tables(rows) == ["cdrs", "work_orders"]
        assert stage.label in rows[1].values["reason"]


def test_a_fault_in_the_check_does_not_keep_a_session_from_ending() -> None:
    def broken(subject: Subject, site: str) -> Rated:
        raise KeyError("product")

    session = made_session()
    checks = CheckUps(made_registry(), made_vehicles(), broken)
    assert checks(session, made_bill(session), T0) == []
    assert checks.failed == 1


def test_what_a_vehicle_had_when_new_follows_from_its_fleet() -> None:
    city, vehicles = load_city("lanzhou"), made_vehicles()
    fleet = city.fleets[0]
    vehicles.add("x", "LZCTEST0000000002", fleet.name)
    rated = rated_by_city(city, vehicles)
    found = rated(Subject("vehicle", "x", Stage.IN_SERVICE), "")
    product = city.products[fleet.product]
    assert found is not None
    assert found.capacity_kwh == product.capacity_kwh * fleet.packs_per_vehicle
    assert rated(Subject("vehicle", "y", Stage.IN_SERVICE), "") is None
    k = next(k for k, name in enumerate(city.sites.swap_product) if name)
    pack = rated(Subject("battery", "P", Stage.SWAP_POOL), city.sites.name[k])
    assert pack is not None
    assert pack.capacity_kwh == city.products[city.sites.swap_product[k]].capacity_kwh
    assert rated(Subject("battery", "P", Stage.SWAP_POOL), "elsewhere") is None


def test_the_store_keeps_one_event_a_session_and_the_newest_receipt(database_url: str) -> None:
    engine = open_engine(database_url)
    migrate(engine)
    recorder = Recorder(database_url, flush_s=0.001)
    checks = CheckUps(made_registry(), made_vehicles(), lambda subject, site: Rated(120.0))
    session = made_session()
    for _ in range(2):
        recorder.submit(list(checks(session, made_bill(session), T0)))
    recorder.close(10.0)
    assert recorder.healthy
    with engine.connect() as connection:
        events = connection.execute(sa.select(ledger_events)).all()
        records = connection.execute(sa.select(cdrs)).all()
        orders = connection.execute(sa.select(work_orders)).all()
        assert ledger.verify(connection).whole
    assert [(e.battery, e.event) for e in events] == [("vehicle/bus-1", "checked")]
    assert len(orders) == 1
    assert receipt(dict(records[0]._mapping)).check_up.startswith("Battery check-up")
    engine.dispose()
