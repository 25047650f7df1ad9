"""The town on the evening before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zerocity.city.scenario import City
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import Stage
from zerocity.twin.population import DAYS_PER_YEAR, Population, draw_life_days, make_packs, populate


def test_every_pack_of_the_city_is_there_and_in_one_place(people: Population, city: City) -> None:
    packs, cars, at = people.packs, people.cars, people.at
    assert packs.size == city.packs
    assert cars.fleet.size == city.vehicles
    in_cars = cars.packs[cars.packs >= 0]
    in_slots = at.slots[at.slots >= 0]
    stored = np.flatnonzero(packs.stage == Stage.STORAGE)
    everywhere = np.concatenate([in_cars, in_slots, stored])
    assert sorted(everywhere.tolist()) == list(range(packs.size))
    assert (packs.stage[in_cars] == Stage.IN_SERVICE).all()
    assert (packs.stage[in_slots] == Stage.SWAP_POOL).all()
    assert (packs.vehicle[cars.packs[:, 0]] == np.arange(cars.fleet.size)).all()
    assert in_slots.size == city.pool_packs().sum()
    assert stored.size == city.storage_packs().sum()


def test_packs_are_partly_charged_and_have_a_past(people: Population) -> None:
    packs = people.packs
    assert (packs.energy_kwh > 0.0).all()
    assert (packs.energy_kwh <= packs.usable_kwh).all()
    assert (packs.born_day < 0).all()
    assert (packs.life_days > -packs.born_day - 2).all(), "nobody should have left already"


def test_vehicles_use_sites_of_their_kind(people: Population, city: City) -> None:
    kinds = np.array(city.sites.kind)
    for number, spec in enumerate(city.fleets):
        mine = people.cars.fleet == number
        for sites, kind in (
            (people.cars.base[mine], spec.base_site_kind),
            (people.cars.mid[mine], spec.mid_site_kind),
            (people.cars.demand[mine], spec.on_demand_site_kind),
        ):
            assert set(kinds[sites[sites >= 0]]) <= {kind}


def test_the_same_seed_makes_the_same_town(city: City, timeline: Timeline) -> None:
    first, second, other = (populate(city, timeline, seed).packs for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first.life_days, other.life_days)


def test_one_fleet_more_leaves_the_others_as_they_were(city: City, timeline: Timeline) -> None:
    bus, taxi = city.fleets
    alone = populate(replace(city, fleets=(bus,)), timeline, 5).packs
    both = populate(city, timeline, 5).packs
    np.testing.assert_array_equal(alone.life_days[:20], both.life_days[:20])
    assert taxi.vehicles == 40


def test_a_town_without_vehicles(city: City, timeline: Timeline) -> None:
    empty = populate(replace(city, fleets=tuple(replace(f, vehicles=0) for f in city.fleets)),
                     timeline, 1)  # fmt: skip
    assert empty.cars.fleet.size == 0
    assert empty.packs.size == city.packs - 60


def test_a_copy_brings_the_state_back(people: Population) -> None:
    kept, held = people.copy(), people.packs.energy_kwh
    people.packs.energy_kwh[:] = 0.0
    people.cars.mode[:] = 2
    people.at.free[:] = 0
    people.restore(kept)
    assert held is people.packs.energy_kwh, "others hold the arrays"
    assert held.min() > 0.0
    assert people.cars.mode.max() == 0
    assert people.at.free.max() > 0


@given(st.integers(0, 1000), st.floats(0.5, 20.0), st.floats(0.0, 3.0))
def test_nobody_has_outlived_the_life_that_is_drawn(seed: int, years: float, spread: float) -> None:
    rng = np.random.default_rng(seed)
    age = rng.uniform(0.0, 30.0 * DAYS_PER_YEAR, 50)
    life = draw_life_days(rng, 50, years, spread, age)
    assert (life > age).all()


def test_new_packs_are_whole_and_half_full(city: City) -> None:
    products = tuple(city.products.values())
    which = np.array([0, 1, 2])
    packs = make_packs(products, which, np.random.default_rng(1), np.array([3, 4, 5]))
    capacity = [p.capacity_kwh for p in products[:3]]
    assert packs.capacity_kwh.tolist() == packs.usable_kwh.tolist() == capacity
    np.testing.assert_allclose(packs.soc, 0.5)
    assert packs.born_day.tolist() == packs.checked_day.tolist() == [3, 4, 5]
    assert (packs.soh == 1.0).all()
