"""The real city behind the port of the control loop: its wait, its look and its hands."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np

from zerocity.control.ports import PlanInForce
from zerocity.control.sighting import Sighting, cautious
from zerocity.control.snapshot import Commands
from zerocity.live.clock import WallClock
from zerocity.live.facts import Rhythm, SiteFacts
from zerocity.live.grants import Grants, Wish
from zerocity.live.look import Look, look
from zerocity.live.readings import Readings
from zerocity.live.registry import Registry
from zerocity.live.sessions import LiveSession
from zerocity.measures.arrays import F64

# A store's or panel's order is repeated this often: their own timers end it when we fall silent.
REPEAT_S = 30.0
STORE_DEADBAND_KW, SUN_DEADBAND = 0.5, 0.01


class Hands(Protocol):
    """How orders reach the devices. Each returns at once."""

    def limit(self, session: LiveSession, kw: float, done: Callable[[bool], None]) -> None:
        """Bound a session; ``done`` hears whether its station took the limit."""

    def store(self, site: str, kw: float) -> None:
        """Set the power of a site's store, positive into it [kW]."""

    def sun(self, site: str, share: float) -> None:
        """Bound a site's panels to a share of their rated power, 0-1."""


@dataclass
class Orders:
    """What people and the grid have ordered; event-loop thread only.

    asked_kw : session id -> power a person ordered [kW]. cap_kw : site -> import limit of a grid
    event [kW].
    """

    asked_kw: dict[str, float] = field(default_factory=dict)
    cap_kw: dict[str, float] = field(default_factory=dict)


class LiveCity:
    """The live world. ``plans`` gives the plan in force; see `control.ports.LiveWorld`."""

    def __init__(
        self,
        facts: SiteFacts,
        registry: Registry,
        readings: Readings,
        hands: Hands,
        plans: Callable[[], PlanInForce],
        clock: WallClock,
        rhythm: Rhythm,
    ) -> None:
        self.facts, self.registry, self.readings = facts, registry, readings
        self.hands, self.clock, self.rhythm = hands, clock, rhythm
        self.orders, self.grants = Orders(), Grants()
        self._plans = plans
        self._nudge, self._ends = asyncio.Event(), False
        self._began_s = -math.inf
        self._since = clock.utc()
        self._look: Look | None = None
        self._store_told: dict[int, tuple[float, float]] = {}
        self._sun_told: dict[int, tuple[float, float]] = {}
        self.steps = 0

    def nudge(self, site: str = "") -> None:
        """Something changed: decide soon."""
        self._nudge.set()

    def end(self) -> None:
        """Let the loop end after its step."""
        self._ends = True
        self._nudge.set()

    async def wait(self) -> int | None:
        """Return at the next beat, or earlier when something changed."""
        since = self.clock.now_s() - self._began_s
        rest = self.rhythm.step_s - since
        if rest > 0.0 and not self._ends:
            try:
                async with asyncio.timeout(rest):
                    await self._nudge.wait()
                gap = self.rhythm.least_gap_s - (self.clock.now_s() - self._began_s)
                if gap > 0.0 and not self._ends:
                    await asyncio.sleep(gap)
            except TimeoutError:
                pass
        else:
            await asyncio.sleep(0)
        self._nudge.clear()
        if self._ends:
            return None
        self._began_s = self.clock.now_s()
        self.steps += 1
        return int(self.clock.utc().timestamp() // self.rhythm.step_s)

    def plan(self) -> PlanInForce:
        """The plan that holds now."""
        return self._plans()

    def observe(self, step: int) -> Sighting:
        """What the devices last said."""
        found = look(
            step, self.facts, self.registry, self.readings, self.orders.asked_kw,
            self.orders.cap_kw, self.grants, self.clock.utc(), self.clock.now_s(),
            self.rhythm.step_h,
        )  # fmt: skip
        self._look = found
        self.grants.keep(self.registry.sessions)
        for key in [key for key in self.orders.asked_kw if key not in self.registry.sessions]:
            del self.orders.asked_kw[key]
        return found.seen

    def apply(self, seen: Sighting, commands: Commands) -> None:
        """Tell the devices what was decided."""
        now_s = self.clock.now_s()
        self._limit_sessions(seen, commands, now_s)
        for k in np.flatnonzero(self.facts.store_kw > 0.0):
            self._tell_store(int(k), float(commands.store_kw[k]), now_s)
        self._tell_sun(seen, commands, now_s)

    def _limit_sessions(self, seen: Sighting, commands: Commands, now_s: float) -> None:
        if self._look is None:
            return
        found, careful = self._look, cautious(seen)
        # A store that is told to help, or to charge less, does so a little later.
        store_kw = np.maximum(commands.store_kw, self.readings.store_kw)
        room: F64 = np.maximum(
            careful.import_limit_kw + careful.pv_kw - careful.load_kw - store_kw, 0.0
        )
        by_site: dict[int, list[Wish]] = {}
        by_id = {session.id: session for session in found.sessions}
        send = partial(self._send, by_id)
        urgent = careful.steps_needed + 1.0 >= careful.steps_left
        for i, session in enumerate(found.sessions):
            limit_kw, default_kw = found.limits_kw[i], found.defaults_kw[i]
            if seen.reachable[i]:
                # What ran before us may hold a limit that nobody here remembers.
                held_kw = default_kw if session.started_at >= self._since else limit_kw
                wish = Wish(
                    session.id, float(commands.battery_kw[i]), limit_kw, held_kw, bool(urgent[i])
                )
                by_site.setdefault(int(seen.snapshot.site[i]), []).append(wish)
            elif self.registry.stations[session.station].online:
                self.grants.insist(session.id, min(default_kw, limit_kw), now_s, send)
        for site, wishes in by_site.items():
            self.grants.settle(wishes, float(room[site]), now_s, send)

    def _send(self, by_id: dict[str, LiveSession], key: str, kw: float, number: int) -> None:
        def done(taken: bool) -> None:
            if taken:
                self.grants.confirmed(key, number, self.clock.now_s())
                session.granted_kw = kw
            else:
                self.grants.refused(key, number)
            self.nudge()

        session = by_id[key]
        self.hands.limit(session, kw, done)

    def _tell_store(self, k: int, kw: float, now_s: float) -> None:
        told, at_s = self._store_told.get(k, (math.nan, -math.inf))
        if abs(kw - told) <= STORE_DEADBAND_KW and now_s - at_s < REPEAT_S:
            return
        self._store_told[k] = (kw, now_s)
        self.hands.store(self.facts.names[k], kw)

    def _tell_sun(self, seen: Sighting, commands: Commands, now_s: float) -> None:
        """Bound panels only where they make more than the site and the grid can take."""
        there = seen.snapshot.pv_kw
        for k in np.flatnonzero(self.facts.pv_kwp > 0.0):
            spare = commands.pv_used_kw[k] >= there[k]
            rated = float(self.facts.pv_kwp[k])
            share = 1.0 if spare else min(float(commands.pv_used_kw[k]) / rated, 1.0)
            told, at_s = self._sun_told.get(int(k), (1.0, now_s))
            if abs(share - told) <= SUN_DEADBAND and (told >= 1.0 or now_s - at_s < REPEAT_S):
                continue
            self._sun_told[int(k)] = (share, now_s)
            self.hands.sun(self.facts.names[k], share)
