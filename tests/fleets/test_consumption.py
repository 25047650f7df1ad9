from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from zerocity.fleets.consumption import grade_bins, kwh_per_km, kwh_per_km_parts
from zerocity.fleets.duty import KINDS
from zerocity.fleets.vehicle import REFERENCE_BOATS, REFERENCE_VEHICLES

# Monthly mean temperatures of Lanzhou, typical year CSWD 528890 [degC].
MONTHS_C = np.array([-5.5, 0.7, 5.8, 12.4, 17.4, 21.3, 22.4, 21.1, 16.9, 10.0, 3.0, -3.1])


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("bus", 0.78, 1.3),
        ("brt", 1.2, 2.3),
        ("truck", 1.2, 1.9),
        ("taxi", 0.12, 0.22),
        ("car", 0.10, 0.20),
        ("two_wheeler", 0.025, 0.035),
        ("boat", 1.0, 10.0),
    ],
)
def test_annual_mean_is_where_measured_fleets_are(
    make_spec: Any, kind: str, low: float, high: float
) -> None:
    assert low < kwh_per_km(make_spec(kind), MONTHS_C, 848.0).mean() < high


@pytest.mark.parametrize(
    ("boat", "low", "high"), [("river_cruise", 10, 30), ("three_gorges_1", 60, 75)]
)
def test_boats_by_size(make_spec: Any, boat: str, low: float, high: float) -> None:
    spec = make_spec("boat", vehicle=REFERENCE_BOATS[boat], current_kmh=3.0)
    assert low < kwh_per_km(spec, 15.0, 848.0)[0] < high


@pytest.mark.parametrize("kind", KINDS)
def test_parts_add_up_and_keep_the_shape(make_spec: Any, kind: str) -> None:
    spec = make_spec(kind)
    temperature, pressure = np.linspace(-20.0, 38.0, 7), np.linspace(830.0, 860.0, 7)
    traction, auxiliary = kwh_per_km_parts(spec, temperature, pressure)
    assert traction.shape == auxiliary.shape == (7,)
    assert np.all(traction > 0)
    assert np.all(auxiliary > 0)
    assert kwh_per_km(spec, temperature, pressure) == pytest.approx(traction + auxiliary)
    assert kwh_per_km(spec, 20.0, 848.0).shape == (1,)


@pytest.mark.parametrize("kind", ["bus", "brt", "taxi", "car", "boat"])
def test_mild_days_are_cheapest(make_spec: Any, kind: str) -> None:
    cold, mild, hot = kwh_per_km(make_spec(kind), [-15.0, 21.0, 36.0], 848.0)
    assert cold > 1.05 * mild
    assert hot > 1.02 * mild


@pytest.mark.parametrize("kind", ["bus", "brt", "truck", "taxi", "car", "two_wheeler"])
def test_hills_and_load_cost_energy(make_spec: Any, kind: str) -> None:
    spec = make_spec(kind)
    heavier = replace(spec.vehicle, payload_kg=1.5 * spec.vehicle.payload_kg)
    base = kwh_per_km(spec, 10.0, 848.0)
    assert kwh_per_km(replace(spec, vehicle=heavier), 10.0, 848.0) > base
    assert kwh_per_km(replace(spec, grade_mean=0.03), 10.0, 848.0) > base


def test_no_car_beats_the_official_cycle(make_spec: Any) -> None:
    """A 56 kWh sedan with 515 km on CLTC draws 0.109 kWh/km; city traffic draws no less."""
    assert kwh_per_km(make_spec("taxi"), MONTHS_C, 848.0).min() >= 0.105


def test_truck_is_near_the_swap_networks_claim(make_spec: Any) -> None:
    """Three blocks of 171 kWh for 300 km: 1.71 kWh/km gross."""
    loaded = make_spec("truck", speed_kmh=60.0, stops_per_km=0.1)
    assert kwh_per_km(loaded, MONTHS_C, 848.0).mean() == pytest.approx(1.71, rel=0.2)


def test_grade_bins_keep_the_mean_and_cancel() -> None:
    grades, shares = grade_bins(0.02)
    assert shares.sum() == pytest.approx(1.0)
    assert np.sum(np.abs(grades) * shares) == pytest.approx(0.02)
    assert np.sum(grades * shares) == pytest.approx(0.0)
    assert np.all(np.abs(grade_bins(0.2)[0]) <= 0.15)


def test_reference_vehicles_cover_the_road_kinds() -> None:
    assert set(REFERENCE_VEHICLES) == {"bus_12m", "bus_18m", "tractor_49t", "taxi", "car", "e_moto"}
