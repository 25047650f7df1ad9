"""The live city's plans: the coming day of every site, made anew as the city changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np

from zerocity.charging.envelope import add_session
from zerocity.charging.session import State
from zerocity.control.ports import PlanInForce, Planner
from zerocity.energy.site_days import SiteDays, SitePlans
from zerocity.live.clock import WallClock
from zerocity.live.facts import (
    PLAN_STEP_S,
    STORE_EFFICIENCY_IN,
    STORE_EFFICIENCY_OUT,
    Rhythm,
    SiteFacts,
)
from zerocity.live.look import DRAWING, MARGIN_H
from zerocity.live.readings import Readings
from zerocity.live.registry import Registry
from zerocity.live.wants import wants
from zerocity.measures.arrays import F64

STEPS = 96
STEP_H = PLAN_STEP_S / 3600.0
# What a meter says now tells about the coming hours less and less: e-folding of a forecast's
# correction, in steps; an assumption.
MEMORY_STEPS = 8.0
# A cloudless forecast is not believed beyond this ratio of what the panels give now.
MOST_SUN_RATIO = 2.0
# A store ends the coming day at least as full as it is now, up to this share; an assumption.
FINAL_SHARE = 0.7
# Wear of a store's pack per AC kWh cycled, where nobody has worked it out yet; an assumption.
WEAR_CNY_PER_KWH = 0.15


class Outlook(Protocol):
    """What is expected of the day ahead where nobody looks: typical load, sun and prices."""

    def __call__(self, first: datetime, steps: int) -> tuple[F64, F64, F64, F64]:
        """Load and sun (sites, steps) [kW], buying and selling price (steps,) [CNY/kWh].

        ``first`` is the UTC start of the first quarter of an hour.
        """


@dataclass
class Peaks:
    """The highest quarter-hour import of the month so far, (sites,) [kW]."""

    most_kw: F64
    month: int = 0
    _sum: F64 = field(default_factory=lambda: np.zeros(0))
    _count: int = 0
    _quarter: int = -1

    def take(self, net_kw: F64, at: datetime, month: int) -> None:
        """Take in the meters of a moment; ``month`` is the city's calendar month."""
        quarter = int(at.timestamp() // PLAN_STEP_S)
        if quarter != self._quarter:
            if self._count:
                self.most_kw = np.maximum(self.most_kw, self._sum / self._count)
            self._sum, self._count, self._quarter = np.zeros_like(net_kw), 0, quarter
        if month != self.month:
            self.most_kw, self.month = np.zeros_like(net_kw), month
        self._sum = self._sum + np.maximum(net_kw, 0.0)
        self._count += 1


def corrected(expected_kw: F64, now_kw: F64, *, sun: bool) -> F64:
    """A forecast that begins at what is measured and returns to what was expected.

    expected_kw (sites, steps), now_kw (sites,). The sun is corrected by a ratio, so that night
    stays night; a load by a difference.
    """
    fades = np.exp(-np.arange(expected_kw.shape[1]) / MEMORY_STEPS)
    if not sun:
        return np.maximum(expected_kw + (now_kw - expected_kw[:, 0])[:, None] * fades, 0.0)
    known = expected_kw[:, 0] > 1e-6
    ratio = np.divide(now_kw, expected_kw[:, 0], out=np.ones_like(now_kw), where=known)
    ratio = np.minimum(ratio, MOST_SUN_RATIO)
    result: F64 = expected_kw * (1.0 + (ratio - 1.0)[:, None] * fades)
    return result


def flex_bounds(
    facts: SiteFacts,
    registry: Registry,
    number: dict[str, int],
    at: datetime,
    first: datetime,
    is_idle: Callable[[str], bool] = lambda key: False,
) -> tuple[F64, F64]:
    """Earliest and latest energy of all sessions, cumulative at step ends, (sites, steps) [kWh]."""
    early, late = (np.zeros((len(facts), STEPS)) for _ in range(2))
    lost_h = (at - first).total_seconds() / 3600.0
    for station in registry.stations.values():
        site = number.get(station.site)
        if site is None:
            continue
        for seat in station.connectors.values():
            session = seat.session
            if session is None or session.state not in DRAWING:
                continue
            kwh, hours, assumed = wants(station, session, float(facts.slot_kwh[site]), at)
            if assumed and (session.state is State.VEHICLE_PAUSE or is_idle(session.id)):
                continue
            limit = min(seat.max_kw, session.limit_kw)
            leaves = int(max(hours - MARGIN_H + lost_h, 0.0) / STEP_H)
            add_session(early[site], late[site], 0, leaves, kwh, limit * STEP_H)
    most = np.cumsum(early, axis=1)
    return np.minimum(np.cumsum(late, axis=1), most), most


class Planning:
    """Keeps a plan in force; `run` makes new ones beside the loop."""

    def __init__(
        self,
        facts: SiteFacts,
        registry: Registry,
        readings: Readings,
        outlook: Outlook,
        planner: Planner,
        clock: WallClock,
        rhythm: Rhythm,
        demand_charge_cny_per_kw: float = 0.0,
        month_of: Callable[[datetime], int] = lambda at: at.month,
    ) -> None:
        self.facts, self.registry, self.readings = facts, registry, readings
        self.outlook, self.planner, self.clock, self.rhythm = outlook, planner, clock, rhythm
        self._demand_charge = demand_charge_cny_per_kw
        self._month_of = month_of
        self.is_idle: Callable[[str], bool] = lambda key: False
        self.peaks = Peaks(np.zeros(len(facts)))
        self._changed = True
        self._made_s = clock.now_s()
        self.made, self.failed = 0, ""
        days = self.problem(outlook(_quarter(clock.utc()), STEPS))
        self._plan = self._in_force(days, planner(days), clock.utc())

    def plan(self) -> PlanInForce:
        """The plan in force."""
        return self._plan

    def note_change(self, site: str = "") -> None:
        """Something changed that a new plan should know."""
        self._changed = True

    def problem(self, expected: tuple[F64, F64, F64, F64]) -> SiteDays:
        """The coming day as the planner's arrays; ``expected`` by `Outlook`."""
        at, facts, readings = self.clock.utc(), self.facts, self.readings
        first = _quarter(at)
        load, sun, buy, sell = expected
        seen = np.isfinite(readings.at_s)
        load_now = np.where(seen, readings.load_kw(), load[:, 0])
        sun_now = np.where(seen, readings.sun_kw, sun[:, 0])
        least, most = flex_bounds(facts, self.registry, readings.number, at, first, self.is_idle)
        sites, wide = len(facts), (len(facts), STEPS)
        self.peaks.take(readings.net_kw, at, self._month_of(at))
        store_kwh = np.minimum(readings.store_kwh, facts.store_capacity_kwh)
        return SiteDays(
            step_h=STEP_H,
            load_kw=corrected(load, load_now, sun=False),
            pv_kw=corrected(sun, sun_now, sun=True),
            buy_cny_per_kwh=np.broadcast_to(buy, wide).copy(),
            sell_cny_per_kwh=np.broadcast_to(sell, wide).copy(),
            import_limit_kw=facts.import_limit_kw,
            export_limit_kw=facts.export_limit_kw,
            store_kwh=facts.store_capacity_kwh,
            store_charge_kw=facts.store_kw,
            store_discharge_kw=np.minimum(facts.store_kw, facts.store_capacity_kwh / STEP_H),
            store_charge_efficiency=np.full(sites, STORE_EFFICIENCY_IN),
            store_discharge_efficiency=np.full(sites, STORE_EFFICIENCY_OUT),
            store_initial_kwh=store_kwh,
            store_final_kwh=np.minimum(FINAL_SHARE * facts.store_capacity_kwh, store_kwh),
            wear_cny_per_kwh=np.full(sites, WEAR_CNY_PER_KWH),
            flex_min_kwh=least,
            flex_max_kwh=most,
            flex_limit_kw=np.broadcast_to(facts.flex_limit_kw[:, None], wide).copy(),
            demand_charge_cny_per_kw=np.full(sites, self._demand_charge),
            peak_so_far_kw=self.peaks.most_kw,
        )

    async def run(self, executor: Executor) -> None:
        """Make plans until cancelled; a plan that fails leaves the last one in force."""
        loop = asyncio.get_running_loop()
        while True:
            if self._changed or self.clock.now_s() - self._made_s >= self.rhythm.most_plan_age_s:
                self._changed = False
                at = self.clock.utc()
                try:
                    first = _quarter(at)
                    expected = await loop.run_in_executor(executor, self.outlook, first, STEPS)
                    days = self.problem(expected)
                    plans = await loop.run_in_executor(executor, self.planner, days)
                except Exception as error:  # whatever it is, the city goes on by the last plan
                    self.failed, self._changed = f"{type(error).__name__}: {error}", True
                else:
                    self._plan = self._in_force(days, plans, at)
                    self.made, self.failed = self.made + 1, ""
                self._made_s = self.clock.now_s()
            await asyncio.sleep(self.rhythm.plan_s)

    def _in_force(self, days: SiteDays, plans: SitePlans, at: datetime) -> PlanInForce:
        first = int(_quarter(at).timestamp() // self.rhythm.step_s)
        return PlanInForce(days, plans, first, PLAN_STEP_S // self.rhythm.step_s)


def _quarter(at: datetime) -> datetime:
    """The start of the quarter of an hour that ``at`` lies in."""
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
