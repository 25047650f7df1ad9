"""Parks of a city as cases, without a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zerocity.carbon.factors import Factors
from zerocity.city.folder import load_city
from zerocity.city.scenario import City
from zerocity.errors import InputError
from zerocity.parks.indicators import ParkSpec
from zerocity.twin.park_case import find_park, park_cases, park_sites


@pytest.fixture(scope="module")
def town() -> City:
    return load_city("starter")


def test_a_park_s_year_has_the_site_s_numbers(town: City) -> None:
    spec = find_park(town, "town_park")
    [at] = park_sites(town, spec)
    [case] = park_cases(town, [spec])
    sites = town.sites
    assert case.year.steps == 8760
    assert case.year.use_kw.mean() == pytest.approx(sites.load_kw[at], rel=0.02)
    assert case.assets.pv_kwp == sites.pv_kwp[at]
    assert case.assets.store_kwh == sites.storage_kwh[at]
    factor = town.factors.lookup(town.grid_region, town.start.year).kgco2_per_kwh
    assert (case.year.grid_kgco2_per_kwh == factor).all()
    assert 1000.0 < case.year.sun_kw_per_kwp.sum() < 2200.0


def test_several_parks_are_as_one_alone(town: City) -> None:
    spec = find_park(town, "town_park")
    other = next(k for k, name in enumerate(town.sites.name) if name not in spec.sites)
    second = ParkSpec("second", (town.sites.name[other], *spec.sites))
    alone, (one, two) = park_cases(town, [spec])[0], park_cases(town, [spec, second])
    assert one.year.use_kw == pytest.approx(alone.year.use_kw)
    assert two.year.use_kw.mean() == pytest.approx(
        one.year.use_kw.mean() + town.sites.load_kw[other], rel=0.02
    )


def test_a_seed_makes_one_year(town: City) -> None:
    spec = find_park(town, "town_park")
    one, same, other = (park_cases(town, [spec], seed=s)[0].year.use_kw for s in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_another_region_and_a_given_line(town: City) -> None:
    spec = find_park(town, "town_park")
    row = town.factors.rows[0]
    dirty = replace(row, region="dirty", kgco2_per_kwh=1.0)
    town = replace(town, factors=Factors((row, dirty)))
    line = np.full(8760, 0.5)
    [case] = park_cases(town, [spec], grid_region="dirty", direct_share=line)
    assert case.year.grid_kgco2_per_kwh[0] == 1.0
    assert (case.year.direct_share == line).all()
    with pytest.raises(InputError, match="grid region"):
        park_cases(town, [spec], grid_region="Atlantis")


def test_unknown_parks_and_parks_without_sites_are_named(town: City) -> None:
    with pytest.raises(InputError, match="town_park"):
        find_park(town, "north")
    with pytest.raises(InputError, match="no park"):
        find_park(replace(town, parks=()), "north")
    with pytest.raises(InputError, match="at least one site"):
        park_sites(town, ParkSpec("empty"))
