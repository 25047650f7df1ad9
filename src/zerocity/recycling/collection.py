"""Bringing packs from a site to the centre or the base: how far, at what cost and carbon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG
KM_PER_MILE = 1.609344


@dataclass(frozen=True)
class Haulage:
    """Rates of hazardous-goods transport by truck.

    cny_per_t_km : 1.09 = 0.25 USD per tonne-mile (EverBatt 2023, China, hazardous goods) at
        7 CNY/USD.
    kgco2_per_t_km : a loaded diesel truck. Assumed.
    detour : road distance over the great circle. Assumed.
    """

    cny_per_t_km: float = 0.25 / KM_PER_MILE * 7.0
    kgco2_per_t_km: float = 0.10
    detour: float = 1.3

    def __post_init__(self) -> None:
        if min(self.cny_per_t_km, self.kgco2_per_t_km) < 0 or self.detour < 1.0:
            raise InputError("haulage", str(self), "rates of 0 or more and a detour of at least 1")


def great_circle_km(
    longitude: FloatArray, latitude: FloatArray, to_longitude: FloatArray, to_latitude: FloatArray
) -> FloatArray:
    """Distance on the sphere by the haversine formula [km]; arguments [deg], broadcast."""
    lon, lat, to_lon, to_lat = (
        np.radians(a) for a in (longitude, latitude, to_longitude, to_latitude)
    )
    half = (
        np.sin((to_lat - lat) / 2.0) ** 2
        + np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2.0) ** 2
    )
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))


def road_km(
    haulage: Haulage,
    longitude: FloatArray,
    latitude: FloatArray,
    to_longitude: FloatArray,
    to_latitude: FloatArray,
) -> FloatArray:
    """Great circle times the detour factor [km]; arguments [deg], broadcast."""
    return haulage.detour * great_circle_km(longitude, latitude, to_longitude, to_latitude)


def nearest(distance_km: FloatArray) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Nearest of m places for n sites: index (n,) and distance (n,) from (n, m) [km]."""
    if distance_km.ndim != 2 or distance_km.shape[1] == 0:
        raise InputError("distance_km", f"shape {distance_km.shape}", "(sites, places >= 1)")
    place = np.argmin(distance_km, axis=1)
    return place, np.take_along_axis(distance_km, place[:, None], axis=1)[:, 0]


def haul(
    haulage: Haulage, mass_kg: FloatArray, distance_km: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Cost [CNY] and carbon [kgCO2] of hauling ``mass_kg`` over ``distance_km``, elementwise."""
    tonne_km = np.asarray(mass_kg) / 1000.0 * np.asarray(distance_km)
    return tonne_km * haulage.cny_per_t_km, tonne_km * haulage.kgco2_per_t_km
