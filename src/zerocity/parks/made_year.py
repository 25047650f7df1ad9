"""The year of a park that nobody has run: its store used at least cost against known prices."""

from __future__ import annotations

import numpy as np

from zerocity.energy.stores import StoreDays, dispatch_stores
from zerocity.parks.matching import ParkMeters
from zerocity.parks.park_case import FloatArray, ParkAssets, ParkYear

OVERLOAD_CNY_PER_KWH = 10.0
"""Keeps the import under the connection's limit wherever the store can."""


def made_meters(year: ParkYear, assets: ParkAssets) -> ParkMeters:
    """Meters of a year as the exact dispatch of the park's one store would leave them.

    The year is one problem: the store begins and ends half full. Prices and sun are known ahead,
    and the demand charge is left out, so a real year comes out a little worse. The year must be
    whole, each step once.
    """
    plans = dispatch_stores(_problem(year, assets), tie="early")
    h = year.step_h

    def kwh(power_kw: FloatArray) -> FloatArray:
        return np.asarray(np.maximum(power_kw[0], 0.0) * h)

    return ParkMeters(
        step_h=h,
        use_kwh=year.use_kw * h,
        pv_kwh=kwh(plans.pv_used_kw),
        direct_kwh=np.zeros(year.steps),
        charge_kwh=kwh(plans.charge_kw),
        discharge_kwh=kwh(plans.discharge_kw),
        import_kwh=kwh(plans.import_kw),
        export_kwh=kwh(plans.export_kw),
        grid_kgco2_per_kwh=year.grid_kgco2_per_kwh,
    )


def _problem(year: ParkYear, assets: ParkAssets) -> StoreDays:
    half = assets.store_kwh / 2.0

    def steps(value: float) -> FloatArray:
        return np.full((1, year.steps), value)

    low, high = steps(0.0), steps(assets.store_kwh)
    low[0, -1] = high[0, -1] = half
    return StoreDays(
        step_h=year.step_h,
        load_kw=year.use_kw[None, :].copy(),
        pv_kw=(year.sun_kw_per_kwp * assets.pv_kwp)[None, :],
        buy_cny_per_kwh=year.buy_cny_per_kwh[None, :].copy(),
        sell_cny_per_kwh=year.sell_cny_per_kwh[None, :].copy(),
        import_limit_kw=steps(assets.import_limit_kw),
        export_limit_kw=steps(assets.export_limit_kw),
        charge_limit_kw=steps(assets.store_kw),
        discharge_limit_kw=steps(assets.store_kw),
        low_kwh=low,
        high_kwh=high,
        initial_kwh=np.array([half]),
        charge_efficiency=np.array([assets.charge_efficiency]),
        discharge_efficiency=np.array([assets.discharge_efficiency]),
        self_discharge=np.zeros(1),
        wear_cny_per_kwh=np.array([assets.wear_cny_per_kwh]),
        final_value_cny_per_kwh=np.zeros(1),
        overload_cny_per_kwh=np.array([OVERLOAD_CNY_PER_KWH]),
    )
