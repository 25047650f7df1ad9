"""Battery energy per km of any fleet, from the weather: the one call the twin makes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zerocity.fleets.duty import FleetSpec
from zerocity.fleets.hull import hotel_kw, propulsion_kw, round_trip_kwh_per_km
from zerocity.fleets.traction import auxiliary_kw, segment_kwh_per_km
from zerocity.fleets.vehicle import Boat

FloatArray = npt.NDArray[np.float64]

# Road grades of a town are taken as exponential about their mean, each way equally often:
# three-point Gauss-Laguerre quadrature, nodes in units of the mean (Abramowitz & Stegun 25.4.45).
_NODES = np.array([0.4157745567834791, 2.294280360279042, 6.289945082937479])
_WEIGHTS = np.array([0.7110930099291730, 0.2785177335692408, 0.0103892565015861])
# No bin is steeper than a road can be [-], assumed.
_STEEPEST = 0.15


def grade_bins(grade_mean: float) -> tuple[FloatArray, FloatArray]:
    """Signed grades and their shares for a mean absolute grade [-], shapes (6,)."""
    grades = np.minimum(_NODES * grade_mean, _STEEPEST)
    return np.concatenate([grades, -grades]), np.concatenate([_WEIGHTS, _WEIGHTS]) / 2.0


def kwh_per_km_parts(
    spec: FleetSpec, temperature_c: npt.ArrayLike, pressure_hpa: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Traction and auxiliary battery energy per km of a fleet [kWh/km], each of shape (n,).

    A boat's hotel load counts as auxiliary; its trips go as far up as down the river.

    Parameters
    ----------
    temperature_c, pressure_hpa : outside air, shape (n,) or scalar [degC, hPa].
    """
    outside = np.atleast_1d(np.asarray(temperature_c, float))
    vehicle = spec.vehicle
    if isinstance(vehicle, Boat):
        speed = vehicle.speed_through_water_kmh
        drive = np.full(outside.shape, float(propulsion_kw(vehicle, speed)))
        hotel = hotel_kw(vehicle, outside)
        current = spec.current_kmh
        return (
            round_trip_kwh_per_km(drive, speed, current),
            round_trip_kwh_per_km(hotel, speed, current),
        )
    grades, weights = grade_bins(spec.grade_mean)
    traction = segment_kwh_per_km(
        vehicle, spec.speed_kmh, spec.stops_per_km, grades, weights, outside, pressure_hpa
    )
    return traction, auxiliary_kw(vehicle, outside) / spec.speed_kmh


def kwh_per_km(
    spec: FleetSpec, temperature_c: npt.ArrayLike, pressure_hpa: npt.ArrayLike
) -> FloatArray:
    """Battery energy per km of a fleet, auxiliaries included [kWh/km], shape (n,)."""
    traction, auxiliary = kwh_per_km_parts(spec, temperature_c, pressure_hpa)
    return np.asarray(traction + auxiliary)
