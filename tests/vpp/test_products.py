"""Rules of products are checked, and offers against them."""

from __future__ import annotations

from typing import Any

import pytest

from zerocity.errors import InputError, InputErrors
from zerocity.vpp.products import PRODUCTS, EnergyMarket, FrequencyReserve, admit
from zerocity.vpp.program import Program


def test_there_are_three_products() -> None:
    assert PRODUCTS == ("energy", "peak_shaving", "frequency_reserve")


@pytest.mark.parametrize(
    ("rules", "kw", "hours", "why"),
    [
        (EnergyMarket(), 2000.0, 0.25, ""),
        (EnergyMarket(), 999.0, 24.0, "999 kW is below the least size of 1,000 kW"),
        (EnergyMarket(min_duration_h=1.0), 2000.0, 0.25, "0.25 h, and 1 h"),
        (Program(), 2000.0, 2.0, ""),
        (Program(), 2000.0, 1.5, "for 1.5 h, and 2 h are asked for"),
        (FrequencyReserve(), 9999.0, 1.0, "below the least size of 10,000 kW"),
    ],
)
def test_offers_are_admitted_or_told_why_not(rules: Any, kw: float, hours: float, why: str) -> None:
    found = admit(rules, kw, hours)
    assert found.admitted == (not why)
    assert why in found.reason


@pytest.mark.parametrize("kw", [-1.0, float("nan")])
def test_an_offer_is_a_number(kw: float) -> None:
    with pytest.raises(InputError, match="offered_kw"):
        admit(EnergyMarket(), kw, 1.0)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (EnergyMarket, {"periods": 95}),
        (EnergyMarket, {"price_cap_cny_per_kwh": 0.04}),
        (EnergyMarket, {"price_floor_cny_per_kwh": float("nan")}),
        (EnergyMarket, {"price_tick_cny_per_kwh": 0.0}),
        (EnergyMarket, {"min_segments": 11}),
        (EnergyMarket, {"tolerance_share": 1.5}),
        (FrequencyReserve, {"window_start_h": 24.0}),
        (FrequencyReserve, {"mileage_per_h": -1.0}),
        (FrequencyReserve, {"penalty_cny_per_kwh": float("inf")}),
    ],
)
def test_rules_that_make_no_sense_are_refused(make: Any, change: dict[str, Any]) -> None:
    field = "price_cap" if "price_floor_cny_per_kwh" in change else next(iter(change))
    with pytest.raises(InputErrors, match=field):
        make(**change)
