"""The twin's world: drivers, plugs, packs and meters behind the port of the control loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise

import numpy as np

from zerocity.city.scenario import City
from zerocity.control.decide import site_charging_kw
from zerocity.control.snapshot import Commands, Snapshot
from zerocity.errors import ZerocityError
from zerocity.measures.arrays import F32, F64
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import Stage
from zerocity.twin.driving import drive
from zerocity.twin.pack_physics import charge, wanting
from zerocity.twin.population import (
    CHARGER_EFFICIENCY,
    INVERTER_EFFICIENCY,
    Crew,
    Population,
)
from zerocity.twin.stations import Log, joined, new_log, serve

# A store gives no more than this share of what it holds in one step, so its losses are covered.
LAST_SHARE = 0.95
# Room for sessions per pack and day; drivers do not come more often.
SESSIONS_A_DAY = 12
STAGES = np.array([Stage.IN_SERVICE, Stage.SWAP_POOL], np.int8)


@dataclass
class DayMeters:
    """What the meters of a day counted, (steps, sites) [kWh]; ``traction_kwh`` (steps,)."""

    import_kwh: F64
    export_kwh: F64
    pv_kwh: F64
    pv_used_kwh: F64
    load_kwh: F64
    charging_kwh: F64
    store_in_kwh: F64
    store_out_kwh: F64
    traction_kwh: F64


def new_meters(steps: int, sites: int) -> DayMeters:
    """Meters at zero."""
    wide = {f.name: np.zeros((steps, sites)) for f in fields(DayMeters)}
    return DayMeters(**{**wide, "traction_kwh": np.zeros(steps)})


@dataclass(frozen=True)
class DayScene:
    """What nature and drivers do on one day.

    load_kw, pv_kw (sites, steps); temperature_c (steps,); kwh_per_km (steps, fleets).
    """

    load_kw: F64
    pv_kw: F64
    temperature_c: F64
    kwh_per_km: F64


class TwinWorld:
    """Simulated time: `wait` returns at once, `apply` moves the physics on by one step."""

    def __init__(self, city: City, timeline: Timeline, people: Population, threads: int) -> None:
        self.city, self.timeline, self.people = city, timeline, people
        self.day = -1
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._reserve = np.array([f.reserve_soc for f in city.fleets])
        self._bays = timeline.step_minutes / np.maximum(city.sites.swap_minutes, 1e-9)
        self.meters = new_meters(0, 0)
        self.lived = 0
        self.log: Log = new_log(0)
        self._crew_logs: list[tuple[Crew, Log]] = []
        self._bundles: list[list[tuple[Crew, Log]]] = []
        self._driving: Callable[[], None] = _nothing
        self._driven_kwh = 0.0
        self.soc_history: F32 = np.zeros((0, 0), np.float32)
        self.temperature_history: F32 = np.zeros((0, 0), np.float32)

    def begin_day(self, day: int, scene: DayScene) -> None:
        """Set the day's scene and put every meter to zero."""
        steps = self.timeline.steps_per_day
        packs, at = self.people.packs, self.people.at
        self.day, self.scene = day, scene
        self.meters = new_meters(steps, len(self.city.sites))
        for array in (at.swaps, at.early, at.late, packs.throughput_kwh, packs.loss_kwh):
            array[:] = 0.0
        cars = self.people.cars
        for array in (cars.km, cars.kwh, cars.missed_km):
            array[:] = 0.0
        if not self._crew_logs or self._crew_logs[0][1].start.size < SESSIONS_A_DAY * packs.size:
            room = SESSIONS_A_DAY * packs.size * 2
            self._crew_logs = [(crew, new_log(room)) for crew in self.people.crews]
            # The first crew has most to do; a thread of its own evens the work out. Few and large
            # works, because handing one over costs as much as serving ten vehicles.
            alone = 1 if self._threads > 1 else len(self._crew_logs)
            self._bundles = [self._crew_logs[:alone], self._crew_logs[alone:]]
        for _, log in self._crew_logs:
            log.size[:] = 0
        self._driven_kwh = 0.0
        self.lived = packs.size
        if self.soc_history.shape[1] < packs.size:
            room = packs.size + packs.size // 20
            self.soc_history = np.zeros((steps, room), np.float32)
            self.temperature_history = np.zeros((steps, room), np.float32)
            self._ids, self._site, self._left = (np.zeros(room, np.int64) for _ in range(3))
            self._need, self._limit, self._steps = (np.zeros(room) for _ in range(3))
        stored = (packs.stage == Stage.STORAGE) | (packs.stage == Stage.SECOND_LIFE)
        self._stores = np.flatnonzero(stored)
        self._store_site = packs.place[self._stores]

    def wait(self, step: int) -> None:
        """The twin's clock jumps."""

    def observe(self, step: int) -> Snapshot:
        """Let vehicles arrive, leave and swap; then take the picture."""
        people, now = self.people, self.day * self.timeline.steps_per_day + step
        left = people.at.swaps_left
        left[:] = np.minimum(left + self._bays, np.maximum(self._bays, 1.0))
        self._at_once([partial(self._serve, bundle, now, step) for bundle in self._bundles])
        # Vehicles on the road and batteries on a plug do not touch, so driving need not wait for
        # the decision.
        self._driving = self._begin(partial(self._drive, step))
        n = wanting(
            now,
            self.timeline.step_h,
            CHARGER_EFFICIENCY,
            people.packs,
            self._ids,
            self._site,
            self._need,
            self._limit,
            self._steps,
            self._left,
        )  # fmt: skip
        into, out = self.store_limits_kw()
        sites = self.city.sites
        return Snapshot(
            step=now,
            step_h=self.timeline.step_h,
            load_kw=self.scene.load_kw[:, step].copy(),
            pv_kw=self.scene.pv_kw[:, step].copy(),
            import_limit_kw=sites.grid_limit_kw,
            export_limit_kw=sites.export_limit_kw,
            store_charge_limit_kw=into,
            store_discharge_limit_kw=out,
            site=self._site[:n].copy(),
            need_kwh=self._need[:n].copy(),
            limit_kw=self._limit[:n].copy(),
            steps_needed=self._steps[:n].copy(),
            steps_left=self._left[:n].copy(),
        )

    def store_limits_kw(self) -> tuple[F64, F64]:
        """Power that each site's store can take and give in one step, AC, (sites,) [kW]."""
        into, out = self._pack_limits_kw()
        power = self.city.sites.storage_kw
        return np.minimum(power, self._by_site(into)), np.minimum(power, self._by_site(out))

    def _pack_limits_kw(self) -> tuple[F64, F64]:
        """The same of each stationary pack, (stationary packs,) [kW]."""
        packs, step_h, ids = self.people.packs, self.timeline.step_h, self._stores
        held, most = packs.energy_kwh[ids], packs.charge_limit_kw[ids]
        room = packs.usable_kwh[ids] - held
        into = np.minimum(most, room / (CHARGER_EFFICIENCY * step_h))
        return into, np.minimum(most, LAST_SHARE * held * INVERTER_EFFICIENCY / step_h)

    def _by_site(self, values: F64) -> F64:
        return np.bincount(self._store_site, values, len(self.city.sites)).astype(np.float64)

    def apply(self, step: int, snapshot: Snapshot, commands: Commands) -> None:
        """Carry out the commands, drive, charge and read the meters."""
        people, step_h = self.people, self.timeline.step_h
        ids = self._ids[: commands.battery_kw.size]
        people.packs.ac_kw[ids] = commands.battery_kw
        self._command_stores(commands.store_kw)
        self._driving()
        self._spread(people.packs.size, lambda lo, hi: self._charge(lo, hi, step))
        driven = float(people.cars.kwh.sum())
        self.meters.traction_kwh[step] = driven - self._driven_kwh
        self._driven_kwh = driven
        self._read_meters(step, snapshot, commands, step_h)

    def _command_stores(self, store_kw: F64) -> None:
        """Share each site's store power among its packs by what each can do."""
        into, out = self._pack_limits_kw()
        wanted = store_kw[self._store_site]
        able = np.where(wanted > 0.0, into, out)
        total = self._by_site(able)[self._store_site]
        share = np.divide(able, total, out=np.zeros_like(able), where=total > 0.0)
        self.people.packs.ac_kw[self._stores] = wanted * share

    def _serve(self, bundle: Sequence[tuple[Crew, Log]], now: int, step: int) -> None:
        people, steps = self.people, self.timeline.steps_per_day
        for crew, log in bundle:
            for lo, hi in crew:
                serve(
                    lo, hi, people.cars, people.packs, people.at, people.rules, log, now, step,
                    steps, STAGES,
                )  # fmt: skip

    def _drive(self, step: int) -> None:
        cars = self.people.cars
        drive(
            0, cars.fleet.size, step, self.timeline.step_h, self.day, cars, self.people.packs,
            self.scene.kwh_per_km[step], self._reserve,
        )  # fmt: skip

    def _charge(self, lo: int, hi: int, step: int) -> None:
        charge(
            lo, hi, step, self.timeline.step_h, CHARGER_EFFICIENCY, INVERTER_EFFICIENCY,
            self.scene.temperature_c[step], self.people.packs,
            self.soc_history, self.temperature_history,
        )  # fmt: skip

    def _begin(self, work: Callable[[], None]) -> Callable[[], None]:
        """Start ``work`` beside this thread; the result waits until it is done."""
        if self._pool is None:
            work()
            return _nothing
        return self._pool.submit(work).result

    def _at_once(self, works: Sequence[Callable[[], None]]) -> None:
        """Do several works that do not touch each other, the first one on this thread."""
        waits = [self._begin(work) for work in works[1:]]
        for work in works[:1]:
            work()
        for wait in waits:
            wait()

    def end_day(self) -> None:
        """Bring the day's sessions together; raises ZerocityError when some found no room."""
        self.log = joined([log for _, log in self._crew_logs])
        if self.log.size[1]:
            raise ZerocityError(f"{self.log.size[1]} sessions of day {self.day} found no room")

    def _spread(self, count: int, work: Callable[[int, int], None]) -> None:
        """Run ``work`` over slices; rows do not touch each other, so the cut changes nothing."""
        if self._pool is None:
            work(0, count)
            return
        edges = np.linspace(0, count, self._threads + 1).astype(int).tolist()
        self._at_once([partial(work, lo, hi) for lo, hi in pairwise(edges)])

    def _read_meters(self, step: int, seen: Snapshot, said: Commands, step_h: float) -> None:
        charging = site_charging_kw(seen, said)
        net = seen.load_kw + charging + said.store_kw - said.pv_used_kw
        m = self.meters
        m.import_kwh[step] = np.maximum(net, 0.0) * step_h
        m.export_kwh[step] = np.maximum(-net, 0.0) * step_h
        m.pv_kwh[step] = seen.pv_kw * step_h
        m.pv_used_kwh[step] = said.pv_used_kw * step_h
        m.load_kwh[step] = seen.load_kw * step_h
        m.charging_kwh[step] = charging * step_h
        m.store_in_kwh[step] = np.maximum(said.store_kw, 0.0) * step_h
        m.store_out_kwh[step] = np.maximum(-said.store_kw, 0.0) * step_h

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()


def _nothing() -> None:
    """The wait for a work that is done."""
