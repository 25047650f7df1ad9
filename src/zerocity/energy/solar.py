"""Sun, sky and panels: where the sun stands, the clear sky and photovoltaic power."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import pvlib

from zerocity.energy.climate import LINKE_TURBIDITY, FloatArray, WeatherYear
from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline

NOCT_C = 45.0
"""Nominal operating cell temperature of rack-mounted modules (IEC 61215-2)."""


@dataclass(frozen=True, slots=True)
class Sun:
    """Where the sun stands in the middle of each step and what a clear sky would give, (steps,)."""

    zenith_deg: FloatArray
    apparent_zenith_deg: FloatArray
    azimuth_deg: FloatArray
    extraterrestrial_w_m2: FloatArray
    clear_ghi_w_m2: FloatArray


def times(timeline: Timeline) -> pd.DatetimeIndex:
    """The middle of each step, UTC."""
    half = pd.Timedelta(minutes=timeline.step_minutes / 2.0)
    start = pd.Timestamp(timeline.start_utc) + half
    return pd.date_range(start, periods=timeline.steps, freq=f"{timeline.step_minutes}min")


@lru_cache(maxsize=4)
def sun(
    timeline: Timeline,
    latitude: float,
    longitude: float,
    altitude_m: float,
    linke_turbidity: float = LINKE_TURBIDITY,
) -> Sun:
    """Sun position by NREL's SPA (Reda and Andreas 2004, doi:10.1016/j.solener.2003.12.003), clear
    sky by Ineichen and Perez (2002, doi:10.1016/S0038-092X(02)00045-2), both through pvlib.

    Parameters
    ----------
    latitude, longitude : [deg]; altitude_m : [m].
    linke_turbidity : haze of the clear sky, about 2 (clean, cold) to 7 (polluted).
    """
    when = times(timeline)
    place = pvlib.solarposition.get_solarposition(when, latitude, longitude, altitude_m)
    zenith = place["apparent_zenith"].to_numpy()
    mass = pvlib.atmosphere.get_relative_airmass(zenith)
    pressure_pa = pvlib.atmosphere.alt2pres(altitude_m)
    day_of_year = np.repeat(timeline.days_of_year, timeline.steps_per_day)
    extra = np.asarray(pvlib.irradiance.get_extra_radiation(day_of_year), np.float64)
    absolute = pvlib.atmosphere.get_absolute_airmass(mass, pressure_pa)
    with np.errstate(divide="ignore", invalid="ignore"):  # pvlib divides by zero at night
        clear = pvlib.clearsky.ineichen(zenith, absolute, linke_turbidity, altitude_m, extra)
    return Sun(
        place["zenith"].to_numpy(),
        zenith,
        place["azimuth"].to_numpy(),
        extra,
        np.nan_to_num(clear["ghi"]),
    )


def pv_kw_per_kwp(
    weather: WeatherYear,
    timeline: Timeline,
    latitude: float,
    longitude: float,
    altitude_m: float,
    tilt_deg: float,
    azimuth_deg: float = 180.0,
    performance_ratio: float = 0.86,
    temperature_coefficient_per_k: float = -0.0035,
    albedo: float = 0.2,
) -> FloatArray:
    """AC power of one kWp of fixed panels, (steps,) [kW/kWp].

    Transposition by Hay and Davies (1980), cell temperature by Ross with 45 degC nominal (NOCT),
    power by PVWatts v5 (Dobos 2014, NREL/TP-6A20-62641), whose losses are 14 %.

    Parameters
    ----------
    weather, timeline : must have equal steps.
    tilt_deg : 0 flat to 90 upright; azimuth_deg : 180 is south.
    performance_ratio : everything but temperature (soiling, wiring, inverter ...), 0-1.
    temperature_coefficient_per_k : of power, per kelvin above 25 degC; -0.0035 is PVWatts' premium
        module, about today's mono cells.

    Raises InputError when weather and timeline differ in length or an angle is out of range.
    """
    if weather.ghi_w_m2.shape != (timeline.steps,):
        raise InputError("weather", f"{weather.ghi_w_m2.size} steps", f"{timeline.steps} steps")
    if not 0.0 <= tilt_deg <= 90.0:
        raise InputError("tilt_deg", str(tilt_deg), "degrees from 0 to 90")
    if not 0.0 < performance_ratio <= 1.0:
        raise InputError("performance_ratio", str(performance_ratio), "above 0, at most 1")
    at = sun(timeline, latitude, longitude, altitude_m)
    plane = _plane_w_m2(weather, at, tilt_deg, azimuth_deg, albedo)
    cell_c = weather.temperature_c + plane / 800.0 * (NOCT_C - 20.0)
    heat = 1.0 + temperature_coefficient_per_k * (cell_c - 25.0)
    return np.asarray(np.maximum(plane / 1000.0 * heat, 0.0) * performance_ratio)


def _plane_w_m2(
    weather: WeatherYear, at: Sun, tilt_deg: float, azimuth_deg: float, albedo: float
) -> FloatArray:
    """Irradiance on the panels' plane, (steps,) [W/m2]."""
    parts = pvlib.irradiance.get_total_irradiance(
        tilt_deg,
        azimuth_deg,
        at.apparent_zenith_deg,
        at.azimuth_deg,
        weather.dni_w_m2,
        weather.ghi_w_m2,
        weather.dhi_w_m2,
        dni_extra=at.extraterrestrial_w_m2,
        albedo=albedo,
        model="haydavies",
    )
    return np.maximum(np.nan_to_num(np.asarray(parts["poa_global"], np.float64)), 0.0)
