from __future__ import annotations

from dataclasses import replace

import pytest

from zerocity.errors import InputError
from zerocity.fleets.vehicle import REFERENCE_BOATS, REFERENCE_VEHICLES


def test_total_mass_is_kerb_plus_payload() -> None:
    assert REFERENCE_VEHICLES["tractor_49t"].total_kg == 49_000
    assert REFERENCE_VEHICLES["bus_12m"].total_kg == 16_000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mass_kg", 0.0),
        ("payload_kg", -1.0),
        ("eta_drive", 0.0),
        ("eta_regen", 1.2),
        ("regen_share", -0.1),
        ("heat_pump_cop_at_7c", 0.5),
        ("motor_kw", float("nan")),
    ],
)
def test_road_vehicle_names_the_field_that_is_wrong(field: str, value: float) -> None:
    with pytest.raises(InputError, match=f"RoadVehicle.{field}"):
        replace(REFERENCE_VEHICLES["taxi"], **{field: value})


def test_boat_names_the_field_that_is_wrong() -> None:
    with pytest.raises(InputError, match=r"Boat.speed_through_water_kmh.*above 0"):
        replace(REFERENCE_BOATS["water_bus"], speed_through_water_kmh=0.0)
