"""What the physics needs to know about one type of vehicle or boat.

Figures of `REFERENCE_VEHICLES` say in a comment where they come from and how sure we are:
``read`` (a data sheet or data set says so), ``derived`` (fitted to or computed from data) or
``assumed`` (engineering practice; replace it when you know better).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from zerocity.errors import InputError

_Range = tuple[float, float]
_POSITIVE: _Range = (math.ulp(0.0), math.inf)
_NOT_NEGATIVE: _Range = (0.0, math.inf)
_FRACTION: _Range = (0.0, 1.0)
_TEMPERATURE: _Range = (-60.0, 60.0)


@dataclass(frozen=True)
class RoadVehicle:
    """Physics of one road vehicle type; the last block has defaults.

    mass_kg : kerb mass with battery [kg].
    payload_kg : mean payload, passengers or goods [kg].
    cd_a_m2 : drag coefficient times frontal area [m2].
    rolling : rolling resistance coefficient at 20 degC [-].
    eta_drive, eta_regen : battery to wheel when driving, wheel to battery when braking [0-1].
    motor_kw : continuous limit at the wheels, both when driving and when braking [kW].
    base_aux_kw : mean consumption while in service that no weather changes [kW].
    cabin_ua_kw_per_k : heat loss of the cabin with its ventilation and doors [kW/K].
    cabin_set_c : cabin temperature that heating holds [degC].
    ptc_below_c : from here down to 5 K lower a resistance heater replaces the heat pump [degC].
    regen_share : share of the braking work that the motor takes; friction does the rest [0-1].
    rotating_mass_share : wheels and rotor as a share of the mass, added when accelerating [-].
    heat_pump_cop_at_7c, heat_pump_cop_per_k : heat pump at 7 degC outside and its slope [-, 1/K];
        1 and 0 describe a resistance heater.
    cabin_gain_kw : heat from passengers and sun [kW].
    cool_above_c, cool_kw_per_k : cooling draws ``cool_kw_per_k`` per kelvin above [degC, kW/K].
    hvac_max_kw : most that heating or cooling can draw [kW].
    tyre_per_k : rise of rolling resistance per kelvin below 20 degC [1/K].
    cold_battery_per_k, cold_battery_below_c : extra traction energy per kelvin below a battery-cold
        threshold, for battery losses and braking energy not taken [1/K, degC].
    acceleration_m_s2, dwell_s : of a stop, to find the cruising speed from the mean [m/s2, s].
    """

    mass_kg: float
    payload_kg: float
    cd_a_m2: float
    rolling: float
    eta_drive: float
    eta_regen: float
    motor_kw: float
    base_aux_kw: float
    cabin_ua_kw_per_k: float
    cabin_set_c: float
    ptc_below_c: float
    regen_share: float = 1.0
    rotating_mass_share: float = 0.05
    heat_pump_cop_at_7c: float = 1.0
    heat_pump_cop_per_k: float = 0.0
    cabin_gain_kw: float = 0.0
    cool_above_c: float = 24.0
    cool_kw_per_k: float = 0.0
    hvac_max_kw: float = math.inf
    tyre_per_k: float = 0.006
    cold_battery_per_k: float = 0.0
    cold_battery_below_c: float = 5.0
    acceleration_m_s2: float = 0.8
    dwell_s: float = 15.0

    def __post_init__(self) -> None:
        _check(self, _ROAD_RANGES)

    @property
    def total_kg(self) -> float:
        """Mass on the road [kg]."""
        return self.mass_kg + self.payload_kg


@dataclass(frozen=True)
class Boat:
    """Physics of one river boat: ``P = hotel_kw + cubic_kw_per_kmh3 * v**3``, battery side.

    hotel_kw : lights, galley, steering, air for the passengers [kW].
    cubic_kw_per_kmh3 : propulsion per cube of the speed through water [kW/(km/h)3].
    speed_through_water_kmh : cruising speed [km/h].
    cabin_ua_kw_per_k, cabin_set_c : electric heating of the saloon [kW/K, degC].
    cool_above_c, cool_kw_per_k : cooling of the saloon [degC, kW/K].
    hvac_max_kw : most that heating or cooling can draw [kW].
    """

    hotel_kw: float
    cubic_kw_per_kmh3: float
    speed_through_water_kmh: float
    cabin_ua_kw_per_k: float = 0.0
    cabin_set_c: float = 18.0
    cool_above_c: float = 24.0
    cool_kw_per_k: float = 0.0
    hvac_max_kw: float = math.inf

    def __post_init__(self) -> None:
        _check(self, _BOAT_RANGES)


_ROAD_RANGES: dict[str, _Range] = {
    "mass_kg": _POSITIVE,
    "cd_a_m2": _POSITIVE,
    "eta_drive": (0.01, 1.0),
    "eta_regen": _FRACTION,
    "motor_kw": _POSITIVE,
    "cabin_set_c": _TEMPERATURE,
    "ptc_below_c": _TEMPERATURE,
    "regen_share": _FRACTION,
    "rotating_mass_share": _FRACTION,
    "heat_pump_cop_at_7c": (1.0, 10.0),
    "cool_above_c": _TEMPERATURE,
    "cold_battery_below_c": _TEMPERATURE,
    "acceleration_m_s2": _POSITIVE,
}
_BOAT_RANGES: dict[str, _Range] = {
    "cubic_kw_per_kmh3": _POSITIVE,
    "speed_through_water_kmh": _POSITIVE,
    "cabin_set_c": _TEMPERATURE,
    "cool_above_c": _TEMPERATURE,
}


def _check(thing: RoadVehicle | Boat, ranges: dict[str, _Range]) -> None:
    for field in fields(thing):
        low, high = ranges.get(field.name, _NOT_NEGATIVE)
        value = getattr(thing, field.name)
        if not low <= value <= high:
            where = f"{type(thing).__name__}.{field.name}"
            wanted = "above 0" if low == math.ulp(0.0) else f"{low:g} to {high:g}"
            raise InputError(where, f"{value}", wanted)
