from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from climates import LANZHOU

from zerocity.energy.climate import WeatherYear
from zerocity.energy.epw import weather_from_epw
from zerocity.energy.solar import sun
from zerocity.energy.weather import HIGHEST_INDEX, made_weather, smooth_year
from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline

YEAR = Timeline(date(2025, 1, 1), 365)
SEEDS = range(4)


@lru_cache
def made(seed: int) -> WeatherYear:
    return made_weather(LANZHOU, YEAR, seed)


def monthly(values: np.ndarray) -> np.ndarray:
    month = YEAR.months - 1
    return np.bincount(month, values.reshape(365, -1).mean(axis=1), 12) / np.bincount(month)


def hourly(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, 4).mean(axis=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_month_keeps_its_normals(seed: int) -> None:
    weather = made(seed)
    days = np.bincount(YEAR.months - 1)
    assert np.abs(monthly(weather.temperature_c) - LANZHOU.temperature_c).max() < 1.0
    ghi = monthly(weather.ghi_w_m2) * days * 0.024
    np.testing.assert_allclose(ghi, LANZHOU.ghi_kwh_m2, rtol=0.05)
    np.testing.assert_allclose(monthly(weather.pressure_hpa), LANZHOU.pressure_hpa, atol=0.1)
    by_day = weather.temperature_c.reshape(365, -1)
    swing = np.bincount(YEAR.months - 1, np.ptp(by_day, axis=1), 12) / days
    np.testing.assert_allclose(swing, LANZHOU.daily_swing_k, atol=2.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_hours_are_spread_as_in_the_typical_year(seed: int, shared_data: Path) -> None:
    text = (shared_data / "weather/CHN_Gansu.Lanzhou.528890_CSWD.epw").read_text()
    rows = [row.split(",") for row in text.splitlines()[8:]]
    real_c, real_ghi = (np.array([float(r[c]) for r in rows]) for c in (6, 13))
    temperature, ghi = hourly(made(seed).temperature_c), hourly(made(seed).ghi_w_m2)
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    gap = np.quantile(temperature, shares) - np.quantile(real_c, shares)
    assert np.abs(gap).max() < 2.0
    assert (temperature < 0).sum() == pytest.approx((real_c < 0).sum(), rel=0.15)
    assert 60 < (temperature > 30).sum() < 250, "the typical year has 124"
    day, real_day = ghi[ghi > 5], real_ghi[real_ghi > 5]
    assert day.size == pytest.approx(real_day.size, rel=0.05)
    gap = np.quantile(day, shares) - np.quantile(real_day, shares)
    assert np.abs(gap).max() < 45.0
    by_hour = temperature.reshape(365, 24).mean(axis=0)
    assert by_hour.argmax() in (15, 16), "15 h solar is 16 h on the clock"


def test_real_weather_and_normals_agree(shared_data: Path) -> None:
    text = (shared_data / "weather/CHN_Gansu.Lanzhou.528890_CSWD.epw").read_text()
    real = weather_from_epw(text, "lanzhou.epw", YEAR)
    np.testing.assert_allclose(monthly(real.temperature_c), LANZHOU.temperature_c, atol=0.05)
    sums = monthly(real.ghi_w_m2) * np.bincount(YEAR.months - 1) * 0.024
    np.testing.assert_allclose(sums, LANZHOU.ghi_kwh_m2, atol=0.1)


def test_irradiance_is_physical() -> None:
    weather = made(0)
    for name in ("ghi_w_m2", "dni_w_m2", "dhi_w_m2"):
        values = getattr(weather, name)
        assert values.shape == (YEAR.steps,)
        assert (values >= 0).all()
        assert (values.reshape(365, 96)[:, :16] == 0).all(), "no sun before four in the morning"
    assert weather.ghi_w_m2.max() < 1361
    assert (weather.dhi_w_m2 <= weather.ghi_w_m2 + 1e-9).all()


def test_a_day_depends_on_seed_and_date_alone() -> None:
    part = made_weather(LANZHOU, Timeline(date(2025, 7, 3), 5), 1)
    at = slice(183 * 96, 188 * 96)
    for f in fields(WeatherYear):
        np.testing.assert_array_equal(getattr(part, f.name), getattr(made(1), f.name)[at])
    assert not np.array_equal(made(1).ghi_w_m2, made(2).ghi_w_m2)
    across = made_weather(LANZHOU, Timeline(date(2023, 12, 31), 3), 1)
    assert across.temperature_c.shape == (3 * 96,)


def test_days_persist() -> None:
    daily = made(3).temperature_c.reshape(365, -1).mean(axis=1)
    month = YEAR.months - 1
    rest = daily - smooth_year(monthly(made(3).temperature_c), month, np.bincount(month))
    assert 0.3 < np.corrcoef(rest[1:], rest[:-1])[0, 1] < 0.9
    assert 1.5 < rest.std() < 4.0


def test_smooth_year_keeps_the_means() -> None:
    for year, days in ((2024, 366), (2025, 365)):
        line = Timeline(date(year, 1, 1), days)
        month, length = line.months - 1, np.bincount(line.months - 1)
        course = smooth_year(LANZHOU.temperature_c, month, length)
        means = np.bincount(month, course) / length
        np.testing.assert_allclose(means, LANZHOU.temperature_c, atol=1e-9)
        assert np.abs(np.diff(course)).max() < 0.5


def test_more_sun_than_a_clear_sky_is_refused() -> None:
    ghi = LANZHOU.ghi_kwh_m2.copy()
    ghi[6] = 400.0
    with pytest.raises(InputError, match=r"ghi_kwh_m2, month 7: got 400.0"):
        made_weather(replace(LANZHOU, ghi_kwh_m2=ghi), YEAR, 0)


def test_no_step_is_brighter_than_bright_clouds_allow() -> None:
    clear = sun(YEAR, LANZHOU.latitude, LANZHOU.longitude, LANZHOU.altitude_m).clear_ghi_w_m2
    assert np.all(made(1).ghi_w_m2 <= HIGHEST_INDEX * clear + 1e-9)


@pytest.mark.parametrize("changes", [{"clearness_sd": np.zeros(12)}, {"ghi_kwh_m2": np.zeros(12)}])
def test_days_all_alike_and_dark_months_are_weather_too(changes: dict[str, np.ndarray]) -> None:
    drawn = made_weather(replace(LANZHOU, **changes), Timeline(date(2026, 1, 1), 60), 1)
    for name in ("temperature_c", "ghi_w_m2", "dni_w_m2", "dhi_w_m2", "pressure_hpa"):
        assert np.isfinite(getattr(drawn, name)).all(), name


@pytest.mark.parametrize("offset_h", [-12.0, 0.0, 14.0])
def test_any_clock_will_do(offset_h: float) -> None:
    drawn = made_weather(LANZHOU, Timeline(date(2026, 1, 1), 3, 15, offset_h), 1)
    assert np.isfinite(drawn.temperature_c).all()


def test_smooth_year_is_the_constrained_least_squares() -> None:
    month = np.repeat(np.arange(12), 30)
    length = np.bincount(month)
    course = smooth_year(LANZHOU.temperature_c, month, length)
    one = np.eye(360)
    bend = np.roll(one, 1, 0) - 2.0 * one + np.roll(one, -1, 0)
    mean = (month[None] == np.arange(12)[:, None]) / length[:, None]
    system = np.block([[bend.T @ bend, mean.T], [mean, np.zeros((12, 12))]])
    wanted = np.linalg.solve(system, np.concatenate([np.zeros(360), LANZHOU.temperature_c]))
    np.testing.assert_allclose(course, wanted[:360], rtol=0.0, atol=1e-9)
