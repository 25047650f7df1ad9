"""The twin's run: day after day through plan, loop, night, books and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from zerocity.books.accounts import Books
from zerocity.carbon.account import Method
from zerocity.city.scenario import City
from zerocity.control.loop import run_day
from zerocity.control.ports import Journal, Planner
from zerocity.energy.climate import WeatherYear
from zerocity.energy.site_days import SiteDays, SitePlans, idle
from zerocity.measures.seeds import stream
from zerocity.measures.stopwatch import Stopwatch
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import Event, Stage, StageArray
from zerocity.twin.afterlife import Afterlife
from zerocity.twin.day_ageing import DayAgeing
from zerocity.twin.dayplan import DayPlanner, outlook
from zerocity.twin.duties import Duties
from zerocity.twin.events import LifeLedger
from zerocity.twin.flows import NightFlows, pack_materials
from zerocity.twin.health import Health
from zerocity.twin.hindsight import Hindsight
from zerocity.twin.meters import Bills
from zerocity.twin.population import populate
from zerocity.twin.posting import (
    cash,
    count_stocks,
    post_batteries,
    post_carbon,
    post_energy,
    post_materials,
    post_money,
)
from zerocity.twin.renewal import INSTALLED, Renewal
from zerocity.twin.rows import (
    Sink,
    battery_rows,
    fleet_rows,
    part_of,
    session_rows,
    site_rows,
    step_times,
)
from zerocity.twin.scenery import Scenery
from zerocity.twin.tally import Tally
from zerocity.twin.virtual_plant import VirtualPlant
from zerocity.twin.wear import store_wear
from zerocity.twin.world import DayScene, TwinWorld

STATION_CYCLES_PER_YEAR = 300.0


@dataclass
class Options:
    """How to run: ``seed``; ``threads`` and the carbon method do not change the physics."""

    seed: int = 1
    threads: int = 1
    method: Method = Method.CUT_OFF
    journal_days: frozenset[int] = field(default_factory=frozenset)


class Twin:
    """One run of one city. Make it, `open` it, take its `days`, then read `tally` and `books`."""

    def __init__(
        self,
        city: City,
        timeline: Timeline,
        weather: WeatherYear,
        options: Options,
        sink: Sink,
        planner: Planner,
        watch: Stopwatch | None = None,
    ) -> None:
        self.watch = watch or Stopwatch(_no_time)
        self.city, self.timeline, self.weather = city, timeline, weather
        self.options, self.sink, self.planner = options, sink, planner
        seed = options.seed
        self.people = populate(city, timeline, seed)
        self.health = Health(self.people.products, options.threads)
        self.world = TwinWorld(city, timeline, self.people, options.threads)
        self.duties = Duties(city, timeline, seed)
        self.scenery = Scenery(city, timeline, weather, self.duties, seed)
        self.day_planner = DayPlanner(city, timeline, self.people)
        self.ledger = LifeLedger(timeline)
        self.renewal = Renewal(city, self.people, self.health, self.ledger)
        self.afterlife = Afterlife(city, self.people, self.ledger, options.method)
        prices = city.tariff.prices(timeline)
        self._buy = prices.buy.reshape(timeline.days, -1)
        self._sell = prices.sell.reshape(timeline.days, -1)
        self.bills = Bills(city, timeline, self._buy, self._sell)
        self.hindsight = Hindsight(city, timeline, self._buy, self._sell)
        self.plant = VirtualPlant(city, timeline, weather, seed)
        self.materials = pack_materials(self.people.products)
        self.books = Books()
        self.tally = Tally(city, self.people)
        self._purse, self._footprint_kg = 0.0, 0.0
        self._thread = ThreadPoolExecutor(1) if options.threads > 1 else None
        self._beside: Callable[[], object] = _done

    def open(self) -> None:
        """Age the packs to the first day, write their births, and count the opening stocks."""
        packs = self.people.packs
        users = np.bincount(packs.fleet[packs.fleet >= 0], minlength=len(self.city.fleets))
        per_year = np.append(self.duties.cycles_per_year(users.astype(float)), 0.0)
        per_year[-1] = STATION_CYCLES_PER_YEAR
        age = -packs.born_day.astype(np.float64)
        self.health.adopt(packs, age, per_year[packs.fleet] * age / 365.25)
        self.health.refresh(packs)
        packs.loss_kwh[:] = 0.0
        packs.temperature_c[:] = self.weather.temperature_c[0]
        # The ledger of births is read by nobody before the first night.
        self._beside = self._begin(partial(self._register_births, packs.stage.copy()))
        self._rehearse()
        self.tally.open(self.people)
        self._count(-1)

    def _rehearse(self) -> None:
        """Live the first day once with every plug open, to learn when who arrives, and undo it.

        Stores rest; nothing is planned.

        Real operators know their station's yesterday; a run must not begin without one.
        """
        people = self.people
        kept = people.copy()
        scene = self.scenery.of_day(0)
        self.duties.set_day(people.cars, 0)
        self.world.begin_day(0, scene)
        problem = self._problem(0, scene)
        everything = np.full_like(problem.load_kw, np.inf)
        run_day(self.world, problem, replace(idle(problem), flex_kw=everything), None)
        self.world.end_day()
        learned = people.at.expected + people.at.swaps
        self.day_planner.learn(bool(self.timeline.is_workday()[0]))
        people.restore(kept)
        people.at.expected[:] = learned
        self.duties.set_day(people.cars, 0)

    def _register_births(self, stages: StageArray) -> None:
        """Write how each pack came to stand where it stands, ``stages`` (packs,)."""
        packs = self.people.packs._replace(stage=np.full_like(stages, Stage.UNMADE))
        ids = np.argsort(packs.born_day, kind="stable")
        self.renewal.register(np.arange(packs.size), 0)
        born, new = packs.born_day.astype(np.int64), np.ones(packs.size)
        self.ledger.note(packs, ids, Event.MADE, born[ids], soh=new[ids])
        for stage, event in INSTALLED.items():
            mine = ids[stages[ids] == stage]
            self.ledger.note(packs, mine, event, born[mine], soh=new[mine])
        self.sink.write("life_events", part_of(self.timeline, 0), self.ledger.rows())

    def days(self) -> Iterator[int]:
        """Run day after day; yields each day's number when it is done."""
        for day in range(self.timeline.days):
            self._day(day)
            yield day
        with self.watch.during("write"):
            self._beside()

    def _day(self, day: int) -> None:
        with self.watch.during("plan"):
            scene = self.scenery.of_day(day)
            problem, plans = self._plan(day, scene)
        # From here on, yesterday's rows and what they are made of are overwritten.
        with self.watch.during("write"):
            self._beside()
        self.ledger.begin_day()
        yesterday = self._lived() if day else None
        self.world.begin_day(day, scene, yesterday)
        with self.watch.during("steps"):
            run_day(self.world, problem, plans, self._journal(day))
        self.world.end_day()
        self.day_planner.learn(bool(self.timeline.is_workday()[day]))
        with self.watch.during("age"):
            self._age(day, yesterday)
        with self.watch.during("night"):
            night = self._night(day)
            self._settle(day, night)
        self._beside = self._begin(partial(self._finish, day, problem, plans))

    def _finish(self, day: int, problem: SiteDays, plans: SitePlans) -> None:
        """What nobody waits for: hindsight, the day's rows, and what the drivers do tomorrow."""
        self.hindsight.add_day(day, problem, self.world.meters)
        self._write(day, plans)
        self.duties.set_day(self.people.cars, day + 1)

    def _begin(self, work: Callable[[], None]) -> Callable[[], object]:
        """Do ``work`` beside the next day's plan; what comes back waits until it is done."""
        if self._thread is None:
            work()
            return _done
        return self._thread.submit(work).result

    def _journal(self, day: int) -> Journal | None:
        return self.tally.journal(day) if day in self.options.journal_days else None

    def _problem(self, day: int, scene: DayScene) -> SiteDays:
        view = outlook(
            scene.load_kw, scene.pv_kw, self._buy[day], self._sell[day],
            self.options.seed, day, self.timeline.step_h,
        )  # fmt: skip
        workday = bool(self.timeline.is_workday()[day])
        peak = self.bills.peak_so_far_kw(day)
        wear = store_wear(self.city, self.people, self.health)
        return self.day_planner.problem(day, workday, view, peak, wear)

    def _plan(self, day: int, scene: DayScene) -> tuple[SiteDays, SitePlans]:
        problem = self._problem(day, scene)
        plans = self.planner(problem)
        return self.plant.answer(day, problem, plans, self.planner)

    def _lived(self) -> DayAgeing:
        """What the packs have to age by the day that the world has lived last."""
        world, step_h = self.world, self.timeline.step_h
        return self.health.day(
            self.people.packs, world.lived, world.soc_history, world.temperature_history, step_h
        )

    def _age(self, day: int, yesterday: DayAgeing | None) -> None:
        """Let health follow with a day's delay, for which the drivers' thread has time.

        The last day of a run is aged at once, so that nothing lived is left out.
        """
        if yesterday is not None:
            self.health.finish(yesterday)
        if day + 1 == self.timeline.days:
            self.health.finish(self._lived())
        self.health.refresh(self.people.packs)

    def _night(self, day: int) -> NightFlows:
        flows, rng = NightFlows(), stream(self.options.seed, "night", day)
        world, packs = self.world, self.people.packs
        self.renewal.check(day, rng, flows)
        failed = self.renewal.finish_repairs(day, rng)
        leaving = self.renewal.worn_out(day, failed)
        now = (day + 1) * self.timeline.steps_per_day
        lost = float(packs.loss_kwh.sum())
        self.renewal.replace(leaving, day, now, rng, world.log, flows)
        self.afterlife.end_second_lives(day)
        self.afterlife.collect(day, rng, flows)
        self.afterlife.test(day, rng, flows)
        self.afterlife.process(day, flows)
        self.afterlife.feed_new_packs(flows)
        post_energy(self.books, day, world.meters, lost, flows)
        self.tally.add_day(world.meters, lost, flows, self.people)
        return flows

    def _settle(self, day: int, night: NightFlows) -> None:
        payment = self.plant.settle(day, self.world.meters, self.sink, self.timeline)
        bill, own = self.bills.of_day(day, self.world.meters, payment)
        post_money(self.books, day, bill, night)
        self._purse += cash(own, night)
        grid_kg, own_kg = self.bills.carbon_of_day(day, self.world.meters)
        post_carbon(self.books, day, grid_kg, night)
        self.tally.avoided_kg += self.bills.avoided_kg(day, self.world.meters)
        self._footprint_kg += (
            own_kg + night.embodied_kg + night.haulage_kg + night.plant_burden_kg
            - night.plant_credit_kg
        )  # fmt: skip
        post_materials(self.books, day, night)
        post_batteries(self.books, day, self.ledger.moves)
        self._count(day)

    def _count(self, day: int) -> None:
        count_stocks(
            self.books, day, self.people.packs, self.materials, self.afterlife.recovered_kg,
            self._purse, self._footprint_kg,
        )  # fmt: skip

    def _write(self, day: int, plans: SitePlans) -> None:
        part, world, packs = part_of(self.timeline, day), self.world, self.people.packs
        step_h, steps = self.timeline.step_h, self.timeline.steps_per_day
        now = slice(day * steps, (day + 1) * steps)
        write = self.sink.write
        write(
            "site_steps",
            part,
            site_rows(self.timeline, day, world.meters, plans.import_kw * step_h),
        )
        write(
            "battery_days",
            part,
            battery_rows(self.timeline, day, packs, world.temperature_history[:, : world.lived]),
        )
        write("sessions", part, session_rows(self.timeline, world.log))
        write("life_events", part, self.ledger.rows())
        rows = fleet_rows(self.city, self.timeline, day, self.people.cars, world.log)
        self.tally.add_fleets(rows)
        write("fleet_days", part, rows)
        write(
            "city_steps",
            part,
            {
                "time": step_times(self.timeline, day),
                "temperature_c": self.weather.temperature_c[now].astype(np.float32),
                "ghi_w_m2": self.weather.ghi_w_m2[now].astype(np.float32),
                "buy_cny_per_kwh": self._buy[day],
                "sell_cny_per_kwh": self._sell[day],
                "grid_kgco2_per_kwh": np.full(steps, self.bills.factor(day)),
                "traction_kwh": world.meters.traction_kwh.copy(),
            },
        )

    def close(self) -> None:
        """End the threads."""
        if self._thread is not None:
            self._thread.shutdown()
        self.world.close()
        self.health.close()

    def lives(self) -> dict[str, Any]:
        """Flagged packs and queues at the end, for the summary."""
        waiting, queued = self.afterlife.backlog
        return {
            "outside_tested_range": self.health.flagged(),
            "waiting_for_test": waiting,
            "waiting_for_recycling": queued,
        }


def _no_time() -> float:
    return 0.0


def _done() -> None:
    """The wait for a work that is done."""
