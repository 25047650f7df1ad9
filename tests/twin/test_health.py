"""Packs of the twin age, and never grow young."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from zerocity.batteries.ageing_columns import DAYS
from zerocity.batteries.state import Packs, joined
from zerocity.twin.day_ageing import age_slices
from zerocity.twin.health import FAULT_RESISTANCE, Health
from zerocity.twin.population import Population, make_packs


@pytest.fixture
def aged(people: Population) -> tuple[Health, Packs]:
    health = Health(people.products, 1)
    age = -people.packs.born_day.astype(float)
    health.adopt(people.packs, age, age * 0.5)
    health.refresh(people.packs)
    people.packs.loss_kwh[:] = 0.0
    return health, people.packs


def a_day(health: Health, packs: Packs, soc: float = 0.6, temperature_c: float = 25.0) -> None:
    shape = (96, packs.size)
    wave = soc + 0.2 * np.sin(np.arange(96) / 5.0)[:, None]
    history = np.broadcast_to(wave, shape).astype(np.float32)
    warm = np.full(shape, temperature_c, np.float32)
    health.finish(health.day(packs, packs.size, history, warm, 0.25))
    health.refresh(packs)


def test_the_older_is_the_weaker(aged: tuple[Health, Packs]) -> None:
    _, packs = aged
    bus = slice(0, 20)
    assert np.corrcoef(packs.born_day[bus], packs.soh[bus])[0, 1] > 0.7
    assert ((packs.soh > 0.5) & (packs.soh < 1.0)).all()
    np.testing.assert_allclose(packs.usable_kwh, packs.capacity_kwh * packs.soh)


def test_a_day_takes_health_and_a_hot_one_takes_more(people: Population) -> None:
    lost = []
    for temperature_c in (25.0, 45.0):
        health = Health(people.products, 1)
        packs = people.packs
        packs.soh[:] = 1.0
        health.adopt(packs, np.full(packs.size, 300.0), np.full(packs.size, 100.0))
        health.refresh(packs)
        before = packs.soh.copy()
        a_day(health, packs, temperature_c=temperature_c)
        lost.append(before - packs.soh)
    assert (lost[0] > 0.0).all()
    assert (lost[1] > lost[0]).all()


def test_energy_that_no_longer_fits_is_lost_not_forgotten(aged: tuple[Health, Packs]) -> None:
    health, packs = aged
    packs.energy_kwh[:] = packs.usable_kwh
    before = packs.energy_kwh.sum()
    a_day(health, packs)
    assert (packs.energy_kwh <= packs.usable_kwh).all()
    assert packs.loss_kwh.sum() > 0.0
    assert packs.energy_kwh.sum() + packs.loss_kwh.sum() == pytest.approx(before)


def test_a_fault_raises_the_resistance(aged: tuple[Health, Packs]) -> None:
    health, packs = aged
    before, loss = packs.resistance.copy(), packs.loss_kw_per_kw2.copy()
    packs.fault[3] = 1
    health.refresh(packs)
    assert packs.resistance[3] == pytest.approx(FAULT_RESISTANCE * before[3])
    assert packs.loss_kw_per_kw2[3] == pytest.approx(FAULT_RESISTANCE * loss[3])
    np.testing.assert_array_equal(np.delete(packs.resistance, 3), np.delete(before, 3))


def test_new_packs_join_without_a_change_to_the_old(
    aged: tuple[Health, Packs], people: Population
) -> None:
    health, packs = aged
    soh = packs.soh.copy()
    fresh = make_packs(people.products, np.zeros(3, np.int64), np.random.default_rng(1),
                       np.zeros(3, np.int64))  # fmt: skip
    both = joined([packs, fresh])
    health.adopt(both, np.zeros(3), np.zeros(3))
    health.refresh(both)
    np.testing.assert_array_equal(both.soh[:-3], soh)
    assert (both.soh[-3:] > 0.999).all()


def test_threads_do_not_change_the_ageing(people: Population) -> None:
    results = []
    for threads in (1, 2):
        health, packs = Health(people.products, threads), people.copy().packs
        health.adopt(packs, np.full(packs.size, 500.0), np.full(packs.size, 100.0))
        a_day(health, packs)
        health.close()
        results.append(packs.soh.copy())
    np.testing.assert_array_equal(*results)
    assert results[0].min() > 0.0


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("by_day", [(0, 1), (0, 99), (3, 7)])
def test_ageing_by_day_takes_nothing_from_the_night(
    people: Population, threads: int, by_day: tuple[int, int]
) -> None:
    """As when the drivers leave time for some slices only, all, or others in any order."""
    rng, n = np.random.default_rng(5), people.packs.size
    histories = rng.uniform(0.1, 0.9, (2, 96, n)).astype(np.float32)
    results = []
    for slices in ((0, 0), by_day):
        health, packs = Health(people.products, threads), people.copy().packs
        health.adopt(packs, np.full(n, 500.0), np.full(n, 100.0))
        for soc in histories:
            day = health.day(packs, n, soc, soc * 40.0, 0.25)
            age_slices(day, *slices)
            health.finish(day)
            assert day.done.all()
        health.close()
        results.append(health.state)
    for one in fields(results[0]):
        np.testing.assert_array_equal(*(getattr(state, one.name) for state in results))


def test_who_has_not_lived_the_day_does_not_age(aged: tuple[Health, Packs]) -> None:
    health, packs = aged
    before = health.state.sums.copy()
    still = np.full((96, packs.size), 0.5, np.float32)
    health.finish(health.day(packs, packs.size - 4, still, 40.0 * still, 0.25))
    days = (health.state.sums[:, DAYS] - before[:, DAYS])[: packs.size]
    np.testing.assert_allclose(days, [1.0] * (packs.size - 4) + [0.0] * 4, atol=1e-9)


def test_the_expected_health_is_that_of_ordinary_make(aged: tuple[Health, Packs]) -> None:
    health, packs = aged
    packs.spread[:2], packs.soh[:2] = [2.0, 1.0], 0.9
    np.testing.assert_allclose(health.expected_soh(packs, np.array([0, 1])), [0.95, 0.9])
