"""What the physics needs to know about one type of vehicle or boat.

Figures of `REFERENCE_VEHICLES` say in a comment where they come from and how sure we are:
``read`` (a data sheet or data set says so), ``derived`` (fitted to or computed from data) or
``assumed`` (engineering practice; replace it when you know better).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

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
    acceleration_m_s2 : from and to a stop [m/s2].
    cruise_excess : how much faster than its mean speed it runs between frequent stops [-].
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
    cruise_excess: float = 0.6

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
    "acceleration_m_s2": (0.1, 5.0),
    "cruise_excess": (0.0, 2.0),
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


# Mass, drag, rolling, efficiencies, motor and base power: engineering practice (assumed) unless
# said otherwise. They are the figures with which the trace model gives its published check values.
# tyre_per_k 0.006 heavy, 0.008 light: after the temperature correction of ISO 28580 (assumed).
_BUS_18M = RoadVehicle(
    # 19.5 t empty plus 40 passengers (assumed).
    mass_kg=19_500,
    payload_kg=3_000,
    cd_a_m2=6.0,
    rolling=0.008,
    eta_drive=0.85,
    eta_regen=0.70,
    motor_kw=250,
    # Derived from a speed x temperature table of 18 m buses in Berlin (eFLIPS, TU Berlin):
    # 4 kW at 15-22 degC, rising to 20 kW at -14 degC as a resistance heater's would.
    base_aux_kw=4.0,
    cabin_ua_kw_per_k=0.58,
    cabin_set_c=18.0,
    ptc_below_c=-5.0,
    cabin_gain_kw=1.62,
    cool_above_c=24.0,
    cool_kw_per_k=0.30,
    hvac_max_kw=40.0,
    # Derived from the same table, together with the stops of `traction.urban_stops_per_km`.
    cold_battery_per_k=0.002,
    cold_battery_below_c=10.0,
    acceleration_m_s2=0.9,
    cruise_excess=0.6,
)

REFERENCE_VEHICLES: dict[str, RoadVehicle] = {
    "bus_18m": _BUS_18M,
    "bus_12m": replace(
        # Half full: 13.5 t + 2.5 t (assumed); BYD K9 about 18 t laden (read).
        _BUS_18M,
        mass_kg=13_500,
        payload_kg=2_500,
        cd_a_m2=5.6,
        motor_kw=200,
        base_aux_kw=2.5,
        # Heating and cooling 0.65 of the 18 m bus (assumed).
        cabin_ua_kw_per_k=0.377,
        cabin_gain_kw=1.05,
        cool_kw_per_k=0.195,
        hvac_max_kw=26.0,
    ),
    "tractor_49t": RoadVehicle(
        # Drag, rolling and auxiliaries near T3CO's class 8 battery tractor: Cd 0.68 on 10.4 m2,
        # Crr 0.0059, 3.2 kW (read); 18.5 t empty, 49 t laden (assumed).
        mass_kg=18_500,
        payload_kg=30_500,
        cd_a_m2=7.0,
        rolling=0.0060,
        eta_drive=0.90,
        eta_regen=0.80,
        motor_kw=360,
        base_aux_kw=3.0,
        # A small cab, heated by resistance (assumed).
        cabin_ua_kw_per_k=0.10,
        cabin_set_c=20.0,
        ptc_below_c=-5.0,
        cabin_gain_kw=0.2,
        cool_kw_per_k=0.10,
        hvac_max_kw=5.0,
        cold_battery_per_k=0.002,
        cold_battery_below_c=10.0,
        acceleration_m_s2=0.5,
        cruise_excess=0.3,
    ),
    "taxi": RoadVehicle(
        # Sedan with driver and one passenger (assumed).
        mass_kg=1_650,
        payload_kg=150,
        cd_a_m2=0.60,
        rolling=0.010,
        eta_drive=0.90,
        eta_regen=0.75,
        motor_kw=100,
        base_aux_kw=0.4,
        cabin_ua_kw_per_k=0.10,
        cabin_set_c=20.0,
        ptc_below_c=-5.0,
        cabin_gain_kw=0.3,
        cool_kw_per_k=0.10,
        hvac_max_kw=5.0,
        tyre_per_k=0.008,
        cold_battery_per_k=0.004,
        cold_battery_below_c=10.0,
        acceleration_m_s2=1.0,
        cruise_excess=0.9,
    ),
    "car": RoadVehicle(
        # The taxi's sedan with its driver alone and a heat pump (assumed).
        mass_kg=1_650,
        payload_kg=100,
        cd_a_m2=0.60,
        rolling=0.010,
        eta_drive=0.90,
        eta_regen=0.75,
        motor_kw=100,
        base_aux_kw=0.3,
        cabin_ua_kw_per_k=0.10,
        cabin_set_c=20.0,
        ptc_below_c=-8.0,
        heat_pump_cop_at_7c=2.2,
        heat_pump_cop_per_k=0.04,
        cabin_gain_kw=0.2,
        cool_kw_per_k=0.08,
        hvac_max_kw=5.0,
        tyre_per_k=0.008,
        cold_battery_per_k=0.004,
        cold_battery_below_c=10.0,
        acceleration_m_s2=1.0,
        cruise_excess=0.9,
    ),
    "e_moto": RoadVehicle(
        # Delivery two-wheeler: 120 kg with its packs, rider 75 kg and 10 kg of goods (assumed).
        mass_kg=120,
        payload_kg=85,
        cd_a_m2=0.55,
        rolling=0.012,
        eta_drive=0.78,
        eta_regen=0.0,
        motor_kw=3.0,
        base_aux_kw=0.01,
        cabin_ua_kw_per_k=0.0,
        cabin_set_c=20.0,
        ptc_below_c=-5.0,
        tyre_per_k=0.008,
        cold_battery_per_k=0.006,
        cold_battery_below_c=15.0,
        acceleration_m_s2=1.2,
        cruise_excess=0.6,
    ),
}

REFERENCE_BOATS: dict[str, Boat] = {
    # 7,500 kWh, 100 km at 16 km/h (read) at 90 % depth: 1,080 kW mean (derived), of which about
    # 450 kW hotel and margin (derived: OpenTNSim's Holtrop-Mennen for a hull of its size).
    "three_gorges_1": Boat(450.0, (1080.0 - 450.0) / 16.0**3, 16.0),
    # Water bus of some 40 passengers: 40 kW at 18 km/h and 4 kW hotel (assumed).
    "water_bus": Boat(4.0, 40.0 / 18.0**3, 18.0, 0.15, 18.0, 24.0, 0.15, 8.0),
    # River cruise boat of some 200 passengers: 200 kW at 16 km/h and 30 kW hotel (assumed).
    "river_cruise": Boat(30.0, 200.0 / 16.0**3, 16.0, 1.0, 18.0, 24.0, 1.0, 50.0),
}
