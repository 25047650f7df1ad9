"""Meter values of all versions in our units: Wh, kW, fractions.

Defaults as the standards give them: a value without measurand is Energy.Active.Import.Register, one
without unit is in Wh, or W for a power, one without location is at the outlet (OCPP 1.6 7.43;
OCPP 2.0.1 part 2, SampledValueType). What cannot be read for sure is left out and named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from zerocity.live.sessions import Sample
from zerocity.protocols.ocpp.wire_words import moment

REGISTER = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
ENERGY_UNITS = {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6}
POWER_UNITS = {"W": 1e-3, "kW": 1.0, "MW": 1e3}
# Measurand -> default unit, and the factor of each unit it may come in; in the order of `Sample`.
WANTED: dict[str, tuple[str, dict[str, float]]] = {
    REGISTER: ("Wh", ENERGY_UNITS),
    POWER: ("W", POWER_UNITS),
    "SoC": ("Percent", {"Percent": 0.01, "%": 0.01}),
    "Voltage": ("V", {"V": 1.0, "kV": 1e3}),
    "Current.Import": ("A", {"A": 1.0}),
}
Told = TypeVar("Told", "Told16", "Told2")
# OCPP is younger than the first, and its stations will be gone by the last.
FIRST_YEAR, LAST_YEAR = 2000, 2100
# Phases that add up; phase to phase values do not.
ADDING = frozenset({"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"})
# The inlet's meter counts the station's own losses as well.
AT_OUTLET = frozenset({REGISTER, POWER})
OUTLETS = frozenset({UNSET, "Outlet"})
RAW = frozenset({UNSET, "Raw"})
# No meter at a plug counts beyond a terawatt hour; what does is a wrong reading.
MOST_WH, MOST_KW = 1e12, 1e5
TOO_MUCH = {REGISTER: MOST_WH, POWER: MOST_KW, "SoC": 1.0, "Voltage": 1e5, "Current.Import": 1e5}


class _Value16(msgspec.Struct, gc=False):
    """A sampled value of 1.6, of a payload that keeps its schema."""

    value: str
    measurand: str | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    location: str | UnsetType = UNSET
    phase: str | UnsetType = UNSET
    format: str | UnsetType = UNSET


class _Unit2(msgspec.Struct, gc=False):
    """The unit of a sampled value of 2.x."""

    unit: str | UnsetType = UNSET
    multiplier: int = 0


class _Value2(msgspec.Struct, gc=False):
    """A sampled value of 2.x, of a payload that keeps its schema."""

    value: float
    measurand: str | UnsetType = UNSET
    unitOfMeasure: _Unit2 | UnsetType = UNSET  # noqa: N815 - the name on the wire
    location: str | UnsetType = UNSET
    phase: str | UnsetType = UNSET


class _Group16(msgspec.Struct, gc=False):
    timestamp: str
    sampledValue: list[_Value16]  # noqa: N815


class _Group2(msgspec.Struct, gc=False):
    timestamp: str
    sampledValue: list[_Value2]  # noqa: N815


class Told16(msgspec.Struct, gc=False):
    """What MeterValues of 1.6 tells."""

    connectorId: int  # noqa: N815
    meterValue: list[_Group16]  # noqa: N815
    transactionId: int | UnsetType = UNSET  # noqa: N815


class Told2(msgspec.Struct, gc=False):
    """What MeterValues of 2.x tells."""

    evseId: int  # noqa: N815
    meterValue: list[_Group2]  # noqa: N815


class _Scale(NamedTuple):
    """How a value becomes one of ours: multiplied and divided, within bounds.

    One of ``times`` and ``by`` is 1: by division, for 6100 W are 6.1 kW to the last digit.
    """

    measurand: str
    times: float
    by: float
    low: float
    high: float


def _scales() -> dict[tuple[str | UnsetType, str | UnsetType], _Scale]:
    """The scale of each measurand and unit; UNSET where the station leaves one out."""
    made: dict[tuple[str | UnsetType, str | UnsetType], _Scale] = {}
    for measurand, (default, factors) in WANTED.items():
        # A power may be negative where the plug gives back; the others may not.
        bounds = (-MOST_KW if measurand == POWER else 0.0, TOO_MUCH[measurand])
        for unit, factor in factors.items():
            times, by = (factor, 1.0) if factor >= 1.0 else (1.0, float(round(1.0 / factor)))
            made[measurand, unit] = _Scale(measurand, times, by, *bounds)
        made[measurand, UNSET] = made[measurand, ""] = made[measurand, default]
    registers = {key: scale for key, scale in made.items() if key[0] == REGISTER}
    return made | {(UNSET, unit): scale for (_, unit), scale in registers.items()}


SCALES = _scales()


def samples_v16(meter_value: Sequence[Any], notes: list[str]) -> list[Sample]:
    """The samples of an OCPP 1.6 meterValue list; what cannot be read is named in ``notes``.

    Its groups are those of a lawful payload: dictionaries, or structs with the names of the wire.
    """
    return _samples(_typed(meter_value, list[_Group16]), _read_v16, notes)


def samples_v2(meter_value: Sequence[Any], notes: list[str]) -> list[Sample]:
    """The samples of an OCPP 2.x meterValue list, as `samples_v16`."""
    return _samples(_typed(meter_value, list[_Group2]), _read_v2, notes)


def told(payload: Any, kind: type[Told]) -> Told:
    """The payload of a lawful MeterValues by its names; a lane's struct is so already."""
    named: Told = msgspec.convert(payload, kind) if type(payload) is dict else payload
    return named


