"""A small city keeps the proportions of the large one it was cut from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.city.folder import load_city
from zerocity.city.scenario import City
from zerocity.city.thin import Size, shared_out, thinned
from zerocity.errors import InputError


@pytest.fixture(scope="module")
def lanzhou() -> City:
    return load_city("lanzhou")


@pytest.mark.parametrize("size", [Size(), Size(40, 5, 300), Size(1000, 80, 20_000)])
def test_a_small_city_has_the_devices_asked_for(lanzhou: City, size: Size) -> None:
    small = thinned(lanzhou, size)
    assert small.vehicles == size.vehicles
    assert small.sites.plugs.sum() == 2 * size.chargers
    assert (small.sites.swap_slots > 0).sum() == size.swap_stations
    assert {f.name for f in small.fleets} == {f.name for f in lanzhou.fleets}


def test_what_is_scarce_stays_scarce(lanzhou: City) -> None:
    small = thinned(lanzhou, Size())
    for kind in ("residential", "bus_depot", "workplace"):
        ratios = []
        for city in (lanzhou, small):
            sites = city.sites
            here = sites.of_kind(kind)
            plugs_kw = (sites.plugs * sites.plug_kw)[here]
            ratios.append(float((sites.grid_limit_kw[here] / plugs_kw).mean()))
        assert ratios[0] == pytest.approx(ratios[1], rel=1e-9)


@pytest.mark.parametrize("size", [Size(300, 500, 2000), Size(300, 20, 0), Size(300, 20, 10**9)])
def test_a_city_gives_no_more_than_it_has(lanzhou: City, size: Size) -> None:
    with pytest.raises(InputError, match=r"at most|from 1 to"):
        thinned(lanzhou, size)


@given(st.integers(0, 500), st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_shares_add_up(total: int, weight: list[float]) -> None:
    found = shared_out(total, np.array(weight), 1)
    assert found.sum() == max(total, len(weight))
    assert found.min() >= 1
