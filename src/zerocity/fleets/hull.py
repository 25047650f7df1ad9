"""Energy of a river boat: hotel power plus the cube of its speed through the water."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.fleets.vehicle import Boat

FloatArray = npt.NDArray[np.float64]


def propulsion_kw(boat: Boat, speed_through_water_kmh: npt.ArrayLike) -> FloatArray:
    """Battery power for propulsion [kW], any shape of speed [km/h].

    The cube holds in deep water below hull speed; in shallow water the resistance rises several
    times near a depth Froude number of 0.8-0.9, so cap the speed there.
    """
    return np.asarray(boat.cubic_kw_per_kmh3 * np.asarray(speed_through_water_kmh, float) ** 3)


def hotel_kw(boat: Boat, temperature_c: npt.ArrayLike) -> FloatArray:
    """Hotel power with heating and cooling of the saloon [kW], any shape of temperature [degC]."""
    outside = np.asarray(temperature_c, float)
    heat_kw = boat.cabin_ua_kw_per_k * np.maximum(boat.cabin_set_c - outside, 0.0)
    cool_kw = boat.cool_kw_per_k * np.maximum(outside - boat.cool_above_c, 0.0)
    return np.asarray(boat.hotel_kw + np.minimum(heat_kw + cool_kw, boat.hvac_max_kw))


def ground_kwh_per_km(
    power_kw: npt.ArrayLike, speed_through_water_kmh: float, current_kmh: npt.ArrayLike
) -> FloatArray:
    """Energy per km over ground at a fixed speed through the water [kWh/km], any shape.

    current_kmh : river current, positive against the boat [km/h]; below the boat's speed.
    """
    ground = speed_through_water_kmh - np.asarray(current_kmh, float)
    if np.any(ground <= 0):
        wanted = f"below the speed through water ({speed_through_water_kmh:g} km/h)"
        raise InputError("current_kmh", f"{np.max(current_kmh)}", wanted)
    return np.asarray(np.asarray(power_kw, float) / ground)


def round_trip_kwh_per_km(
    power_kw: npt.ArrayLike, speed_through_water_kmh: float, current_kmh: float
) -> FloatArray:
    """Mean energy per km over ground of trips as long upstream as downstream [kWh/km]."""
    against = ground_kwh_per_km(power_kw, speed_through_water_kmh, abs(current_kmh))
    along = ground_kwh_per_km(power_kw, speed_through_water_kmh, -abs(current_kmh))
    return np.asarray(0.5 * (against + along))


def suspended(flow_m3s: npt.ArrayLike, limit_m3s: float) -> npt.NDArray[np.bool_]:
    """Whether boats stay at the pier: river flow [m3/s] at or above the limit, shape of the flow.

    Shipping on the Yellow River at Lanzhou has been stopped at 3,570 m3/s.
    """
    return np.asarray(np.asarray(flow_m3s, float) >= limit_m3s)
