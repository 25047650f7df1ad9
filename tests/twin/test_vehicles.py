"""Vehicles before anything has happened to them."""

from __future__ import annotations

from zerocity.twin.vehicles import (
    FREE,
    MOST_PACKS,
    NEVER,
    RESTING,
    new_vehicles,
    wake_up,
)


def test_new_vehicles_are_nowhere_and_without_packs() -> None:
    cars = new_vehicles(4)
    assert cars.packs.shape == (4, MOST_PACKS)
    for name in ("packs", "base", "mid", "demand", "plugged"):
        assert (getattr(cars, name) == -1).all(), name
    assert (cars.factor == 1.0).all()
    assert (cars.start1 == cars.end1).all(), "no leg"
    assert all(array.shape[0] == 4 for array in cars)


def test_the_day_begins_for_all_but_those_who_rest() -> None:
    """Who rests sets out with its first leg, the second where there is no first, or never."""
    cars = new_vehicles(4)
    cars.mode[:] = [FREE, RESTING, RESTING, RESTING]
    cars.start1[:], cars.end1[:] = [0, 0, 9, 9], [5, 5, 9, 9]
    cars.start2[:], cars.end2[:] = 30, [40, 40, 40, 30]
    wake_up(cars)
    assert cars.wake.tolist() == [0, NEVER, NEVER, NEVER]
    assert cars.leaves.tolist() == [NEVER, 0, 30, NEVER]
