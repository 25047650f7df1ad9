"""Plans of the coming day: made as the city changes, and the last one holds when one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_cities import (
    NOON,
    Hand,
    made_facts,
    made_readings,
    made_registry,
    plug,
    typical,
    unplug,
)

from zerocity.charging.session import State
from zerocity.energy.site_days import SiteDays, SitePlans, idle
from zerocity.live.clock import WallClock
from zerocity.live.facts import Rhythm
from zerocity.live.planning import Peaks, Planning, corrected, flex_bounds
from zerocity.live.readings import SiteReading
from zerocity.live.registry import Registry

QUICK = Rhythm(5, 0.1, plan_s=0.02, most_plan_age_s=1000.0)


@dataclass
class Planner:
    """Plans nothing, notes what it was asked, and fails on request. The first is the start's."""

    asked: list[SiteDays] = field(default_factory=list)
    fails: bool = False

    def __call__(self, days: SiteDays) -> SitePlans:
        self.asked.append(days)
        if self.fails:
            raise ValueError("no way through")
        return idle(days)


def made(
    planner: Planner,
    clock: WallClock | None = None,
    registry: Registry | None = None,
    rhythm: Rhythm = QUICK,
    month_of: Callable[[datetime], int] = lambda at: at.month,
) -> Planning:
    clock = clock or Hand().clock()
    return Planning(
        made_facts(), registry or made_registry(), made_readings(clock.now_s()), typical, planner,
        clock, rhythm, 20.0, month_of,
    )  # fmt: skip


def run(planning: Planning, play: Callable[[], object], times: int = 1) -> None:
    """Let it plan; ``play`` is called ``times`` times, each after the plan before was made."""

    async def both() -> None:
        with ThreadPoolExecutor(1) as pool:
            task = asyncio.create_task(planning.run(pool))
            async with asyncio.timeout(5.0):
                for _ in range(times):
                    await asyncio.sleep(0.15)
                    play()
                await asyncio.sleep(0.15)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(both())


def test_there_is_a_plan_from_the_beginning() -> None:
    planner = Planner()
    plan = made(planner).plan()
    assert len(planner.asked) == 1
    assert plan.days is planner.asked[0]
    assert plan.days.steps == 96
    assert plan.column(plan.first_step) == 0
    assert plan.column(plan.first_step - 1000) == 0
    assert plan.column(plan.first_step + 180) == 1
    assert plan.column(10**12) == 95


def test_a_plan_is_made_when_something_changed_and_else_not() -> None:
    planner = Planner()
    planning = made(planner)
    first = planning.plan()
    run(planning, lambda: None)
    assert (planning.made, len(planner.asked)) == (1, 2)
    assert planning.plan() is not first
    run(planning, planning.note_change, 2)
    assert len(planner.asked) == 4


def test_an_old_plan_is_made_anew() -> None:
    planner, hand = Planner(), Hand()
    planning = made(planner, hand.clock())

    def grow_old() -> None:
        hand.s += 1001.0

    run(planning, grow_old, 2)
    assert planning.made == 3


def test_a_planner_that_fails_leaves_the_last_plan_and_is_told() -> None:
    planner = Planner()
    planning = made(planner)
    run(planning, lambda: None)
    good = planning.plan()
    planner.fails = True
    planning.note_change()
    run(planning, lambda: None)
    assert planning.plan() is good
    assert planning.failed == "ValueError: no way through"
    planner.fails = False
    planning.note_change()
    run(planning, lambda: None)
    assert planning.plan() is not good
    assert planning.failed == ""


def test_a_planner_that_fails_is_asked_again_by_itself() -> None:
    planner = Planner()
    planning = made(planner)
    planner.fails = True

    def mend() -> None:
        planner.fails = False

    run(planning, mend, 2)
    assert planning.made >= 1
    assert planning.failed == ""


def test_sessions_come_into_the_plan_and_leave_it() -> None:
    planner, registry = Planner(), made_registry()
    planning = made(planner, registry=registry)
    run(planning, lambda: None)
    session = plug(registry, "dc", need_kwh=18.0)
    planning.note_change("a")
    run(planning, lambda: None)
    unplug(registry, session)
    planning.note_change("a")
    run(planning, lambda: None)
    wanted = [days.flex_max_kwh[0, -1] for days in planner.asked]
    assert wanted == pytest.approx([0.0, 0.0, 18.0, 0.0])


