"""A city that lives on while its chargers obey from outside."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from zerocity.city.folder import load_city
from zerocity.city.thin import Size, thinned
from zerocity.energy.weather import made_weather
from zerocity.twin.street import Street, street_timeline

HOUR = 7


@pytest.fixture(scope="module")
def street() -> Street:
    city = thinned(load_city("lanzhou"), Size(60, 8, 400))
    timeline = street_timeline(date(2026, 3, 2), 2, city.utc_offset_h)
    made = Street(city, timeline, made_weather(city.climate, timeline, 1), seed=1)
    made.begin(timeline.start_utc + timedelta(hours=HOUR))
    return made


def full_power(street: Street) -> np.ndarray:
    kwh = np.zeros(street.people.packs.size)
    for _, guest in street.at_plugs().values():
        for pack in guest.packs:
            kwh[pack] = 1e3
    for guest in street.in_slots().values():
        kwh[list(guest.packs)] = 1e3
    return kwh


def test_a_minute_moves_energy_from_the_plugs_into_the_packs(street: Street) -> None:
    packs = street.people.packs
    sites = len(street.city.sites)
    for _ in range(30):
        street.look()
        guests = [g for _, g in street.at_plugs().values()] + list(street.in_slots().values())
        wanted = sum(min(g.limit_kw / 60.0, g.need_kwh) for g in guests)
        ids = sorted({p for g in guests for p in g.packs})
        before = packs.energy_kwh[ids].sum()
        street.live(full_power(street), np.zeros(sites), np.zeros(sites))
        gained = packs.energy_kwh[ids].sum() - before
        assert 0.0 <= gained <= wanted + 1e-9
        assert gained == pytest.approx(0.94 * wanted, rel=0.05, abs=1e-6)


def test_nothing_charges_that_is_not_told_to(street: Street) -> None:
    packs, sites = street.people.packs, len(street.city.sites)
    street.look()
    ids = [p for _, g in street.at_plugs().values() for p in g.packs]
    before = packs.energy_kwh[ids].copy()
    street.live(np.zeros(packs.size), np.zeros(sites), np.zeros(sites))
    np.testing.assert_array_equal(packs.energy_kwh[ids], before)


def test_packs_that_change_hands_are_told_once(street: Street) -> None:
    packs, sites, at = street.people.packs, len(street.city.sites), street.people.at
    told = 0
    for _ in range(12 * 60):
        slots = at.slots.copy()
        handed = street.look()
        assert len(handed) == int((at.slots != slots).sum())
        for one in handed:
            assert packs.place[one.taken] == one.site
            assert packs.vehicle[one.given] == one.vehicle >= 0
        told += len(handed)
        street.live(full_power(street), np.zeros(sites), np.zeros(sites))
    assert told > 0


def test_midnight_passes(street: Street) -> None:
    sites = len(street.city.sites)
    while street.day == 0:
        street.look()
        street.live(full_power(street), np.zeros(sites), np.zeros(sites))
    assert street.step == 1
