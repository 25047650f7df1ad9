"""Packs that grow old at work: checks, repair, retirement, and the new pack in their place."""

from __future__ import annotations

import numpy as np

from zerocity.aftersales.centre import days_cost_cny, due_for_check
from zerocity.aftersales.symptoms import draw_faults, suspicious
from zerocity.batteries.chemistries import chemistry
from zerocity.city.scenario import City
from zerocity.measures.arrays import I64
from zerocity.measures.growing import Growing
from zerocity.passports.identity import make_codes
from zerocity.passports.lifecycle import AT_WORK, Event, Stage
from zerocity.twin.events import LifeLedger
from zerocity.twin.flows import NightFlows, pack_materials
from zerocity.twin.health import Health
from zerocity.twin.population import (
    STATION_LIFE_SPREAD,
    STATION_LIFE_YEARS,
    Population,
    draw_life_days,
    make_packs,
)
from zerocity.twin.sessions import Log, end_sessions
from zerocity.twin.vehicles import FREE, RESTING, WANTS

# A stationary pack is given up at this health; an assumption, as warranties end near it.
STATION_END_SOH = 0.6
TRACE = "ZEROCTY"
INSTALLED = {
    Stage.IN_SERVICE: Event.INSTALLED_IN_VEHICLE,
    Stage.SWAP_POOL: Event.PLACED_IN_POOL,
    Stage.STORAGE: Event.INSTALLED_AT_STATION,
}
REPAIRED = {
    Stage.IN_SERVICE: Event.REPAIRED,
    Stage.SWAP_POOL: Event.REPAIRED_FOR_POOL,
    Stage.STORAGE: Event.REPAIRED_FOR_STATION,
}


