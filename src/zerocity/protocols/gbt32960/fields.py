"""What stands where in a data unit of GB/T 32960.3, as tables.

Source: GB/T 32960.3-2016 tables 9 to 19 and B.4 to B.8, GB/T 32960.3-2025 tables 10 to 27. Numbers
are unsigned and big-endian; a value is ``raw * scale + add``. The two highest raw numbers of a
field mean "abnormal" (…FE) and "invalid" (…FF) where the standard says so: a `Gap`, not a value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from zerocity.errors import InputError


class Edition(Enum):
    """The edition of the standard that a frame follows."""

    Y2016 = 2016
    Y2025 = 2025


class Gap(Enum):
    """Why a reading has no value: its device failed, or does not exist or know."""

    ABNORMAL = "abnormal"
    INVALID = "invalid"

    def __repr__(self) -> str:
        return self.value


Value = float | Gap
Number = int | Gap

_CODES = {1: "B", 2: "H", 4: "I"}


@dataclass(frozen=True, slots=True)
class Field:
    """One reading: its name with the unit, size [bytes], scale, what is added, and its codes.

    ``most`` is the largest raw number that the standard allows; larger ones are read all the same
    (`outside` lists them), for a device that leaves its range is a finding, not a damaged frame.
    """

    name: str
    size: int
    scale: float = 1
    add: float = 0
    most: int | None = None
    gaps: bool = True

    @property
    def top(self) -> int:
        """The highest raw number that the size allows."""
        return int((1 << 8 * self.size) - 1)

    @property
    def first_code(self) -> int:
        """The lowest raw number that is no value."""
        return self.top - 1 if self.gaps else self.top + 1

    def values(self, raws: Iterable[int]) -> tuple[float | Gap, ...]:
        """The readings behind many raw numbers."""
        code, scale, add = self.first_code, self.scale, self.add
        return tuple([raw * scale + add if raw < code else self.value(raw) for raw in raws])

    def value(self, raw: int) -> float | Gap:
        """The reading behind a raw number."""
        if self.gaps and raw >= self.top - 1:
            return Gap.INVALID if raw == self.top else Gap.ABNORMAL
        return raw * self.scale + self.add

    def raw(self, value: float | Gap) -> int:
        """The raw number of a reading; raises `InputError` for one that the field cannot hold."""
        if isinstance(value, Gap):
            if self.gaps:
                return self.top if value is Gap.INVALID else self.top - 1
            raise InputError(self.name, value.value, "a number (this field has no codes)")
        highest = self.top - 2 if self.gaps else self.top
        try:
            raw = round((value - self.add) / self.scale)
        except (ValueError, OverflowError):
            raw = -1
        if not 0 <= raw <= highest:
            limits = f"{self.add:g} to {highest * self.scale + self.add:g}"
            raise InputError(self.name, repr(value), limits)
        return raw


class Layout:
    """Fields that follow each other: reads and writes them at once."""

    __slots__ = ("_plan", "_struct", "fields", "offsets", "size")

    def __init__(self, *fields: Field) -> None:
        self.fields = fields
        self._struct = struct.Struct(">" + "".join(_CODES[f.size] for f in fields))
        self.size = self._struct.size
        # Looked up once: a message has hundreds of readings.
        self._plan = tuple((f.name, f.first_code, f.scale, f.add, f) for f in fields)
        self.offsets: dict[str, int] = {}
        at = 0
        for field in fields:
            self.offsets[field.name] = at
            at += field.size

    def field(self, name: str) -> Field:
        """The field of that name; raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def read(self, data: bytes, at: int) -> dict[str, Any]:
        """Values by name; ``data`` must hold them."""
        raws = self._struct.unpack_from(data, at)
        return {
            name: raw * scale + add if raw < code else field.value(raw)
            for raw, (name, code, scale, add, field) in zip(raws, self._plan, strict=True)
        }

    def write(self, source: object) -> bytes:
        """The bytes of the attributes of ``source`` that this layout names."""
        return self._struct.pack(*(f.raw(getattr(source, f.name)) for f in self.fields))


def _code(name: str) -> Field:
    return Field(name, 1, most=253)


def _temperature(name: str, size: int = 1) -> Field:
    return Field(name, size, 1, -40, 250)


