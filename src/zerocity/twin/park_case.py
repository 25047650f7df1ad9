"""A park of a city as a case to plan or assess, without running the twin.

The year is made: the city's weather and load shapes as the twin would draw them, the park's own
load, no vehicles. What a run knows better it tells itself; see the reports.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zerocity.city.scenario import City
from zerocity.energy.load import site_loads, smooth_noise
from zerocity.energy.solar import pv_kw_per_kwp
from zerocity.energy.weather import made_weather
from zerocity.errors import InputError
from zerocity.measures.arrays import F64
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline
from zerocity.parks.green_line import made_line
from zerocity.parks.indicators import ParkSpec
from zerocity.parks.park_case import Levers, ParkAssets, ParkCase, ParkYear
from zerocity.twin.population import CHARGER_EFFICIENCY, INVERTER_EFFICIENCY
from zerocity.twin.scenery import LOAD_NOISE

DAYS = 365
# Full cycles that a stationary pack is bought for; sets the price of wear. An assumption, near
# what the LFP law gives down to 60 % health at 25 degC and half a C.
STORE_CYCLES = 6000.0


def find_park(city: City, name: str) -> ParkSpec:
    """The city's park of that name; InputError names those there are."""
    found = [spec for spec in city.parks if spec.name == name]
    if not found:
        known = ", ".join(spec.name for spec in city.parks) or "none, this city has no park"
        raise InputError("park", repr(name), f"one of: {known}")
    return found[0]


def park_sites(city: City, spec: ParkSpec) -> list[int]:
    """Indices of the park's sites; InputError when it has none."""
    found = [city.sites.name.index(name) for name in spec.sites]
    if not found:
        raise InputError(f"parks.{spec.name}.sites", "no site", "at least one site of the city")
    return found


def park_timeline(city: City) -> Timeline:
    """The hours of the year that starts on the city's first day."""
    return Timeline(city.start, DAYS, 60, city.utc_offset_h)


def park_cases(
    city: City,
    specs: Sequence[ParkSpec],
    *,
    seed: int = 1,
    grid_region: str = "",
    direct_share: F64 | None = None,
) -> list[ParkCase]:
    """Whole years of parks by the hour, their assets, and levers as large as usual.

    Parameters
    ----------
    seed : draws weather, noise of the load and the green line's wind.
    grid_region : row of the city's factor table, "" for the city's own.
    direct_share : profile of the green line, (8760,), None for a made one.
    """
    timeline, sites = park_timeline(city), [park_sites(city, spec) for spec in specs]
    sun = _sun(city, timeline, seed)
    prices = city.tariff.prices(timeline)
    factor = city.factors.lookup(grid_region or city.grid_region, timeline.start.year)
    line = made_line(timeline, sun, seed) if direct_share is None else direct_share
    cases = []
    for spec, at, use_kw in zip(specs, sites, _loads_kw(city, timeline, sites, seed), strict=True):
        year = ParkYear(
            step_h=1.0,
            block_steps=timeline.steps,
            weight=np.ones(timeline.steps),
            month=np.repeat(timeline.months, 24),
            use_kw=use_kw,
            sun_kw_per_kwp=sun,
            direct_share=line,
            buy_cny_per_kwh=prices.buy,
            sell_cny_per_kwh=prices.sell,
            grid_kgco2_per_kwh=np.full(timeline.steps, factor.kgco2_per_kwh),
        )
        assets = _assets(city, at)
        cases.append(ParkCase(spec, year, assets, usual_levers(spec, year, assets)))
    return cases


def usual_levers(spec: ParkSpec, year: ParkYear, assets: ParkAssets) -> Levers:
    """Levers opened as far as is usual for a park of this size; each is an assumption."""
    mean_kw = year.use_kwh / float(year.hours.sum())
    return Levers(
        pv_most_kwp=max(assets.pv_kwp, mean_kw),
        store_most_kwh=4.0 * 24.0 * mean_kw,
        direct_most_kw=2.0 * mean_kw,
        traced_most_share=1.0,
        heat_most_share=0.8,
    )


def _sun(city: City, timeline: Timeline, seed: int) -> F64:
    place, panels = city.climate, city.panels
    weather = made_weather(place, timeline, seed)
    return pv_kw_per_kwp(
        weather, timeline, place.latitude, place.longitude, place.altitude_m,
        panels.tilt_deg, panels.azimuth_deg, panels.performance_ratio,
    )  # fmt: skip


def _loads_kw(city: City, timeline: Timeline, parks: list[list[int]], seed: int) -> list[F64]:
    """Own load of each park, (steps,) [kW]: days and noise as in the twin, by the hour."""
    at = [site for park in parks for site in park]
    ends = np.cumsum([len(park) for park in parks])[:-1]
    kinds, days = tuple(city.sites.load_kind[i] for i in at), []
    for day, workday in enumerate(timeline.is_workday().tolist()):
        noise = smooth_noise(stream(seed, "load", day), len(city.sites), 24, LOAD_NOISE)[at]
        days.append(site_loads(city.sites.load_kw[at], kinds, workday, noise, 24))
    return [park.sum(axis=0) for park in np.split(np.concatenate(days, axis=1), ends)]


def _assets(city: City, at: list[int]) -> ParkAssets:
    sites = city.sites
    product = next((sites.storage_product[i] for i in at if sites.storage_product[i]), "")
    price = city.products[product].price_cny_per_kwh / STORE_CYCLES if product else 0.05
    return ParkAssets(
        import_limit_kw=float(sites.grid_limit_kw[at].sum()),
        export_limit_kw=float(sites.export_limit_kw[at].sum()),
        pv_kwp=float(sites.pv_kwp[at].sum()),
        store_kwh=float(sites.storage_kwh[at].sum()),
        store_kw=float(sites.storage_kw[at].sum()),
        charge_efficiency=CHARGER_EFFICIENCY,
        discharge_efficiency=INVERTER_EFFICIENCY,
        # The twin prices a kWh cycled; here each way bears half of it.
        wear_cny_per_kwh=price / 2.0,
        demand_charge_cny_per_kw_month=city.tariff.demand_charge_cny_per_kw_month,
    )
