"""Made-up live days for tests: cars that take exactly what they may, stores that follow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from days import made_days

from zerocity.control.loop import plan_row
from zerocity.control.replay import PlanNote, StepNote
from zerocity.control.sighting import Sighting, say
from zerocity.control.snapshot import Snapshot
from zerocity.energy.dispatch import plan_sites
from zerocity.energy.site_days import SiteDays

# 2026-05-04 08:00 in a city of UTC+8, a full quarter of an hour.
START_S = 1_777_852_800
STEP_S = 60


@dataclass
class Car:
    """A car: steps at which it comes and goes, its energy [kWh] and power [kW].

    takes : what it takes of what it may, 0-1, or above 1 the most that it takes [kW]. early : steps
    that it goes before it said it would.
    """

    site: int
    comes: int
    goes: int
    wants: float
    limit: float
    takes: float = 1.0
    early: int = 0
    taken: float = field(default=0.0, init=False)

    def power(self, told: float, hours: float) -> float:
        """What it takes of ``told`` [kW]."""
        share = told * self.takes if self.takes <= 1.0 else min(told, self.takes)
        return min(share, (self.wants - self.taken) / hours)


def made_cars(seed: int, sites: int, steps: int, count: int = 12) -> list[Car]:
    """Random cars."""
    rng = np.random.default_rng(seed)
    cars = []
    for _ in range(count):
        comes = int(rng.integers(0, steps))
        stay, limit = int(rng.integers(5, 2 * steps + 6)), float(rng.uniform(3.0, 60.0))
        wants = float(rng.uniform(0.1, 1.3)) * limit * stay * STEP_S / 3600.0
        cars.append(Car(int(rng.integers(0, sites)), comes, comes + stay, wants, limit))
    return cars


def made_problem(seed: int, sites: int, **changes: Any) -> SiteDays:
    """A planning day for them."""
    days: SiteDays = made_days(sites=sites, steps=96, seed=seed)
    return replace(days, **changes)


def made_journal(
    seed: int = 0,
    sites: int = 3,
    steps: int = 90,
    cars: list[Car] | None = None,
    floor_kw: float = 0.0,
    reachable: bool = True,
    **changes: Any,
) -> list[PlanNote | StepNote]:
    """The notes of a day of looks a minute apart under one plan."""
    days = made_problem(seed, sites, **changes)
    plans, rng = plan_sites(days), np.random.default_rng(seed)
    there = made_cars(seed, sites, steps) if cars is None else cars
    notes: list[PlanNote | StepNote] = [PlanNote(days, plans)]
    content = days.store_initial_kwh.copy()
    load = days.load_kw[:, 0] * rng.uniform(0.8, 1.2, (steps, sites))
    hours = STEP_S / 3600.0
    for k in range(steps):
        here = [car for car in there if car.comes <= k < car.goes]
        column = k * STEP_S // 900
        sun = days.pv_kw[:, column] * 0.9
        seen = _seen(k, days, here, content, load[k], sun, floor_kw, reachable, there)
        row = plan_row(days.pv_kw, plans, column)
        commands = say(seen, row)
        notes.append(StepNote(column, seen, row, commands))
        for car, kw, alone in zip(here, commands.battery_kw, seen.fallback_kw, strict=True):
            car.taken += car.power(float(kw if reachable else alone), hours) * hours
        gain, loss = days.store_charge_efficiency, days.store_discharge_efficiency
        kw = commands.store_kw
        content = content + np.where(kw > 0.0, kw * gain, kw / loss) * hours
    return notes


def _seen(
    k: int, days: SiteDays, here: list[Car], content: np.ndarray[Any, Any],
    load: np.ndarray[Any, Any], sun: np.ndarray[Any, Any], floor_kw: float, reachable: bool,
    there: list[Car],
) -> Sighting:  # fmt: skip
    hours, n = STEP_S / 3600.0, len(here)
    need = np.array([max(car.wants - car.taken, 0.0) for car in here])
    limit = np.array([car.limit for car in here])
    snapshot = Snapshot(
        step=START_S // STEP_S + k, step_h=hours, load_kw=load, pv_kw=sun,
        import_limit_kw=days.import_limit_kw, export_limit_kw=days.export_limit_kw,
        store_charge_limit_kw=np.minimum(
            days.store_charge_kw, np.maximum(days.store_kwh - content, 0.0) / 0.25),
        store_discharge_limit_kw=np.minimum(days.store_discharge_kw, content / 0.25),
        site=np.array([car.site for car in here], np.int64), need_kwh=need, limit_kw=limit,
        steps_needed=need / np.maximum(limit, 1e-9) / hours,
        steps_left=np.array([car.goes + car.early - k for car in here], np.int64),
    )  # fmt: skip
    return Sighting(
        snapshot=snapshot, key=np.array([there.index(car) + 7 for car in here], np.int64),
        floor_kw=np.full(n, floor_kw), fallback_kw=np.full(n, 2.0),
        reachable=np.full(n, reachable), asked_kw=np.full(n, np.nan),
        meter_age_s=np.full(days.sites, 1.0), cap_kw=np.full(days.sites, np.inf),
        reserve_kw=np.zeros(days.sites), meter_kwh=np.array([car.taken for car in here]),
    )  # fmt: skip
