"""Meter values of all versions in our units: Wh, kW, fractions.

Defaults as the standards give them: a value without measurand is Energy.Active.Import.Register, one
without unit is in Wh, or W for a power, one without location is at the outlet (OCPP 1.6 7.43;
OCPP 2.0.1 part 2, SampledValueType). What cannot be read for sure is left out and named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from zerocity.live.sessions import Sample
from zerocity.protocols.ocpp.wire_words import moment

Payload = dict[str, Any]

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
# OCPP is younger than the first, and its stations will be gone by the last.
FIRST_YEAR, LAST_YEAR = 2000, 2100
# Phases that add up; phase to phase values do not.
ADDING = frozenset({"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"})
# The inlet's meter counts the station's own losses as well.
AT_OUTLET = frozenset({REGISTER, POWER})
# No meter at a plug counts beyond a terawatt hour; what does is a wrong reading.
MOST_WH, MOST_KW = 1e12, 1e5
TOO_MUCH = {REGISTER: MOST_WH, POWER: MOST_KW, "SoC": 1.0, "Voltage": 1e5, "Current.Import": 1e5}


def _scales() -> dict[tuple[str, str | None], tuple[float, float, float, float]]:
    """(measurand, unit) -> what to multiply and divide by, the lowest and the highest value.

    One of the first two is 1: by division, for 6100 W are 6.1 kW to the last digit.
    """
    made: dict[tuple[str, str | None], tuple[float, float, float, float]] = {}
    for measurand, (default, factors) in WANTED.items():
        # A power may be negative where the plug gives back; the others may not.
        bounds = (-MOST_KW if measurand == POWER else 0.0, TOO_MUCH[measurand])
        for unit, factor in factors.items():
            scale = (factor, 1.0) if factor >= 1.0 else (1.0, float(round(1.0 / factor)))
            made[measurand, unit] = (*scale, *bounds)
        made[measurand, None] = made[measurand, ""] = made[measurand, default]
    return made


SCALES = _scales()


def samples_v16(meter_value: Iterable[Payload], notes: list[str]) -> list[Sample]:
    """The samples of an OCPP 1.6 meterValue list; what cannot be read is named in ``notes``."""
    return _samples(meter_value, _read_v16, notes)


def samples_v2(meter_value: Iterable[Payload], notes: list[str]) -> list[Sample]:
    """The samples of an OCPP 2.x meterValue list; what cannot be read is named in ``notes``."""
    return _samples(meter_value, _read_v2, notes)


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


def _read_v16(measurand: str, value: Payload, notes: list[str]) -> float | None:
    """What `number` and `_scaled` give of a good value, without the way through both."""
    text = value["value"]
    scale = SCALES.get((measurand, value.get("unit")))
    if scale is not None and value.get("format", "Raw") == "Raw":
        try:
            raw = float(text)
        except ValueError:
            raw = math.nan
        times, by, low, high = scale
        found = raw * times / by
        if low <= found <= high and "_" not in text and text == text.strip():
            return found
    _unread_v16(measurand, value, notes)
    return None


def _unread_v16(measurand: str, value: Payload, notes: list[str]) -> None:
    """Name what is wrong with a value."""
    if value.get("format", "Raw") != "Raw":
        return  # signed data is kept as it came, in the inbox
    raw = number(value["value"])
    if raw is None:
        notes.append(f"{measurand}: {value['value'][:20]!r} is no number")
    else:
        _scaled(measurand, raw, value.get("unit"), notes)


def _read_v2(measurand: str, value: Payload, notes: list[str]) -> float | None:
    raw, unit = float(value["value"]), value.get("unitOfMeasure")
    if unit is None:
        return _scaled(measurand, raw, None, notes)
    multiplier = unit.get("multiplier", 0)
    if not -12 <= multiplier <= 12:
        notes.append(f"multiplier {multiplier} is beyond reason")
        return None
    if multiplier:
        raw *= 10.0**multiplier
    return _scaled(measurand, raw, unit.get("unit"), notes)


def _scaled(measurand: str, raw: float, unit: str | None, notes: list[str]) -> float | None:
    scale = SCALES.get((measurand, unit))
    if scale is None:
        notes.append(f"{measurand} in {str(unit)[:20]!r}: not a unit of it")
        return None
    times, by, low, high = scale
    value = raw * times / by
    if not low <= value <= high:
        notes.append(f"{measurand} of {raw:g}: beyond reason")
        return None
    return value


def _samples(meter_value: Iterable[Payload], read: Any, notes: list[str]) -> list[Sample]:
    samples = []
    for group in meter_value:
        at = trusted(moment(group["timestamp"]))
        if at is None:
            notes.append(f"timestamp {group['timestamp'][:40]!r} cannot be true")
            continue
        sample = _sample(at, group["sampledValue"], read, notes)
        if sample is not None:
            samples.append(sample)
    return samples


def _sample(at: datetime, values: list[Payload], read: Any, notes: list[str]) -> Sample | None:
    whole: dict[str, float] = {}
    phases: dict[str, dict[str, float]] = {}
    for value in values:
        measurand = value.get("measurand", REGISTER)
        if measurand not in WANTED:
            continue
        if measurand in AT_OUTLET and value.get("location", "Outlet") != "Outlet":
            continue
        number = read(measurand, value, notes)
        if number is None:
            continue
        phase = value.get("phase")
        if phase is None:
            whole[measurand] = number
        elif phase in ADDING:
            phases.setdefault(measurand, {})[phase] = number
    for measurand, by_phase in phases.items():
        if measurand not in whole:
            total = sum(by_phase.values())
            adds = measurand in (REGISTER, POWER)
            whole[measurand] = total if adds else total / len(by_phase)
    return Sample(at, *map(whole.get, WANTED)) if whole else None
