"""Milliseconds of processor time per planned site and day: ``python benchmarks/dispatch.py``.

240 sites of 96 steps: stations with store, sun and charging; depots with sun and charging; plug
sites; storage sites; plain loads. Time-of-use prices and a demand charge for all. Also prints of
how many sites with a store and flexible charging HiGHS had to decide, no pair being proven best.
"""

from __future__ import annotations

import time

import numpy as np

from zerocity.energy.dispatch import SiteDays, plan_sites
from zerocity.energy.pairs import plan_pairs, proven
from zerocity.energy.site_days import pick

KINDS = ("station", "depot", "plugs", "storage", "plain")
SITES, STEPS, DAYS = 240, 96, 5


def made_days(day: int) -> tuple[SiteDays, np.ndarray]:
    """One day of the same 240 sites, and their kinds."""
    fixed, rng = np.random.default_rng(0), np.random.default_rng((1, day))
    kind = np.sort(fixed.choice(5, SITES, p=[0.15, 0.25, 0.4, 0.1, 0.1]))
    size = np.exp(fixed.normal(6.0, 0.8, SITES))
    lag = fixed.integers(8, 32, SITES)
    peak = size * fixed.uniform(0.0, 0.5, SITES)
    hour, column, h = np.arange(STEPS) * 24 / STEPS, size[:, None], 24 / STEPS
    sunny, store, plug = (np.isin(kind, k) for k in ((0, 1, 3), (0, 3), (0, 1, 2)))
    sun = np.clip(np.sin((hour - 6.3) / 11.5 * np.pi), 0, None) * rng.uniform(0.3, 1, (SITES, 1))
    share = np.where(plug | sunny, 0.05, 0.3)[:, None]
    peak_hour = ((hour >= 6) & (hour < 8)) | ((hour >= 18) & (hour < 23))
    buy = np.where((hour >= 10) & (hour < 16), 0.32, np.where(peak_hour, 0.56, 0.44))
    arrivals = np.where(hour < 6, 0.2, np.where(hour < 16, 0.5, 1.5)) * 0.12 * column
    ready = np.cumsum(arrivals * rng.uniform(0.3, 1.5, (SITES, STEPS)) * plug[:, None], axis=1) * h
    behind = np.maximum(np.arange(STEPS)[None] - lag[:, None], -1)
    due = np.where(behind >= 0, np.take_along_axis(ready, np.maximum(behind, 0), axis=1), 0.0)
    days = SiteDays(
        step_h=h,
        load_kw=share * column * rng.uniform(0.9, 1.1, (SITES, STEPS)),
        pv_kw=0.6 * column * sun * sunny[:, None] * rng.uniform(0.8, 1, (SITES, STEPS)),
        buy_cny_per_kwh=np.tile(buy, (SITES, 1)),
        sell_cny_per_kwh=np.full((SITES, STEPS), 0.25),
        import_limit_kw=0.8 * size,
        export_limit_kw=0.4 * size,
        store_kwh=size * store,
        store_charge_kw=0.4 * size * store,
        store_discharge_kw=0.4 * size * store,
        store_charge_efficiency=np.full(SITES, 0.95),
        store_discharge_efficiency=np.full(SITES, 0.95),
        store_initial_kwh=rng.uniform(0.2, 0.6, SITES) * size * store,
        store_final_kwh=0.4 * size * store,
        wear_cny_per_kwh=np.full(SITES, 0.06),
        flex_min_kwh=due,
        flex_max_kwh=ready + 0.2 * ready[:, -1:],
        flex_limit_kw=0.5 * column * rng.uniform(0.7, 1, (SITES, STEPS)) * plug[:, None],
        demand_charge_cny_per_kw=np.full(SITES, 1.0),
        peak_so_far_kw=peak,
    )
    return days, kind


def spent_ms(days: SiteDays) -> float:
    """Processor time per site [ms]."""
    start = time.process_time()
    plan_sites(days)
    return 1000 * (time.process_time() - start) / days.sites


def decided_by_highs(days: SiteDays) -> tuple[int, int]:
    """Sites with a store and flexible charging whose pair of plans is not proven, and all such."""
    both = np.flatnonzero((days.store_kwh > 0.0) & (days.flex_max_kwh[:, -1] > 0.0))
    store, _, lost, gap = plan_pairs(pick(days, both))
    kept = proven(store, gap) & (lost <= 0.0)
    return int((~kept).sum()), both.size


def main() -> None:
    """Print the mean over some days, then each kind of site alone."""
    plan_sites(made_days(0)[0])
    days, kind = made_days(0)
    mean = float(np.mean([spent_ms(made_days(day)[0]) for day in range(DAYS)]))
    print(f"all sites   {mean:6.2f} ms per site-day, {mean * SITES * 365 / 1000:.0f} s per year")
    for number, name in enumerate(KINDS):
        print(f"  {name:9s} {spent_ms(pick(days, np.flatnonzero(kind == number))):6.2f} ms")
    counts = [decided_by_highs(made_days(day)[0]) for day in range(DAYS)]
    left, both = (sum(numbers) for numbers in zip(*counts, strict=True))
    print(f"decided by HiGHS: {left} of {both} site-days with a store and flexible charging")


if __name__ == "__main__":
    main()