def _typed(groups: Sequence[Any], kind: Any) -> Sequence[Any]:
    return msgspec.convert(groups, kind) if groups and type(groups[0]) is dict else groups


def trusted(at: datetime | None) -> datetime | None:
    """The moment, or None when no clock that was ever set can have shown it."""
    return at if at is not None and FIRST_YEAR <= at.year < LAST_YEAR else None


def number(text: str) -> float | None:
    """The number that a 1.6 value says, or None: no blanks, commas, underscores, nan or inf."""
    if "_" in text or text != text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _read_v16(value: Any, notes: list[str]) -> tuple[str, float] | None:
    """What `number` and `_scaled` give of a good value, without the way through both."""
    scale = SCALES.get((value.measurand, value.unit))
    if scale is not None and value.format in RAW:
        measurand, times, by, low, high = scale
        if measurand in AT_OUTLET and value.location not in OUTLETS:
            return None
        text = value.value
        try:
            found = float(text) * times / by
        except ValueError:
            found = math.nan
        if low <= found <= high and "_" not in text and text == text.strip():
            return measurand, found
    if value.format not in RAW or not _counts(value):
        return None  # signed data is kept as it came, in the inbox
    raw = number(value.value)
    if raw is None:
        notes.append(f"{_name(value)}: {value.value[:20]!r} is no number")
        return None
    return _scaled(value, raw, value.unit, notes)


def _read_v2(value: Any, notes: list[str]) -> tuple[str, float] | None:
    if not _counts(value):
        return None
    raw, unit = float(value.value), value.unitOfMeasure
    if unit is UNSET:
        return _scaled(value, raw, UNSET, notes)
    if unit.multiplier:
        if not -12 <= unit.multiplier <= 12:
            notes.append(f"multiplier {unit.multiplier} is beyond reason")
            return None
        raw *= 10.0**unit.multiplier
    return _scaled(value, raw, unit.unit, notes)


def _name(value: Any) -> str:
    return REGISTER if value.measurand is UNSET else str(value.measurand)


def _counts(value: Any) -> bool:
    """Whether this is one of the values that we want, where we want it."""
    name = _name(value)
    return name in WANTED and (name not in AT_OUTLET or value.location in OUTLETS)


def _scaled(
    value: Any, raw: float, unit: str | UnsetType, notes: list[str]
) -> tuple[str, float] | None:
    scale = SCALES.get((value.measurand, unit))
    if scale is None:
        notes.append(f"{_name(value)} in {str(unit)[:20]!r}: not a unit of it")
        return None
    found = raw * scale.times / scale.by
    if not scale.low <= found <= scale.high:
        notes.append(f"{scale.measurand} of {raw:g}: beyond reason")
        return None
    return scale.measurand, found


def _samples(groups: Iterable[Any], read: Any, notes: list[str]) -> list[Sample]:
    samples = []
    for group in groups:
        at = trusted(moment(group.timestamp))
        if at is None:
            notes.append(f"timestamp {group.timestamp[:40]!r} cannot be true")
            continue
        sample = _sample(at, group.sampledValue, read, notes)
        if sample is not None:
            samples.append(sample)
    return samples


def _sample(at: datetime, values: list[Any], read: Any, notes: list[str]) -> Sample | None:
    whole: dict[str, float] = {}
    phases: dict[str, dict[str, float]] = {}
    for value in values:
        found = read(value, notes)
        if found is None:
            continue
        measurand, number = found
        phase = value.phase
        if phase is UNSET:
            whole[measurand] = number
        elif phase in ADDING:
            phases.setdefault(measurand, {})[phase] = number
    for measurand, by_phase in phases.items():
        if measurand not in whole:
            total = sum(by_phase.values())
            adds = measurand in (REGISTER, POWER)
            whole[measurand] = total if adds else total / len(by_phase)
    return Sample(at, *map(whole.get, WANTED)) if whole else None
