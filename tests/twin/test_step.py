"""Two threads in turns do what one does alone, and a thread that waits can be sent home."""

from __future__ import annotations

import time
from threading import Thread

import numpy as np
import pytest
from numba.core.errors import TypingError

from zerocity.city.scenario import City
from zerocity.control.snapshot import Commands
from zerocity.measures.timeline import Timeline
from zerocity.twin.day_ageing import DayAgeing, no_ageing
from zerocity.twin.duties import Duties
from zerocity.twin.health import Health
from zerocity.twin.kernel import announce, wait_until
from zerocity.twin.population import Population
from zerocity.twin.step import BEGUN, DRIVEN, LEFT, OVER, SERVED, TURNS
from zerocity.twin.world import DayScene, TwinWorld


def test_a_turn_is_waited_for_and_what_was_written_before_it_is_there() -> None:
    turns, written = np.zeros(TURNS, np.int64), np.zeros(1)
    seen: list[float] = []

    def other() -> None:
        wait_until(turns, SERVED, 3)
        seen.append(float(written[0]))
        announce(turns, DRIVEN, 3)

    thread = Thread(target=other, daemon=True)
    thread.start()
    for turn in (1, 2):
        announce(turns, SERVED, turn)
    assert turns[DRIVEN] == 0
    written[0] = 7.0
    announce(turns, SERVED, 3)
    wait_until(turns, DRIVEN, 3)
    thread.join(timeout=60.0)
    assert seen == [7.0]


def begun(
    city: City,
    timeline: Timeline,
    people: Population,
    threads: int,
    ageing: DayAgeing | None = None,
) -> TwinWorld:
    """A world at the beginning of a day with load, sun and rising warmth."""
    world = TwinWorld(city, timeline, people, threads)
    Duties(city, timeline, 1).set_day(people.cars, 0)
    wide = np.full((len(city.sites), 96), 20.0)
    rates = np.full((96, len(city.fleets)), 0.8)
    scene = DayScene(wide, 2.0 * wide, np.linspace(-9.0, 25.0, 96), rates)
    world.begin_day(0, scene, ageing)
    return world


def live(world: TwinWorld, steps: range, share: float = 1.0) -> None:
    """Steps in which everybody charges at a share of full power, and stores rest."""
    for step in steps:
        seen = world.observe(step)
        power = share * np.minimum(seen.limit_kw, seen.need_kwh / seen.step_h)
        world.apply(step, seen, Commands(power, np.zeros(seen.load_kw.size), seen.pv_kw))


def lived(city: City, timeline: Timeline, people: Population, threads: int) -> TwinWorld:
    """A day in which everybody charges at full power."""
    world = begun(city, timeline, people, threads)
    live(world, range(96))
    world.end_day()
    world.close()
    return world


def test_one_thread_and_two_live_the_same_day(
    city: City, timeline: Timeline, people: Population
) -> None:
    alone = lived(city, timeline, people.copy(), 1)
    both = lived(city, timeline, people.copy(), 2)
    mine, theirs = alone.people, both.people
    for one, other in zip(
        (*mine.packs, *mine.cars, *mine.at, *alone.log),
        (*theirs.packs, *theirs.cars, *theirs.at, *both.log),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(alone.soc_history, both.soc_history)
    np.testing.assert_array_equal(alone.temperature_history, both.temperature_history)
    assert alone.meters.traction_kwh.sum() > 0.0
    np.testing.assert_array_equal(alone.meters.traction_kwh, both.meters.traction_kwh)
    assert both._turns[LEFT] == 96


def test_closing_in_the_middle_of_a_step_ends_the_thread(
    city: City, timeline: Timeline, people: Population
) -> None:
    """As when the run is stopped while drivers are served."""
    world = begun(city, timeline, people, 2)
    announce(world._turns, BEGUN, 1)
    closing = Thread(target=world.close, daemon=True)
    closing.start()
    closing.join(timeout=60.0)
    assert not closing.is_alive()
    assert world._turns[SERVED] == OVER
    assert world._driven is not None
    assert world._driven.done()


def test_an_error_beside_comes_out_at_the_end_of_the_day(
    city: City, timeline: Timeline, people: Population
) -> None:
    world = begun(city, timeline, people, 2, no_ageing()._replace(step_h="a quarter"))
    live(world, range(96), 0.0)
    with pytest.raises(TypingError):
        world.end_day()
    world.close()


@pytest.mark.parametrize("closing", [False, True])
def test_who_waits_ages_what_is_over(
    city: City, timeline: Timeline, people: Population, closing: bool
) -> None:
    health = Health(people.products, 2)
    health.adopt(people.packs, np.full(people.packs.size, 500.0), np.zeros(people.packs.size))
    n = people.packs.size
    soc, warm = (np.full((96, n), x, np.float32) for x in (0.5, 20.0))
    yesterday = health.day(people.packs, n, soc, warm, 0.25)
    world = begun(city, timeline, people, 2, yesterday)
    assert not yesterday.done.any()
    live(world, range(2), 0.0)
    wait = time.monotonic() + (0.0 if closing else 60.0)
    while not yesterday.done.all() and time.monotonic() < wait:
        time.sleep(0.01)
    assert closing or yesterday.done.all()
    world.close()
    health.finish(yesterday)
    assert yesterday.done.all()
    health.close()
