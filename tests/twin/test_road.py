"""The road: together and one by one are the same, and who leaves it has lost nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zerocity.batteries.state import Packs, new_packs
from zerocity.twin.driving import drive
from zerocity.twin.road import TILE, Road, new_road, pull_over, roll_on, set_off
from zerocity.twin.vehicles import (
    FREE,
    NEVER,
    REFUELLING,
    RESTING,
    ROLLING,
    WANTS,
    Vehicles,
    new_vehicles,
)

STEP_H = 0.25
RATE, RESERVE = np.array([0.5, 1.0]), np.array([0.2, 0.3])
PLUG_BELOW = np.array([0.9, 0.9])


def town(count: int, seed: int = 1, packs_each: int = 1) -> tuple[Vehicles, Packs]:
    """Vehicles of two fleets with legs of all lengths; some have nowhere to refuel."""
    rng = np.random.default_rng(seed)
    cars, packs = new_vehicles(count), new_packs(count * packs_each)
    cars.fleet[:] = rng.integers(0, 2, count)
    cars.packs[:, :packs_each] = np.arange(count * packs_each).reshape(count, packs_each)
    cars.start1[:] = rng.integers(0, 5, count)
    cars.end1[:] = cars.start1 + rng.integers(1, 9, count)
    cars.start2[:] = cars.end1 + rng.integers(0, 4, count)
    cars.end2[:] = cars.start2 + rng.integers(0, 5, count)
    cars.km1[:], cars.km2[:] = rng.uniform(0.0, 12.0, (2, count))
    cars.demand[:] = rng.integers(-1, 1, count)
    cars.factor[:] = rng.uniform(0.8, 1.2, count)
    packs.usable_kwh[:] = rng.uniform(40.0, 80.0, packs.size)
    packs.energy_kwh[:] = packs.usable_kwh * rng.uniform(0.1, 1.0, packs.size)
    packs.loss_kw_per_kw2[:] = 1e-3
    packs.heat_k_per_kwh[:] = 3.6
    return cars, packs


def movers(cars: Vehicles, step: int) -> Any:
    """Who is in a leg and not on the road yet."""
    one = (cars.start1 <= step) & (step < cars.end1)
    two = (cars.start2 <= step) & (step < cars.end2)
    awake = (cars.mode != ROLLING) & (cars.mode != RESTING)
    return np.flatnonzero((one | two) & awake).astype(np.int32)


def move(
    road: Road,
    cars: Vehicles,
    packs: Packs,
    step: int,
    soc: Any,
    who: Any = None,
    day: int = 0,
    below: Any = PLUG_BELOW,
) -> float:
    who = movers(cars, step) if who is None else who
    rest = (step, STEP_H, day, road, cars, packs, RATE, RESERVE, soc)
    given = roll_on(*rest) + set_off(who, *rest)
    pull_over(step, road, cars, packs, below)
    return float(given)


@pytest.mark.parametrize("packs_each", [1, 2])
def test_the_road_drives_as_everyone_would_alone(packs_each: int) -> None:
    count = 3 * TILE + 17
    cars, packs = town(count, packs_each=packs_each)
    alone, own = town(count, packs_each=packs_each)
    road, soc = new_road(count), packs.soc.astype(np.float32)
    other = soc.copy()
    for step in range(20):
        given = move(road, cars, packs, step, soc)
        expected = sum(
            drive(int(v), step, STEP_H, 0, alone, own, RATE, RESERVE, other)
            for v in movers(alone, step)
        )
        assert given == pytest.approx(expected, rel=1e-12)
        np.testing.assert_array_equal(soc, other)
        np.testing.assert_array_equal(packs.temperature_c, own.temperature_c)
        np.testing.assert_array_equal(cars.mode == WANTS, alone.mode == WANTS)
        assert (cars.mode == ROLLING).sum() == road.used[0]
    assert road.used[0] == 0
    assert (cars.mode == WANTS).any()
    np.testing.assert_array_equal(packs.energy_kwh, own.energy_kwh)
    # The road adds up in another order.
    for name in ("loss_kwh", "throughput_kwh"):
        np.testing.assert_allclose(getattr(packs, name), getattr(own, name), atol=1e-12)
    for name in ("km", "kwh", "missed_km"):
        np.testing.assert_allclose(getattr(cars, name), getattr(alone, name), atol=1e-11)


def test_drivers_wake_when_they_are_low_or_have_arrived() -> None:
    """Who has nowhere to plug in, or is full enough, sleeps until the next leg instead."""
    cars, packs = town(5)
    cars.fleet[:] = 0
    cars.start1[:], cars.end1[:], cars.start2[:], cars.end2[:] = 0, 4, 7, 7
    cars.end2[2:] = 9
    cars.km1[:], cars.demand[:], cars.factor[:] = 10.0, 0, 1.0
    cars.mid[:] = [0, 0, 0, -1, 0]
    packs.usable_kwh[:] = 60.0
    packs.energy_kwh[:] = 60.0 * np.array([0.21, 0.9, 0.9, 0.9, 1.0])
    road, soc = new_road(5), np.zeros(5, np.float32)
    below = np.array([0.6, 0.9])
    for step in range(4):
        who = np.arange(5, dtype=np.int32) if step == 0 else np.zeros(0, np.int32)
        move(road, cars, packs, step, soc, who, below=below)
        assert cars.mode[0] == WANTS
        assert cars.wake[0] == 1
    assert cars.mode.tolist() == [WANTS, FREE, FREE, RESTING, RESTING]
    assert cars.wake.tolist() == [1, 4, 4, NEVER, NEVER]
    assert cars.leaves.tolist() == [NEVER, NEVER, NEVER, 7, 7]
    np.testing.assert_allclose(cars.km[1:], 40.0)


@pytest.mark.parametrize(("name", "value"), [("mode", REFUELLING), ("down_until", 3)])
def test_who_cannot_roll_stays_awake(name: str, value: int) -> None:
    cars, packs = town(1)
    cars.start1[:], cars.end1[:] = 0, 9
    getattr(cars, name)[:] = value
    road, soc = new_road(1), np.zeros(1, np.float32)
    assert move(road, cars, packs, 0, soc, day=2) == 0.0
    assert road.used[0] == 0
    assert cars.wake[0] == 1
    assert cars.missed_km[0] == cars.km1[0]