def _vehicle(speed: int, volts: int, current_add: int, *more: Field) -> Layout:
    return Layout(
        _code("state"),
        _code("charging"),
        _code("mode"),
        Field("speed_km_h", 2, 0.1, most=speed),
        Field("odometer_km", 4, 0.1, most=9_999_999),
        Field("voltage_v", 2, 0.1, most=volts),
        Field("current_a", 2, 0.1, current_add, -20 * current_add),
        Field("soc_percent", 1, most=100),
        _code("dcdc"),
        Field("gear", 1, gaps=False),
        *more,
    )


# Table 9 reserves the last two bytes; table B.4 gives them to the pedals (101 = brake is on).
VEHICLE_2016 = _vehicle(
    2_200,
    10_000,
    -1000,
    Field("insulation_kohm", 2, most=60_000, gaps=False),
    Field("accelerator_percent", 1, most=100),
    Field("brake_percent", 1, most=101),
)
VEHICLE_2025 = _vehicle(5_000, 60_000, -3000, Field("insulation_kohm", 2, most=60_000))

MOTOR_2016 = Layout(
    Field("number", 1, most=253, gaps=False),
    _code("state"),
    _temperature("controller_c"),
    Field("speed_rpm", 2, 1, -20_000, 65_531),
    Field("torque_nm", 2, 0.1, -2_000, 65_531),
    _temperature("motor_c"),
    Field("voltage_v", 2, 0.1, most=60_000),
    Field("current_a", 2, 0.1, -1000, 20_000),
)
MOTOR_2025 = Layout(
    _code("number"),
    _code("state"),
    _temperature("controller_c"),
    Field("speed_rpm", 2, 1, -32_000, 65_531),
    Field("torque_nm", 4, 0.1, -20_000, 400_000),
    _temperature("motor_c"),
)

FUEL_CELL_2016 = Layout(
    Field("voltage_v", 2, 0.1, most=20_000),
    Field("current_a", 2, 0.1, most=20_000),
    Field("consumption_kg_per_100km", 2, 0.01, most=60_000),
)
HYDROGEN_2016 = Layout(
    Field("hottest_c", 2, 0.1, -40, 2_400),
    _code("hottest_probe"),
    Field("concentration_mg_per_kg", 2, most=60_000),
    _code("concentration_sensor"),
    Field("pressure_mpa", 2, 0.1, most=1_000, gaps=False),
    _code("pressure_sensor"),
    _code("dcdc"),
)
HYDROGEN_2025 = Layout(
    _temperature("hottest_c", 2),
    _code("hottest_probe"),
    Field("concentration_percent", 2, 0.0001, most=60_000),
    _code("concentration_sensor"),
    Field("pressure_mpa", 2, 0.1, most=1_000),
    _code("pressure_sensor"),
    _code("dcdc"),
    Field("hydrogen_percent", 1, most=100),
    _temperature("dcdc_c"),
)
STACK_2025 = Layout(
    _code("number"),
    Field("voltage_v", 2, 0.1, most=20_000),
    Field("current_a", 2, 0.1, most=20_000),
    Field("hydrogen_kpa", 2, 0.1, -100, 5_000),
    Field("air_kpa", 2, 0.1, -100, 5_000),
    _temperature("air_c"),
)

ENGINE_2016 = Layout(
    _code("state"),
    Field("speed_rpm", 2, most=60_000),
    Field("consumption_l_per_100km", 2, 0.01, most=60_000),
)
ENGINE_2025 = Layout(Field("speed_rpm", 2, most=60_000))

# Longitude and latitude have no codes: an unknown place is told by bit 0 of the flags.
_PLACE = (
    Field("longitude_deg", 4, 1e-6, most=180_000_000, gaps=False),
    Field("latitude_deg", 4, 1e-6, most=90_000_000, gaps=False),
)
POSITION_2016 = Layout(Field("flags", 1, gaps=False), *_PLACE)
POSITION_2025 = Layout(
    Field("flags", 1, gaps=False), Field("coordinates", 1, most=3, gaps=False), *_PLACE
)


def _extreme(kind: str, of: str, value: Field, of_size: int = 1) -> tuple[Field, ...]:
    number = Field(f"{kind}_{of}", of_size, most=250 if of_size == 1 else 65_531, gaps=of_size == 1)
    return Field(f"{kind}_pack", 1, most=250), number, value


