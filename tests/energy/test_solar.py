from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from climates import LANZHOU

from zerocity.energy.climate import ClimateNormals, WeatherYear
from zerocity.energy.solar import pv_kw_per_kwp, sun, times
from zerocity.energy.weather import made_weather
from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline

YEAR = Timeline(date(2025, 1, 1), 365, 30)
PLACE = (LANZHOU.latitude, LANZHOU.longitude, LANZHOU.altitude_m)


def test_yearly_yield_is_that_of_the_region() -> None:
    weather = made_weather(LANZHOU, YEAR, 0)
    flat, tilted, north = (
        pv_kw_per_kwp(weather, YEAR, *PLACE, tilt, azimuth).sum() * YEAR.step_h
        for tilt, azimuth in ((0, 180), (32, 180), (32, 0))
    )
    assert 1200 < tilted < 1600
    assert tilted > flat > north


def test_power_is_bounded_and_needs_sun() -> None:
    day = Timeline(date(2025, 6, 21), 1, 60)
    zero = np.zeros(24)
    dark = WeatherYear(zero, zero, zero, zero, zero + 850)
    assert (pv_kw_per_kwp(dark, day, *PLACE, 30) == 0).all()
    bright = made_weather(LANZHOU, YEAR, 2)
    power = pv_kw_per_kwp(bright, YEAR, *PLACE, 32)
    assert (power >= 0).all()
    assert power.max() < 1.25


def test_heat_costs_power() -> None:
    weather = made_weather(LANZHOU, YEAR, 0)
    hot = replace(weather, temperature_c=weather.temperature_c + 10)
    ratio = (
        pv_kw_per_kwp(hot, YEAR, *PLACE, 30).sum() / pv_kw_per_kwp(weather, YEAR, *PLACE, 30).sum()
    )
    assert ratio == pytest.approx(1 - 0.035, abs=0.004)


def test_the_sun_stands_highest_at_solar_noon() -> None:
    day = Timeline(date(2025, 3, 20), 1, 15)
    at = sun(day, *PLACE)
    noon_clock_h = (np.argmin(at.zenith_deg) + 0.5) / 4
    assert noon_clock_h == pytest.approx(12 + 8 - 103.88 / 15 + 0.12, abs=0.2)
    assert at.zenith_deg.min() == pytest.approx(36.05, abs=0.5), "equinox: zenith is latitude"
    assert times(day)[0].isoformat() == "2025-03-19T16:07:30+00:00"


def test_unlawful_input_is_named() -> None:
    weather = made_weather(LANZHOU, YEAR, 0)
    with pytest.raises(InputError, match="weather: got 17520 steps, wanted 48"):
        pv_kw_per_kwp(weather, Timeline(date(2025, 1, 1), 1, 30), *PLACE, 30)
    with pytest.raises(InputError, match="tilt_deg"):
        pv_kw_per_kwp(weather, YEAR, *PLACE, 120)
    with pytest.raises(InputError, match="performance_ratio"):
        pv_kw_per_kwp(weather, YEAR, *PLACE, 30, performance_ratio=0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latitude": 91.0}, "latitude: got 91.0"),
        ({"ghi_kwh_m2": np.zeros(11)}, r"ghi_kwh_m2: got shape \(11,\)"),
        ({"daily_swing_k": np.full(12, np.nan)}, "daily_swing_k, month 1: got nan"),
        ({"clearness_memory": 1.0}, "clearness_memory: got 1.0"),
    ],
)
def test_normals_are_checked(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(LANZHOU, **change)  # type: ignore[arg-type]
    assert isinstance(LANZHOU, ClimateNormals)
