"""The twin as a city that others run: drivers and packs live on, chargers obey from outside.

Minute by minute it tells who stands at which plug and which pack lies in which slot, and is told
what each took from the grid. So the twin stands in for the devices of a live city, and the live
platform cannot tell the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from zerocity.city.scenario import City
from zerocity.control.decide import decide
from zerocity.control.limits import limit
from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.climate import WeatherYear
from zerocity.measures.arrays import F64, I32, I64
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import Stage
from zerocity.twin.duties import Duties
from zerocity.twin.health import Health
from zerocity.twin.population import INVERTER_EFFICIENCY, populate
from zerocity.twin.scenery import Scenery
from zerocity.twin.world import TwinWorld

STEP_MINUTES = 1
# Used packs have lived by about this many equivalent cycles a year; an assumption.
CYCLES_PER_YEAR = 150.0


def street_timeline(first: date, days: int, utc_offset_h: float) -> Timeline:
    """The minutes of ``days`` local days from ``first``."""
    return Timeline(first, days, STEP_MINUTES, utc_offset_h)


@dataclass(frozen=True)
class Guest:
    """A vehicle at a plug, or a pack in a slot.

    need_kwh, limit_kw : AC energy it still takes and the most it takes now [kWh, kW].
    leaves_at : when it should be full, UTC. soc : of its packs together, 0-1.
    """

    packs: tuple[int, ...]
    soc: float
    capacity_kwh: float
    need_kwh: float
    limit_kw: float
    leaves_at: datetime


@dataclass(frozen=True)
class Handover:
    """One pack out of a slot into a vehicle, and the vehicle's own into the slot."""

    site: int
    slot: int
    vehicle: int
    given: int
    taken: int