def _extremes(volts: int, of_size: int = 1) -> Layout:
    return Layout(
        *_extreme("max_v", "cell", Field("max_v", 2, 0.001, most=volts), of_size),
        *_extreme("min_v", "cell", Field("min_v", 2, 0.001, most=volts), of_size),
        *_extreme("max_c", "probe", _temperature("max_c"), of_size),
        *_extreme("min_c", "probe", _temperature("min_c"), of_size),
    )


EXTREMES_2016 = _extremes(15_000)
CAPACITOR_EXTREMES_2025 = _extremes(60_000, of_size=2)

ALARM = Layout(Field("level", 1, most=4), Field("bits", 4, gaps=False))

PACK_2016 = Layout(
    Field("pack", 1, most=250),
    Field("voltage_v", 2, 0.1, most=10_000),
    Field("current_a", 2, 0.1, -1000, 20_000),
    Field("cells_total", 2, most=65_531),
    Field("first_cell", 2, most=65_531, gaps=False),
)
PACK_2025 = Layout(
    Field("pack", 1, most=50),
    Field("voltage_v", 2, 0.1, most=60_000),
    Field("current_a", 2, 0.1, -3000, 60_000),
)
PACK_NUMBER = Layout(Field("pack", 1, most=250))
CAPACITOR_2025 = Layout(
    _code("number"),
    Field("voltage_v", 2, 0.1, most=10_000),
    Field("current_a", 2, 0.1, -3000, 60_000),
)
CELL = Field("cell_v", 2, 0.001, most=60_000)
PROBE = _temperature("probe_c")
COUNT_1 = Field("count", 1, most=253)
COUNT_2 = Field("count", 2, most=65_531)

_ALARMS_2016 = (
    "temperature_difference",
    "battery_hot",
    "pack_over_voltage",
    "pack_under_voltage",
    "soc_low",
    "cell_over_voltage",
    "cell_under_voltage",
    "soc_high",
    "soc_jump",
    "pack_mismatch",
    "cell_inconsistency",
    "insulation",
    "dcdc_hot",
    "brake",
    "dcdc_state",
    "motor_controller_hot",
    "hv_interlock",
    "motor_hot",
    "overcharge",
)
_ALARMS_2025 = (
    *_ALARMS_2016,
    "motor_over_speed",
    "motor_over_current",
    "capacitor_hot",
    "capacitor_over_voltage",
    "thermal_event",
    "hydrogen_leak",
    "hydrogen_pressure",
    "hydrogen_temperature",
    "stack_hot",
)
ALARM_NAMES = {Edition.Y2016: _ALARMS_2016, Edition.Y2025: _ALARMS_2025}
"""Names of the alarm bits from bit 0 up: table 18 of 2016, table 24 of 2025."""


def alarm_names(bits: int, edition: Edition) -> tuple[str, ...]:
    """Names of the bits that are set, lowest first; a reserved bit is called ``bit_19`` and so on.

    >>> alarm_names(0b10010, Edition.Y2016)
    ('battery_hot', 'soc_low')
    """
    names = ALARM_NAMES[edition]
    return tuple(
        names[bit] if bit < len(names) else f"bit_{bit}" for bit in range(32) if bits >> bit & 1
    )


STATES = {1: "started", 2: "off", 3: "other"}
CHARGING = {1: "parked_charging", 2: "driving_charging", 3: "not_charging", 4: "charged"}
MODES = {1: "electric", 2: "hybrid", 3: "fuel"}
SWITCH = {1: "on", 2: "off"}
MOTOR_STATES = {1: "consuming", 2: "generating", 3: "off", 4: "ready"}
COORDINATES = {1: "WGS84", 2: "GCJ02", 3: "other"}
SIGNATURES = {1: "SM2", 2: "RSA", 3: "ECC"}
STORES = {
    0x01: "LFP",
    0x02: "LMO",
    0x03: "LCO",
    0x04: "ternary",
    0x05: "polymer",
    0x06: "capacitor",
    0x07: "LTO",
    0x08: "sodium",
    0x09: "solid_state",
    0xFC: "fuel_cell",
    0xFF: "other",
}
"""Kinds of store, table A.5 of 2016 and A.8 of 2025 (sodium and solid state are new there)."""


def gear_name(gear: int) -> str:
    """The gear of a gear byte (annex A.1): N, 1 to 12, R, D or P.

    >>> gear_name(0b0010_1110)
    'D'
    """
    low = gear & 0x0F
    return {0: "N", 13: "R", 14: "D", 15: "P"}.get(low, str(low))
