"""The reference city: whole, sourced and large enough."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from zerocity.city.figures import CERTAINTIES
from zerocity.city.folder import SHIPPED, load_city
from zerocity.city.places import SITE_KINDS
from zerocity.city.reader import DEFAULT_SOURCE
from zerocity.city.scenario import City
from zerocity.fleets.consumption import kwh_per_km


@pytest.fixture(scope="module")
def lanzhou() -> City:
    return load_city("lanzhou")


def test_it_is_as_large_as_promised(lanzhou: City) -> None:
    assert lanzhou.packs >= 102_000
    assert 200 <= len(lanzhou.sites) <= 300
    assert lanzhou.vehicles > 85_000
    assert lanzhou.packs == (
        lanzhou.vehicle_packs() + lanzhou.pool_packs().sum() + lanzhou.storage_packs().sum()
    )


def test_the_text_gives_the_same_totals(lanzhou: City) -> None:
    words = (SHIPPED / "lanzhou" / "README.md").read_text(encoding="utf-8")
    for total in (lanzhou.packs, lanzhou.vehicles, int(lanzhou.pool_packs().sum())):
        assert f"{total:,}" in words
    assert f"{len(lanzhou.sites)} sites" in words


def test_every_kind_of_site_is_there(lanzhou: City) -> None:
    assert set(lanzhou.sites.kind) == set(SITE_KINDS)


def test_every_figure_has_a_source_and_a_certainty(lanzhou: City) -> None:
    assert len(lanzhou.figures) > 500
    for figure in lanzhou.figures:
        assert figure.source.strip(), figure.path
        assert figure.certainty in CERTAINTIES, figure.path
        assert figure.source != DEFAULT_SOURCE, figure.path
        assert 1900 <= figure.year <= 2200, figure.path
        assert figure.unit or isinstance(figure.value, str), figure.path
    paths = [figure.path for figure in lanzhou.figures]
    assert len(paths) == len(set(paths))


def test_assumptions_are_listed_with_the_heaviest_first(lanzhou: City) -> None:
    assumed = lanzhou.assumptions()
    assert {figure.certainty for figure in assumed} == {"assumed"}
    weights = [figure.weight for figure in assumed]
    assert weights == sorted(weights, reverse=True)
    assert "fleets.truck_swap.vehicles" in [figure.path for figure in assumed[:60]]


def test_the_sites_lie_in_and_around_the_valley(lanzhou: City) -> None:
    sites = lanzhou.sites
    assert sites.longitude.min() > 102.5
    assert sites.longitude.max() < 104.5
    assert sites.latitude.min() > 35.5
    assert sites.latitude.max() < 37.0
    positions = set(zip(sites.longitude, sites.latitude, strict=True))
    assert len(positions) == len(sites)
    valley = np.isin(sites.district, ("Xigu", "Anning", "Qilihe", "Chengguan"))
    assert valley.mean() > 0.6
    assert np.abs(sites.latitude[valley] - 36.08).max() < 0.06


def test_the_tariff_follows_the_rule_of_2024(lanzhou: City) -> None:
    tariff = lanzhou.tariff
    hours = {"valley": 0.0, "flat": 0.0, "peak": 0.0}
    for name, start, end in tariff.blocks:
        hours[name] += end - start
    assert hours == {"valley": 6.0, "flat": 11.0, "peak": 7.0}
    assert ("valley", 10.0, 16.0) in tariff.blocks
    prices = tariff.energy_cny_per_kwh
    assert prices["peak"] >= 3.0 * prices["valley"]


def test_the_climate_is_that_of_the_weather_station(lanzhou: City) -> None:
    assert lanzhou.climate.ghi_kwh_m2.sum() == pytest.approx(1403, abs=2)
    assert lanzhou.climate.temperature_c.mean() == pytest.approx(10.25, abs=0.2)


def test_the_grid_factors_are_those_of_the_announcements(lanzhou: City) -> None:
    assert lanzhou.factors.lookup("Gansu", 2023).kgco2_per_kwh == 0.4471
    assert lanzhou.factors.lookup("China", 2022).kgco2_per_kwh == 0.5366
    assert lanzhou.factors.lookup(lanzhou.grid_region, lanzhou.start.year).older


def test_the_factor_table_equals_the_collected_one(lanzhou: City, shared_data: Path) -> None:
    with (shared_data / "city" / "emission_factors_cn.csv").open(encoding="utf-8") as stream:
        wanted = {
            (int(row["year"]), row["area"]): float(row["kgCO2_per_kWh"])
            for row in csv.DictReader(stream)
        }
    assert {(row.year, row.region): row.kgco2_per_kwh for row in lanzhou.factors.rows} == wanted


def test_boats_stop_at_high_water(lanzhou: City) -> None:
    assert lanzhou.river is not None
    assert lanzhou.river.flow_m3_s.shape == (12,)
    assert lanzhou.river.stop_above_m3_s == 3570.0


@pytest.mark.parametrize("name", ["lanzhou", "starter"])
def test_sites_can_serve_their_fleets_on_a_cold_day(name: str) -> None:
    """The worst day's energy of a kind's fleets fits half of what its connections give."""
    city = load_city(name)
    sites = city.sites
    need_kwh: dict[str, float] = {}
    for fleet in city.fleets:
        cold = kwh_per_km(fleet, np.array([-10.0]), np.array([848.0]))[0]
        day = cold * fleet.km_workday * fleet.active_workday * fleet.vehicles
        kind = fleet.on_demand_site_kind
        need_kwh[kind] = need_kwh.get(kind, 0.0) + day / 0.9
    for kind, kwh in need_kwh.items():
        chosen = sites.of_kind(kind)
        assert kwh < 0.55 * 24.0 * sites.grid_limit_kw[chosen].sum(), kind


@pytest.mark.parametrize("name", ["lanzhou", "starter"])
def test_a_pack_lasts_from_one_refill_to_the_next(name: str) -> None:
    city = load_city(name)
    for fleet in city.fleets:
        cold = kwh_per_km(fleet, np.array([-10.0]), np.array([848.0]))[0]
        pack = city.products[fleet.product].capacity_kwh * fleet.packs_per_vehicle
        usable = 0.92 * pack * (fleet.target_soc - fleet.reserve_soc)
        assert cold * fleet.km_workday < 3.5 * usable, fleet.name


@pytest.mark.parametrize("name", ["lanzhou", "starter"])
def test_swap_places_hold_the_busiest_hour(name: str) -> None:
    """A tenth of the day's swaps falls in one hour; packs on charge leave a third ready."""
    city = load_city(name)
    for fleet in (fleet for fleet in city.fleets if fleet.refuel == "swap"):
        product = city.products[fleet.product]
        cold = kwh_per_km(fleet, np.array([-10.0]), np.array([848.0]))[0]
        kwh = cold * fleet.km_workday * fleet.active_workday * fleet.vehicles
        per_pack = 0.92 * product.capacity_kwh * (fleet.target_soc - fleet.reserve_soc)
        chosen = city.sites.of_kind(fleet.on_demand_site_kind)
        hour_packs = 0.1 * kwh / per_pack / len(chosen)
        slot_kw = np.minimum(city.sites.slot_kw[chosen], product.max_charge_kw)
        charging = hour_packs * math.ceil(10 * per_pack / 0.93 / slot_kw.min()) / 10
        assert charging < 0.67 * city.pool_packs()[chosen].min(), fleet.name


def test_there_is_a_plug_for_who_may_plug_in() -> None:
    city = load_city("lanzhou")
    for side in ("base", "mid"):
        wanted: dict[str, float] = {}
        for fleet in city.fleets:
            kind = getattr(fleet, f"{side}_site_kind")
            share = getattr(fleet, f"{side}_plug_share")
            wanted[kind] = wanted.get(kind, 0.0) + share * fleet.vehicles
        for kind, vehicles in wanted.items():
            if kind:
                assert vehicles <= city.sites.plugs[city.sites.of_kind(kind)].sum(), kind
