"""The twin's world: drivers, plugs, packs and meters behind the port of the control loop."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np

from zerocity.batteries.state import NOWHERE
from zerocity.city.scenario import City
from zerocity.control.snapshot import Commands, Snapshot
from zerocity.errors import ZerocityError
from zerocity.measures.arrays import F32, F64, I64
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import Stage
from zerocity.twin.berths import dock_all, new_berths, new_wants, picture, undock_all
from zerocity.twin.day_ageing import DayAgeing, no_ageing
from zerocity.twin.kernel import announce, kernel
from zerocity.twin.population import (
    CHARGER_EFFICIENCY,
    INVERTER_EFFICIENCY,
    Population,
)
from zerocity.twin.road import new_road
from zerocity.twin.sessions import Log, new_log
from zerocity.twin.step import (
    BEGUN,
    DRIVEN,
    LEFT,
    OVER,
    SERVED,
    TURNS,
    after,
    before,
    drive_day,
    drive_in_turn,
)
from zerocity.twin.stores import Stores
from zerocity.twin.vehicles import wake_up

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


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def read_meters(
    step_h: float, site: I64, battery_kw: F64, load_kw: F64, pv_kw: F64, store_kw: F64,
    pv_used_kw: F64, import_kwh: F64, export_kwh: F64, pv_kwh: F64, pv_used_kwh: F64, load_kwh: F64,
    charging_kwh: F64, store_in_kwh: F64, store_out_kwh: F64,
) -> None:  # fmt: skip
    """Write one step's row of `DayMeters`, (sites,) each, from the mean powers of the step."""
    charging_kwh[:] = 0.0
    for k in range(site.size):
        charging_kwh[site[k]] += battery_kw[k] * step_h
    for i in range(load_kw.size):
        pv_kwh[i], pv_used_kwh[i] = pv_kw[i] * step_h, pv_used_kw[i] * step_h
        load_kwh[i], store_kwh = load_kw[i] * step_h, store_kw[i] * step_h
        net = load_kwh[i] + charging_kwh[i] + store_kwh - pv_used_kwh[i]
        import_kwh[i], export_kwh[i] = max(net, 0.0), max(-net, 0.0)
        store_in_kwh[i], store_out_kwh[i] = max(store_kwh, 0.0), max(-store_kwh, 0.0)


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
        self._pool = ThreadPoolExecutor(1, "drivers") if threads > 1 else None
        self._driven: Future[None] | None = None
        self._reserve = np.array([f.reserve_soc for f in city.fleets])
        self._bays = timeline.step_minutes / np.maximum(city.sites.swap_minutes, 1e-9)
        self.meters = new_meters(0, 0)
        self.lived = 0
        self.stores = Stores(city.sites.storage_kw)
        self.log: Log = new_log(0)
        self._road = new_road(people.cars.wake.size)
        self._turns, self._turn = np.zeros(TURNS, np.int64), 0
        self._movers = np.zeros(people.cars.wake.size, np.int32)
        self.soc_history: F32 = np.zeros((0, 0), np.float32)
        self.temperature_history: F32 = np.zeros((0, 0), np.float32)
        self._kept = self.soc_history, self.temperature_history
        self._soc: F32 = np.zeros(0, np.float32)
        self._berths = new_berths(0)

    def begin_day(
        self,
        day: int,
        scene: DayScene,
        ageing: DayAgeing | None = None,
    ) -> None:
        """Set the day's scene and put every meter to zero.

        ageing : what is still to be aged by the histories of the day before, which are kept for it:
            work for a thread that would wait for the drivers at the stations.
        """
        steps = self.timeline.steps_per_day
        packs, at = self.people.packs, self.people.at
        self.day, self.scene = day, scene
        self.meters = new_meters(steps, len(self.city.sites))
        for array in (at.swaps, at.early, at.late, packs.throughput_kwh, packs.loss_kwh):
            array[:] = 0.0
        cars = self.people.cars
        for array in (cars.km, cars.kwh, cars.missed_km):
            array[:] = 0.0
        wake_up(cars)
        self._road.used[:] = 0
        if self.log.start.size < SESSIONS_A_DAY * packs.size:
            self.log = new_log(SESSIONS_A_DAY * packs.size * 2)
        self.log.size[:] = 0
        self.lived = packs.size
        if ageing is not None:
            kept = self.soc_history, self.temperature_history
            (self.soc_history, self.temperature_history), self._kept = self._kept, kept
        room = packs.size + packs.size // 20
        if self.soc_history.shape[1] < packs.size:
            self.soc_history = np.zeros((steps, room), np.float32)
            self.temperature_history = np.zeros((steps, room), np.float32)
        if self._soc.size < packs.size:
            self._soc = np.zeros(room, np.float32)
            self._berths = new_berths(room)
        self._soc[: packs.size] = packs.soc
        packs.berth[:] = NOWHERE
        dock_all(self._berths, packs, np.flatnonzero(packs.plug_kw > 0.0).astype(np.int32))
        self.stores.begin_day(packs)
        if self._pool is not None:
            work = no_ageing() if ageing is None else ageing
            self._driven = self._pool.submit(self._drive_day, self._turn + 1, work)

    def wait(self, step: int) -> None:
        """The twin's clock jumps."""

    def observe(self, step: int) -> Snapshot:
        """Let vehicles arrive, leave and swap; then take the picture."""
        people, now = self.people, self.day * self.timeline.steps_per_day + step
        left = people.at.swaps_left
        left[:] = np.minimum(left + self._bays, np.maximum(self._bays, 1.0))
        # The decision does not touch packs on the road, nor they the decision. Who drives beside
        # waits for the drivers to be served, so that nobody need be woken then.
        self._turn += 1
        found = before(
            self._turns, self._turn, people.cars, people.packs, people.at, self._berths,
            people.rules, self.log, self._movers, now, step, self.timeline.steps_per_day, STAGES,
        )  # fmt: skip
        if self._pool is None:
            self._drive(step)
        return self._snapshot(step, now, found)

    def _snapshot(self, step: int, now: int, found: int) -> Snapshot:
        wants = new_wants(found)
        picture(now, self._berths, wants)
        self.wanting_ids = wants.ids
        into, out = self.stores.limits_kw(self.timeline.step_h)
        sites = self.city.sites
        self.last_seen = Snapshot(
            step=now,
            step_h=self.timeline.step_h,
            load_kw=self.scene.load_kw[:, step].copy(),
            pv_kw=self.scene.pv_kw[:, step].copy(),
            import_limit_kw=sites.grid_limit_kw,
            export_limit_kw=sites.export_limit_kw,
            store_charge_limit_kw=into,
            store_discharge_limit_kw=out,
            site=wants.site,
            need_kwh=wants.need_kwh,
            limit_kw=wants.limit_kw,
            steps_needed=wants.steps_needed,
            steps_left=wants.steps_left,
        )
        return self.last_seen

    def apply(self, step: int, snapshot: Snapshot, commands: Commands) -> None:
        """Carry out the commands, drive, charge and read the meters."""
        stores_kw = self.stores.shared_kw(commands.store_kw)
        self._read_meters(step, snapshot, commands, self.timeline.step_h)
        after(
            self._turns, self._turn, self._berths, commands.battery_kw, self.stores.berths,
            stores_kw, self.timeline.step_h, CHARGER_EFFICIENCY, INVERTER_EFFICIENCY,
            self.scene.temperature_c[step], self.people.packs, self._soc,
            self.soc_history[step], self.temperature_history[step],
        )  # fmt: skip

    def _drive(self, step: int) -> None:
        people, scene = self.people, self.scene
        drive_in_turn(
            self._turns, self._turn, self._movers, step, self.timeline.step_h, self.day, self._road,
            people.cars, people.packs, scene.kwh_per_km[step], self._reserve,
            people.rules.plug_below_soc, self._soc, self.meters.traction_kwh,
        )  # fmt: skip

    def _drive_day(self, first_turn: int, ageing: DayAgeing) -> None:
        people, scene = self.people, self.scene
        try:
            drive_day(
                self._turns, first_turn, self._movers, self.timeline.step_h, self.day, self._road,
                people.cars, people.packs, scene.kwh_per_km, self._reserve,
                people.rules.plug_below_soc, self._soc, self.meters.traction_kwh, ageing,
            )  # fmt: skip
        except BaseException:
            # Nobody may wait for ever; the error comes out at the day's end.
            for place in (DRIVEN, LEFT):
                announce(self._turns, place, OVER)
            raise

    def end_day(self) -> None:
        """Finish what runs beside; ZerocityError when some of the day's sessions found no room."""
        if self._driven is not None:
            self._driven.result()
        for berths in (self._berths, self.stores.berths):
            undock_all(berths, self.people.packs)
        if self.log.size[1]:
            raise ZerocityError(f"{self.log.size[1]} sessions of day {self.day} found no room")

    def _read_meters(self, step: int, seen: Snapshot, said: Commands, step_h: float) -> None:
        m = self.meters
        read_meters(
            step_h, seen.site, said.battery_kw, seen.load_kw, seen.pv_kw, said.store_kw,
            said.pv_used_kw, m.import_kwh[step], m.export_kwh[step], m.pv_kwh[step],
            m.pv_used_kwh[step], m.load_kwh[step], m.charging_kwh[step], m.store_in_kwh[step],
            m.store_out_kwh[step],
        )  # fmt: skip

    def close(self) -> None:
        """End the thread, wherever it is."""
        for place in (BEGUN, SERVED):
            announce(self._turns, place, OVER)
        if self._pool is not None:
            self._pool.shutdown()
