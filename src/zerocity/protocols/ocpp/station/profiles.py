"""What one charging profile allows at a moment, and until when that stays so.

Sources: OCPP 1.6 edition 2, sections 3.13 and 7.8; OCPP 2.0.1 edition 3 and 2.1 part 2, block K.
Moments are whole milliseconds since 1970 UTC, so that a limit's end is met exactly.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from zerocity.protocols.ocpp.wire_words import moment

NEVER = 1 << 62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_RECURRENCE_MS = {"Daily": 86_400_000, "Weekly": 604_800_000}


class Purpose(StrEnum):
    """What a profile bounds; 1.6 calls the second ChargePointMaxProfile."""

    TX_DEFAULT = "TxDefaultProfile"
    STATION_MAX = "ChargingStationMaxProfile"
    TX = "TxProfile"
    EXTERNAL = "ChargingStationExternalConstraints"
    PRIORITY = "PriorityCharging"
    LOCAL = "LocalGeneration"


class Kind(StrEnum):
    """What a schedule's start is counted from."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"
    DYNAMIC = "Dynamic"


class Supply(NamedTuple):
    """What turns amperes into watts: phase to neutral [V], number of phases (1 to 3)."""

    voltage_v: float = 230.0
    phases: int = 3

    def kw(self, rate: float, unit: str, phases: int | None = None) -> float:
        """Power [kW] of ``rate`` [W, or A a phase]; amperes count on the phases given, or all."""
        if unit == "W":
            return rate / 1000.0
        number = self.phases if phases is None else min(max(phases, 1), self.phases)
        return rate * self.voltage_v * number / 1000.0

    def rate(self, kw: float, unit: str) -> float:
        """``kw`` [kW] in ``unit``: W, or A on each of the supply's phases."""
        return kw * 1000.0 if unit == "W" else kw * 1000.0 / (self.voltage_v * self.phases)


USUAL_SUPPLY = Supply()


class Running(NamedTuple):
    """A running transaction: its id on the wire as text, and when it began [ms]."""

    id: str
    started_ms: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A charging profile, its limits in kW at their seconds after the schedule's start."""

    id: int
    evse: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    starts_ms: tuple[int, ...]
    limits_kw: tuple[float, ...]
    unit: str
    wire: dict[str, Any]
    installed_ms: int
    start_ms: int | None = None
    duration_ms: int = NEVER
    recurrence_ms: int = 0
    valid_from_ms: int = -NEVER
    valid_to_ms: int = NEVER
    transaction: str | None = None
    most_offline_ms: int = NEVER
    invalid_after_offline: bool = False


class Span(NamedTuple):
    """A limit [kW] (None: this profile says nothing) that holds until a moment [ms]."""

    limit_kw: float | None
    until_ms: int


