"""What a look at the live city sees: who wants what, who can be told, what must be kept free."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_cities import NOON, TX_DEFAULT, made_facts, made_readings, made_registry, plug

from zerocity.charging.session import State
from zerocity.control.sighting import METER_FRESH_S, cautious
from zerocity.live.facts import THREE_PHASE_KW
from zerocity.live.grants import IDLE_S, LEASE_S, Grants, Wish
from zerocity.live.look import BEGINNERS, DRAWING, Look, look
from zerocity.live.readings import Readings
from zerocity.live.registry import Registry
from zerocity.live.station_file import StationFile

STEP_H = 1 / 720


@dataclass
class Scene:
    """A small city; `look` at it."""

    registry: Registry = field(default_factory=made_registry)
    readings: Readings = field(default_factory=made_readings)
    grants: Grants = field(default_factory=Grants)
    asked: dict[str, float] = field(default_factory=dict)
    caps: dict[str, float] = field(default_factory=dict)
    now_s: float = 1000.0

    def look(self) -> Look:
        at = NOON + timedelta(seconds=self.now_s - 1000.0)
        return look(
            7, made_facts(), self.registry, self.readings, self.asked, self.caps, self.grants,
            at, self.now_s, STEP_H,
        )  # fmt: skip

    def file(self, station: str) -> StationFile:
        return self.registry.stations[station].file


def tell(
    scene: Scene, key: str, kw: float, default_kw: float = 4.0, *, answer: bool = True
) -> None:
    numbers: list[int] = []
    wish = Wish(key, kw, 60.0, default_kw, False)
    scene.grants.settle([wish], 200.0, scene.now_s, lambda *sent: numbers.append(sent[2]))
    if answer:
        scene.grants.confirmed(key, numbers[-1], scene.now_s)


def test_an_empty_city_is_seen_without_sessions() -> None:
    seen = Scene().look().seen
    assert seen.key.size == 0
    np.testing.assert_array_equal(seen.snapshot.load_kw, [10.0, 10.0])
    np.testing.assert_array_equal(seen.snapshot.import_limit_kw, [100.0, 50.0])
    assert np.isinf(seen.cap_kw).all()
    np.testing.assert_allclose(seen.snapshot.store_charge_limit_kw, [0.0, 20.0])
    np.testing.assert_allclose(seen.snapshot.store_discharge_limit_kw, [0.0, 20.0])


def test_a_session_is_seen_with_its_wish_and_its_time() -> None:
    scene = Scene()
    one = plug(scene.registry, "ac", need_kwh=11.0, limit_kw=11.0)
    two = plug(scene.registry, "dc", priority=1)
    found = scene.look()
    s = found.seen.snapshot
    assert found.sessions == [one, two]
    np.testing.assert_array_equal(s.site, [0, 0])
    np.testing.assert_allclose(s.need_kwh, [11.0, 20.0])
    np.testing.assert_allclose(s.limit_kw, [11.0, 60.0])
    np.testing.assert_allclose(s.steps_needed, [720.0, 240.0])
    assert s.steps_left.tolist() == [int((4 - 1 / 6) * 720), 0]
    np.testing.assert_allclose(found.seen.floor_kw, [THREE_PHASE_KW, 0.0])
    assert found.seen.reachable.all()
    assert found.limits_kw == [11.0, 60.0]
    assert found.defaults_kw == [4.0, 4.0]


@pytest.mark.parametrize("state", list(State))
def test_only_who_may_draw_is_decided_about(state: State) -> None:
    scene = Scene()
    plug(scene.registry, "ac", state=state)
    assert scene.look().seen.key.size == (state in DRAWING)


def test_the_same_session_has_the_same_key_and_another_another() -> None:
    scene = Scene()
    plug(scene.registry, "ac")
    first = scene.look().seen.key
    plug(scene.registry, "ac", 2)
    both = scene.look().seen.key
    assert both[0] == first[0]
    assert both[1] != both[0]


def test_what_a_station_does_not_know_of_is_left_out() -> None:
    scene = Scene()
    plug(scene.registry, "ac")
    scene.registry.stations["ac"].site = "nowhere"
    assert scene.look().seen.key.size == 0


def test_a_full_car_wants_nothing_and_one_that_goes_on_wants_more() -> None:
    scene = Scene()
    plug(scene.registry, "ac", soc=1.0)
    plug(scene.registry, "ac", 2, need_kwh=None, meter_wh=40_000.0, meter_at=NOON, power_kw=10.0)
    np.testing.assert_allclose(scene.look().seen.snapshot.need_kwh, [0.0, 5.0])


def test_orders_and_caps_are_seen() -> None:
    scene = Scene(caps={"b": 15.0})
    session = plug(scene.registry, "ac")
    plug(scene.registry, "ac", 2)
    scene.asked[session.id] = 3.0
    seen = scene.look().seen
    np.testing.assert_array_equal(seen.asked_kw, [3.0, np.nan])
    np.testing.assert_array_equal(seen.cap_kw, [np.inf, 15.0])


# Who can be told


def test_a_lost_station_counts_at_its_lease_and_then_at_its_default() -> None:
    scene = Scene()
    session = plug(scene.registry, "ac")
    tell(scene, session.id, 15.0)
    scene.registry.stations["ac"].online = False
    seen = scene.look().seen
    assert not seen.reachable[0]
    assert seen.fallback_kw[0] == 15.0
    assert cautious(seen).load_kw[0] == pytest.approx(25.0)
    scene.now_s += LEASE_S + 1.0
    assert scene.look().seen.fallback_kw[0] == 4.0


def test_a_station_that_never_took_its_default_counts_at_all_that_it_can_give() -> None:
    scene = Scene()
    plug(scene.registry, "ac")
    scene.file("ac").profiles[TX_DEFAULT] = "rejected"
    assert scene.look().defaults_kw == [22.0]
    scene.registry.stations["ac"].online = False
    assert scene.look().seen.fallback_kw[0] == 22.0


@pytest.mark.parametrize("status", ["rejected", "unanswered", "notsupported"])
def test_a_connector_that_takes_no_limit_counts_in_full(status: str) -> None:
    scene = Scene()
    plug(scene.registry, "ac", limit_kw=16.0)
    plug(scene.registry, "ac", 2)
    scene.file("ac").profiles[1, "TxProfile", 1] = status
    seen = scene.look().seen
    assert seen.reachable.tolist() == [False, True]
    assert seen.fallback_kw[0] == 16.0
    scene.file("ac").profiles[1, "TxProfile", 1] = "accepted"
    assert scene.look().seen.reachable.all()


def test_a_refused_session_counts_in_full_until_a_limit_is_taken() -> None:
    scene = Scene()
    session = plug(scene.registry, "dc")
    tell(scene, session.id, 15.0, answer=False)
    scene.grants.refused(session.id, scene.grants.of[session.id].number)
    seen = scene.look().seen
    assert not seen.reachable[0]
    assert seen.fallback_kw[0] == 60.0


# Others' limits


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({(1, "EMS"): 9.0}, [9.0, 22.0]),
        ({(2, "EMS"): 9.0}, [22.0, 9.0]),
        ({(0, "EMS"): 9.0, (1, "SO"): 5.0}, [5.0, 9.0]),
        ({(0, "Other"): None}, [22.0, 22.0]),
        ({(0, "EMS"): 100.0}, [22.0, 22.0]),
        ({(1, "EMS"): 0.0}, [0.0, 22.0]),
    ],
)
def test_what_others_allow_bounds_a_session(
    limits: dict[tuple[int, str], float | None], wanted: list[float]
) -> None:
    scene = Scene()
    for evse in (1, 2):
        plug(scene.registry, "ac", evse)
    scene.file("ac").external_limits.update(limits)
    found = scene.look()
    assert found.seen.snapshot.limit_kw.tolist() == wanted
    assert (found.seen.floor_kw <= found.seen.snapshot.limit_kw).all()
    # It can end at any moment: what a session may draw is counted without it.
    assert found.limits_kw == [22.0, 22.0]


# Who takes less than they may


def test_a_car_that_takes_less_than_it_may_is_held_little_above_it() -> None:
    scene = Scene()
    session = plug(scene.registry, "ac", power_kw=6.0)
    tell(scene, session.id, 20.0)
    assert scene.look().seen.snapshot.limit_kw[0] == 22.0
    scene.now_s += IDLE_S
    found = scene.look()
    assert 6.0 < found.seen.snapshot.limit_kw[0] < 9.0
    # But until it has been told so, it may draw what it was told before.
    assert found.limits_kw == [22.0]


def test_a_car_that_takes_what_it_may_is_not_held() -> None:
    scene = Scene()
    session = plug(scene.registry, "ac", power_kw=19.5)
    tell(scene, session.id, 20.0)
    scene.now_s += IDLE_S
    assert scene.look().seen.snapshot.limit_kw[0] == 22.0


# What may begin


def test_plugs_that_may_begin_are_kept_room_for() -> None:
    scene = Scene()
    np.testing.assert_allclose(scene.look().seen.reserve_kw, [BEGINNERS * 4.0, BEGINNERS * 2.0])
    for evse in (1, 2):
        plug(scene.registry, "ac", evse)
    np.testing.assert_allclose(scene.look().seen.reserve_kw, [4.0, 4.0])
    plug(scene.registry, "dc", state=State.PLUGGED)
    np.testing.assert_allclose(scene.look().seen.reserve_kw, [4.0, 4.0])


def test_all_plugs_of_a_lost_station_may_begin() -> None:
    scene = Scene()
    scene.registry.stations["ac"].online = False
    np.testing.assert_allclose(scene.look().seen.reserve_kw, [2 * 4.0 + 4.0, 4.0])


# Laws


@given(st.integers(0, 10_000))
def test_silence_refusals_and_loss_never_give_a_site_more_room(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scene = Scene()
    for station, evse in (("ac", 1), ("ac", 2), ("dc", 1), ("swap", 1)):
        if rng.random() > 0.3:
            plug(scene.registry, station, evse, power_kw=float(rng.uniform(0, 20)))
    before = _room(scene.look())
    station = scene.registry.stations[str(rng.choice(["ac", "dc", "swap"]))]
    kind = rng.integers(0, 3)
    if kind == 0:
        station.online = False
    elif kind == 1:
        for seat in station.connectors.values():
            station.file.profiles[seat.evse, "TxProfile", 1] = "rejected"
    else:
        scene.now_s += METER_FRESH_S + float(rng.uniform(0, 600))
    after = _room(scene.look())
    assert (after <= before + 1e-9).all()


def _room(found: Look) -> np.ndarray:
    """What is left for those that can be told."""
    s = cautious(found.seen)
    room: np.ndarray = s.import_limit_kw + s.pv_kw - s.load_kw
    return room
