"""A metered past lived again under several ways of planning, and what each of them lost.

The last days are lived step by step; at each step a plan may know what was metered before it and
nothing later. All money is judged by the same meters against perfect foresight (see `rolling`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from zerocity.energy.case import Case, Store
from zerocity.energy.forecasting import LOAD, SUN, Usual, study
from zerocity.energy.history import Past
from zerocity.energy.outlooks import Exact, Foreseer, FromHistory
from zerocity.energy.rolling import DAY_AHEAD, ROLLING, SCENARIOS, Policy, judge, roll
from zerocity.energy.stores import StoreDays
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools

LEAST_HISTORY_DAYS = 7
"""Days before the first plan: a week, so that every kind of day was seen; an assumption."""
SCENARIO_COUNT = 8
KNOWING = Policy("rolling plan, nothing unknown")
EARLY_H = 1.0
"""Without a clear sky, the sun may come and go by this much earlier and later than it ever did."""


@dataclass(frozen=True, slots=True)
class Series:
    """What B sites with a store metered over D days, and what their stores can do.

    Parameters
    ----------
    whole : all days, (B, N), N = D * steps of a day; load with the charging, the sun as available.
    clear_kw : the most that the sun can give at each step, known ahead, (B, N) [kW].
    workday : (D,).
    demand_cny_per_kw : price of each month's highest import, (B,).
    month : number of the billing month of each day, (D,), rising.
    """

    whole: StoreDays
    clear_kw: F64
    workday: Bools
    demand_cny_per_kw: F64
    month: I64

    @property
    def steps_per_day(self) -> int:
        """Steps of a day."""
        return int(self.whole.load_kw.shape[1] // self.workday.size)


@dataclass(frozen=True, slots=True)
class Judged:
    """A policy's bill: energy, wear and demand charge of each site, (B,) [CNY].

    ``idle_cny`` had the store stood still; ``perfect_cny`` the least that perfect foresight could
    have paid with the same ends and peaks; ``weighed`` steps at which scenarios disagreed, (B,).
    """

    policy: str
    paid_cny: F64
    idle_cny: F64
    perfect_cny: F64
    weighed: F64

    @property
    def lost_cny(self) -> F64:
        """What perfect foresight would have saved, (B,) [CNY]."""
        return self.paid_cny - self.perfect_cny

    @property
    def captured_share(self) -> float:
        """Saving against standing idle as a share of perfect foresight's; 0 where there is none."""
        could = float((self.idle_cny - self.perfect_cny).sum())
        return float((self.idle_cny - self.paid_cny).sum()) / could if could > 1e-9 else 0.0


def compare(
    series: Series, days: int, scenarios: int = SCENARIO_COUNT, threads: int = 1
) -> list[Judged]:
    """Live the last ``days`` by a plan a day, a plan a step, scenarios, and a plan that knows all.

    Raises InputError where too few days are left to learn from.
    """
    before = series.workday.size - days
    if days < 1 or before < LEAST_HISTORY_DAYS:
        wanted = f"1 to {max(series.workday.size - LEAST_HISTORY_DAYS, 0)} days"
        raise InputError(
            "--days", f"{days} of {series.workday.size} days", wanted,
            f"The {LEAST_HISTORY_DAYS} days before the first plan are learned from.",
        )  # fmt: skip
    truth = last_days(series, days)
    load, sun = _taught(series, before)
    start, horizon = before * series.steps_per_day, series.steps_per_day
    foreseers: list[tuple[Policy, Foreseer]] = [
        (replace(DAY_AHEAD, every=horizon), FromHistory(load, sun, start, horizon)),
        (ROLLING, FromHistory(load, sun, start, horizon)),
        (SCENARIOS, FromHistory(load, sun, start, horizon, scenarios)),
        (KNOWING, Exact(truth.load_kw, truth.pv_kw, horizon)),
    ]
    month = np.repeat(series.month[before:], horizon)
    found = []
    for policy, seen in foreseers:
        lived = roll(truth, seen, policy, series.demand_cny_per_kw, month, threads)
        worth = judge(truth, lived, series.demand_cny_per_kw, month, threads)
        found.append(
            Judged(policy.name, worth.paid_cny, worth.idle_cny, worth.perfect_cny, lived.weighed)
        )
    return found


