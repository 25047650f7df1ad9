from __future__ import annotations

import dataclasses

import pytest

from zerocity.batteries.pack import Product
from zerocity.errors import InputError

BUS = Product(
    name="bus_lfp",
    chemistry="lfp",
    capacity_kwh=250.0,
    voltage_v=400.0,
    max_charge_c=1.0,
    max_discharge_c=2.0,
    resistance_mohm=100.0,
    mass_kg=1600.0,
    maker_code="0AB",
    spec_code="01",
    price_cny_per_kwh=700.0,
    source="made up for the test",
)


def test_ohmic_loss_follows_from_current_and_resistance() -> None:
    # 40 kW at 400 V are 100 A; 100 A through 0.1 ohm are 1 kW.
    assert BUS.loss_kw_per_kw2 * 40.0**2 == pytest.approx(1.0)


def test_power_limits_follow_the_rates() -> None:
    assert BUS.max_charge_kw == 250.0
    assert BUS.max_discharge_kw == 500.0


@pytest.mark.parametrize(
    ("field", "value"),
    [("capacity_kwh", 0.0), ("voltage_v", -1.0), ("resistance_mohm", -1.0), ("maker_code", "AB"),
     ("mass_kg", float("nan"))],
)  # fmt: skip
def test_an_impossible_pack_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        dataclasses.replace(BUS, **{field: value})  # type: ignore[arg-type]
