"""The live world: its beat, its hands, and that sessions never may draw beyond the room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_cities import (
    NOON,
    Hand,
    NotedHands,
    made_facts,
    made_readings,
    made_registry,
    plug,
    typical,
    unplug,
)

from zerocity.control.loop import run_live
from zerocity.control.sighting import Sighting, say
from zerocity.control.snapshot import Commands, PlanRow
from zerocity.energy.site_days import SiteDays, SitePlans, idle
from zerocity.live.clock import WallClock
from zerocity.live.facts import Rhythm
from zerocity.live.grants import ANSWER_S
from zerocity.live.planning import Planning
from zerocity.live.readings import Readings, SiteReading
from zerocity.live.registry import Registry
from zerocity.live.world import REPEAT_S, LiveCity


class NoJournal:
    def plan(self, days: SiteDays, plans: SitePlans) -> None: ...

    def step(self, column: int, seen: Sighting, row: PlanRow, commands: Commands) -> None: ...


def made(
    hands: NotedHands,
    *,
    clock: WallClock | None = None,
    registry: Registry | None = None,
    readings: Readings | None = None,
    rhythm: Rhythm | None = None,
) -> LiveCity:
    """A small city; without ``clock`` in real time."""
    clock, rhythm = clock or WallClock(), rhythm or Rhythm(60, 0.2)
    registry, readings = registry or made_registry(), readings or made_readings(clock.now_s())
    planning = Planning(made_facts(), registry, readings, typical, idle, clock, rhythm)
    return LiveCity(made_facts(), registry, readings, hands, planning.plan, clock, rhythm)


def turn(city: LiveCity, plan_kw: float = 90.0) -> Commands:
    """One step by hand, under a plan that gives each site ``plan_kw``."""
    seen = city.observe(0)
    row = PlanRow(np.zeros(2), np.full(2, plan_kw), np.zeros(2))
    commands = say(seen, row)
    city.apply(seen, commands)
    return commands


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The kernels of a decision, so that no test waits for them."""
    city = made(NotedHands(), clock=Hand().clock())
    plug(city.registry, "dc")
    turn(city)


def in_time(city: LiveCity, play: Callable[[], Awaitable[None]]) -> None:
    """Run the loop while ``play`` plays."""

    async def both() -> None:
        loop = asyncio.create_task(run_live(city, NoJournal()))
        async with asyncio.timeout(8.0):
            await play()
            city.end()
            await loop

    asyncio.run(both())


# The beat


def test_the_loop_beats_and_ends() -> None:
    hands = NotedHands()
    city = made(hands, rhythm=Rhythm(1, 0.1))

    async def play() -> None:
        await asyncio.sleep(2.3)

    in_time(city, play)
    assert city.steps == 3


def test_a_nudge_is_a_beat_but_not_two_at_once() -> None:
    city = made(NotedHands(), rhythm=Rhythm(60, 0.3))

    async def play() -> None:
        for _ in range(100):
            city.nudge()
            await asyncio.sleep(0.01)

    began = time.monotonic()
    in_time(city, play)
    assert 3 <= city.steps <= 2 + (time.monotonic() - began) / 0.3


def test_the_end_does_not_wait_for_the_beat() -> None:
    city = made(NotedHands())

    async def play() -> None:
        await asyncio.sleep(0.1)

    began = time.monotonic()
    in_time(city, play)
    assert time.monotonic() - began < 20.0


def test_the_number_of_a_step_is_the_calendars() -> None:
    city = made(NotedHands(), clock=Hand().clock(), rhythm=Rhythm(5))
    assert asyncio.run(city.wait()) == int(NOON.timestamp()) // 5


def test_a_changed_cap_reaches_the_stations_within_two_seconds() -> None:
    hands = NotedHands()
    city = made(hands, rhythm=Rhythm(60))  # the usual gap; no beat comes in the meantime
    now = city.clock.utc()
    dc = plug(city.registry, "dc", started_at=now, depart_at=now + timedelta(minutes=12))
    took: list[float] = []

    async def play() -> None:
        while not hands.last(dc):
            await asyncio.sleep(0.01)
        for _ in range(2):
            await asyncio.sleep(0.7)
            city.orders.cap_kw["a"] = 30.0 if not took else 22.0
            began = time.monotonic()
            city.nudge()
            while (hands.last(dc) or 0.0) > city.orders.cap_kw["a"] - 10.0:
                await asyncio.sleep(0.01)
            took.append(time.monotonic() - began)

    in_time(city, play)
    assert min(took) < 2.0


# The hands


def test_limits_follow_the_decision_and_are_not_repeated() -> None:
    hands, hand = NotedHands(), Hand()
    city = made(hands, clock=hand.clock())
    one, two = plug(city.registry, "ac"), plug(city.registry, "dc")
    commands = turn(city)
    hand.s += 1.0
    turn(city)
    assert hands.last(one) == pytest.approx(commands.battery_kw[0])
    assert hands.last(two) == pytest.approx(commands.battery_kw[1])
    assert one.granted_kw == hands.last(one)
    sent = len(hands.limits)
    hand.s += 1.0
    turn(city)
    assert len(hands.limits) == sent


def test_a_person_is_obeyed_within_the_limits_and_forgotten_with_the_session() -> None:
    hands = NotedHands()
    city = made(hands, clock=Hand().clock())
    session = plug(city.registry, "dc")
    city.orders.asked_kw[session.id] = 7.0
    turn(city)
    assert hands.last(session) == 7.0
    city.orders.asked_kw[session.id] = 1000.0
    city.orders.cap_kw["a"] = 45.0
    turn(city)
    assert 7.0 < (hands.last(session) or 0.0) <= 45.0 - 10.0
    unplug(city.registry, session)
    turn(city)
    assert city.orders.asked_kw == {}
    assert city.grants.of == {}