def test_a_jump_of_the_clock_moves_the_plan() -> None:
    planner, hand = Planner(), Hand()
    clock = hand.clock()
    planning = made(planner, clock)
    first = planning.plan().first_step
    hand.jump = timedelta(hours=-5)
    assert clock.follow()
    planning.note_change()
    run(planning, lambda: None)
    assert planning.plan().first_step == first - 5 * 720
    assert planning.plan().column(int(clock.utc().timestamp()) // 5) == 0


# What a plan is made from


def test_the_problem_begins_with_what_is_measured() -> None:
    hand = Hand()
    planning = made(Planner(), hand.clock())
    planning.readings.take("a", SiteReading(40.0, 12.0, 8.0), hand.s)
    days = planning.problem(typical(NOON, 96))
    assert days.load_kw[0, 0] == pytest.approx(36.0)
    assert days.load_kw[0, -1] == pytest.approx(10.0, abs=0.01)
    assert days.pv_kw[0, 0] == pytest.approx(8.0)
    assert days.store_initial_kwh.tolist() == [0.0, 20.0]
    assert (days.store_final_kwh <= days.store_initial_kwh).all()
    assert (days.flex_min_kwh <= days.flex_max_kwh).all()


def test_sites_that_were_never_read_count_as_expected() -> None:
    planning = made(Planner())
    planning.readings.at_s[:] = -np.inf
    planning.readings.net_kw[:] = 500.0
    days = planning.problem(typical(NOON, 96))
    np.testing.assert_allclose(days.load_kw, 10.0)
    np.testing.assert_allclose(days.pv_kw, 5.0)


LIVE = st.tuples(
    st.sampled_from([("ac", 1), ("ac", 2), ("dc", 1), ("swap", 1), ("swap", 2)]),
    st.floats(0.0, 80.0), st.floats(-1.0, 40.0), st.floats(0.5, 100.0), st.sampled_from(State),
)  # fmt: skip


@given(st.lists(LIVE, max_size=5), st.integers(0, 899))
def test_bounds_rise_and_never_ask_for_more_than_is_wanted(
    wishes: list[tuple[tuple[str, int], float, float, float, State]], into_s: int
) -> None:
    registry = made_registry()
    for (station, evse), kwh, hours, limit, state in wishes:
        if registry.stations[station].connectors[evse, 1].session is None:
            plug(registry, station, evse, need_kwh=kwh, limit_kw=limit, state=state,
                 depart_at=NOON + timedelta(hours=hours))  # fmt: skip
    at = NOON + timedelta(seconds=into_s)
    least, most = flex_bounds(made_facts(), registry, {"a": 0, "b": 1}, at, NOON)
    assert (np.diff(least, axis=1) >= -1e-9).all()
    assert (np.diff(most, axis=1) >= -1e-9).all()
    assert (least <= most + 1e-9).all()
    wanted = [session.need_kwh or 0.0 for session in registry.sessions.values()]
    assert most[:, -1].sum() <= sum(wanted) + 1e-6


@given(
    st.floats(0.0, 100.0), st.lists(st.floats(0.0, 100.0), min_size=2, max_size=96), st.booleans()
)  # fmt: skip
def test_a_corrected_forecast_begins_at_the_meter_and_is_never_negative(
    now_kw: float, expected: list[float], sun: bool
) -> None:
    wide = np.array([expected])
    found = corrected(wide, np.array([now_kw]), sun=sun)
    assert (found >= 0.0).all()
    assert np.isfinite(found).all()
    if not sun or (wide[0, 0] > 0.01 and now_kw <= 2.0 * wide[0, 0]):
        assert found[0, 0] == pytest.approx(now_kw, abs=1e-6)
    if sun:
        assert (found[wide == 0.0] == 0.0).all()
        assert (found <= 2.0 * wide + 1e-9).all()


def test_the_highest_quarter_of_the_month_is_kept() -> None:
    peaks = Peaks(np.zeros(1))
    for minute, kw in ((0, 10.0), (5, 30.0), (15, 5.0), (20, 5.0), (30, 50.0)):
        peaks.take(np.array([kw]), NOON + timedelta(minutes=minute), 5)
    assert peaks.most_kw[0] == 20.0
    peaks.take(np.array([1.0]), NOON + timedelta(minutes=45), 5)
    assert peaks.most_kw[0] == 50.0
    peaks.take(np.array([-9.0]), NOON + timedelta(minutes=60), 6)
    assert peaks.most_kw[0] == 0.0
    peaks.take(np.array([2.0]), NOON + timedelta(minutes=75), 6)
    assert peaks.most_kw[0] == 0.0
