from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zerocity.energy.flexmeasures_units import Kind, Reading, duration, moment

START = datetime(2026, 1, 1, tzinfo=UTC)


def reading(**sensors: Any) -> Reading:
    return Reading(START, timedelta(hours=1), 4, {k.lstrip("s"): v for k, v in sensors.items()})


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("3.1 kWh", "energy", 3.1),
        ("2MWh", "energy", 2000.0),
        ("45kVA", "power", 45.0),
        ("100 Wh/h", "power", 0.1),
        ("-1e3 W", "power", -1.0),
        ("0.29 EUR/kWh", "price", 0.29),
        ("290 EUR/MWh", "price", 0.29),
        ("260 EUR/MW", "peak price", 0.26),
        ("90%", "share", 0.9),
        (".9", "share", 0.9),
        (0.9, "share", 0.9),
    ],
)
def test_units_become_ours(raw: object, kind: Kind, value: float) -> None:
    here = reading()
    assert here.number("x", raw, kind) == pytest.approx(value)
    assert here.errors == []


def test_a_plain_energy_takes_the_soc_unit() -> None:
    here = reading()
    here.plain_unit = "MWh"
    assert here.number("x", 2, "energy") == 2000.0


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (3, "power"), (True, "share"), ("3 kWh", "power"), ("kWh", "energy"), (None, "energy"),
        ("0.3 /kWh", "price"), ("0.3 EUR", "price"), ("0.3 EUR/kW", "price"), ("5 m", "energy"),
    ],
)  # fmt: skip
def test_a_wrong_unit_is_named(raw: object, kind: Kind) -> None:
    here = reading()
    assert math.isnan(here.number("flex-model[0].x", raw, kind))
    [error] = here.errors
    assert error.where == "flex-model[0].x"


def test_times_pick_their_steps() -> None:
    parts = [
        {"start": "2026-01-01T00:00:00+00:00", "duration": "PT2H", "value": "1 kW"},
        {"start": "2026-01-01T02:00:00Z", "end": "2026-01-01T03:00:00Z", "value": "2 kW"},
    ]
    found = reading().series("x", parts, "power")
    assert found[:3].tolist() == [1.0, 1.0, 2.0]
    assert math.isnan(found[3])


def test_energies_stand_at_the_end_of_steps() -> None:
    here = reading()
    found, outside = here.ends("x", [
        {"datetime": "2026-01-01T02:00:00Z", "value": "5 kWh"},
        {"datetime": "2026-01-02T02:00:00Z", "value": "5 kWh"},
    ])  # fmt: skip
    assert [not math.isnan(one) for one in found] == [False, True, False, False]
    assert outside == 1
    span = {"start": "2026-01-01T02:00:00Z", "duration": "PT2H", "value": "5 kWh"}
    found, _ = here.ends("x", span)
    assert [not math.isnan(one) for one in found] == [False, True, True, True]
    assert here.ends("x", "3 kWh")[0].tolist() == [3.0] * 4


def test_a_sensor_needs_its_values() -> None:
    here = reading(s3=["1 kW"] * 4, s4=["1 kW"])
    assert here.series("x", {"sensor": 3}, "power").tolist() == [1.0] * 4
    here.series("x", {"sensor": 4}, "power")
    here.series("x", {"sensor": 5}, "power")
    assert [error.where for error in here.errors] == ["sensors.4", "x"]


@pytest.mark.parametrize(
    "part",
    [
        {"value": "1 kW"},
        {"datetime": "tomorrow", "value": "1 kW"},
        {"datetime": "2026-01-01T00:00:00", "value": "1 kW"},
        {"start": "2026-01-01T00:00:00Z", "duration": "1 hour", "value": "1 kW"},
        {"start": "2026-01-01T00:00:00Z", "end": 3, "value": "1 kW"},
        {"start": 3, "end": 3, "value": "1 kW"},
        {"datetime": "2026-01-01T00:00:00Z", "value": "1 kW", "unit": "kW"},
        "1 kW",
    ],
)
def test_a_part_without_its_time_is_named(part: Any) -> None:
    here = reading()
    here.series("x", [part], "power")
    assert here.errors


def test_durations_and_moments() -> None:
    assert duration("P1DT2H30M") == timedelta(days=1, hours=2, minutes=30)
    assert duration("PT0S") is None
    assert duration("soon") is None
    assert moment("2026-01-01T00:00:00+08:00") is not None
    assert moment("2026-01-01") is None
