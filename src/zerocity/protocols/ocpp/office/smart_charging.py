"""The plan's kilowatts as charging profiles, for each version in its own words.

One profile a connector and purpose, always under the same id, so that a new limit replaces the
last and a station never fills up. Each limit ends by itself: when the link is lost the station
falls back to its default (OCPP 1.6 3.13, OCPP 2.0.1 part 2 block K).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.wire_words import Payload, stamp

Message = tuple[str, Payload]
Span = tuple[int, float]

# A station whose clock lags behind ours must not wait before it obeys; an assumption.
CLOCK_SLACK_S = 30
# The limit of the moment lies one level above the standing default, which survives below it.
DEFAULT_LEVEL, LIMIT_LEVEL = 0, 1
# Room for levels within a purpose, and for purposes within a connector, in a profile's id.
_LEVELS, _PURPOSES = 10, 100


class Purpose(StrEnum):
    """What a profile bounds: one transaction, each transaction to come, or the whole station."""

    TX = "TxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    STATION_MAX = "ChargingStationMaxProfile"


_NUMBER = {Purpose.TX: 1, Purpose.TX_DEFAULT: 2, Purpose.STATION_MAX: 3}
# Where a station refuses a profile for the transaction, the connector's default does as well.
FALLBACK = {Purpose.TX: Purpose.TX_DEFAULT, Purpose.TX_DEFAULT: Purpose.STATION_MAX}


def purpose_for(evse: int, transaction: str | int | None) -> Purpose:
    """The narrowest purpose that fits: evse 0 is the whole station."""
    if evse == 0:
        return Purpose.STATION_MAX
    return Purpose.TX_DEFAULT if transaction is None else Purpose.TX


def profile_id(evse: int, purpose: Purpose, level: int) -> int:
    """The id under which a profile of ours always stands at a station (positive int32)."""
    return evse * _PURPOSES + _NUMBER[purpose] * _LEVELS + level


def evse_of(which: int) -> int:
    """The EVSE of a profile with one of our ids."""
    return which // _PURPOSES


def limit_messages(
    version: Version,
    evse: int,
    kw: float | None,
    *,
    at: datetime,
    valid_s: float,
    transaction: str | int | None = None,
    phases: int = 3,
    voltage_v: float = 230.0,
    rate_unit: str = "W",
    most_level: int = LIMIT_LEVEL,
    default_kw: float | None = None,
    purpose: Purpose | None = None,
) -> list[Message]:
    """What to send so that a connector charges at ``kw`` at most for ``valid_s`` seconds.

    Parameters
    ----------
    evse : EVSE id (2.x) or connector id (1.6); 0 bounds the whole station.
    kw : limit [kW], >= 0; below 0 asks a 2.1 station to discharge; None takes our limit back.
    at : now, UTC. valid_s : how long the limit stands [s], > 0; after that the station goes on
        with ``default_kw`` [kW] if given, else with what lies below (its TxDefaultProfile).
    transaction : the running transaction's id; without one the connector's default is set.
    phases : 1 to 3 for AC, 0 for DC. voltage_v : phase to neutral for AC [V].
    rate_unit : "W" or "A", as the station's ChargingScheduleAllowedChargingRateUnit says.
    most_level : highest stack level that the station takes (ChargeProfileMaxStackLevel).
    purpose : what to set instead of the narrowest that fits (see FALLBACK).

    Raises InputError for a value outside these ranges.
    """
    if valid_s <= 0:
        raise InputError("a limit's validity", f"{valid_s} s", "more than 0 s")
    plan = [] if kw is None else [(0, kw)]
    if plan and default_kw is not None:
        plan.append((math.ceil(valid_s), default_kw))
    return plan_messages(
        version,
        evse,
        plan,
        at=at,
        duration_s=valid_s if default_kw is None else None,
        transaction=transaction,
        phases=phases,
        voltage_v=voltage_v,
        rate_unit=rate_unit,
        level=min(LIMIT_LEVEL, most_level),
        purpose=purpose,
    )


def default_messages(
    version: Version,
    kw: float,
    *,
    at: datetime,
    evse: int = 0,
    phases: int = 3,
    voltage_v: float = 230.0,
    rate_unit: str = "W",
) -> list[Message]:
    """The standing default of each connector (evse 0: all of them), to set once after boot.

    It has no end: a station that loses its link charges at ``kw`` [kW] once our limits have run
    out. Parameters as in `limit_messages`.
    """
    return plan_messages(
        version,
        evse,
        [(0, kw)],
        at=at,
        duration_s=None,
        phases=phases,
        voltage_v=voltage_v,
        rate_unit=rate_unit,
        level=DEFAULT_LEVEL,
        purpose=Purpose.TX_DEFAULT,
    )


def plan_messages(
    version: Version,
    evse: int,
    plan: Sequence[Span],
    *,
    at: datetime,
    duration_s: float | None,
    transaction: str | int | None = None,
    phases: int = 3,
    voltage_v: float = 230.0,
    rate_unit: str = "W",
    level: int = LIMIT_LEVEL,
    purpose: Purpose | None = None,
) -> list[Message]:
    """A limit that changes over time: ``plan`` holds (seconds from now, kW), the first at 0.

    An empty plan takes our profile back. Other parameters as in `limit_messages`; ``duration_s``
    None makes a profile without end.
    """
    purpose = purpose or purpose_for(evse, transaction)
    if purpose is Purpose.STATION_MAX:
        evse = 0
    which = profile_id(evse, purpose, level)
    if not plan:
        return [clear_message(version, which)]
    _refuse_bad_plan(version, plan, rate_unit, phases, voltage_v)
    schedule = _schedule(version, plan, at, duration_s, rate_unit, phases, voltage_v)
    profile: Payload = {
        ("chargingProfileId" if version is Version.V16 else "id"): which,
        "stackLevel": level,
        "chargingProfilePurpose": _purpose_name(version, purpose),
        "chargingProfileKind": "Absolute",
    }
    if purpose is Purpose.TX and transaction is not None:
        profile["transactionId"] = int(transaction) if version is Version.V16 else str(transaction)
    if version is Version.V16:
        profile["chargingSchedule"] = schedule
        return [("SetChargingProfile", {"connectorId": evse, "csChargingProfiles": profile})]
    profile["chargingSchedule"] = [{"id": which, **schedule}]
    return [("SetChargingProfile", {"evseId": evse, "chargingProfile": profile})]


def clear_message(version: Version, which: int) -> Message:
    """Take the profile with id ``which`` back."""
    key = "id" if version is Version.V16 else "chargingProfileId"
    return "ClearChargingProfile", {key: which}


def composite_message(
    version: Version, evse: int, duration_s: int, rate_unit: str = "W"
) -> Message:
    """Ask what a connector is allowed over the next ``duration_s`` seconds, by all profiles."""
    key = "connectorId" if version is Version.V16 else "evseId"
    return "GetCompositeSchedule", {
        key: evse,
        "duration": duration_s,
        "chargingRateUnit": rate_unit,
    }


def dynamic_message(which: int, kw: float) -> Message:
    """A new value for a Dynamic profile (2.1 K28): a limit [kW] from 0 on, a set point below 0."""
    watts = _rate(kw, "W", 0, 1.0)
    update = {"limit": watts} if kw >= 0 else {"setpoint": watts}
    return "UpdateDynamicSchedule", {"chargingProfileId": which, "scheduleUpdate": update}


def rate_kw(rate: float, unit: str, *, phases: int = 3, voltage_v: float = 230.0) -> float:
    """Power [kW] that a schedule's ``rate`` in ``unit`` means; ``phases`` 0 is DC."""
    return rate / 1000.0 if unit == "W" else rate * voltage_v * max(phases, 1) / 1000.0


