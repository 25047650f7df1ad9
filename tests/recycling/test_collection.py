"""Distance, cost and carbon of hauling packs."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.errors import InputError
from zerocity.recycling.collection import (
    EARTH_RADIUS_KM,
    Haulage,
    great_circle_km,
    haul,
    nearest,
    road_km,
)

A = np.asarray


def test_known_arcs() -> None:
    quarter = great_circle_km(A(0.0), A(0.0), A(90.0), A(0.0))
    assert quarter == pytest.approx(np.pi / 2 * EARTH_RADIUS_KM)
    pole = great_circle_km(A(103.8), A(-90.0), A(0.0), A(90.0))
    assert pole == pytest.approx(np.pi * EARTH_RADIUS_KM)
    assert great_circle_km(A(103.8), A(36.06), A(103.8), A(36.06)) == 0.0


def test_lanzhou_to_baiyin_is_about_seventy_kilometres_by_road() -> None:
    # Tian et al. 2025 give 74 km; the centres of the two cities stand in for the plants.
    road = road_km(Haulage(), A(103.83), A(36.06), A(104.14), A(36.54))
    assert 65.0 < road < 90.0


def test_the_nearest_place_is_chosen() -> None:
    place, distance = nearest(A([[3.0, 1.0, 2.0], [0.5, 4.0, 0.5]]))
    assert place.tolist() == [1, 0]
    assert distance.tolist() == [1.0, 0.5]
    with pytest.raises(InputError, match="sites, places"):
        nearest(np.zeros((2, 0)))


def test_everbatts_rate_for_hazardous_goods() -> None:
    cost, carbon = haul(Haulage(), A([1000.0, 500.0]), A([1.609344, 1.609344]))
    assert cost == pytest.approx([0.25 * 7.0, 0.125 * 7.0])
    assert carbon == pytest.approx([0.1609344, 0.0804672])


def test_senseless_rates_are_refused() -> None:
    with pytest.raises(InputError, match="detour"):
        Haulage(detour=0.9)