class Renewal:
    """Keeps the fleet's packs at work, night after night."""

    def __init__(self, city: City, people: Population, health: Health, ledger: LifeLedger) -> None:
        self.city, self.people, self.health, self.ledger = city, people, health, ledger
        self._materials = pack_materials(people.products)
        ends = [f.end_of_life_soh for f in city.fleets]
        self._end_soh = np.array([*ends, STATION_END_SOH])  # the last one is fleet -1
        self._price = np.array([p.price_cny_per_kwh * p.capacity_kwh for p in people.products])
        self._embodied = np.array(
            [
                chemistry(p.chemistry).embodied_kgco2e_per_kwh * p.capacity_kwh
                for p in people.products
            ]
        )
        self._in_repair: dict[int, tuple[int, Stage]] = {}
        self._home: dict[int, Stage] = {}
        self.first_fleet = Growing(np.int8)

    def at_work(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Packs in a vehicle, a pool or a station, (packs,)."""
        return np.isin(self.people.packs.stage, AT_WORK)

    def check(self, day: int, rng: np.random.Generator, flows: NightFlows) -> None:
        """Routine checks that are due, and a closer look at what is suspicious."""
        packs, centre = self.people.packs, self.city.centre
        working = np.flatnonzero(self.at_work())
        fresh = draw_faults(rng, working.size, centre.fault_rate_per_year)
        packs.fault[working[fresh]] = 1
        due = working[due_for_check(day - packs.checked_day[working], centre)]
        # A fault shows in the vehicle's own data, so it does not wait for the routine check.
        odd = suspicious(
            packs.soh[working],
            self.health.expected_soh(packs, working),
            packs.resistance[working],
            packs.fault[working] > 0,
        ).flag
        looked_at = np.union1d(due, working[odd & (packs.checked_day[working] < day - 30)])
        self.ledger.note(packs, looked_at, Event.CHECKED, day)
        packs.checked_day[looked_at] = day
        flows.checks += looked_at.size
        self._start_repairs(looked_at[packs.fault[looked_at] > 0], day, flows)
        flows.centre_cny += days_cost_cny(centre, checks=looked_at.size)

    def _start_repairs(self, ids: I64, day: int, flows: NightFlows) -> None:
        people, centre = self.people, self.city.centre
        for p in ids.tolist():
            self._in_repair[p] = (day + centre.repair_days, Stage(int(people.packs.stage[p])))
            vehicle = people.packs.vehicle[p]
            if vehicle >= 0:
                people.cars.down_until[vehicle] = day + centre.repair_days + 1
                if people.cars.mode[vehicle] == WANTS:
                    # It leaves the queue, or it would swap the pack away from under the hands.
                    people.cars.mode[vehicle] = FREE
            people.at.slots[people.at.slots == p] = -1
            if vehicle < 0:
                people.packs.plug_kw[p] = 0.0
        self.ledger.note(people.packs, ids, Event.REPAIR_STARTED, day)
        flows.repairs += ids.size
        flows.centre_cny += days_cost_cny(centre, repairs=ids.size)

    def finish_repairs(self, day: int, rng: np.random.Generator) -> I64:
        """Bring repaired packs back to work; return those that could not be repaired."""
        done = [p for p, (until, _) in self._in_repair.items() if until <= day]
        failed: list[int] = []
        for p in done:
            _, stage = self._in_repair.pop(p)
            if rng.random() >= self.city.centre.repair_success:
                self._home[p] = stage
                failed.append(p)
                continue
            self.people.packs.fault[p] = 0
            self.ledger.note(self.people.packs, np.array([p]), REPAIRED[stage], day)
            if stage == Stage.SWAP_POOL:
                self._back_into_slot(p)
        return np.array(failed, np.int64)

    def _back_into_slot(self, p: int) -> None:
        at, packs = self.people.at, self.people.packs
        site = packs.place[p]
        own = np.arange(at.first_slot[site], at.last_slot[site])
        at.slots[own[at.slots[own] < 0][0]] = p
        packs.plug_kw[p] = at.slot_kw[site]

    def worn_out(self, day: int, failed: I64) -> I64:
        """Packs at work that are too old or too weak, and those beyond repair."""
        packs = self.people.packs
        old = day - packs.born_day >= packs.life_days
        weak = packs.soh <= self._end_soh[packs.fleet]
        ids = np.flatnonzero(self.at_work() & (old | weak))
        return np.union1d(ids, failed)

    def replace(
        self, ids: I64, day: int, now: int, rng: np.random.Generator, log: Log, flows: NightFlows
    ) -> None:
        """Put a new pack of the same make where each of ``ids`` was, and retire those."""
        if ids.size == 0:
            return
        people = self.people
        old = people.packs
        fresh = make_packs(
            people.products, old.product[ids].astype(np.int64), rng, np.full(ids.size, day)
        )
        spec = [self.city.fleets[f] if f >= 0 else None for f in old.fleet[ids]]
        years = np.array([s.life_years if s else STATION_LIFE_YEARS for s in spec])
        spread = np.array([s.life_spread_years if s else STATION_LIFE_SPREAD for s in spec])
        for i in range(ids.size):
            one = draw_life_days(rng, 1, float(years[i]), float(spread[i]), np.zeros(1))
            fresh.life_days[i] = one[0]
        for name in ("fleet", "place", "vehicle", "plug_kw", "target_soc", "depart_step"):
            getattr(fresh, name)[:] = getattr(old, name)[ids]
        fresh.temperature_c[:] = old.temperature_c[ids]
        fresh.session_start[:] = now
        fresh.stage[:] = Stage.UNMADE
        stages = self._stages_of(ids)
        end_sessions(log, old, ids, now)
        first = old.size
        packs = people.take_in(fresh)
        self.health.adopt(packs, np.zeros(ids.size), np.zeros(ids.size))
        new_ids = first + np.arange(ids.size)
        self._hand_over(ids, new_ids, stages)
        self.register(new_ids, day)
        self.ledger.note(packs, new_ids, Event.MADE, day)
        for stage, event in INSTALLED.items():
            self.ledger.note(packs, new_ids[stages == stage], event, day)
        self.ledger.note(packs, ids, Event.RETIRED, day, reason=self._reasons(ids, day))
        self._count(new_ids, flows)

    def _stages_of(self, ids: I64) -> I64:
        """Where each pack belongs at work; one beyond repair goes by where it came from."""
        stages = self.people.packs.stage
        return np.array([int(self._home.pop(p, stages[p])) for p in ids.tolist()])

    def _hand_over(self, old: I64, new: I64, stages: I64) -> None:
        """Swap the numbers in vehicles and slots, and take the old pack off its plug."""
        people = self.people
        packs = people.packs
        for p, q, stage in zip(old.tolist(), new.tolist(), stages.tolist(), strict=True):
            vehicle = packs.vehicle[p]
            if vehicle >= 0:
                row = people.cars.packs[vehicle]
                row[row == p] = q
                if not np.any(packs.stage[row[row >= 0]] == Stage.REPAIR):
                    people.cars.down_until[vehicle] = 0
                if people.cars.mode[vehicle] == RESTING:
                    # Its charge has changed, so the driver looks again.
                    people.cars.mode[vehicle] = FREE
            elif packs.stage[p] == Stage.REPAIR and stage == Stage.SWAP_POOL:
                self._back_into_slot(q)
            else:
                people.at.slots[people.at.slots == p] = q
        packs.vehicle[old] = -1
        packs.plug_kw[old] = 0.0

    def register(self, ids: I64, day: int) -> None:
        """Give packs their identity codes; ``ids`` continue the list of codes."""
        packs, products = self.people.packs, self.people.products
        make = [products[k] for k in packs.product[ids]]
        start = np.datetime64(self.ledger.start, "D")
        codes = make_codes(
            [p.maker_code for p in make],
            "P",
            [chemistry(p.chemistry).gbt34014 for p in make],
            [p.spec_code for p in make],
            TRACE,
            start + packs.born_day[ids].astype("timedelta64[D]"),
            ids % 10_000_000,
        )
        self.ledger.codes.add(codes)
        self.first_fleet.add(packs.fleet[ids])

    def _reasons(self, ids: I64, day: int) -> list[str]:
        packs = self.people.packs
        weak = packs.soh[ids] <= self._end_soh[packs.fleet[ids]]
        old = day - packs.born_day[ids] >= packs.life_days[ids]
        words = np.where(weak, "health below the end of life", "beyond repair")
        return [str(word) for word in np.where(old, "end of the vehicle's life", words)]

    def _count(self, new: I64, flows: NightFlows) -> None:
        packs = self.people.packs
        which = packs.product[new]
        flows.delivered_kwh += float(packs.energy_kwh[new].sum())
        flows.purchase_cny += float(self._price[which].sum())
        flows.embodied_kg += float(self._embodied[which].sum())
        flows.new_kg += self._materials[which].sum(axis=0)