def test_a_lost_station_is_told_nothing_and_counts() -> None:
    hands = NotedHands()
    city = made(hands, clock=Hand().clock())
    lost, there = plug(city.registry, "ac"), plug(city.registry, "dc")
    city.registry.stations["ac"].online = False
    city.orders.cap_kw["a"] = 40.0
    turn(city)
    assert hands.last(lost) is None
    assert (hands.last(there) or 0.0) <= 40.0 - 10.0 - 4.0


def test_a_refusing_station_is_asked_again_and_counts_in_full_until_then() -> None:
    hands, hand = NotedHands(False), Hand()
    city = made(hands, clock=hand.clock())
    session = plug(city.registry, "dc")
    for _ in range(5):
        hand.s += 1.0
        turn(city)
    assert len(hands.limits) == 1
    assert city.observe(0).fallback_kw[0] == 60.0
    hand.s += ANSWER_S
    turn(city)
    assert hands.limits[-1] == (session.id, 4.0)
    hands.answer = True
    hand.s += ANSWER_S
    turn(city)
    turn(city)
    assert city.observe(0).reachable[0]
    assert (hands.last(session) or 0.0) > 30.0


def test_what_ran_before_the_platform_counts_in_full_until_it_is_told() -> None:
    hands = NotedHands(None)
    city = made(hands, clock=Hand().clock())
    old = plug(city.registry, "dc", started_at=NOON - timedelta(hours=1))
    new = plug(city.registry, "ac")
    city.orders.cap_kw["a"] = 50.0
    turn(city, 40.0)
    # 50 - 10 of load - 8 of reserve leaves less than the 60 kW that the old one may hold.
    assert (hands.last(new) or 0.0) <= 4.0
    assert hands.last(old) is not None
    for done in hands.waiting:
        done(True)
    turn(city, 40.0)
    assert (hands.last(new) or 0.0) + (hands.last(old) or 0.0) > 20.0


def test_a_store_is_told_again_before_its_timer_ends() -> None:
    hands, hand = NotedHands(), Hand()
    city = made(hands, clock=hand.clock())
    for _ in range(int(3 * REPEAT_S)):
        for k, site in enumerate(("a", "b")):
            city.readings.take(site, SiteReading(10.0, store_kwh=20.0 * k), hand.s)
        turn(city)
        hand.s += 1.0
    assert [site for site, _ in hands.stores] == ["b"] * 3


def test_panels_are_held_back_only_where_nobody_takes_their_power_and_set_free_again() -> None:
    hands, hand = NotedHands(), Hand()
    city = made(hands, clock=hand.clock())

    def read(load_kw: float, share: float) -> None:
        pv = min(80.0, share * 30.0)
        city.readings.take("a", SiteReading(load_kw - pv, 0.0, pv, share), hand.s)

    city.facts.export_limit_kw[0] = 5.0
    read(10.0, 1.0)
    turn(city, 0.0)
    assert hands.suns == [("a", pytest.approx(15.0 / 30.0))]
    hand.s += 1.0
    read(10.0, 0.5)
    turn(city, 0.0)
    assert len(hands.suns) == 1
    hand.s += REPEAT_S
    read(10.0, 0.5)
    turn(city, 0.0)
    assert len(hands.suns) == 2
    read(60.0, 0.5)
    turn(city, 0.0)
    assert hands.suns[-1] == ("a", 1.0)


# The promise


class LateStations:
    """Stations that take limits late and in order, some of which refuse; the grid's meter."""

    def __init__(self, city_readings: Readings, rng: np.random.Generator) -> None:
        self.rng, self.readings = rng, city_readings
        self.mail: dict[str, list[tuple[float, Callable[[bool], None]]]] = {}
        self.allowed: dict[str, float] = {}

    def limit(self, session: object, kw: float, done: Callable[[bool], None]) -> None:
        name: str = session.id  # type: ignore[attr-defined]
        self.mail.setdefault(name, []).append((kw, done))

    def store(self, site: str, kw: float) -> None: ...

    def sun(self, site: str, share: float) -> None: ...

    def post(self) -> None:
        """Let some of what is on its way arrive."""
        for name, letters in self.mail.items():
            while letters and self.rng.random() > 0.4:
                kw, done = letters.pop(0)
                if self.rng.random() > 0.1:
                    self.allowed[name] = kw
                    done(True)
                else:
                    done(False)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_what_sessions_may_draw_stays_within_the_connection(seed: int) -> None:
    rng, hand = np.random.default_rng(seed), Hand()
    clock = hand.clock()
    readings = made_readings(hand.s)
    stations = LateStations(readings, rng)
    registry = made_registry()
    city = made(stations, clock=clock, registry=registry, readings=readings)  # type: ignore[arg-type]
    load_kw = float(rng.uniform(10.0, 80.0))
    for _ in range(40):
        for station, evse in (("ac", 1), ("ac", 2), ("dc", 1)):
            seat = registry.stations[station].connectors[evse, 1]
            if rng.random() > 0.1:
                continue
            if seat.session is None:
                began = plug(registry, station, evse, started_at=clock.utc())
                stations.allowed[began.id] = 4.0
            else:
                stations.allowed.pop(seat.session.id)
                stations.mail.pop(seat.session.id, None)
                unplug(registry, seat.session)
        drawn = sum(stations.allowed.values())
        readings.take("a", SiteReading(load_kw + drawn, drawn), hand.s)
        turn(city)
        stations.post()
        # Three plugs begin at 4 kW whatever happens; the reserve holds room for two of them.
        most = max(100.0, load_kw + 3 * 4.0) + 4.0
        assert load_kw + sum(stations.allowed.values()) <= most + 1e-6
        hand.s += 1.0
