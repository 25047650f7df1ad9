"""Vehicles before anything has happened to them."""

from __future__ import annotations

from zerocity.twin.vehicles import MOST_PACKS, new_vehicles


def test_new_vehicles_are_nowhere_and_without_packs() -> None:
    cars = new_vehicles(4)
    assert cars.packs.shape == (4, MOST_PACKS)
    for name in ("packs", "base", "mid", "demand", "plugged"):
        assert (getattr(cars, name) == -1).all(), name
    assert (cars.factor == 1.0).all()
    assert (cars.start1 == cars.end1).all(), "no leg"
    assert all(array.shape[0] == 4 for array in cars)
