"""Small parks for the tests: a few days by the hour that stand for a year."""

from __future__ import annotations

from typing import Any

import numpy as np

from zerocity.parks.indicators import ParkSpec
from zerocity.parks.park_case import Levers, ParkAssets, ParkCase, ParkYear

FACTOR = 0.5
BLOCK = 72


def small_year(seed: int = 0, blocks: int = 2, use_kw: float = 1000.0) -> ParkYear:
    """Three days of January, February ...: sun by day, a noisy load, three price blocks."""
    rng = np.random.default_rng(seed)
    steps = blocks * BLOCK
    hour = np.arange(steps) % 24
    sun = np.maximum(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0) * rng.uniform(0.3, 0.9, steps)
    buy = np.select([(hour >= 10) & (hour < 16), hour >= 18], [0.3, 0.7], 0.45)
    return ParkYear(
        step_h=1.0,
        block_steps=BLOCK,
        weight=np.full(steps, 8760.0 / steps),
        month=np.arange(steps) // BLOCK + 1,
        use_kw=use_kw * rng.uniform(0.6, 1.4, steps),
        sun_kw_per_kwp=sun,
        direct_share=rng.uniform(0.0, 0.6, steps),
        buy_cny_per_kwh=buy,
        sell_cny_per_kwh=np.full(steps, 0.2),
        grid_kgco2_per_kwh=np.full(steps, FACTOR),
    )


def small_case(
    seed: int = 0,
    *,
    levers: dict[str, float] | None = None,
    assets: dict[str, float] | None = None,
    spec: ParkSpec | None = None,
    year: ParkYear | None = None,
) -> ParkCase:
    """A park of 1 MW with some sun and a store, levers open."""
    has: dict[str, Any] = {
        "import_limit_kw": 3000.0, "export_limit_kw": 500.0, "pv_kwp": 800.0, "store_kwh": 1000.0,
        "store_kw": 500.0, "demand_charge_cny_per_kw_month": 30.0,
    }  # fmt: skip
    may: dict[str, Any] = {
        "pv_most_kwp": 3000.0, "store_most_kwh": 8000.0, "direct_most_kw": 4000.0,
        "traced_most_share": 1.0,
    }  # fmt: skip
    return ParkCase(
        spec or ParkSpec("north", ("site",)),
        year or small_year(seed),
        ParkAssets(**{**has, **(assets or {})}),
        Levers(**{**may, **(levers or {})}),
    )
