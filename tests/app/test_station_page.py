"""The data of an integrated station's page."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from zerocity.app.station_page import DayEnergy, station_page
from zerocity.city.folder import load_city
from zerocity.live.facts import SiteFacts, site_facts
from zerocity.live.readings import Readings, SiteReading
from zerocity.live.registry import Connector, LiveStation, Registry, Slot
from zerocity.live.sessions import LiveSession, Sample

AT = datetime(2026, 5, 1, 4, tzinfo=UTC)
READING = SiteReading(
    net_kw=120.0, charging_kw=80.0, pv_kw=30.0, pv_share=0.5, store_kw=-20.0, store_kwh=50.0,
    import_kwh=100.0, export_kwh=10.0, charging_kwh=40.0,
)  # fmt: skip


def _world() -> tuple[Registry, Readings, SiteFacts, str]:
    facts = site_facts(load_city("lanzhou"))
    k = next(k for k in range(len(facts)) if facts.pv_kwp[k] > 0 and facts.store_kw[k] > 0)
    site = facts.names[k]
    registry = Registry()
    charger = LiveStation("A", site, online=True)
    for evse in (1, 2):
        charger.connectors[evse, 1] = Connector("A", evse, 1, site, 60.0)
    session = LiveSession("A~1", "A", 1, 1, "SECRET-TOKEN", AT, 0.0)
    session.take(Sample(AT, 0.0, 50.0, 0.4))
    session.take(Sample(AT + timedelta(minutes=6), 5000.0, 50.0, 0.45))
    charger.connectors[1, 1].session = session
    charger.connectors[1, 1].status = "occupied"
    swap = LiveStation("S", site, kind="swap", online=True)
    for evse, serial, soc in ((1, "P1", 0.95), (2, "P2", 0.4), (3, None, None)):
        swap.slots[evse] = Slot(evse, serial, soc, 0.9 if serial else None)
        swap.connectors[evse, 1] = Connector("S", evse, 1, site, 60.0)
    swap.connectors[2, 1].power_kw = 44.0
    for station in (charger, swap, LiveStation("elsewhere", "another site")):
        registry.add_station(station)
    readings = Readings(facts.names, facts.pv_kwp)
    readings.take(site, READING, 100.0)
    return registry, readings, facts, site


def test_a_page_shows_every_part_of_the_station() -> None:
    registry, readings, facts, site = _world()
    page = station_page(
        registry, readings, site, facts=facts, at=AT, now_s=103.0,
        check_ups=[{"session": "A~0", "text": "fine"}], link={"connected": True},
    )  # fmt: skip
    assert json.loads(json.dumps(page, allow_nan=False)) == page
    assert (page["site"], page["age_s"], page["fresh"]) == (site, 3.0, True)
    assert page["grid"]["power_kw"] == 120.0
    assert page["load_kw"] == 90.0
    assert page["solar"]["allowed_share"] == 0.5
    assert page["store"]["doing"] == "gives"
    assert 0.0 < page["store"]["soc"] <= 1.0
    charging = page["charging"]
    assert (charging["busy"], charging["free"], charging["out_of_service"]) == (1, 1, 0)
    shown = charging["plugs"][0]["session"]
    assert (shown["energy_kwh"], shown["power_kw"], shown["soc"]) == (5.0, 50.0, 0.45)
    swap = page["swap"]
    assert (swap["ready"], swap["empty"], swap["charging"]) == (1, 1, 1)
    assert page["check_ups"][0]["text"] == "fine"
    assert page["today"] is None
    assert "SECRET-TOKEN" not in json.dumps(page)


def test_an_old_reading_and_a_lost_station_are_told() -> None:
    registry, readings, facts, site = _world()
    registry.stations["A"].online = False
    registry.stations["S"].file.held.add(1)
    page = station_page(registry, readings, site, facts=facts, at=AT, now_s=300.0)
    assert not page["fresh"]
    assert page["charging"]["out_of_service"] == 2
    assert page["swap"]["ready"] == 0


def test_a_bare_site_has_no_sun_store_or_slots() -> None:
    facts = site_facts(load_city("lanzhou"))
    k = next(k for k in range(len(facts)) if facts.pv_kwp[k] == 0 and facts.store_kw[k] == 0)
    readings = Readings(facts.names, facts.pv_kwp)
    page = station_page(Registry(), readings, facts.names[k], facts=facts, at=AT, now_s=0.0)
    assert (page["solar"], page["store"], page["swap"], page["age_s"]) == (None, None, None, None)
    assert page["charging"]["plugs"] == []
    with pytest.raises(KeyError):
        station_page(Registry(), readings, "nowhere", facts=facts, at=AT, now_s=0.0)


def test_today_is_counted_from_midnight() -> None:
    days = DayEnergy()
    evening = datetime(2026, 5, 1, 23, tzinfo=UTC)
    assert days.page("s") is None
    for k in range(91):
        reading = replace(READING, import_kwh=100.0 + k)
        days.take("s", reading, 60.0 * k, evening + timedelta(minutes=k))
    page = days.page("s")
    assert page is not None
    assert page["since"] == "2026-05-02T00:00:00+00:00"
    assert page["import_kwh"] == 30.0


def test_energy_by_registers_and_by_power() -> None:
    local = datetime(2026, 5, 1, tzinfo=UTC)
    days = DayEnergy()
    for k in range(61):
        reading = replace(READING, import_kwh=100.0 + k, store_kw=30.0 if k < 30 else -60.0)
        days.take("s", reading, 60.0 * k, local.replace(hour=8) + timedelta(minutes=k))
    page = days.page("s")
    assert page is not None
    assert page["import_kwh"] == 60.0
    assert (page["export_kwh"], page["charging_kwh"]) == (0.0, 0.0)
    assert page["solar_kwh"] == pytest.approx(30.0)
    assert page["store_in_kwh"] == pytest.approx(14.5)
    assert page["store_out_kwh"] == pytest.approx(30.25)
    assert page["without_readings_s"] == 0.0


def test_gaps_and_registers_that_fall_are_not_counted() -> None:
    days = DayEnergy()
    local = datetime(2026, 5, 1, 8, tzinfo=UTC)
    days.take("s", READING, 0.0, local)
    days.take("s", replace(READING, import_kwh=5.0, export_kwh=math.nan), 600.0, local)
    page = days.page("s")
    assert page is not None
    assert (page["import_kwh"], page["export_kwh"]) == (None, None)
    assert (page["solar_kwh"], page["without_readings_s"]) == (0.0, 600.0)
