"""What the planners know at midnight: the city's day as the planner's arrays.

Sessions that run are known; those to come are forecast from days of the same type; sun and load
are forecast with an error that grows over the day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from zerocity.batteries.state import Packs
from zerocity.charging.acceptance import hours_to_charge
from zerocity.charging.envelope import add_session
from zerocity.city.scenario import City
from zerocity.energy.dispatch import SiteDays
from zerocity.energy.forecast import (
    forecast_flex,
    forecast_load,
    forecast_pv,
    new_flex_memory,
    update_flex_memory,
)
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline
from zerocity.passports.lifecycle import Stage
from zerocity.twin.population import CHARGER_EFFICIENCY, INVERTER_EFFICIENCY, Population
from zerocity.twin.stores import LAST_SHARE

# Share of a store that must be left at midnight, so that tomorrow does not start empty.
FINAL_SHARE = 0.4
# Sessions are planned to end this many steps before their drivers leave.
MARGIN_STEPS = 2


@dataclass(frozen=True)
class Outlook:
    """Forecast sun and load of the day, (sites, steps) [kW], and prices (steps,) [CNY/kWh]."""

    pv_kw: F64
    load_kw: F64
    buy_cny_per_kwh: F64
    sell_cny_per_kwh: F64


def outlook(
    load_kw: F64, pv_kw: F64, buy: F64, sell: F64, seed: int, day: int, step_h: float
) -> Outlook:
    """Forecast a day from what will really happen and a seeded error."""
    rng = stream(seed, "forecast", day)
    return Outlook(
        forecast_pv(pv_kw, rng, step_h=step_h),
        forecast_load(load_kw, rng, step_h=step_h),
        buy,
        sell,
    )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def running_sessions(
    packs: Packs,
    now: int,
    margin: int,
    efficiency: float,
    step_h: float,
    early: F64,
    late: F64,
) -> None:
    """Add what plugged packs still take, earliest and latest, to (sites, steps) rows [kWh]."""
    for p in range(packs.plug_kw.size):
        if packs.plug_kw[p] <= 0.0:
            continue
        missing = packs.target_soc[p] * packs.usable_kwh[p] - packs.energy_kwh[p]
        hours = hours_to_charge(
            packs.energy_kwh[p] / packs.usable_kwh[p],
            packs.target_soc[p],
            packs.usable_kwh[p],
            packs.charge_limit_kw[p],
            packs.plug_kw[p] * efficiency,
        )
        rate = missing / efficiency / max(hours, 1e-9) * step_h
        site = packs.place[p]
        left = max(packs.depart_step[p] - now - margin, 0)
        add_session(early[site], late[site], 0, left, missing / efficiency, rate)


class DayPlanner:
    """Makes each midnight's planning problem."""

    def __init__(self, city: City, timeline: Timeline, people: Population) -> None:
        self.city, self.timeline, self.people = city, timeline, people
        shape = (len(city.sites), timeline.steps_per_day)
        self.arrivals = new_flex_memory(*shape)
        self._plug_kw = city.sites.plugs * city.sites.plug_kw
        self._slot_kw = city.sites.swap_slots * city.sites.slot_kw

    def learn(self, workday: bool) -> None:
        """Take in the day that has just ended."""
        at = self.people.at
        most = np.cumsum(at.early, axis=1)
        least = np.minimum(np.cumsum(at.late, axis=1), most)
        self.arrivals = update_flex_memory(self.arrivals, least, most, workday=workday)
        weight = 0.3 if at.expected.any() else 1.0
        at.expected[:] += weight * (at.swaps - at.expected)

    def problem(
        self, day: int, workday: bool, view: Outlook, peak_so_far_kw: F64, wear: F64
    ) -> SiteDays:
        """Return the planning problem of ``day`` for every site."""
        packs, sites = self.people.packs, self.city.sites
        steps, step_h = self.timeline.steps_per_day, self.timeline.step_h
        wide = (len(sites), steps)
        early, late = np.zeros(wide), np.zeros(wide)
        now = day * steps
        running_sessions(packs, now, MARGIN_STEPS, CHARGER_EFFICIENCY, step_h, early, late)
        coming_least, coming_most = forecast_flex(self.arrivals, workday=workday)
        most = np.cumsum(early, axis=1) + coming_most
        least = np.minimum(np.cumsum(late, axis=1) + coming_least, most)
        store = self._stores()
        final = np.minimum(FINAL_SHARE * store.usable_kwh, store.energy_kwh)
        return SiteDays(
            step_h=step_h,
            load_kw=view.load_kw,
            pv_kw=view.pv_kw,
            buy_cny_per_kwh=np.broadcast_to(view.buy_cny_per_kwh, wide).copy(),
            sell_cny_per_kwh=np.broadcast_to(view.sell_cny_per_kwh, wide).copy(),
            import_limit_kw=sites.grid_limit_kw,
            export_limit_kw=sites.export_limit_kw,
            store_kwh=store.usable_kwh,
            store_charge_kw=store.power_kw,
            store_discharge_kw=np.minimum(
                store.power_kw, LAST_SHARE * store.usable_kwh * INVERTER_EFFICIENCY / step_h
            ),
            store_charge_efficiency=np.full(len(sites), CHARGER_EFFICIENCY),
            store_discharge_efficiency=np.full(len(sites), INVERTER_EFFICIENCY),
            store_initial_kwh=store.energy_kwh,
            store_final_kwh=final,
            wear_cny_per_kwh=wear,
            flex_min_kwh=least,
            flex_max_kwh=most,
            flex_limit_kw=np.broadcast_to((self._plug_kw + self._slot_kw)[:, None], wide).copy(),
            demand_charge_cny_per_kw=np.full(
                len(sites), self.city.tariff.demand_charge_cny_per_kw_month
            ),
            peak_so_far_kw=peak_so_far_kw,
        )

    def _stores(self) -> _Stores:
        packs, sites = self.people.packs, self.city.sites
        stored: Bools = (packs.stage == Stage.STORAGE) | (packs.stage == Stage.SECOND_LIFE)
        ids: I64 = np.flatnonzero(stored)
        where = packs.place[ids]

        def total(values: F64) -> F64:
            return np.bincount(where, values[ids], len(sites)).astype(np.float64)

        power = np.minimum(sites.storage_kw, total(packs.charge_limit_kw))
        return _Stores(total(packs.usable_kwh), total(packs.energy_kwh), power)


@dataclass(frozen=True)
class _Stores:
    usable_kwh: F64
    energy_kwh: F64
    power_kw: F64
