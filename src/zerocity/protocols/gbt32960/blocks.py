"""The blocks of a report: what a vehicle says about its parts.

Source: GB/T 32960.3-2016 clauses 7.2.3 and B.3.5.3, GB/T 32960.3-2025 clause 7.2.4. One class
serves both editions; what an edition does not have is None. Currents are as sent: makers send
discharge as positive, charge as negative (the standard gives the range only).
"""

from __future__ import annotations

from dataclasses import dataclass

from zerocity.protocols.gbt32960.fields import Gap, Number, Value


@dataclass(frozen=True, slots=True)
class Vehicle:
    """The whole vehicle, type 01. State, charging, mode and dcdc: see the tables of `fields`."""

    state: Number
    charging: Number
    mode: Number
    speed_km_h: Value
    odometer_km: Value
    voltage_v: Value
    current_a: Value
    soc_percent: Number
    dcdc: Number
    gear: int
    insulation_kohm: Number
    accelerator_percent: Number | None = None
    brake_percent: Number | None = None


@dataclass(frozen=True, slots=True)
class Motor:
    """One drive motor; voltage and current of its controller only in 2016."""

    number: Number
    state: Number
    controller_c: Number
    speed_rpm: Number
    torque_nm: Value
    motor_c: Number
    voltage_v: Value | None = None
    current_a: Value | None = None


@dataclass(frozen=True, slots=True)
class Motors:
    """All drive motors, type 02; a `Gap` where their number is not known (2025)."""

    motors: tuple[Motor, ...] | Gap


@dataclass(frozen=True, slots=True)
class FuelCell:
    """Fuel cell and hydrogen of 2016, type 03."""

    voltage_v: Value
    current_a: Value
    consumption_kg_per_100km: Value
    probes_c: tuple[Value, ...] | Gap
    hottest_c: Value
    hottest_probe: Number
    concentration_mg_per_kg: Number
    concentration_sensor: Number
    pressure_mpa: Value
    pressure_sensor: Number
    dcdc: Number


@dataclass(frozen=True, slots=True)
class Hydrogen:
    """Fuel-cell engine and hydrogen system of 2025, type 03."""

    hottest_c: Number
    hottest_probe: Number
    concentration_percent: Value
    concentration_sensor: Number
    pressure_mpa: Value
    pressure_sensor: Number
    dcdc: Number
    hydrogen_percent: Number
    dcdc_c: Number


@dataclass(frozen=True, slots=True)
class Stack:
    """One fuel-cell stack of 2025; pressures relative to the ambient air."""

    number: Number
    voltage_v: Value
    current_a: Value
    hydrogen_kpa: Value
    air_kpa: Value
    air_c: Number
    probes_c: tuple[Value, ...] | Gap


@dataclass(frozen=True, slots=True)
class Stacks:
    """All fuel-cell stacks, type 30 of 2025."""

    stacks: tuple[Stack, ...] | Gap


@dataclass(frozen=True, slots=True)
class Engine:
    """The combustion engine, type 04; 2025 has its speed only."""

    speed_rpm: Number
    state: Number | None = None
    consumption_l_per_100km: Value | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where the vehicle is, type 05: south and west are negative.

    When there is no fix the last known place is sent, and `valid` is false.
    """

    flags: int
    longitude_deg: float
    latitude_deg: float
    coordinates: int | None = None

    @property
    def valid(self) -> bool:
        """Whether the place is of now."""
        return not self.flags & 1

    @classmethod
    def at(
        cls,
        longitude_deg: float,
        latitude_deg: float,
        *,
        valid: bool = True,
        coordinates: int | None = None,
    ) -> Position:
        """A place with the flags that belong to it; ``coordinates`` (1 WGS84, 2 GCJ02) in 2025."""
        flags = (not valid) | (latitude_deg < 0) << 1 | (longitude_deg < 0) << 2
        return cls(int(flags), longitude_deg, latitude_deg, coordinates)


@dataclass(frozen=True, slots=True)
class Extremes:
    """Highest and lowest cell voltage and temperature: type 06 of 2016, type 32 of 2025.

    In 2025 these are the capacitor's, and the battery's no longer exist.
    """

    max_v_pack: Number
    max_v_cell: Number
    max_v: Value
    min_v_pack: Number
    min_v_cell: Number
    min_v: Value
    max_c_pack: Number
    max_c_probe: Number
    max_c: Number
    min_c_pack: Number
    min_c_probe: Number
    min_c: Number


@dataclass(frozen=True, slots=True)
class Alarm:
    """Alarms and faults: type 07 of 2016, type 06 of 2025. Fault codes are the makers' own.

    ``levels`` (2025): pairs of alarm bit and its level. `fields.alarm_names` names ``bits``.
    """

    level: Number
    bits: int
    battery: tuple[int, ...] | Gap = ()
    motor: tuple[int, ...] | Gap = ()
    engine: tuple[int, ...] | Gap = ()
    other: tuple[int, ...] | Gap = ()
    levels: tuple[tuple[int, int], ...] | Gap | None = None


@dataclass(frozen=True, slots=True)
class PackCells:
    """Cell voltages [V] of one pack in this frame, from cell ``first_cell`` (1 and up) on.

    2016 sends at most 200 cells of a pack in a frame, ``cells_total`` says how many it has; in 2025
    a pack is whole, and ``cells_total`` is the number of its cells or why it is not known.
    """

    pack: Number
    voltage_v: Value
    current_a: Value
    cells_total: Number
    first_cell: int
    cells_v: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class CellVoltages:
    """Cell voltages: type 08 of 2016, type 07 of 2025."""

    packs: tuple[PackCells, ...] | Gap


@dataclass(frozen=True, slots=True)
class PackProbes:
    """Temperatures [deg C] of one pack."""

    pack: Number
    probes_c: tuple[Value, ...] | Gap


@dataclass(frozen=True, slots=True)
class Temperatures:
    """Battery temperatures: type 09 of 2016, type 08 of 2025."""

    packs: tuple[PackProbes, ...] | Gap


@dataclass(frozen=True, slots=True)
class Capacitor:
    """The supercapacitor of 2025, type 31."""

    number: Number
    voltage_v: Value
    current_a: Value
    cells_v: tuple[Value, ...] | Gap
    probes_c: tuple[Value, ...] | Gap


@dataclass(frozen=True, slots=True)
class Private:
    """A block of the maker's own, types 80 to FE, as it came."""

    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Unknown:
    """A block whose length the standard does not tell, and all that follows it, as it came."""

    kind: int
    data: bytes


Block = (
    Vehicle
    | Motors
    | FuelCell
    | Hydrogen
    | Stacks
    | Engine
    | Position
    | Extremes
    | Alarm
    | CellVoltages
    | Temperatures
    | Capacitor
    | Private
    | Unknown
)
