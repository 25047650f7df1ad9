"""Worn packs make room for new ones; faulty ones are repaired or go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zerocity.passports.identity import parse_code
from zerocity.passports.lifecycle import Stage
from zerocity.twin.renewal import STATION_END_SOH
from zerocity.twin.sessions import SWAP
from zerocity.twin.vehicles import WANTS

Live = Callable[..., Any]


def test_every_place_is_filled_again(hard_times: Any) -> None:
    twin = hard_times.twin
    people, packs = twin.people, twin.people.packs
    in_cars = people.cars.packs[people.cars.packs >= 0]
    assert in_cars.size == twin.city.vehicle_packs()
    assert len(set(in_cars.tolist())) == in_cars.size
    assert (packs.vehicle[people.cars.packs[:, 0]] == np.arange(people.cars.fleet.size)).all()
    assert np.isin(packs.stage[in_cars], (Stage.IN_SERVICE, Stage.REPAIR)).all()
    in_slots = people.at.slots[people.at.slots >= 0]
    mending = (packs.stage == Stage.REPAIR) & (packs.vehicle < 0) & (packs.fleet >= 0)
    assert in_slots.size + mending.sum() == twin.city.pool_packs().sum()
    assert (packs.stage[in_slots] == Stage.SWAP_POOL).all()
    stored = (packs.stage == Stage.STORAGE).sum()
    mending = (packs.stage == Stage.REPAIR) & (packs.fleet < 0)
    assert stored + mending.sum() == twin.city.storage_packs().sum()


def test_one_new_pack_for_each_that_left(hard_times: Any) -> None:
    events = hard_times.column("life_events", "event")
    packs = hard_times.twin.people.packs
    assert (events == "retired").sum() > 25
    assert packs.size == hard_times.twin.city.packs + (events == "retired").sum()
    assert (events == "made").sum() == packs.size
    young = packs.born_day >= 0
    assert (packs.soh[young] > 0.99).all()
    assert (packs.life_days[young] > 0.0).all()


def test_a_new_pack_is_of_the_make_of_the_old_one(live: Live) -> None:
    ids = [0, 30, 65, 85]  # in a bus, a taxi, a pack place and a store
    before: list[np.ndarray[Any, Any]] = []

    def prepare(twin: Any) -> None:
        packs = twin.people.packs
        packs.life_days[ids] = 0.0
        before.extend([packs.product[ids].copy(), packs.fleet[ids].copy()])

    after = live(days=1, prepare=prepare).twin
    packs = after.people.packs
    first = after.city.packs
    assert packs.size == first + 4
    assert packs.product[first:].tolist() == before[0].tolist()
    assert packs.fleet[first:].tolist() == before[1].tolist()
    assert (packs.plug_kw[ids] == 0.0).all()
    assert (packs.vehicle[ids] == -1).all()
    assert after.people.cars.packs[0, 0] == first


def test_every_pack_has_a_valid_code_of_its_own(hard_times: Any) -> None:
    codes = hard_times.twin.ledger.codes.rows.tolist()
    assert len(codes) == hard_times.twin.people.packs.size
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert parse_code(code, kind="P").kind == "P"


def test_weak_packs_leave_at_their_fleets_limit(live: Live) -> None:
    def prepare(twin: Any) -> None:
        twin.people.packs.soh[[0, 1, 80, 81]] = [0.74, 0.78, STATION_END_SOH - 0.01, 0.65]

    stages = live(days=1, prepare=prepare).twin.people.packs.stage
    gone = (Stage.RETIRED, Stage.AT_CENTRE, Stage.LOST, Stage.QUEUED, Stage.SECOND_LIFE)
    assert np.isin(stages[[0, 80]], gone).all()
    assert stages[[1, 81]].tolist() == [Stage.IN_SERVICE, Stage.STORAGE]


@pytest.mark.parametrize(("success", "back"), [("1.0", True), ("0.0", False)])
def test_a_fault_is_found_repaired_or_the_pack_goes(live: Live, success: str, back: bool) -> None:
    # A bus, a taxi, a pack in a slot and a stationary one; all checked long ago.
    ids = np.array([0, 25, 65, 80])

    def prepare(twin: Any) -> None:
        twin.people.packs.fault[ids] = 1
        twin.people.packs.checked_day[ids] = -100

    after = live(
        {"aftersales.repair_days": "2", "aftersales.repair_success": success},
        days=4,
        prepare=prepare,
    )
    packs, people = after.twin.people.packs, after.twin.people
    events = after.column("life_events", "event")
    assert (events == "repair_started").sum() == 4
    at_work = (Stage.IN_SERVICE, Stage.SWAP_POOL, Stage.STORAGE)
    assert np.isin(packs.stage[ids], at_work).all() == back
    first = after.twin.city.packs
    assert packs.size == (first if back else first + 4)
    if back:
        assert (packs.fault[ids] == 0).all()
    else:
        assert "beyond repair" in set(after.column("life_events", "reason"))
        assert np.isin(packs.stage[first:], at_work).all()
        assert (people.cars.down_until <= 4).all()
    slots = people.at.slots
    assert (slots >= 0).sum() == after.twin.city.pool_packs().sum()


def test_a_vehicle_waits_for_its_pack(live: Live) -> None:
    def prepare(twin: Any) -> None:
        twin.people.packs.fault[0] = 1
        twin.people.packs.checked_day[0] = -100

    three = live({"aftersales.repair_days": "5"}, days=4, prepare=prepare).twin
    assert three.people.packs.stage[0] == Stage.REPAIR
    assert three.people.cars.km[0] == 0.0


def test_a_taxi_in_the_queue_does_not_swap_away_a_pack_in_repair(live: Live) -> None:
    taxis = range(20, 60)

    def prepare(twin: Any) -> None:
        twin.people.packs.fault[taxis] = 1
        twin.people.packs.checked_day[taxis] = -100
        real = twin._night

        def night(day: int) -> Any:
            if day == 0:  # They all stand in line for a pack at midnight.
                twin.people.cars.mode[20:60] = WANTS
            return real(day)

        twin._night = night

    after = live(
        {"aftersales.repair_days": "2", "aftersales.repair_success": "1.0"},
        days=4,
        prepare=prepare,
    )
    events = after.column("life_events", "event")
    assert (events == "repaired").sum() + (events == "repaired_for_pool").sum() >= 40


def test_a_vehicle_stays_while_another_of_its_packs_is_in_repair(live: Live) -> None:
    def prepare(twin: Any) -> None:
        packs = twin.people.packs
        # Pack 0 is under repair from the first night; pack 1 of the same bus wears out later.
        packs.fault[0], packs.checked_day[0] = 1, -100
        packs.life_days[1] = 2.0 - packs.born_day[1]

    after = live(
        {"fleets.town_bus.packs_per_vehicle": "2", "aftersales.repair_days": "6"},
        days=4,
        prepare=prepare,
    )
    people = after.twin.people
    assert people.packs.stage[0] == Stage.REPAIR
    assert people.cars.packs[0, 1] >= after.twin.city.packs, "the other pack is new"
    assert people.cars.down_until[0] > 4


def test_a_retired_packs_session_is_noted(live: Live) -> None:
    def prepare(twin: Any) -> None:
        twin.people.packs.life_days[:20] = 0.0

    after = live(days=1, prepare=prepare)
    battery, kind = after.column("sessions", "battery"), after.column("sessions", "kind")
    ended = after.column("sessions", "end")
    midnight = ended.max()
    assert set(battery[(ended == midnight) & (kind != SWAP)]) <= set(range(20))
    assert ((ended == midnight) & (kind != SWAP)).any()
