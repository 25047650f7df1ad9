"""After retirement: the law, the room there is, and every kilogram."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from zerocity.carbon.account import Method
from zerocity.city.scenario import City
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import Stage
from zerocity.recycling.routing import SecondLife
from zerocity.twin.afterlife import NO_ROOM, Afterlife
from zerocity.twin.events import LifeLedger
from zerocity.twin.flows import MATERIALS, NightFlows, pack_materials
from zerocity.twin.population import Population, populate

# Reuse pays for whatever the law lets through.
GENEROUS = SecondLife(
    station_kwh=2000.0, new_price_cny_per_kwh=3000.0, value_cny_per_kwh=5.0,
    repack_cost_cny_per_kwh=0.0, bms_cost_cny_per_kwh=0.0,
)  # fmt: skip


def made(
    city: City, ids: range, start: date = date(2026, 1, 5), stage: Stage = Stage.RETIRED
) -> tuple[Afterlife, Population]:
    """The starter town with packs ``ids`` retired."""
    timeline = Timeline(start, 60)
    people = populate(city, timeline, 1)
    ledger = LifeLedger(timeline)
    ledger.codes.add(np.array([f"CODE{p:020d}" for p in range(people.packs.size)]))
    people.packs.stage[list(ids)] = stage
    return Afterlife(city, people, ledger, Method.CUT_OFF), people


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def without_leaks(city: City, **changes: Any) -> City:
    return replace(city, policy=replace(city.policy, informal_share=0.0), **changes)


def outcome(city: City, start: date, chemistry: str) -> Counter[int]:
    """Stages of twenty good bus packs of ``chemistry`` after their test."""
    products = {**city.products, "bus": replace(city.products["bus"], chemistry=chemistry)}
    room = replace(city.sites, storage_kwh=np.full(len(city.sites), 1e5))
    after, people = made(
        without_leaks(city, products=products, second_life=GENEROUS, sites=room,
                      centre=replace(city.centre, tests_per_day=100)),
        range(20), start,
    )  # fmt: skip
    people.packs.soh[:20] = 0.9
    people.packs.usable_kwh[:20] = 0.9 * people.packs.capacity_kwh[:20]
    flows = NightFlows()
    after.collect(0, rng(), flows)
    after.test(0, rng(), flows)
    return Counter(people.packs.stage[:20].tolist())


def test_the_gate_is_obeyed_by_date_and_chemistry(city: City) -> None:
    before, after = date(2022, 6, 30), date(2022, 7, 1)
    assert outcome(city, before, "nmc622") == {Stage.SECOND_LIFE: 20}
    assert outcome(city, after, "nmc622") == {Stage.QUEUED: 20}, "no ternary in large stations"
    assert outcome(city, after, "lfp") == {Stage.SECOND_LIFE: 20}, "screened and traceable"


def test_reasons_are_written_down(city: City) -> None:
    after, people = made(without_leaks(city), range(5))
    people.packs.fault[:2] = 1
    flows = NightFlows()
    after.collect(0, rng(), flows)
    after.test(0, rng(), flows)
    rows = after.ledger.rows()
    told = {
        b: r for b, e, r in zip(rows["battery"], rows["event"], rows["reason"], strict=True)
        if e in ("queued", "second_life_installed")
    }  # fmt: skip
    assert told[0] == told[1] == "unsafe"
    assert all(told.values())


def test_the_centre_tests_no_more_than_it_can_first_come_first_served(city: City) -> None:
    after, people = made(without_leaks(city), range(12))
    flows = NightFlows()
    after.collect(0, rng(), flows)
    assert flows.tests == 0
    for day, waiting in ((0, 7), (1, 2), (2, 0), (3, 0)):
        after.test(day, rng(), flows)
        assert after.backlog[0] == waiting
        first = people.packs.stage[: 12 - waiting]
        assert (first != Stage.AT_CENTRE).all(), "in the order of arrival"
    assert flows.tests == 12
    assert flows.centre_cny == 12 * city.centre.test_cost_cny


def test_the_plant_takes_no_more_than_its_licence(city: City) -> None:
    after, people = made(city, range(20), stage=Stage.QUEUED)
    after._queue = list(range(20))
    mass = city.products["bus"].mass_kg
    done = 0
    for day in range(30):
        flows = NightFlows()
        after.process(day, flows)
        done += round(flows.processed_kg.sum() / mass)
        assert done * mass <= city.base.capacity_kg_per_day * (day + 1) + 1e-6
        assert int((people.packs.stage[:20] == Stage.RECYCLED).sum()) == done
    assert done >= 6
    assert after._queue == list(range(done, 20)), "first in, first out"


@pytest.mark.parametrize("chemistry", ["lfp", "nmc622", "nmc811"])
def test_every_kilogram_is_recovered_or_residue(city: City, chemistry: str) -> None:
    products = {**city.products, "bus": replace(city.products["bus"], chemistry=chemistry)}
    rich = replace(city.base, capacity_t_per_year=1e6)
    after, people = made(replace(city, products=products, base=rich), range(20),
                         stage=Stage.QUEUED)  # fmt: skip
    after._queue = list(range(20))
    flows = NightFlows()
    energy = people.packs.energy_kwh[:20].sum()
    after.process(0, flows)
    held = pack_materials(people.products)[people.packs.product[:20]].sum(axis=0)
    np.testing.assert_allclose(flows.processed_kg, held)
    np.testing.assert_allclose(flows.recovered_kg + flows.residue_kg, flows.processed_kg)
    assert (flows.recovered_kg >= 0.0).all()
    assert flows.dismantled_kwh == pytest.approx(energy)
    assert people.packs.energy_kwh[:20].sum() == 0.0


def test_recovered_metal_goes_into_new_packs_as_far_as_it_reaches(city: City) -> None:
    after, _ = made(city, range(0))
    flows = NightFlows()
    flows.recovered_kg = np.full(len(MATERIALS), 10.0)
    flows.new_kg = np.arange(len(MATERIALS), dtype=float) * 3.0
    after.feed_new_packs(flows)
    np.testing.assert_allclose(flows.reused_kg, np.minimum(10.0, flows.new_kg))
    np.testing.assert_allclose(after.recovered_kg, 10.0 - flows.reused_kg)
    again = NightFlows()
    again.new_kg = np.full(len(MATERIALS), 100.0)
    after.feed_new_packs(again)
    np.testing.assert_allclose(after.recovered_kg, 0.0, atol=1e-12)


def test_what_leaks_is_gone_with_its_energy_and_metal(city: City) -> None:
    leaky = replace(city, policy=replace(city.policy, informal_share=1.0))
    after, people = made(leaky, range(10))
    energy = people.packs.energy_kwh[:10].sum()
    flows = NightFlows()
    after.collect(0, rng(), flows)
    assert (people.packs.stage[:10] == Stage.LOST).all()
    assert flows.leaked_kwh == pytest.approx(energy)
    assert flows.leaked_kg.sum() == pytest.approx(10 * city.products["bus"].mass_kg)
    assert flows.collected_kg.sum() == flows.haulage_cny == 0.0


def test_stationary_packs_come_back_under_contract(city: City) -> None:
    leaky = replace(city, policy=replace(city.policy, informal_share=1.0))
    after, people = made(leaky, range(80, 84))
    after.collect(0, rng(), NightFlows())
    assert (people.packs.stage[80:84] == Stage.AT_CENTRE).all()


def test_second_life_fills_its_host_and_no_more(city: City) -> None:
    host = int(city.sites.of_kind("second_life")[0])
    room = city.sites.storage_kwh.copy()
    room[host] = 2000.0
    after, people = made(
        without_leaks(
            city,
            sites=replace(city.sites, storage_kwh=room),
            second_life=replace(GENEROUS, station_kwh=900.0),
            centre=replace(city.centre, tests_per_day=100),
        ),
        range(20),
    )
    packs = people.packs
    packs.soh[:20] = 0.9
    packs.usable_kwh[:20] = 0.9 * packs.capacity_kwh[:20]
    flows = NightFlows()
    after.collect(0, rng(), flows)
    after.test(0, rng(), flows)
    reused = packs.stage == Stage.SECOND_LIFE
    assert 0 < reused.sum() < 20
    assert packs.usable_kwh[reused].sum() <= 2000.0
    assert (packs.place[reused] == host).all()
    assert (packs.fleet[reused] == -1).all()
    assert NO_ROOM in after.ledger.rows()["reason"]
    assert after.backlog == (0, 20 - int(reused.sum()))


def test_a_second_life_ends_when_the_pack_is_too_weak(city: City) -> None:
    after, people = made(city, range(2), stage=Stage.SECOND_LIFE)
    people.packs.soh[:2] = [city.second_life.end_soh - 0.01, city.second_life.end_soh + 0.1]
    after.end_second_lives(0)
    assert people.packs.stage[:2].tolist() == [Stage.RETIRED, Stage.SECOND_LIFE]


def test_a_run_keeps_within_the_centres_capacity(hard_times: Any) -> None:
    per_day = Counter(
        day
        for day, event in zip(
            hard_times.column("life_events", "day"),
            hard_times.column("life_events", "event"),
            strict=True,
        )
        if event == "tested"
    )
    assert per_day
    assert max(per_day.values()) <= 4


def test_a_town_without_centre_or_plant_sends_its_packs_nowhere_far(
    live: Callable[..., Any], city: City
) -> None:
    cut = np.array([kind in ("bus_depot", "taxi_swap") for kind in city.sites.kind])
    changes = {
        name: (
            tuple(v for v, keep in zip(values, cut, strict=True) if keep)
            if isinstance(values, tuple)
            else values[cut]
        )
        for name, values in vars(city.sites).items()
    }
    after, people = made(without_leaks(city, sites=replace(city.sites, **changes)), range(3))
    flows = NightFlows()
    after.collect(0, rng(), flows)
    after.test(0, rng(), flows)
    assert (people.packs.stage[:3] == Stage.QUEUED).all()
