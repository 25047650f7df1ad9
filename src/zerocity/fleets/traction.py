"""Energy that a road vehicle takes from its battery, from a speed trace or from mean figures.

Force at the wheel ``F = m(1 + r) a + m g Crr cos + m g sin + 0.5 rho CdA v2``; the battery gives
``F v / eta_drive`` or gets ``F v eta_regen``. Same structure as Hjelkrem et al. 2021,
doi:10.1016/j.trd.2021.102804, who validated it on electric bus fleets in China and Norway.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.fleets.vehicle import RoadVehicle
from zerocity.measures.units import J_PER_KWH, KELVIN_AT_0_C

FloatArray = npt.NDArray[np.float64]

GRAVITY_M_S2 = 9.81
DRY_AIR_J_PER_KG_K = 287.05
REFERENCE_TEMPERATURE_C = 20.0
# Depth of the step from heat pump to resistance heater below ``ptc_below_c`` [K], assumed.
PTC_BLEND_K = 5.0
# Tyres warm themselves: outside this span rolling resistance changes no further [degC], assumed.
TYRE_SPAN_C = (-30.0, 40.0)


def air_density_kg_m3(temperature_c: npt.ArrayLike, pressure_hpa: npt.ArrayLike) -> FloatArray:
    """Density of dry air [kg/m3], any shape; 848 hPa at 20 degC gives 1.008."""
    kelvin = np.asarray(temperature_c, float) + KELVIN_AT_0_C
    return np.asarray(100.0 * np.asarray(pressure_hpa, float) / (DRY_AIR_J_PER_KG_K * kelvin))


def auxiliary_kw(vehicle: RoadVehicle, temperature_c: npt.ArrayLike) -> FloatArray:
    """Auxiliary power while in service [kW], same shape as the outside temperature [degC].

    Base, plus heating of what the cabin loses less its gains through the heat pump (from
    ``ptc_below_c`` down a resistance heater takes over), plus cooling; capped at ``hvac_max_kw``.
    """
    outside = np.asarray(temperature_c, float)
    loss_kw = vehicle.cabin_ua_kw_per_k * (vehicle.cabin_set_c - outside)
    heat_kw = np.maximum(loss_kw - vehicle.cabin_gain_kw, 0.0)
    pump = vehicle.heat_pump_cop_at_7c + vehicle.heat_pump_cop_per_k * (outside - 7.0)
    share = np.clip((outside - vehicle.ptc_below_c) / PTC_BLEND_K + 1.0, 0.0, 1.0)
    cop = 1.0 + (np.maximum(pump, 1.0) - 1.0) * share
    cool_kw = vehicle.cool_kw_per_k * np.maximum(outside - vehicle.cool_above_c, 0.0)
    hvac_kw = np.minimum(heat_kw / cop + cool_kw, vehicle.hvac_max_kw)
    return np.asarray(vehicle.base_aux_kw + hvac_kw)


def cycle_energy_kwh_per_km(
    vehicle: RoadVehicle,
    time_s: FloatArray,
    speed_m_s: FloatArray,
    grade: FloatArray,
    density_kg_m3: float,
    aux_kw: float | None = None,
) -> float:
    """Battery energy per km over a speed trace, auxiliaries included [kWh/km].

    Speed and grade are taken at the end of each interval, acceleration is the backward difference.
    Wheel power is capped at ``motor_kw`` both ways: a trace too fast for the motor is billed for
    what the motor can do. Temperature acts only through the density and ``aux_kw``.

    Parameters
    ----------
    time_s, speed_m_s, grade : shape (points,) [s, m/s, -]; time rising.
    density_kg_m3 : of the air [kg/m3].
    aux_kw : auxiliary power [kW]; None takes ``base_aux_kw``.
    """
    step_s = np.diff(time_s)
    if len(time_s) < 2 or np.any(step_s <= 0):
        raise InputError("time_s", "times that do not rise", "at least two rising times")
    speed, slope = speed_m_s[1:], np.arctan(grade[1:])
    distance_km = float(np.sum(speed * step_s)) / 1000.0
    if not distance_km > 0:
        raise InputError("speed_m_s", "a trace that does not move", "some distance")
    inertia = (1.0 + vehicle.rotating_mass_share) * np.diff(speed_m_s) / step_s
    gravity = GRAVITY_M_S2 * (vehicle.rolling * np.cos(slope) + np.sin(slope))
    drag_n = 0.5 * density_kg_m3 * vehicle.cd_a_m2 * speed**2
    wheel_w = (vehicle.total_kg * (inertia + gravity) + drag_n) * speed
    wheel_w = np.clip(wheel_w, -1000.0 * vehicle.motor_kw, 1000.0 * vehicle.motor_kw)
    back = vehicle.eta_regen * vehicle.regen_share
    battery_w = np.where(wheel_w > 0, wheel_w / vehicle.eta_drive, wheel_w * back)
    aux_w = 1000.0 * (vehicle.base_aux_kw if aux_kw is None else aux_kw)
    return float(np.sum((battery_w + aux_w) * step_s)) / J_PER_KWH / distance_km


def urban_stops_per_km(speed_kmh: float) -> float:
    """Stops and near-stops per km of a city bus from its mean speed [1/km].

    Falls with the square of the speed, 5 per km at 18 km/h. Derived: the shape for which traction
    stays flat over 10-30 km/h, as measured on 18 m buses of Berlin; on faster lines it gives too
    many stops and some 20 % too much energy.
    """
    return 5.0 * (18.0 / speed_kmh) ** 2


def cruise_speed_m_s(vehicle: RoadVehicle, speed_kmh: float, stops_per_km: float) -> float:
    """Speed between stops [m/s] from the mean speed [km/h] and the stops [1/km].

    The mean itself without stops, ``1 + cruise_excess`` times it with very many, half of that
    excess at one stop per km (assumed closure); never more than the stop spacing allows.
    """
    excess = vehicle.cruise_excess * stops_per_km / (stops_per_km + 1.0)
    wanted = speed_kmh / 3.6 * (1.0 + excess)
    if stops_per_km == 0.0:
        return wanted
    return min(wanted, math.sqrt(1000.0 * vehicle.acceleration_m_s2 / stops_per_km))


def segment_kwh_per_km(
    vehicle: RoadVehicle,
    speed_kmh: float,
    stops_per_km: float,
    grades: npt.ArrayLike,
    weights: npt.ArrayLike,
    temperature_c: npt.ArrayLike,
    pressure_hpa: npt.ArrayLike,
) -> FloatArray:
    """Traction energy per km from mean figures, without auxiliaries [kWh/km], shape (n,).

    Each stop costs the kinetic energy less what braking gives back; between stops the vehicle
    cruises over the grade bins. Going up and down cancels while speeding up or braking.

    Parameters
    ----------
    speed_kmh : mean speed with stops [km/h]. stops_per_km : [1/km].
    grades, weights : shape (bins,), signed grade [-] and share of the distance, adding to 1.
    temperature_c, pressure_hpa : outside air, shape (n,) or scalar [degC, hPa].
    """
    outside = np.atleast_1d(np.asarray(temperature_c, float))
    cruise = cruise_speed_m_s(vehicle, speed_kmh, stops_per_km)
    tyre = vehicle.tyre_per_k * (REFERENCE_TEMPERATURE_C - np.clip(outside, *TYRE_SPAN_C))
    roll_n = vehicle.total_kg * GRAVITY_M_S2 * vehicle.rolling * (1.0 + tyre)
    density = air_density_kg_m3(outside, pressure_hpa)
    drag_n = 0.5 * density * vehicle.cd_a_m2 * cruise**2
    brake_m = cruise**2 / (2.0 * vehicle.acceleration_m_s2)
    cruise_m = max(1000.0 - 2.0 * stops_per_km * brake_m, 0.0)
    up_j, down_j = _cruise_j_per_m(vehicle, roll_n + drag_n, grades, weights, cruise)
    kinetic_j = 0.5 * (1.0 + vehicle.rotating_mass_share) * vehicle.total_kg * cruise**2
    resist_j = (roll_n + 0.5 * drag_n) * brake_m
    drive_j = cruise_m * up_j + stops_per_km * (kinetic_j + resist_j)
    brake_j = stops_per_km * np.maximum(kinetic_j - resist_j, 0.0) * _taken(vehicle, cruise)
    cold = np.maximum(vehicle.cold_battery_below_c - outside, 0.0)
    loss = 1.0 + vehicle.cold_battery_per_k * cold
    back = vehicle.eta_regen * vehicle.regen_share / loss
    spent_j = drive_j / vehicle.eta_drive * loss - (cruise_m * down_j + brake_j) * back
    return np.asarray(spent_j / J_PER_KWH)


def _cruise_j_per_m(
    vehicle: RoadVehicle,
    resist_n: FloatArray,
    grades: npt.ArrayLike,
    weights: npt.ArrayLike,
    cruise: float,
) -> tuple[FloatArray, FloatArray]:
    """Mean driving and braking force over the grade bins, shapes (n,) [N]."""
    climb_n = vehicle.total_kg * GRAVITY_M_S2 * np.sin(np.arctan(np.asarray(grades, float)))
    force = resist_n[:, None] + np.atleast_1d(climb_n)
    share = np.atleast_1d(np.asarray(weights, float))
    braking = np.minimum(np.maximum(-force, 0.0), 1000.0 * vehicle.motor_kw / cruise)
    return np.maximum(force, 0.0) @ share, braking @ share


def _taken(vehicle: RoadVehicle, cruise: float) -> float:
    """Share of a stop's braking work within ``motor_kw``; power falls evenly to 0 at the halt."""
    mass = (1.0 + vehicle.rotating_mass_share) * vehicle.total_kg
    peak_w = mass * vehicle.acceleration_m_s2 * cruise
    within = min(1.0, 1000.0 * vehicle.motor_kw / peak_w)
    return within * (2.0 - within)
