"""Runs of sites with a store for the tests of rolling plans, and their histories."""

from __future__ import annotations

import numpy as np

from zerocity.energy.forecasting import LOAD, SUN, Usual, study
from zerocity.energy.history import Past
from zerocity.energy.stores import StoreDays

HISTORY_DAYS = 10


def made_run(days: int, sites: int = 2, seed: int = 0) -> tuple[StoreDays, Usual, Usual]:
    """Days of sites with load, cloudy sun, two tariffs and a store, and what was before them."""
    rng, whole = np.random.default_rng(seed), HISTORY_DAYS + days + 2
    hour = np.arange(whole * 96) % 96 / 4.0
    clear = 900.0 * np.clip(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0, None)
    cloud = np.repeat(rng.uniform(0.2, 1.0, (1, whole * 12)), 8, axis=1)
    sun = np.repeat(clear * cloud, sites, axis=0)
    wander = np.repeat(rng.lognormal(0.0, 0.15, (sites, whole * 24)), 4, axis=1)
    load = (300.0 + 150.0 * np.sin((hour - 9.0) / 24.0 * 2 * np.pi)) * wander
    every_day = np.ones(whole, np.bool_)
    scale = np.repeat(load.mean(axis=1, keepdims=True), load.shape[1], axis=1)
    known_load = study(Past(load, scale, every_day), LOAD)
    known_sun = study(Past(sun, np.repeat(clear[None], sites, 0), every_day), SUN)
    return _truth(load, sun, hour, days), known_load, known_sun


def _truth(load: np.ndarray, sun: np.ndarray, hour: np.ndarray, days: int) -> StoreDays:
    now = slice(HISTORY_DAYS * 96, (HISTORY_DAYS + days) * 96)
    shape = load[:, now].shape
    ones, per_site = np.ones(shape), np.ones(shape[0])
    evening = (hour[now] >= 18.0) & (hour[now] < 23.0)
    low, high = 0.0 * ones, 1500.0 * ones
    low[:, -1] = high[:, -1] = 700.0
    return StoreDays(
        step_h=0.25,
        load_kw=load[:, now].copy(),
        pv_kw=sun[:, now].copy(),
        buy_cny_per_kwh=np.broadcast_to(np.where(evening, 0.9, 0.45), shape).copy(),
        sell_cny_per_kwh=0.2 * ones,
        import_limit_kw=1500.0 * ones,
        export_limit_kw=300.0 * ones,
        charge_limit_kw=400.0 * ones,
        discharge_limit_kw=400.0 * ones,
        low_kwh=low,
        high_kwh=high,
        initial_kwh=700.0 * per_site,
        charge_efficiency=0.95 * per_site,
        discharge_efficiency=0.94 * per_site,
        self_discharge=0.0 * per_site,
        wear_cny_per_kwh=0.02 * per_site,
        final_value_cny_per_kwh=0.0 * per_site,
        overload_cny_per_kwh=np.full(shape[0], np.inf),
    )
