"""The twin behind the port of the loop: meters that add up, stores that keep their limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest

from zerocity.city.scenario import City
from zerocity.control.snapshot import Commands
from zerocity.measures.timeline import Timeline
from zerocity.twin.day_ageing import no_ageing
from zerocity.twin.duties import Duties
from zerocity.twin.population import Population
from zerocity.twin.world import DayScene, TwinWorld, new_meters


def scene(city: City, steps: int = 96) -> DayScene:
    sites = len(city.sites)
    return DayScene(
        load_kw=np.full((sites, steps), 20.0),
        pv_kw=np.full((sites, steps), 30.0),
        temperature_c=np.full(steps, 5.0),
        kwh_per_km=np.ones((steps, len(city.fleets))),
    )


@pytest.fixture(params=[1, 2])
def world(
    request: pytest.FixtureRequest, city: City, timeline: Timeline, people: Population
) -> Iterator[TwinWorld]:
    made = TwinWorld(city, timeline, people, threads=request.param)
    Duties(city, timeline, 1).set_day(people.cars, 0)
    made.begin_day(0, scene(city))
    yield made
    made.close()


def commands(world: TwinWorld, step: int, store_kw: float = 0.0) -> float:
    """Full power to every battery; returns what the meters say came in less what went out."""
    world.wait(step)
    seen = world.observe(step)
    store = np.clip(
        np.full(seen.load_kw.size, store_kw),
        -seen.store_discharge_limit_kw,
        seen.store_charge_limit_kw,
    )
    power = np.minimum(seen.limit_kw, seen.need_kwh / seen.step_h)
    world.apply(step, seen, Commands(power, store, seen.pv_kw))
    m = world.meters
    came = m.import_kwh[step] + m.pv_used_kwh[step] + m.store_out_kwh[step]
    went = m.export_kwh[step] + m.load_kwh[step] + m.charging_kwh[step] + m.store_in_kwh[step]
    return float(np.abs(came - went).max())


def test_energy_of_a_day_is_conserved(world: TwinWorld) -> None:
    packs, before = world.people.packs, world.people.packs.energy_kwh.sum()
    for step in range(96):
        assert commands(world, step, 200.0 if step % 30 < 15 else -200.0) < 1e-9
    world.end_day()
    m = world.meters
    into = m.charging_kwh.sum() + m.store_in_kwh.sum() - m.store_out_kwh.sum()
    out = m.traction_kwh.sum() + packs.loss_kwh.sum()
    assert packs.energy_kwh.sum() - before == pytest.approx(into - out, abs=1e-6)
    assert m.traction_kwh.sum() == pytest.approx(world.people.cars.kwh.sum())
    assert (packs.energy_kwh >= 0.0).all()
    assert (packs.energy_kwh <= packs.usable_kwh * (1 + 1e-12)).all()
    assert (packs.loss_kwh >= -1e-9).all()


def test_histories_and_meters_start_anew_each_day(world: TwinWorld, city: City) -> None:
    for step in range(96):
        commands(world, step)
    assert world.meters.load_kwh.sum() > 0.0
    soc = world.soc_history[:, : world.people.packs.size]
    assert ((soc > 0.0) & (soc <= 1.0 + 1e-6)).all()
    world.begin_day(1, scene(city))
    assert all((getattr(world.meters, one.name) == 0.0).all() for one in fields(world.meters))
    assert (world.people.packs.loss_kwh == 0.0).all()
    assert (world.people.cars.km == 0.0).all()


def test_yesterdays_histories_are_kept_while_there_is_something_to_age(
    world: TwinWorld, city: City
) -> None:
    for step in range(96):
        commands(world, step)
    lived = world.soc_history, world.temperature_history
    kept = [history.copy() for history in lived]
    world.end_day()
    for day in (1, 2):
        world.begin_day(day, scene(city), no_ageing() if day == 1 else None)
        for step in range(96):
            commands(world, step)
        for one, before in zip(lived, kept, strict=True):
            np.testing.assert_array_equal(one, before)
    assert world.soc_history.shape == lived[0].shape


def test_a_snapshot_is_a_picture_not_a_window(world: TwinWorld) -> None:
    world.wait(0)
    seen = world.observe(0)
    kept = {one.name: np.array(getattr(seen, one.name)) for one in fields(seen)}
    world.apply(0, seen, Commands(np.zeros(seen.need_kwh.size), np.zeros(6), seen.pv_kw))
    world.observe(1)
    for name, value in kept.items():
        np.testing.assert_array_equal(getattr(seen, name), value)


def test_new_meters_have_a_column_for_every_site() -> None:
    meters = new_meters(96, 6)
    assert meters.import_kwh.shape == (96, 6)
    assert meters.traction_kwh.shape == (96,)
