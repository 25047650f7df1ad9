"""Sun, sky and panels: climate normals, weather series and photovoltaic power."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline

FloatArray = npt.NDArray[np.float64]

LINKE_TURBIDITY = 3.0
"""Clear sky of ordinary haze (Kasten 1996, doi:10.1016/0038-092X(95)00114-7). Assumed for every
month; monthly sums come from the normals, so it only shapes the day and splits the beam."""
NOCT_C = 45.0
"""Nominal operating cell temperature of rack-mounted modules (IEC 61215-2)."""


def _monthly(value: float) -> FloatArray:
    return np.full(12, value)


@dataclass(frozen=True, slots=True)
class ClimateNormals:
    """A place and its twelve-month climate; arrays run from January to December, (12,).

    Parameters
    ----------
    latitude, longitude : [deg], north and east positive.
    altitude_m : above sea level [m].
    temperature_c : monthly mean dry-bulb temperature [degC].
    daily_swing_k : mean of daily maximum minus daily minimum [K].
    ghi_kwh_m2 : monthly sums of global horizontal irradiation [kWh/m2].
    pressure_hpa : monthly mean station pressure [hPa].
    temperature_sd_k : standard deviation of daily means about the seasonal course [K].
    clearness_sd : standard deviation of the daily clear-sky index, 0-0.5.
    temperature_memory, clearness_memory : day-to-day correlation, 0 to below 1.
    linke_turbidity : haze of the clear sky, see `sun`.
    """

    latitude: float
    longitude: float
    altitude_m: float
    temperature_c: FloatArray
    daily_swing_k: FloatArray
    ghi_kwh_m2: FloatArray
    pressure_hpa: FloatArray
    temperature_sd_k: FloatArray = field(default_factory=lambda: _monthly(3.0))
    clearness_sd: FloatArray = field(default_factory=lambda: _monthly(0.2))
    temperature_memory: float = 0.7
    clearness_memory: float = 0.3
    linke_turbidity: float = LINKE_TURBIDITY

    def __post_init__(self) -> None:
        for name in _MONTHLY:
            _check_monthly(name, getattr(self, name))
        for name, low, high in _RANGES:
            if not low <= getattr(self, name) <= high:
                raise InputError(name, str(getattr(self, name)), f"a number from {low} to {high}")


_MONTHLY = (
    "temperature_c",
    "daily_swing_k",
    "ghi_kwh_m2",
    "pressure_hpa",
    "temperature_sd_k",
    "clearness_sd",
)
_RANGES = (
    ("latitude", -90.0, 90.0),
    ("longitude", -180.0, 180.0),
    ("altitude_m", -450.0, 6000.0),
    ("temperature_memory", 0.0, 0.99),
    ("clearness_memory", 0.0, 0.99),
    ("linke_turbidity", 1.0, 10.0),
)


def _check_monthly(name: str, values: FloatArray) -> None:
    if values.shape != (12,):
        raise InputError(name, f"shape {values.shape}", "12 values, January to December")
    floor = -90.0 if name == "temperature_c" else 0.0
    bad = np.flatnonzero(~np.isfinite(values) | (values < floor))
    if bad.size:
        month = int(bad[0])
        raise InputError(f"{name}, month {month + 1}", str(values[month]), f"at least {floor:g}")


@dataclass(frozen=True, slots=True)
class WeatherYear:
    """Step means of the weather over a run, each (steps,).

    ``temperature_c`` [degC], ``ghi_w_m2``, ``dni_w_m2``, ``dhi_w_m2`` [W/m2], ``pressure_hpa``
    [hPa] at the station.
    """

    temperature_c: FloatArray
    ghi_w_m2: FloatArray
    dni_w_m2: FloatArray
    dhi_w_m2: FloatArray
    pressure_hpa: FloatArray


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
