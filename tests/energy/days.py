"""Made-up planning days for the tests of the energy room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from zerocity.energy.site_days import SiteDays


def made_days(sites: int = 6, steps: int = 24, seed: int = 0, **changes: Any) -> SiteDays:
    """Random but lawful days: every third site has a store, two of three have flexible need."""
    rng = np.random.default_rng(seed)
    h = 24.0 / steps
    hour = np.arange(steps) * h
    size = np.exp(rng.normal(5.0, 0.7, sites))
    column = size[:, None]
    kind = np.arange(sites) % 3
    sun = np.clip(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0, None)
    pv = column * sun * rng.uniform(0.0, 1.5, (sites, 1)) * rng.uniform(0.5, 1.0, (sites, steps))
    buy = np.where((hour >= 10) & (hour < 16), 0.32, np.where(hour >= 18, 0.56, 0.44))
    arrivals = column * rng.uniform(0.0, 0.3, (sites, steps)) * (kind != 1)[:, None]
    ready = np.cumsum(arrivals, axis=1) * h
    lag = max(1, steps // 6)
    due = np.hstack([np.zeros((sites, lag)), ready[:, :-lag]])
    has = np.where(kind != 2, 1.0, 0.0) * (rng.random(sites) < 0.8)
    days = SiteDays(
        step_h=h,
        load_kw=column * rng.uniform(0.05, 0.4, (sites, steps)),
        pv_kw=pv,
        buy_cny_per_kwh=np.tile(buy, (sites, 1)) + rng.uniform(0, 0.05, (sites, 1)),
        sell_cny_per_kwh=np.full((sites, steps), 0.25),
        import_limit_kw=size * rng.uniform(0.3, 1.0, sites),
        export_limit_kw=size * rng.uniform(0.0, 0.5, sites),
        store_kwh=size * has,
        store_charge_kw=size * 0.3 * has,
        store_discharge_kw=size * 0.4 * has,
        store_charge_efficiency=np.full(sites, 0.95),
        store_discharge_efficiency=np.full(sites, 0.94),
        store_initial_kwh=size * has * rng.uniform(0.0, 1.0, sites),
        store_final_kwh=size * has * rng.uniform(0.0, 1.0, sites),
        wear_cny_per_kwh=rng.uniform(0.0, 0.1, sites),
        flex_min_kwh=due,
        flex_max_kwh=ready,
        flex_limit_kw=column * rng.uniform(0.1, 0.6, (sites, steps)) * (kind != 1)[:, None],
        demand_charge_cny_per_kw=rng.uniform(0.0, 2.0, sites) * (rng.random(sites) < 0.7),
        peak_so_far_kw=size * rng.uniform(0.0, 0.4, sites),
    )
    return replace(days, **changes)
