"""Meter values in our units; what cannot be read for sure is left out and named."""

from __future__ import annotations

from typing import Any

import pytest
from core_cases import AT, iso
from hypothesis import given
from hypothesis import strategies as st

from zerocity.live.sessions import Sample
from zerocity.protocols.ocpp.office.meter_values import number, samples_v2, samples_v16


def one_v16(*values: dict[str, Any]) -> tuple[Sample | None, list[str]]:
    notes: list[str] = []
    made = samples_v16([{"timestamp": iso(AT), "sampledValue": list(values)}], notes)
    return (made[0] if made else None), notes


def one_v2(*values: dict[str, Any]) -> tuple[Sample | None, list[str]]:
    notes: list[str] = []
    made = samples_v2([{"timestamp": iso(AT), "sampledValue": list(values)}], notes)
    return (made[0] if made else None), notes


@pytest.mark.parametrize(
    ("value", "energy_wh"),
    [
        ({"value": "1500"}, 1500.0),
        ({"value": "1.5", "unit": "kWh"}, 1500.0),
        ({"value": "+2e3", "unit": "Wh", "measurand": "Energy.Active.Import.Register"}, 2000.0),
        ({"value": "7", "context": "Transaction.Begin", "location": "Outlet"}, 7.0),
    ],
)
def test_energy_of_16(value: dict[str, Any], energy_wh: float) -> None:
    sample, notes = one_v16(value)
    assert sample == Sample(AT, energy_wh)
    assert notes == []


@pytest.mark.parametrize(
    "value",
    ["", " 5", "5 ", "1,5", "1_000", "nan", "inf", "-Infinity", "0x10", "abc", "--1", "1e999"],
)
def test_texts_that_are_no_numbers_are_named(value: str) -> None:
    sample, notes = one_v16({"value": value})
    assert sample is None
    assert notes == [f"Energy.Active.Import.Register: {value!r} is no number"]


@given(text=st.text(max_size=12))
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    assert number(text) is None or abs(number(text) or 0.0) < float("inf")


@pytest.mark.parametrize(
    "value",
    [
        {"value": "5", "unit": "W"},
        {"value": "5", "unit": "kWh", "measurand": "Power.Active.Import"},
        {"value": "-1"},
        {"value": "1e13"},
        {"value": "101", "measurand": "SoC"},
    ],
)
def test_units_and_sizes_that_cannot_be_are_named(value: dict[str, Any]) -> None:
    sample, notes = one_v16(value)
    assert sample is None
    assert len(notes) == 1


@pytest.mark.parametrize(
    "value",
    [
        {"value": "OCMF|{}", "format": "SignedData"},
        {"value": "5", "measurand": "Temperature"},
        {"value": "5", "location": "Inlet"},
        {"value": "5", "phase": "L1-L2"},
    ],
)
def test_values_of_other_things_are_passed_over(value: dict[str, Any]) -> None:
    assert one_v16(value) == (None, [])


def test_phases_add_up_unless_the_whole_is_told() -> None:
    power = {"measurand": "Power.Active.Import", "unit": "W"}
    phases = [power | {"value": "2000", "phase": f"L{n}"} for n in (1, 2, 3)]
    volts = [
        {"measurand": "Voltage", "value": str(v), "phase": f"L{n}-N"}
        for n, v in ((1, 230), (2, 232), (3, 234))
    ]
    sample, _ = one_v16(*phases, *volts)
    assert sample == Sample(AT, power_kw=6.0, voltage_v=232.0)
    whole, _ = one_v16(*phases, power | {"value": "6100"})
    assert whole == Sample(AT, power_kw=6.1)


def test_all_of_a_16_sample() -> None:
    sample, notes = one_v16(
        {"value": "5000"},
        {"value": "7.4", "measurand": "Power.Active.Import", "unit": "kW"},
        {"value": "55.5", "measurand": "SoC", "unit": "Percent"},
        {"value": "400", "measurand": "Voltage"},
        {"value": "18.5", "measurand": "Current.Import"},
        {"value": "99", "measurand": "Frequency"},
    )
    assert sample == Sample(AT, 5000.0, 7.4, pytest.approx(0.555), 400.0, 18.5)
    assert notes == []


@pytest.mark.parametrize(
    ("value", "energy_wh"),
    [
        ({"value": 1500}, 1500.0),
        ({"value": 1.5, "unitOfMeasure": {"unit": "kWh"}}, 1500.0),
        ({"value": 1.5, "unitOfMeasure": {"multiplier": 3}}, 1500.0),
        ({"value": 15, "unitOfMeasure": {"unit": "kWh", "multiplier": -1}}, 1500.0),
    ],
)
def test_energy_of_2x(value: dict[str, Any], energy_wh: float) -> None:
    sample, notes = one_v2(value)
    assert sample is not None
    assert sample.energy_wh == pytest.approx(energy_wh)
    assert notes == []


@pytest.mark.parametrize(
    "value",
    [
        {"value": 5, "unitOfMeasure": {"unit": "J"}},
        {"value": 5, "unitOfMeasure": {"multiplier": 400}},
        {"value": 1e300},
        {"value": -5},
    ],
)
def test_2x_values_that_cannot_be_are_named(value: dict[str, Any]) -> None:
    sample, notes = one_v2(value)
    assert sample is None
    assert len(notes) == 1


def test_power_without_unit_is_in_watts_and_may_be_given_back() -> None:
    power = {"measurand": "Power.Active.Import"}
    assert one_v2(power | {"value": -7000})[0] == Sample(AT, power_kw=-7.0)


def test_moments_that_cannot_be_are_named() -> None:
    notes: list[str] = []
    group = {"timestamp": "1969-01-01T00:00:00Z", "sampledValue": [{"value": "1"}]}
    assert samples_v16([group], notes) == []
    assert notes == ["timestamp '1969-01-01T00:00:00Z' cannot be true"]
