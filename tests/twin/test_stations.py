"""Plugs and swaps: nothing appears at a station, and nothing is lost there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from zerocity.city.scenario import City
from zerocity.measures.arrays import F64, I32
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import Stage
from zerocity.twin.berths import Berths, charge, dock_all, new_berths
from zerocity.twin.population import Population
from zerocity.twin.sessions import CHARGE, SWAP, Log, new_log
from zerocity.twin.stations import FAST_HOURS, serve
from zerocity.twin.vehicles import FREE, REFUELLING, RESTING, WANTS
from zerocity.twin.world import STAGES


@dataclass
class Scene:
    people: Population
    log: Log
    berths: Berths = field(init=False)

    def __post_init__(self) -> None:
        packs = self.people.packs
        self.berths = new_berths(packs.size)
        dock_all(self.berths, packs, np.flatnonzero(packs.plug_kw > 0.0).astype(np.int32))

    def serve(self, step: int, day: int = 0) -> None:
        people = self.people
        people.at.swaps_left[:] = 8.0
        self.serve_all(step, day)

    def serve_all(self, step: int, day: int = 0) -> list[int]:
        """Wake everybody, because these tests jump over steps; returns who is in a leg."""
        people = self.people
        people.cars.wake[people.cars.mode != RESTING] = 0
        movers = np.zeros(people.cars.wake.size, np.int32)
        n = serve(
            people.cars, people.packs, people.at, self.berths, people.rules, self.log, movers,
            day * 96 + step, step, 96, STAGES,
        )  # fmt: skip
        return [int(v) for v in movers[:n]]

    def charge(self, ids: I32, kw: F64 | float) -> None:
        """Charge some packs for an hour."""
        packs = self.people.packs
        power = np.zeros(int(self.berths.used[0]))
        power[packs.berth[ids]] = kw
        soc = np.zeros(packs.size, np.float32)
        charge(power, 1.0, 0.94, 0.96, self.berths, packs, soc)

    def sessions(self, kind: int) -> int:
        n = int(self.log.size[0])
        return int((self.log.kind[:n] == kind).sum())


@pytest.fixture
def scene(people: Population) -> Scene:
    """Nobody drives but from step 30 to 50 and from 60 to 80."""
    cars = people.cars
    cars.start1[:], cars.end1[:], cars.start2[:], cars.end2[:] = 30, 50, 60, 80
    cars.next_start[:] = 30
    return Scene(people, new_log(1000))


def test_who_is_parked_at_base_plugs_in_until_the_first_leg(scene: Scene, city: City) -> None:
    cars, packs, at = scene.people.cars, scene.people.packs, scene.people.at
    scene.serve(0)
    bus = np.flatnonzero(cars.fleet == 0)
    assert (cars.plugged[bus] == cars.base[bus]).all()
    assert at.free[0] == city.sites.plugs[0] - bus.size
    own = cars.packs[bus, 0]
    assert (packs.plug_kw[own] == city.sites.plug_kw[0]).all()
    assert (packs.depart_step[own] == 30).all()
    assert (packs.place[own] == cars.base[bus]).all()
    np.testing.assert_allclose(packs.target_soc[own], city.fleets[0].target_soc)


def test_an_evening_session_lasts_until_tomorrow(scene: Scene) -> None:
    scene.serve(85, day=2)
    bus = np.flatnonzero(scene.people.cars.fleet == 0)
    own = scene.people.cars.packs[bus, 0]
    assert (scene.people.packs.depart_step[own] == 3 * 96 + 30).all()


def test_leaving_gives_the_plug_back_and_notes_the_energy(scene: Scene) -> None:
    people = scene.people
    free = people.at.free.copy()
    scene.serve(0)
    bus = np.flatnonzero(people.cars.fleet == 0)
    own = people.cars.packs[bus, 0]
    scene.charge(own, np.arange(bus.size, dtype=np.float64))
    scene.serve(30)
    np.testing.assert_array_equal(people.at.free, free)
    assert (people.packs.plug_kw[own] == 0.0).all()
    assert (people.packs.place[own] == -1).all()
    n = int(scene.log.size[0])
    assert n == bus.size - 1, "a session without energy is none"
    noted = dict(zip(scene.log.battery[:n].tolist(), scene.log.energy_kwh[:n], strict=True))
    assert noted == {int(p): float(k) for k, p in enumerate(own.tolist()) if k}
    assert (scene.log.start[:n] == 0).all()
    assert (scene.log.end[:n] == 30).all()
    assert scene.sessions(CHARGE) == n


def test_the_number_of_plugs_is_kept_when_there_are_too_few(scene: Scene) -> None:
    people = scene.people
    people.at.free[0] = 5
    for step in (0, 1, 30, 50, 55, 60, 85):
        scene.serve(step)
        plugged = int((people.cars.plugged == 0).sum())
        assert people.at.free[0] + plugged == 5
        assert people.at.free[0] >= 0


def test_packs_of_one_vehicle_share_its_plug(scene: Scene, city: City) -> None:
    people = scene.people
    people.cars.packs[0, 1] = people.cars.packs[1, 0]
    people.cars.base[1] = people.cars.mid[1] = -1
    people.cars.packs[1, 0] = -1
    scene.serve(0)
    two = people.cars.packs[0, :2]
    assert people.packs.plug_kw[two].tolist() == [city.sites.plug_kw[0] / 2] * 2


def pool(people: Population, site: int) -> set[int]:
    at = people.at
    slots = at.slots[at.first_slot[site] : at.last_slot[site]]
    return set(slots[slots >= 0].tolist())


def test_a_swap_exchanges_packs_and_keeps_their_number_and_energy(scene: Scene) -> None:
    people = scene.people
    cars, packs = people.cars, people.packs
    taxi = int(np.flatnonzero(cars.fleet == 1)[0])
    site, old = int(cars.demand[taxi]), int(cars.packs[taxi, 0])
    cars.mode[taxi] = WANTS
    packs.energy_kwh[old] = 5.0
    before, energy, stages = pool(people, site), packs.energy_kwh.copy(), np.bincount(packs.stage)
    scene.serve(40)
    new = int(cars.packs[taxi, 0])
    assert new in before
    assert pool(people, site) == before - {new} | {old}
    np.testing.assert_array_equal(packs.energy_kwh, energy)
    np.testing.assert_array_equal(np.bincount(packs.stage), stages)
    assert cars.mode[taxi] == FREE
    assert (packs.vehicle[new], packs.vehicle[old]) == (taxi, -1)
    assert (packs.stage[new], packs.stage[old]) == (Stage.IN_SERVICE, Stage.SWAP_POOL)
    assert (packs.place[new], packs.place[old]) == (-1, site)
    assert packs.plug_kw[new] == 0.0
    assert packs.plug_kw[old] == people.at.slot_kw[site]
    assert scene.sessions(SWAP) == 1
    assert scene.log.energy_kwh[0] == pytest.approx(energy[new] - 5.0)
    assert people.at.swaps[site, 40] == 1.0


def test_a_driver_waits_for_a_ready_pack(scene: Scene) -> None:
    people = scene.people
    taxi = int(np.flatnonzero(people.cars.fleet == 1)[0])
    site = int(people.cars.demand[taxi])
    mine = list(pool(people, site))
    people.cars.mode[taxi] = WANTS
    people.packs.energy_kwh[mine] = 0.5 * people.packs.usable_kwh[mine]
    scene.serve(40)
    assert people.cars.mode[taxi] == WANTS
    people.packs.energy_kwh[mine[0]] = people.packs.usable_kwh[mine[0]]
    scene.serve(41)
    assert people.cars.packs[taxi, 0] == mine[0]


def test_a_station_hands_over_no_more_than_its_bays_manage(scene: Scene) -> None:
    people = scene.people
    taxis = np.flatnonzero(people.cars.fleet == 1)[:10]
    people.cars.mode[taxis] = WANTS
    people.at.swaps_left[:] = 3.5
    scene.serve_all(40)
    assert (people.cars.mode[taxis] == FREE).sum() == 3
    assert people.at.swaps_left.min() == pytest.approx(0.5)


def test_a_fast_charge_on_the_road_ends_when_it_is_due(scene: Scene) -> None:
    people = scene.people
    bus = int(np.flatnonzero(people.cars.fleet == 0)[0])
    pack = int(people.cars.packs[bus, 0])
    people.cars.mode[bus] = WANTS
    people.packs.energy_kwh[pack] = 10.0
    scene.serve(40)
    assert people.cars.mode[bus] == REFUELLING
    assert people.packs.depart_step[pack] == 40 + int(FAST_HOURS * 4)
    scene.charge(people.cars.packs[bus, :1], 7.0)
    for step in range(41, 40 + int(FAST_HOURS * 4)):
        scene.serve(step)
        assert people.cars.mode[bus] == REFUELLING
    scene.serve(40 + int(FAST_HOURS * 4))
    assert people.cars.mode[bus] == FREE
    assert people.cars.plugged[bus] == -1
    assert scene.log.energy_kwh[0] == 7.0


def test_the_day_is_the_same_every_time(city: City, timeline: Timeline, scene: Scene) -> None:
    sites = np.array(city.sites.swap_slots)
    assert scene.people.at.slots.size == sites.sum()
    first = scene.people.copy()
    for step in range(0, 96, 5):
        scene.serve(step)
    other = Scene(first, new_log(1000))
    for step in range(0, 96, 5):
        other.serve(step)
    for mine, theirs in zip(scene.people.packs, other.people.packs, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_who_is_in_a_leg_is_to_be_driven(scene: Scene) -> None:
    """At the drivers' word, or, of those who rest, by the hour of their leg."""
    cars = scene.people.cars
    everyone = set(range(cars.fleet.size))
    assert scene.serve_all(29) == []
    resting = set(np.flatnonzero(cars.leaves == 30).tolist())
    assert resting == set(np.flatnonzero(cars.mode == RESTING).tolist())
    assert 0 < len(resting) < len(everyone)
    assert set(scene.serve_all(30)) == everyone - resting
    assert scene.serve_all(50) == []


