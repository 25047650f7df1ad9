from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.fleets.hull import (
    ground_kwh_per_km,
    hotel_kw,
    propulsion_kw,
    round_trip_kwh_per_km,
    suspended,
)
from zerocity.fleets.vehicle import REFERENCE_BOATS

SHIP = REFERENCE_BOATS["three_gorges_1"]


def test_three_gorges_1_empties_90_percent_in_100_km() -> None:
    power_kw = propulsion_kw(SHIP, 16.0) + hotel_kw(SHIP, 20.0)
    assert power_kw == pytest.approx(1080.0)
    assert ground_kwh_per_km(power_kw, 16.0, 0.0) * 100.0 == pytest.approx(0.9 * 7500.0)


@pytest.mark.parametrize(
    ("current", "published"), [(0.0, 67.5), (5.0, 98.2), (7.2, 122.7), (-5.0, 51.4)]
)
def test_current_against_and_with_the_boat(current: float, published: float) -> None:
    assert ground_kwh_per_km(1080.0, 16.0, current) == pytest.approx(published, abs=0.05)


def test_stronger_current_than_the_boat_is_an_error() -> None:
    with pytest.raises(InputError, match=r"current_kmh: got 16.0"):
        ground_kwh_per_km(100.0, 16.0, 16.0)


@given(current=st.floats(0.0, 15.0), more=st.floats(0.01, 0.9))
def test_any_current_costs_a_round_trip(current: float, more: float) -> None:
    still, some, harder = (
        float(round_trip_kwh_per_km(100.0, 16.0, c)) for c in (0.0, current, current + more)
    )
    assert still <= some < harder
    assert float(round_trip_kwh_per_km(100.0, 16.0, -current)) == some


def test_saloon_is_heated_and_cooled_up_to_the_limit() -> None:
    boat = REFERENCE_BOATS["water_bus"]
    power = hotel_kw(boat, np.array([-60.0, 0.0, 20.0, 34.0]))
    assert power == pytest.approx([12.0, 4.0 + 2.7, 4.0, 4.0 + 1.5])


def test_boats_stop_at_high_flow() -> None:
    assert suspended([900.0, 3570.0, 4000.0], 3570.0).tolist() == [False, True, True]
