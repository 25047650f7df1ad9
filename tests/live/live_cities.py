"""Small live cities for tests: two sites, their stations, a clock that tests set, hands that note.

Site "a": 100 kW, 30 kWp, one charger of two plugs of 22 kW and one DC charger of 60 kW. Site "b":
50 kW, a store and a swap cabinet of two slots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from zerocity.charging.session import State
from zerocity.control.sighting import Sighting
from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.live.clock import WallClock
from zerocity.live.facts import SiteFacts
from zerocity.live.readings import Readings, SiteReading
from zerocity.live.registry import Connector, LiveStation, Registry, Slot
from zerocity.live.sessions import LiveSession

NOON = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)
TX_DEFAULT = (0, "TxDefaultProfile", 0)


def made_facts() -> SiteFacts:
    """Two sites."""
    return SiteFacts(
        names=("a", "b"),
        import_limit_kw=np.array([100.0, 50.0]),
        export_limit_kw=np.array([50.0, 0.0]),
        plugs=np.array([3.0, 2.0]),
        default_kw=np.array([4.0, 2.0]),
        store_kw=np.array([0.0, 20.0]),
        store_capacity_kwh=np.array([0.0, 40.0]),
        pv_kwp=np.array([30.0, 0.0]),
        slot_kwh=np.array([0.0, 0.0]),
        flex_limit_kw=np.array([104.0, 60.0]),
    )


class Hand:
    """A clock that a test moves: ``s`` seconds since the start, ``jump`` of the calendar."""

    def __init__(self) -> None:
        self.s, self.jump = 1000.0, timedelta(0)

    def clock(self, shift: timedelta = timedelta(0)) -> WallClock:
        """A wall clock on this hand."""
        return WallClock(
            shift,
            steady=lambda: self.s,
            calendar=lambda: NOON + timedelta(seconds=self.s - 1000.0) + self.jump,
        )


def made_registry() -> Registry:
    """The stations of both sites, online, their defaults taken."""
    registry = Registry()
    for name, site, kind, plugs, kw in (
        ("ac", "a", "charger", 2, 22.0), ("dc", "a", "charger", 1, 60.0),
        ("swap", "b", "swap", 2, 30.0),
    ):  # fmt: skip
        station = LiveStation(name, site, kind=kind, online=True, boot="accepted")
        station.default_kw = 4.0 if site == "a" else 2.0
        station.file.profiles[TX_DEFAULT] = "accepted"
        for evse in range(1, plugs + 1):
            station.connectors[evse, 1] = Connector(name, evse, 1, site, kw)
            if kind == "swap":
                station.slots[evse] = Slot(evse)
        registry.add_station(station)
    return registry


def plug(registry: Registry, station: str, evse: int = 1, **known: Any) -> LiveSession:
    """Begin a session that wants 20 kWh within four hours, or as ``known`` says."""
    name = f"{station}-{evse}-{len(registry.sessions)}"
    wish = {"need_kwh": 20.0, "depart_at": NOON + timedelta(hours=4), "state": State.CHARGING}
    started_at = known.pop("started_at", NOON)
    session = LiveSession(name, station, evse, 1, "token", started_at, 0.0)
    for key, value in {**wish, **known}.items():
        setattr(session, key, value)
    registry.sessions[name] = session
    registry.stations[station].connectors[evse, 1].session = session
    return session


def unplug(registry: Registry, session: LiveSession) -> None:
    """End a session."""
    del registry.sessions[session.id]
    registry.stations[session.station].connectors[session.evse, 1].session = None


def made_readings(now_s: float = 1000.0, **net_kw: float) -> Readings:
    """Fresh readings of both sites: 10 kW of load each, nothing else, or ``net_kw`` by site."""
    readings = Readings(("a", "b"), made_facts().pv_kwp)
    for site in readings.sites:
        readings.take(site, SiteReading(net_kw.get(site, 10.0), store_kwh=20.0), now_s)
    return readings


class NotedHands:
    """Orders as they were given; ``answer`` says at once whether a limit is taken, None: later."""

    def __init__(self, answer: bool | None = True) -> None:
        self.answer = answer
        self.limits: list[tuple[str, float]] = []
        self.waiting: list[Callable[[bool], None]] = []
        self.stores: list[tuple[str, float]] = []
        self.suns: list[tuple[str, float]] = []

    def limit(self, session: LiveSession, kw: float, done: Callable[[bool], None]) -> None:
        self.limits.append((session.id, kw))
        if self.answer is None:
            self.waiting.append(done)
        else:
            done(self.answer)

    def store(self, site: str, kw: float) -> None:
        self.stores.append((site, kw))

    def sun(self, site: str, share: float) -> None:
        self.suns.append((site, share))

    def last(self, session: LiveSession) -> float | None:
        """The last limit of a session."""
        return next((kw for name, kw in reversed(self.limits) if name == session.id), None)


def typical(first: datetime, steps: int) -> tuple[Any, Any, Any, Any]:
    """An outlook: 10 kW of load, 5 kW of sun, one price."""
    wide = (2, steps)
    return np.full(wide, 10.0), np.full(wide, 5.0), np.full(steps, 0.5), np.full(steps, 0.2)


def made_sighting(seed: int = 0, sites: int = 3, sessions: int = 6) -> tuple[Sighting, PlanRow]:
    """A random but lawful look at a city, and the plan of that step."""
    rng = np.random.default_rng(seed)
    size, limit = rng.uniform(20.0, 200.0, sites), rng.uniform(3.0, 60.0, sessions)
    need = rng.uniform(0.0, 40.0, sessions)
    snapshot = Snapshot(
        step=seed, step_h=1 / 720, load_kw=size * rng.uniform(0.0, 1.0, sites),
        pv_kw=size * rng.uniform(0.0, 1.0, sites), import_limit_kw=size,
        export_limit_kw=size / 2.0, store_charge_limit_kw=size / 5.0,
        store_discharge_limit_kw=size / 5.0, site=rng.integers(0, sites, sessions),
        need_kwh=need, limit_kw=limit, steps_needed=need / limit * 720.0,
        steps_left=rng.integers(0, 4000, sessions),
    )  # fmt: skip
    seen = Sighting(
        snapshot=snapshot, key=rng.integers(0, 2**62, sessions), floor_kw=np.full(sessions, 1.38),
        fallback_kw=np.full(sessions, 2.0), reachable=rng.random(sessions) > 0.2,
        asked_kw=np.where(rng.random(sessions) > 0.8, 5.0, np.nan),
        meter_age_s=rng.uniform(0.0, 40.0, sites), cap_kw=np.full(sites, np.inf),
        reserve_kw=rng.uniform(0.0, 5.0, sites),
    )  # fmt: skip
    row = PlanRow(
        pv_kw=snapshot.pv_kw * 0.9, flex_kw=size * rng.uniform(0.0, 0.6, sites),
        store_kw=size * rng.uniform(-0.2, 0.2, sites),
    )  # fmt: skip
    return seen, row


def changed(commands: Commands, number: int) -> Commands:
    """Commands of which one power's last bit is another."""
    power = commands.battery_kw.copy()
    power[number] = np.nextafter(power[number], np.inf)
    return replace(commands, battery_kw=power)
