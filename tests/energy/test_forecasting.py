from __future__ import annotations

import csv
from datetime import date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pvlib
import pytest
from climates import LANZHOU
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.energy.bands import LEVELS, Bands
from zerocity.energy.climate import ClimateNormals, WeatherYear
from zerocity.energy.epw import weather_from_epw
from zerocity.energy.forecast import forecast_pv
from zerocity.energy.forecasting import (
    ARRIVALS,
    LOAD,
    PRICE,
    SUN,
    Kind,
    fit,
    forecast,
    persistence,
    study,
)
from zerocity.energy.history import Past
from zerocity.energy.load import site_loads, smooth_noise
from zerocity.energy.scores import BandScore, score_bands
from zerocity.energy.solar import pv_kw_per_kwp, sun
from zerocity.energy.weather import made_weather
from zerocity.errors import InputError
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline

YEAR = Timeline(date(2025, 1, 1), 365)
EVERY_DAY = np.ones(YEAR.days, np.bool_)


def backtest(past: Past, kind: Kind, horizon: int, first: int = 60, refit: int = 14) -> BandScore:
    """Refit every fortnight on what came before, forecast what comes after, score it all."""
    known, per_day = study(past, kind), past.steps_per_day
    said, came, naive = [], [], []
    for day in range(first, past.days - 2, refit):
        model = fit(known, day * per_day, horizon)
        last = min(day + refit, past.days - 2) * per_day
        issues = np.arange(day * per_day, last, max(per_day // 4 - 1, 1))
        target = issues[:, None] + np.arange(horizon)
        lit = past.scale[:, target] > 0.03 * past.scale.max()
        said.append(forecast(model, known, issues).values)
        came.append(np.where(lit, past.values[:, target], np.nan))
        naive.append(persistence(past, issues, horizon))
    return score_bands(
        np.concatenate(came, 1), Bands(LEVELS, np.concatenate(said, 1)), np.concatenate(naive, 1)
    )


def clear_kw(normals: ClimateNormals, weather: WeatherYear) -> np.ndarray:
    at = sun(YEAR, normals.latitude, normals.longitude, normals.altitude_m)
    doy = YEAR.days_of_year.repeat(YEAR.steps_per_day)
    split = pvlib.irradiance.erbs(at.clear_ghi_w_m2, at.zenith_deg, doy)
    clear = WeatherYear(
        weather.temperature_c, at.clear_ghi_w_m2, np.asarray(split["dni"]),
        np.asarray(split["dhi"]), weather.pressure_hpa,
    )  # fmt: skip
    return panels(normals, clear)


def panels(normals: ClimateNormals, weather: WeatherYear) -> np.ndarray:
    place = (normals.latitude, normals.longitude, normals.altitude_m)
    return 1000.0 * pv_kw_per_kwp(weather, YEAR, *place, tilt_deg=30.0)


@cache
def made_sun() -> tuple[np.ndarray, np.ndarray]:
    weather = made_weather(LANZHOU, YEAR, seed=3)
    return panels(LANZHOU, weather), clear_kw(LANZHOU, weather)


@cache
def made_load() -> Past:
    workday = YEAR.is_workday()
    days = [
        site_loads(
            np.array([500.0, 200.0]), ("industrial", "commercial"), bool(workday[d]),
            smooth_noise(stream(1, "load", d), 2, 96, 0.05), 96,
        )
        for d in range(YEAR.days)
    ]  # fmt: skip
    values = np.concatenate(days, axis=1)
    return Past(values, np.repeat(values.mean(axis=1, keepdims=True), YEAR.steps, 1), workday)


def assert_calibrated(found: BandScore, least_skill: float) -> None:
    """Within three points, narrower than persistence at equal coverage, and clearly better."""
    assert abs(found.covered_80 - 0.8) <= 0.03
    assert abs(found.covered_90 - 0.9) <= 0.03
    assert found.width_80 < 0.8 * found.persistence_width_80
    assert found.skill > least_skill


def test_bands_of_a_made_load_are_calibrated_and_sharp() -> None:
    assert_calibrated(backtest(made_load(), LOAD, 96), 0.7)


def test_bands_of_made_sun_are_calibrated_and_sharp() -> None:
    made, clear = made_sun()
    assert_calibrated(backtest(Past(made[None], clear[None], EVERY_DAY), SUN, 96), 0.35)


def test_a_weather_forecast_makes_the_bands_narrower() -> None:
    made, clear = made_sun()
    rng, padded = np.random.default_rng(0), np.append(made, np.zeros(96))
    issued = [forecast_pv(padded[None, d * 96 : (d + 2) * 96], rng, 0.25)[0] for d in range(365)]
    past = Past(made[None], clear[None], EVERY_DAY, np.stack(issued)[None])
    alone = backtest(Past(made[None], clear[None], EVERY_DAY), SUN, 96)
    helped = backtest(past, SUN, 96)
    assert_calibrated(helped, 0.7)
    assert helped.width_80 < 0.5 * alone.width_80


def test_bands_hold_on_the_typical_year_of_the_weather_service(shared_data: Path) -> None:
    file = shared_data / "weather" / "CHN_Gansu.Lanzhou.528890_CSWD.epw"
    weather = weather_from_epw(file.read_text(encoding="utf-8"), file.name, YEAR)
    values, clear = panels(LANZHOU, weather), clear_kw(LANZHOU, weather)
    assert_calibrated(backtest(Past(values[None], clear[None], EVERY_DAY), SUN, 96), 0.35)


def test_bands_hold_on_real_charging_sessions(shared_data: Path) -> None:
    with (shared_data / "sessions" / "Session_data.csv").open(encoding="utf-8") as file:
        rows = [(r["Arrival"], float(r["Energy (Wh)"]) / 1000.0) for r in csv.DictReader(file)]
    times = [datetime.fromisoformat(when) for when, _ in rows]
    start = min(times).date()
    days = (max(times).date() - start).days + 1
    kwh = np.zeros(days * 8)
    for when, (_, energy) in zip(times, rows, strict=True):
        kwh[(when.date() - start).days * 8 + when.hour // 3] += energy
    workday = (start.weekday() + np.arange(days)) % 7 < 5
    found = backtest(
        Past(kwh[None], np.full((1, kwh.size), kwh.mean()), workday), ARRIVALS, 8, refit=7
    )
    assert_calibrated(found, 0.2)


def test_spot_prices_may_be_negative() -> None:
    rng = np.random.default_rng(4)
    hour = np.arange(YEAR.steps) % 96 / 4.0
    prices = 0.25 - 0.3 * np.exp(-(((hour - 13.0) / 2.0) ** 2)) + rng.normal(0, 0.04, YEAR.steps)
    past = Past(prices[None], np.ones((1, YEAR.steps)), EVERY_DAY)
    found = backtest(past, PRICE, 96)
    assert_calibrated(found, 0.2)
    known = study(past, PRICE)
    assert forecast(fit(known, 60 * 96), known, [60 * 96]).values.min() < 0.0


@settings(max_examples=15)
@given(st.integers(8, 20), st.integers(0, 95), st.integers(0, 10**6))
def test_quantiles_never_fall_and_never_look_ahead(day: int, step: int, seed: int) -> None:
    whole = made_load()
    past = Past(whole.values[:, : 24 * 96], whole.scale[:, : 24 * 96], whole.workday[:24])
    now = day * 96 + step
    known = study(past, LOAD)
    bands = forecast(fit(known, now), known, [now])
    assert (np.diff(bands.values, axis=-1) >= 0.0).all()
    assert bands.values.min() >= 0.0
    other = past.values.copy()
    other[:, now:] = np.random.default_rng(seed).uniform(0.0, 1e4, other[:, now:].shape)
    changed = study(Past(other, past.scale, past.workday), LOAD)
    again = forecast(fit(changed, now), changed, [now])
    assert np.array_equal(bands.values, again.values)


def test_night_is_dark_for_certain() -> None:
    made, clear = made_sun()
    past = Past(made[None], clear[None], EVERY_DAY)
    known = study(past, SUN)
    bands = forecast(fit(known, 40 * 96), known, [40 * 96])
    dark = clear[40 * 96 : 41 * 96] == 0.0
    assert (bands.values[0, 0, dark] == 0.0).all()
    assert (bands.values[0, 0, ~dark, -1] > 0.0).all()


def test_missing_days_are_planned_around_and_never_zero() -> None:
    whole = made_load()
    now = 40 * 96
    holed = whole.values.copy()
    holed[:, 33 * 96 : now] = np.nan
    holed[1, : 30 * 96 : 7] = np.nan
    full, gaps = (study(Past(v, whole.scale, whole.workday), LOAD) for v in (whole.values, holed))
    said = forecast(fit(gaps, now), gaps, [now])
    came = forecast(fit(full, now), full, [now])
    assert np.isfinite(said.values).all()
    assert said.median == pytest.approx(came.median, rel=0.25)
    assert said.median.min() > 0.5 * whole.values.min()


def test_a_row_that_was_never_metered_is_named() -> None:
    whole = made_load()
    holed = whole.values.copy()
    holed[1] = np.nan
    known = study(Past(holed, whole.scale, whole.workday), LOAD)
    with pytest.raises(InputError, match="row 1"):
        fit(known, 40 * 96)


def test_too_little_history_and_too_far_ahead_are_refused() -> None:
    known = study(made_load(), LOAD)
    with pytest.raises(InputError, match="four days"):
        fit(known, 2 * 96)
    model = fit(known, 40 * 96)
    with pytest.raises(InputError, match="issue step"):
        forecast(model, known, [YEAR.steps - 95])


def test_persistence_says_yesterday() -> None:
    past = made_load()
    said = persistence(past, [200], 120)
    assert (said[:, 0, :96] == past.values[:, 104:200]).all()
    assert (said[:, 0, 96:] == past.values[:, 104:128]).all()
    assert np.isnan(persistence(past, [10], 96)[:, 0, :86]).all()
