"""After retirement: collected or lost, tested, judged, used again or taken apart."""

from __future__ import annotations

import numpy as np

from zerocity.aftersales.centre import days_cost_cny, todays_tests
from zerocity.aftersales.grading import Grade, grade, measure_soh
from zerocity.batteries.chemistries import METALS, chemistry
from zerocity.carbon.account import Method, cathode_kg_per_kwh, recycling_credit
from zerocity.city.scenario import City
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.passports.lifecycle import Event, Stage
from zerocity.recycling.collection import Haulage, haul, road_km
from zerocity.recycling.policy import legal_uses
from zerocity.recycling.processing import intake, recover, worth_cny_per_kwh
from zerocity.recycling.routing import Reason, Route, decide_route, values
from zerocity.twin.events import LifeLedger
from zerocity.twin.flows import MATERIALS, NightFlows, pack_materials
from zerocity.twin.population import Population

# Kinds of sites that take in second-life packs.
HOST_KINDS = ("second_life",)
NO_ROOM = "no room in second-life storage"


class Afterlife:
    """The regional centre, second-life storage and the shared processing base."""

    def __init__(self, city: City, people: Population, ledger: LifeLedger, method: Method) -> None:
        self.city, self.people, self.ledger = city, people, ledger
        self.method = method
        self._materials = pack_materials(people.products)
        self._mass = np.array([p.mass_kg for p in people.products])
        self._keys = np.array([p.chemistry for p in people.products])
        self._worth = np.array(
            [worth_cny_per_kwh(city.base, chemistry(key)) for key in self._keys.tolist()]
        )
        self._arrived: dict[int, int] = {}
        self._queue: list[int] = []
        self._carry_kg = 0.0
        self.recovered_kg = np.zeros(len(MATERIALS))
        self._hosts = np.flatnonzero(np.isin(np.array(city.sites.kind), HOST_KINDS))
        self._host_kwh = city.sites.storage_kwh[self._hosts]
        self._to_centre_km, self._to_base_km = self._distances()

    def _distances(self) -> tuple[F64, F64]:
        sites = self.city.sites
        haulage = Haulage()

        def to(kind: str) -> F64:
            where = sites.of_kind(kind)
            if where.size == 0:
                return np.zeros(len(sites))
            one = where[0]
            return road_km(
                haulage, sites.longitude, sites.latitude,
                sites.longitude[one], sites.latitude[one],
            )  # fmt: skip

        return to("centre"), to("processing_base")

    def collect(self, day: int, rng: np.random.Generator, flows: NightFlows) -> None:
        """Retired packs come to the centre, or leak to informal buyers."""
        packs = self.people.packs
        ids = np.flatnonzero(packs.stage == Stage.RETIRED)
        leaks = rng.random(ids.size) < self.city.policy.leak_share()
        # What ends its second life is under contract and comes back.
        leaks &= packs.fleet[ids] >= 0
        lost, kept = ids[leaks], ids[~leaks]
        self.ledger.note(packs, lost, Event.LEAKED, day, reason="informal buyer")
        flows.leaked_kwh += float(packs.energy_kwh[lost].sum())
        packs.energy_kwh[lost] = 0.0
        flows.leaked_kg += self._materials[packs.product[lost]].sum(axis=0)
        self.ledger.note(packs, kept, Event.COLLECTED, day)
        flows.collected_kg += self._materials[packs.product[kept]].sum(axis=0)
        # A vehicle that stands nowhere in particular hands its pack in at an average place.
        known = packs.place[kept] >= 0
        km = np.where(known, self._to_centre_km[packs.place[kept]], self._to_centre_km.mean())
        self._haul(kept, km, flows)
        packs.place[ids] = -1
        self._arrived.update(dict.fromkeys(kept.tolist(), day))

    def _haul(self, ids: I64, km: F64, flows: NightFlows) -> None:
        cost, carbon = haul(Haulage(), self._mass[self.people.packs.product[ids]], km)
        flows.haulage_cny += float(np.sum(cost))
        flows.haulage_kg += float(np.sum(carbon))

    def test(self, day: int, rng: np.random.Generator, flows: NightFlows) -> None:
        """Test, grade and route as many packs as the centre manages, first come first served."""
        waiting = np.array(list(self._arrived), np.int64)
        arrived = np.array(list(self._arrived.values()), np.int64)
        ids = waiting[todays_tests(arrived, self.city.centre.tests_per_day)]
        if ids.size == 0:
            return
        for p in ids.tolist():
            del self._arrived[p]
        packs, centre = self.people.packs, self.city.centre
        measured = measure_soh(rng, packs.soh[ids], centre.test_soh_error)
        graded = grade(measured.soh, packs.resistance[ids], safety_ok=packs.fault[ids] == 0)
        flows.tests += ids.size
        flows.centre_cny += days_cost_cny(centre, tests=ids.size)
        letters = graded.letters.tolist()
        self.ledger.note(packs, ids, Event.TESTED, day)
        self.ledger.note(packs, ids, Event.GRADED, day, grade=letters)
        self._route(ids, measured.soh, graded.grade != Grade.D, letters, day, flows)

    def _route(
        self, ids: I64, soh: F64, safe: Bools, letters: list[str], day: int, flows: NightFlows
    ) -> None:
        packs, plan = self.people.packs, self.city.second_life
        keys = self._keys[packs.product[ids]]
        kwh = packs.capacity_kwh[ids]
        date = self.ledger.date(day)
        legal = legal_uses(
            self.city.policy, date, plan.use, keys, plan.station_kwh, screened=safe, traceable=True
        )
        recycle = self._worth[packs.product[ids]] * kwh
        worth = values(plan, soh, kwh, keys, recycle, test_cost_cny=0.0)
        choice = decide_route(worth, legal.allowed, safe)
        hosted = self._host(ids, choice.route == Route.REUSE)
        reasons = [Reason(int(reason)).label for reason in choice.reason]
        for i in np.flatnonzero((choice.route == Route.REUSE) & ~hosted):
            reasons[i] = NO_ROOM
        for mine, event in ((hosted, Event.SECOND_LIFE_INSTALLED), (~hosted, Event.QUEUED)):
            rows = np.flatnonzero(mine)
            self.ledger.note(
                packs, ids[rows], event, day,
                grade=[letters[i] for i in rows], reason=[reasons[i] for i in rows],
            )  # fmt: skip
        flows.repack_cny += float(kwh[hosted].sum()) * (
            plan.repack_cost_cny_per_kwh + plan.bms_cost_cny_per_kwh
        )
        self._send_to_base(ids[~hosted], flows)

    def _send_to_base(self, ids: I64, flows: NightFlows) -> None:
        self._queue += ids.tolist()
        centre = self.city.sites.of_kind("centre")
        km = self._to_base_km[centre[0]] if centre.size else 0.0
        self._haul(ids, np.full(ids.size, km), flows)

    def _host(self, ids: I64, wanted: Bools) -> Bools:
        """Place the wanted packs at the first host with room; return which were placed, (n,)."""
        packs = self.people.packs
        held = np.zeros(len(self.city.sites))
        at_work = packs.stage == Stage.SECOND_LIFE
        np.add.at(held, packs.place[at_work], packs.usable_kwh[at_work])
        room = self._host_kwh - held[self._hosts]
        placed = np.zeros(ids.size, np.bool_)
        for i in np.flatnonzero(wanted).tolist():
            p = ids[i]
            fits = np.flatnonzero(room >= packs.usable_kwh[p])
            if fits.size:
                room[fits[0]] -= packs.usable_kwh[p]
                packs.place[p] = self._hosts[fits[0]]
                packs.fleet[p] = -1
                placed[i] = True
        return placed

    def end_second_lives(self, day: int) -> None:
        """Second-life packs that are too weak retire for good."""
        packs = self.people.packs
        weak = (packs.stage == Stage.SECOND_LIFE) & (packs.soh <= self.city.second_life.end_soh)
        self.ledger.note(packs, np.flatnonzero(weak), Event.SECOND_LIFE_RETIRED, day)

    def process(self, day: int, flows: NightFlows) -> None:
        """Take apart what the processing base manages today, first in first out."""
        packs = self.people.packs
        queue = np.array(self._queue, np.int64)
        today = intake(self.city.base, self._mass[packs.product[queue]], self._carry_kg)
        self._carry_kg = today.carry_kg
        ids, self._queue = queue[: today.count], self._queue[today.count :]
        self.ledger.note(packs, ids, Event.PROCESSED, day)
        flows.dismantled_kwh += float(packs.energy_kwh[ids].sum())
        packs.energy_kwh[ids] = 0.0
        for key in np.unique(self._keys[packs.product[ids]]):
            mine = ids[self._keys[packs.product[ids]] == key]
            self._recover(str(key), mine, flows)

    def _recover(self, key: str, ids: I64, flows: NightFlows) -> None:
        packs, base, kind = self.people.packs, self.city.base, chemistry(key)
        kwh = float(packs.capacity_kwh[ids].sum())
        found = recover(base, kind, kwh, float(self._mass[packs.product[ids]].sum()))
        recovered = np.array([found.recovered_kg[m] for m in MATERIALS])
        residue = np.array([found.lost_kg[m] + found.residue_kg[m] for m in MATERIALS])
        flows.processed_kg += self._materials[packs.product[ids]].sum(axis=0)
        flows.recovered_kg += recovered
        flows.residue_kg += residue
        flows.plant_cost_cny += found.cost_cny
        flows.plant_revenue_cny += found.revenue_cny
        credit = recycling_credit(
            self.method,
            chemistry=key,
            process=base.process,
            kwh=kwh,
            cathode_kg_per_kwh=cathode_kg_per_kwh(
                dict(zip(METALS, kind.material_kg_per_kwh, strict=True))
            ),
            embodied_kgco2e_per_kwh=kind.embodied_kgco2e_per_kwh,
            process_kgco2=found.process_kgco2,
        )
        flows.plant_burden_kg += credit.burden_kg
        flows.plant_credit_kg += credit.credit_kg

    def feed_new_packs(self, flows: NightFlows) -> None:
        """Recovered metal goes into the day's new packs, as far as it reaches."""
        self.recovered_kg += flows.recovered_kg
        flows.reused_kg = np.minimum(self.recovered_kg, flows.new_kg)
        self.recovered_kg -= flows.reused_kg

    @property
    def backlog(self) -> tuple[int, int]:
        """Packs waiting for a test, and for the processing base."""
        return len(self._arrived), len(self._queue)
