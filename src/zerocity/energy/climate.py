"""A place's climate normals and the weather of a run: plain arrays, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]

LINKE_TURBIDITY = 3.0
"""Clear sky of ordinary haze (Kasten 1996, doi:10.1016/0038-092X(95)00114-7). Assumed for every
month; monthly sums come from the normals, so it only shapes the day and splits the beam."""


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