class Street:
    """A running city without control. `begin` it, then `look` and `live` a minute, again and again.

    ``site_kw`` (sites,): load, sun and the store's limits of the minute, after each `look`.
    """

    def __init__(self, city: City, timeline: Timeline, weather: WeatherYear, seed: int) -> None:
        self.city, self.timeline = city, timeline
        self.people = populate(city, timeline, seed)
        self.world = TwinWorld(city, timeline, self.people, threads=1)
        self.duties = Duties(city, timeline, seed)
        self.scenery = Scenery(city, timeline, weather, self.duties, seed)
        self.health = Health(self.people.products, 1)
        self.day, self.step = 0, 0
        self.seen: Snapshot | None = None
        self._slots_before = self.people.at.slots.copy()

    def begin(self, at: datetime) -> None:
        """Live from the first midnight to ``at`` (UTC); whoever plugs in charges at once."""
        packs = self.people.packs
        age = -packs.born_day.astype(np.float64)
        self.health.adopt(packs, age, CYCLES_PER_YEAR * age / 365.25)
        self.health.refresh(packs)
        self._begin_day()
        minutes = int((at - self.timeline.start_utc) / timedelta(minutes=STEP_MINUTES))
        while self.day * self.timeline.steps_per_day + self.step < minutes:
            self.seen = self._observe()
            self.apply(self.at_once())
        self._slots_before[:] = self.people.at.slots

    def look(self) -> list[Handover]:
        """Let vehicles come, go and swap; returns the packs that changed hands."""
        self.seen = self._observe()
        slots, before = self.people.at.slots, self._slots_before
        changed = np.flatnonzero(slots != before)
        first = self.people.at.first_slot
        found = []
        for slot in changed:
            site = int(np.searchsorted(first, slot, side="right")) - 1
            given, taken = int(before[slot]), int(slots[slot])
            vehicle = int(self.people.packs.vehicle[given]) if given >= 0 else -1
            found.append(Handover(site, int(slot - first[site]), vehicle, given, taken))
        before[:] = slots
        return found

    def at_once(self) -> Commands:
        """What this minute takes if everyone charges at once, within each site's limits."""
        seen = self._required()
        sites = seen.load_kw.size
        row = PlanRow(seen.pv_kw, np.full(sites, np.inf), np.zeros(sites))
        return limit(seen, decide(seen, row))

    def at_plugs(self) -> dict[int, tuple[int, Guest]]:
        """Vehicle -> (site, guest) for everyone at a plug."""
        cars, wish = self.people.cars, self._wishes()
        found = {}
        for v in np.flatnonzero(cars.plugged >= 0):
            packs = [int(p) for p in cars.packs[v] if p >= 0]
            found[int(v)] = (int(cars.plugged[v]), self._guest(packs, wish))
        return found

    def in_slots(self) -> dict[tuple[int, int], Guest]:
        """(site, slot) -> the pack that lies there."""
        at, wish = self.people.at, self._wishes()
        found = {}
        for site in np.flatnonzero(at.last_slot > at.first_slot):
            for place in range(int(at.first_slot[site]), int(at.last_slot[site])):
                pack = int(at.slots[place])
                if pack >= 0:
                    key = int(site), place - int(at.first_slot[site])
                    found[key] = self._guest([pack], wish)
        return found

    def live(self, pack_kwh: F64, store_kw: F64, pv_used_kw: F64) -> None:
        """Move the city on by the minute that was looked at.

        pack_kwh : AC energy that each pack took in it, (packs,) [kWh]; what a pack does not want
        is not taken. store_kw, pv_used_kw : mean power of each site, (sites,) [kW].
        """
        seen = self._required()
        wanted = pack_kwh[self.world.wanting_ids] / self.timeline.step_h
        most = np.minimum(seen.limit_kw, seen.need_kwh / self.timeline.step_h)
        low, high = -seen.store_discharge_limit_kw, seen.store_charge_limit_kw
        self.apply(Commands(np.clip(wanted, 0.0, most), np.clip(store_kw, low, high), pv_used_kw))

    def apply(self, commands: Commands) -> None:
        """Move the city on by the minute that was looked at, as it is commanded."""
        self.world.apply(self.step, self.world.last_seen, commands)
        self.step += 1

    def store_soc(self) -> tuple[F64, F64]:
        """Capacity and content of each site's stationary store, (sites,) [kWh]."""
        packs, sites = self.people.packs, len(self.city.sites)
        stored = (packs.stage == Stage.STORAGE) | (packs.stage == Stage.SECOND_LIFE)
        ids = np.flatnonzero(stored)
        where = packs.place[ids]
        return (
            np.bincount(where, packs.usable_kwh[ids], sites).astype(np.float64),
            np.bincount(where, packs.energy_kwh[ids], sites).astype(np.float64),
        )

    @property
    def inverter_efficiency(self) -> float:
        """From the packs of a store to the grid."""
        return INVERTER_EFFICIENCY

    def _wishes(self) -> tuple[F64, F64]:
        """AC energy and power that each pack wants, (packs,) each."""
        seen, packs = self._required(), self.people.packs
        need, most = np.zeros(packs.size), np.zeros(packs.size)
        ids: I64 | I32 = self.world.wanting_ids
        need[ids], most[ids] = seen.need_kwh, seen.limit_kw
        return need, most

    def _guest(self, ids: list[int], wish: tuple[F64, F64]) -> Guest:
        packs = self.people.packs
        room = float(packs.usable_kwh[ids].sum())
        minutes = int(packs.depart_step[ids].max()) * STEP_MINUTES
        return Guest(
            packs=tuple(ids),
            soc=float(packs.energy_kwh[ids].sum()) / max(room, 1e-9),
            capacity_kwh=room,
            need_kwh=float(wish[0][ids].sum()),
            limit_kw=float(wish[1][ids].sum()),
            leaves_at=self.timeline.start_utc + timedelta(minutes=minutes),
        )

    def _required(self) -> Snapshot:
        if self.seen is None:
            raise RuntimeError("look before you live")
        return self.seen

    def _begin_day(self) -> None:
        self.duties.set_day(self.people.cars, self.day)
        self.world.begin_day(self.day, self.scenery.of_day(self.day))

    def _observe(self) -> Snapshot:
        if self.step == self.timeline.steps_per_day:
            self._night()
        return self.world.observe(self.step)

    def _night(self) -> None:
        """Age the packs by the day that ends, and begin the next."""
        world, packs = self.world, self.people.packs
        world.end_day()
        day = self.health.day(
            packs, world.lived, world.soc_history, world.temperature_history, self.timeline.step_h
        )
        self.health.finish(day)
        self.health.refresh(packs)
        self.day, self.step = self.day + 1, 0
        self._begin_day()

    def close(self) -> None:
        """End what runs beside."""
        self.world.close()
        self.health.close()
