"""Kilometres become energy, and no energy is lost on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.batteries.state import Packs, new_packs
from zerocity.twin.driving import FLOOR_SOC, draw, drive, vehicle_soc
from zerocity.twin.vehicles import FREE, REFUELLING, WANTS, Vehicles, new_vehicles

STEP_H = 0.25
Energies = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=3)


def one_car(energies: list[float], **changes: Any) -> tuple[Vehicles, Packs]:
    """A vehicle that drives 10 km in every step of its day, on packs of 100 kWh."""
    cars, packs = new_vehicles(1), new_packs(len(energies))
    packs.capacity_kwh[:] = packs.usable_kwh[:] = 100.0
    packs.energy_kwh[:] = energies
    packs.loss_kw_per_kw2[:] = 1e-4
    cars.packs[0, : len(energies)] = np.arange(len(energies))
    cars.end1[0], cars.km1[0] = 40, 10.0
    cars.start2[0] = cars.end2[0] = 40
    cars.demand[0] = 0
    for name, value in changes.items():
        getattr(cars, name)[:] = value
    return cars, packs


def go(cars: Vehicles, packs: Packs, step: int = 0, day: int = 0, kwh_per_km: float = 1.0) -> None:
    soc = packs.soc.astype(np.float32)
    given = drive(0, step, STEP_H, day, cars, packs, np.array([kwh_per_km]), np.array([0.2]), soc)
    assert given == cars.kwh[0]
    np.testing.assert_allclose(soc, packs.soc, rtol=1e-6, atol=1e-30)


@given(Energies, st.floats(0.0, 10.0))
def test_energy_before_is_energy_after_given_and_lost(energies: list[float], rate: float) -> None:
    cars, packs = one_car(energies)
    before = packs.energy_kwh.sum()
    go(cars, packs, kwh_per_km=rate)
    after = packs.energy_kwh.sum() + cars.kwh[0] + packs.loss_kwh.sum()
    assert after == pytest.approx(before, abs=1e-9)
    assert packs.throughput_kwh.sum() == pytest.approx(before - packs.energy_kwh.sum(), abs=1e-9)
    assert (packs.energy_kwh >= 0.0).all()
    assert (packs.loss_kwh >= 0.0).all()


@given(Energies, st.floats(0.01, 10.0))
def test_what_the_packs_cannot_give_is_missed(energies: list[float], rate: float) -> None:
    cars, packs = one_car(energies)
    free = np.maximum(packs.energy_kwh - FLOOR_SOC * packs.usable_kwh, 0.0).sum()
    go(cars, packs, kwh_per_km=rate)
    assert cars.km[0] + cars.missed_km[0] == pytest.approx(10.0)
    assert cars.kwh[0] == pytest.approx(min(free, 10.0 * rate), abs=1e-9)
    assert cars.km[0] * rate == pytest.approx(cars.kwh[0], abs=1e-9)


def test_an_empty_vehicle_stands_still() -> None:
    cars, packs = one_car([3.0, 1.0])
    go(cars, packs)
    assert cars.km[0] == 0.0
    assert cars.missed_km[0] == 10.0
    assert packs.energy_kwh.tolist() == [3.0, 1.0]


def test_the_packs_of_a_vehicle_empty_together() -> None:
    cars, packs = one_car([90.0, 45.0, 60.0])
    packs.loss_kw_per_kw2[:] = 0.0
    above = packs.energy_kwh - FLOOR_SOC * packs.usable_kwh
    draw(cars, packs, 0, 60.0, STEP_H)
    left = packs.energy_kwh - FLOOR_SOC * packs.usable_kwh
    np.testing.assert_allclose(left / above, left[0] / above[0])
    draw(cars, packs, 0, 1e6, STEP_H)
    np.testing.assert_allclose(packs.energy_kwh, FLOOR_SOC * packs.usable_kwh)


def test_a_vehicle_that_is_low_wants_energy_if_it_has_a_place_to_go() -> None:
    for demand, wants in ((0, WANTS), (-1, FREE)):
        cars, packs = one_car([22.0], demand=demand)
        go(cars, packs)
        assert cars.mode[0] == wants
    cars, packs = one_car([60.0])
    go(cars, packs)
    assert cars.mode[0] == FREE, "well above its reserve"


@pytest.mark.parametrize(("name", "value"), [("mode", REFUELLING), ("down_until", 3)])
def test_who_refuels_or_is_in_the_workshop_misses_the_way(name: str, value: int) -> None:
    cars, packs = one_car([80.0], **{name: value})
    go(cars, packs, day=2)
    assert cars.missed_km[0] == 10.0
    assert packs.energy_kwh[0] == 80.0


def test_the_second_leg_has_its_own_pace() -> None:
    cars, packs = one_car([80.0], start2=50, end2=60, km2=3.0)
    go(cars, packs, step=55)
    assert cars.km[0] == 3.0


def test_charge_of_a_vehicle_is_that_of_all_its_packs() -> None:
    cars, packs = one_car([90.0, 30.0])
    assert vehicle_soc(cars, packs, 0) == pytest.approx(0.6)
    cars.packs[0] = -1
    assert vehicle_soc(cars, packs, 0) == 0.0