def _refuse_bad_plan(
    version: Version, plan: Sequence[Span], rate_unit: str, phases: int, voltage_v: float
) -> None:
    if rate_unit not in ("W", "A"):
        raise InputError("charging rate unit", rate_unit, "W or A")
    if phases not in range(4) or voltage_v <= 0:
        raise InputError("phases and voltage", f"{phases}, {voltage_v} V", "0 to 3, above 0 V")
    if plan[0][0] != 0 or any(a[0] >= b[0] for a, b in itertools.pairwise(plan)):
        raise InputError("a plan of limits", str(plan[:4]), "rising seconds, the first 0")
    for _, kw in plan:
        if not math.isfinite(kw) or (kw < 0 and version is not Version.V21):
            raise InputError(
                "a limit", f"{kw} kW", "a finite number, >= 0", "Only OCPP 2.1 can discharge"
            )


def _schedule(
    version: Version,
    plan: Sequence[Span],
    at: datetime,
    duration_s: float | None,
    rate_unit: str,
    phases: int,
    voltage_v: float,
) -> Payload:
    schedule: Payload = {
        "startSchedule": stamp(at - timedelta(seconds=CLOCK_SLACK_S)),
        "chargingRateUnit": rate_unit,
        "chargingSchedulePeriod": [
            _period(start_s, _rate(kw, rate_unit, phases, voltage_v), phases)
            for start_s, kw in plan
        ],
    }
    if duration_s is not None:
        schedule["duration"] = math.ceil(duration_s) + CLOCK_SLACK_S
    return schedule


def _period(start_s: int, rate: float, phases: int) -> Payload:
    # All but the first begin that much later after a start that lies in the past.
    period: Payload = {"startPeriod": start_s + CLOCK_SLACK_S if start_s else 0}
    if rate >= 0:
        period["limit"] = rate
    else:
        period |= {"setpoint": rate, "operationMode": "CentralSetpoint"}
    if phases:
        period["numberPhases"] = phases
    return period


def _rate(kw: float, unit: str, phases: int, voltage_v: float) -> float:
    """``kw`` in the station's unit, cut towards zero so that rounding never exceeds a limit."""
    if unit == "W":
        return float(math.trunc(kw * 1000.0 + math.copysign(1e-6, kw)))
    tenths = kw * 10_000.0 / (voltage_v * max(phases, 1))
    return math.trunc(tenths + math.copysign(1e-6, tenths)) / 10.0


def _purpose_name(version: Version, purpose: Purpose) -> str:
    if version is Version.V16 and purpose is Purpose.STATION_MAX:
        return "ChargePointMaxProfile"
    return purpose.value
