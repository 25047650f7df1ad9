"""Names that the platform and the devices derive alike."""

from __future__ import annotations

import re

from zerocity.city.devices import stations_of, vehicles_of
from zerocity.city.folder import load_city
from zerocity.city.thin import Size, thinned


def test_every_plug_and_place_belongs_to_one_station() -> None:
    city = thinned(load_city("lanzhou"), Size())
    stations = stations_of(city)
    plugs = sum(s.evses for s in stations if s.kind == "charger")
    places = sum(s.evses for s in stations if s.kind == "swap")
    assert (plugs, places) == (city.sites.plugs.sum(), city.sites.swap_slots.sum())
    assert len([s for s in stations if s.kind == "charger"]) == 300
    assert len([s for s in stations if s.kind == "swap"]) == 20
    assert len({s.id for s in stations}) == len(stations)
    # OCPP 2.1: an identity has 48 characters at most, of a small alphabet.
    assert all(re.fullmatch(r"[A-Za-z0-9*_=:+|@.-]{1,48}", s.id) for s in stations)
    assert {s.version for s in stations} == {"1.6", "2.0.1", "2.1"}


def test_every_vehicle_has_a_lawful_vin_of_its_own() -> None:
    vehicles = vehicles_of(thinned(load_city("lanzhou"), Size()))
    assert len(vehicles) == 2000
    assert len({v.vin for v in vehicles}) == len({v.id for v in vehicles}) == 2000
    assert all(re.fullmatch(r"[0-9A-HJ-NPR-Z]{17}", v.vin) for v in vehicles)
