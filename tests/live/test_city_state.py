"""A city from its folder in the registry: all its stations and vehicles, none of them twice."""

from __future__ import annotations

from live_cities import made_facts, made_registry

from zerocity.city.devices import stations_of, vehicles_of
from zerocity.city.folder import load_city
from zerocity.city.thin import Size, thinned
from zerocity.live.city_state import add_stations, add_vehicles, set_default
from zerocity.live.facts import site_facts
from zerocity.live.registry import Registry
from zerocity.live.vehicles import Vehicles

CITY = thinned(load_city("lanzhou"), Size(8, 2, 30))


def test_every_station_has_its_plugs_and_slots() -> None:
    registry, facts, specs = Registry(), site_facts(CITY), stations_of(CITY)
    add_stations(registry, facts, specs)
    assert list(registry.stations) == [spec.id for spec in specs]
    for spec in specs:
        station = registry.stations[spec.id]
        assert len(station.connectors) == spec.evses
        assert len(station.slots) == (spec.evses if spec.kind == "swap" else 0)
        assert station.site == facts.names[spec.site]
        assert all(seat.max_kw == spec.max_kw for seat in station.connectors.values())


def test_a_station_that_is_known_keeps_what_it_has() -> None:
    registry, facts, specs = Registry(), site_facts(CITY), stations_of(CITY)
    add_stations(registry, facts, specs)
    first = registry.stations[specs[0].id]
    add_stations(registry, facts, specs)
    assert registry.stations[specs[0].id] is first


def test_defaults_are_those_of_the_site_and_strangers_keep_theirs() -> None:
    registry, facts = made_registry(), made_facts()
    for station in registry.stations.values():
        station.default_kw = 0.5
    registry.stations["dc"].site = "elsewhere"
    known = [name for name, station in registry.stations.items() if set_default(station, facts)]
    assert known == ["ac", "swap"]
    told = {name: station.default_kw for name, station in registry.stations.items()}
    assert told == {"ac": 4.0, "dc": 0.5, "swap": 2.0}


def test_all_vehicles_are_known() -> None:
    vehicles = Vehicles()
    add_vehicles(vehicles, vehicles_of(CITY))
    assert len(vehicles) == 30