def _taught(series: Series, before: int) -> tuple[Usual, Usual]:
    """The histories of load and sun, with a day after the last for plans to look into.

    Nothing is known of that day but its kind and its clear sky, taken from the week and the day
    before it.
    """
    per_day = series.steps_per_day
    unknown = np.full((series.clear_kw.shape[0], per_day), np.nan)
    load_kw, pv_kw = (
        np.concatenate([values, unknown], axis=1)
        for values in (series.whole.load_kw, series.whole.pv_kw)
    )
    clear_kw = np.concatenate([series.clear_kw, series.clear_kw[:, -per_day:]], axis=1)
    if not clear_kw.any():
        # A forecast needs something to be measured against, even where no panel stands.
        clear_kw = np.ones_like(clear_kw)
    workday = np.append(series.workday, series.workday[-7])
    mean = np.maximum(series.whole.load_kw[:, : before * per_day].mean(axis=1), 1e-9)
    scale = np.broadcast_to(mean[:, None], load_kw.shape)
    load = study(Past(load_kw, scale, workday), LOAD)
    return load, study(Past(pv_kw, clear_kw, np.ones_like(workday)), SUN)


def last_days(series: Series, days: int) -> StoreDays:
    """The last ``days`` of the series as one problem."""
    first = (series.workday.size - days) * series.steps_per_day
    whole = series.whole
    wide: dict[str, Any] = {
        f.name: np.ascontiguousarray(getattr(whole, f.name)[:, first:])
        for f in fields(StoreDays)
        if np.ndim(getattr(whole, f.name)) == 2
    }
    return replace(whole, **wide)


def series_of_case(case: Case, start: date | None = None) -> Series:
    """The days of a case with one store, as if they had been metered.

    Parameters
    ----------
    start : date of the first step, which tells workdays and months; without it all days are alike
        and of one month.

    Raises InputError where the case has more than one store and a load, or no whole days.
    """
    if len(case.stores) != 1 or case.sessions or case.processes or case.heat is not None:
        has = f"{len(case.stores)} stores, {len(case.sessions)} sessions"
        raise InputError("the case", has, "one store, no sessions, processes or heat")
    if np.isfinite(case.carbon_budget_kg):
        raise InputError("carbon_budget_kg", "a budget", "none", "Give carbon a price instead.")
    per_day = round(24.0 / case.step_h)
    if abs(per_day * case.step_h - 24.0) > 1e-9 or case.steps % per_day:
        came = f"{case.steps} steps of {case.step_minutes:g} minutes"
        raise InputError("the case", came, "whole days of equal steps")
    days = case.steps // per_day
    dates = [start + timedelta(days=d) for d in range(days)] if start else []
    workday = np.array([d.weekday() < 5 for d in dates] or [True] * days)
    month = np.array([d.year * 12 + d.month for d in dates] or [0] * days, dtype=np.int64)
    whole = _as_days(case, case.stores[0])
    return Series(
        whole, _envelope(case.pv_kw, per_day), workday,
        np.array([case.demand_charge_cny_per_kw]), month,
    )  # fmt: skip


def _as_days(case: Case, store: Store) -> StoreDays:
    low, high = (np.array(soc * store.capacity_kwh) for soc in (store.soc_min, store.soc_max))
    if store.final_soc is not None:
        low[-1] = high[-1] = store.final_soc * store.capacity_kwh
    arrays = {
        "load_kw": case.load_kw, "pv_kw": case.pv_kw,
        "buy_cny_per_kwh": case.import_price_cny_per_kwh, "sell_cny_per_kwh": case.sell_cny_per_kwh,
        "import_limit_kw": case.import_limit_kw, "export_limit_kw": case.export_limit_kw,
        "charge_limit_kw": store.charge_limit_kw, "discharge_limit_kw": store.discharge_limit_kw,
        "low_kwh": low, "high_kwh": high, "initial_kwh": store.initial_soc * store.capacity_kwh,
        "charge_efficiency": store.charge_efficiency,
        "discharge_efficiency": store.discharge_efficiency,
        "self_discharge": store.self_discharge_per_step,
        "wear_cny_per_kwh": store.wear_cny_per_kwh,
        "final_value_cny_per_kwh": store.final_value_cny_per_kwh, "overload_cny_per_kwh": np.inf,
    }  # fmt: skip
    return StoreDays(case.step_h, **{k: np.array([v], np.float64) for k, v in arrays.items()})


def _envelope(pv_kw: F64, per_day: int) -> F64:
    """The most the sun gave at each time of day, in the first week or up to the day before
    yesterday, widened, (1, N) [kW].

    Stands in for the clear sky where the place is not known. Today's plans look into tomorrow, so
    tomorrow's envelope must not know today.
    """
    days = pv_kw.reshape(-1, per_day)
    seen = days[:LEAST_HISTORY_DAYS].max(axis=0)
    reach = max(round(EARLY_H * per_day / 24.0), 1)
    wide = np.max([np.roll(seen, k) for k in range(-reach, reach + 1)], axis=0)
    most = np.maximum.accumulate(np.vstack([wide, wide, days]), axis=0)[:-2]
    most[:LEAST_HISTORY_DAYS] = wide
    return np.asarray(most.reshape(1, -1))