def test_the_sleeping_would_not_have_done_anything(scene: Scene) -> None:
    """Nothing changes when everybody is woken at every step."""
    people = scene.people
    people.packs.energy_kwh[::3] *= 0.4
    woken = Scene(people.copy(), new_log(1000))
    people.cars.wake[:] = 0
    movers = np.zeros(people.cars.wake.size, np.int32)
    slept = 0
    for step in range(96):
        people.at.swaps_left[:] = woken.people.at.swaps_left[:] = 8.0
        slept += int((people.cars.wake > step).sum())
        serve(
            people.cars, people.packs, people.at, scene.berths, people.rules, scene.log, movers,
            step, step, 96, STAGES,
        )  # fmt: skip
        woken.serve_all(step)
        woken.people.cars.wake[:] = people.cars.wake
        other = woken.people
        for mine, theirs in zip(
            (*people.packs, *people.cars, *people.at),
            (*other.packs, *other.cars, *other.at),
            strict=True,
        ):
            np.testing.assert_array_equal(mine, theirs)
        if step == 33:
            for one in (people, woken.people):
                low = np.flatnonzero(one.cars.demand >= 0)[::4]
                one.cars.mode[low], one.cars.wake[low] = WANTS, step + 1
    assert slept > 40 * movers.size
    assert scene.log.size[0] == woken.log.size[0] > 0