def to_ms(at: datetime) -> int:
    """A moment as whole milliseconds since 1970 UTC."""
    return (at - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    """The UTC moment ``ms`` milliseconds after 1970."""
    return _EPOCH + ms * _MS


def read_profile(wire: dict[str, Any], evse: int, supply: Supply, now_ms: int) -> Profile:
    """A schema-valid ChargingProfile of any version, compiled.

    Of up to three schedules (a choice offered to the car by ISO 15118) the first counts.
    """
    schedules = wire["chargingSchedule"]
    schedule = schedules if isinstance(schedules, dict) else schedules[0]
    unit = schedule["chargingRateUnit"]
    periods = schedule["chargingSchedulePeriod"]
    kind = Kind(wire["chargingProfileKind"])
    recurrence = wire.get("recurrencyKind") if kind is Kind.RECURRING else None
    transaction = wire.get("transactionId")
    return Profile(
        id=wire["chargingProfileId"] if "chargingProfileId" in wire else wire["id"],
        evse=evse,
        stack_level=wire["stackLevel"],
        purpose=_purpose(wire["chargingProfilePurpose"]),
        kind=kind,
        starts_ms=tuple(period["startPeriod"] * 1000 for period in periods),
        limits_kw=tuple(period_kw(period, unit, supply) for period in periods),
        unit=unit,
        wire=wire,
        installed_ms=now_ms,
        start_ms=_ms(schedule.get("startSchedule")),
        duration_ms=schedule["duration"] * 1000 if "duration" in schedule else NEVER,
        recurrence_ms=_RECURRENCE_MS.get(recurrence or "", 0),
        valid_from_ms=_ms(wire.get("validFrom"), -NEVER) or 0,
        valid_to_ms=_ms(wire.get("validTo"), NEVER) or 0,
        transaction=None if transaction is None else str(transaction),
        most_offline_ms=wire["maxOfflineDuration"] * 1000
        if "maxOfflineDuration" in wire
        else NEVER,
        invalid_after_offline=wire.get("invalidAfterOfflineDuration", False),
    )


def period_kw(period: dict[str, Any], unit: str, supply: Supply) -> float:
    """What a schedule period, or a dynamic update, allows [kW]; below 0 it asks for discharge.

    A set point bounds what is taken from above, as a limit does; the phases of a limit that names
    L2 or L3 add up (2.1 ChargingSchedulePeriodType). Without either nothing is bounded, except
    that Idle asks for no power.
    """
    phases = period.get("numberPhases")
    found = []
    for name in ("limit", "setpoint"):
        if name not in period:
            continue
        others = [period[key] for key in (f"{name}_L2", f"{name}_L3") if key in period]
        if others:
            found.append(sum(supply.kw(rate, unit, 1) for rate in (period[name], *others)))
        else:
            found.append(supply.kw(period[name], unit, phases))
    if found:
        return min(found)
    return 0.0 if period.get("operationMode") == "Idle" else math.inf


def with_update(profile: Profile, update: dict[str, Any], supply: Supply, now_ms: int) -> Profile:
    """A Dynamic profile with a new value for its only period (2.1 K28)."""
    limit_kw = period_kw(update, profile.unit, supply)
    return replace(profile, limits_kw=(limit_kw,), installed_ms=now_ms)


def span_at(profile: Profile, t_ms: int, running_ms: int | None) -> Span:
    """The profile's limit at ``t_ms`` and the moment until which that is all that it says.

    ``running_ms`` is the start of the transaction [ms]: a Relative schedule counts from it, or
    from ``t_ms`` where none runs; so does an Absolute one that names no start (1.6 7.8).
    """
    if t_ms < profile.valid_from_ms:
        return Span(None, profile.valid_from_ms)
    if t_ms >= profile.valid_to_ms:
        return Span(None, NEVER)
    begin, stop, again = _window(profile, t_ms, running_ms)
    if t_ms < begin:
        return Span(None, min(begin, profile.valid_to_ms))
    if t_ms >= stop:
        return Span(None, min(again, profile.valid_to_ms))
    place = bisect_right(profile.starts_ms, t_ms - begin) - 1
    later = profile.starts_ms[place + 1] if place + 1 < len(profile.starts_ms) else NEVER
    until = min(begin + later, stop, profile.valid_to_ms)
    return Span(profile.limits_kw[place] if place >= 0 else None, until)


def overlaps(one: Profile, other: Profile) -> bool:
    """Whether the two are valid at the same time."""
    return one.valid_from_ms < other.valid_to_ms and other.valid_from_ms < one.valid_to_ms


def _window(profile: Profile, t_ms: int, running_ms: int | None) -> tuple[int, int, int]:
    """When the schedule in question begins and stops, and when it begins again [ms]."""
    if profile.kind is Kind.DYNAMIC:
        begin = profile.installed_ms if profile.start_ms is None else profile.start_ms
    elif profile.kind is Kind.RELATIVE or profile.start_ms is None:
        begin = t_ms if running_ms is None else running_ms
    else:
        begin = profile.start_ms
    if not profile.recurrence_ms:
        return begin, begin + profile.duration_ms, NEVER
    if t_ms > begin:
        begin += (t_ms - begin) // profile.recurrence_ms * profile.recurrence_ms
    again = begin + profile.recurrence_ms
    return begin, min(begin + profile.duration_ms, again), again


def _purpose(name: str) -> Purpose:
    return Purpose.STATION_MAX if name == "ChargePointMaxProfile" else Purpose(name)


def _ms(text: str | None, absent: int | None = None) -> int | None:
    at = moment(text)
    return absent if at is None else to_ms(at)
