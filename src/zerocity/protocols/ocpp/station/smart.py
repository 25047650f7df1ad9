"""Charging profiles as a simulated station takes, gives and forgets them.

OCPP 1.6 section 5.16, 5.3 and 5.8; 2.0.1 and 2.1 part 2, K01 to K10 and K28, K20 (priority).
"""

from __future__ import annotations

from collections.abc import Callable

from zerocity.protocols.ocpp.station import sessions
from zerocity.protocols.ocpp.station.core import Handler, StationCore
from zerocity.protocols.ocpp.station.parts import Evse, Payload
from zerocity.protocols.ocpp.station.profile_store import composite
from zerocity.protocols.ocpp.station.profiles import (
    Kind,
    Profile,
    Purpose,
    Running,
    Span,
    from_ms,
    to_ms,
)
from zerocity.protocols.ocpp.wire_words import stamp, status_info

# A composite schedule reaches this far at most [s]: a year would be a flood; an assumption.
_LONGEST_S = 7 * 86_400


def install(core: StationCore, profile: Payload, evse: int) -> str | None:
    """Take a profile in and obey it at once; the reason why not, or None."""
    if evse != 0 and evse not in core.evses:
        return "UnknownEvse"
    place = core.evses.get(evse)
    running = None
    if place is not None and place.transaction is not None:
        running = place.transaction.running(core.is_16)
    reason = core.profiles.install(profile, evse, to_ms(core.at), running)
    if reason is None:
        core.later(0.0, lambda: sessions.refresh_all(core))
        every_s = profile.get("dynUpdateInterval", 0)
        if every_s > 0 and profile["chargingProfileKind"] == Kind.DYNAMIC.value:
            kept = core.profiles.profiles[profile["id"]].wire
            core.later(every_s, lambda: _pull(core, kept, every_s))
    return reason


def _pull(core: StationCore, wire: Payload, every_s: float) -> None:
    """Ask for a Dynamic profile's next value, as long as that profile stands (2.1 K28)."""
    kept = core.profiles.profiles.get(wire["id"])
    if kept is None or kept.wire is not wire:
        return

    def answered(payload: Payload) -> None:
        if payload["status"] == "Accepted" and "scheduleUpdate" in payload:
            core.profiles.update(wire["id"], payload["scheduleUpdate"], to_ms(core.at))
            sessions.refresh_all(core)

    core.say(("PullDynamicScheduleUpdate", {"chargingProfileId": wire["id"]}), answered)
    core.later(every_s, lambda: _pull(core, wire, every_s))


def set_profile_v16(core: StationCore, asked: Payload) -> Payload:
    """SetChargingProfile."""
    reason = install(core, asked["csChargingProfiles"], asked["connectorId"])
    return {"status": "Accepted" if reason is None else "Rejected"}


def set_profile_v2(core: StationCore, asked: Payload) -> Payload:
    """SetChargingProfile (K01)."""
    return _verdict(install(core, asked["chargingProfile"], asked["evseId"]))


def clear_v16(core: StationCore, asked: Payload) -> Payload:
    """ClearChargingProfile: by id, or by every criterion given (1.6 5.3)."""
    if "id" in asked:
        return _cleared(core, lambda p: p.id == asked["id"])
    purpose = asked.get("chargingProfilePurpose")
    wanted = None if purpose is None else _purpose(purpose)
    level, evse = asked.get("stackLevel"), asked.get("connectorId")
    return _cleared(core, lambda p: _fits(p, wanted, level, evse))


def clear_v2(core: StationCore, asked: Payload) -> Payload:
    """ClearChargingProfile (K10): by id, or by every criterion given."""
    if "chargingProfileId" in asked:
        return _cleared(core, lambda p: p.id == asked["chargingProfileId"])
    criteria = asked.get("chargingProfileCriteria", {})
    purpose = criteria.get("chargingProfilePurpose")
    wanted = None if purpose is None else _purpose(purpose)
    level, evse = criteria.get("stackLevel"), criteria.get("evseId")
    return _cleared(core, lambda p: _fits(p, wanted, level, evse))


def composite_v16(core: StationCore, asked: Payload) -> Payload:
    """GetCompositeSchedule."""
    number = asked["connectorId"]
    if number != 0 and number not in core.evses:
        return {"status": "Rejected"}
    unit = asked.get("chargingRateUnit", "W")
    duration_s = min(max(asked["duration"], 1), _LONGEST_S)
    begin_ms = to_ms(core.at)
    start = stamp(from_ms(begin_ms))
    return {
        "status": "Accepted",
        "connectorId": number,
        "scheduleStart": start,
        "chargingSchedule": {
            "duration": duration_s,
            "startSchedule": start,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": _periods(core, number, begin_ms, duration_s, unit),
        },
    }


def composite_v2(core: StationCore, asked: Payload) -> Payload:
    """GetCompositeSchedule (K08)."""
    number = asked["evseId"]
    if number != 0 and number not in core.evses:
        return {"status": "Rejected", "statusInfo": status_info("UnknownEvse")}
    unit = asked.get("chargingRateUnit", "W")
    duration_s = min(max(asked["duration"], 1), _LONGEST_S)
    begin_ms = to_ms(core.at)
    return {
        "status": "Accepted",
        "schedule": {
            "evseId": number,
            "duration": duration_s,
            "scheduleStart": stamp(from_ms(begin_ms)),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": _periods(core, number, begin_ms, duration_s, unit),
        },
    }


def get_profiles(core: StationCore, asked: Payload) -> Payload:
    """GetChargingProfiles (K09): they follow as ReportChargingProfiles, one message an EVSE."""
    criteria = asked["chargingProfile"]
    purpose = criteria.get("chargingProfilePurpose")
    wanted = None if purpose is None else _purpose(purpose)
    ids = criteria.get("chargingProfileId")
    sources = criteria.get("chargingLimitSource")
    found = [
        p
        for p in core.profiles.profiles.values()
        if _fits(p, wanted, criteria.get("stackLevel"), asked.get("evseId"))
        and (ids is None or p.id in ids)
        and (sources is None or "CSO" in sources)
    ]
    if not found:
        return {"status": "NoProfiles"}
    core.later(0.0, lambda: _report(core, asked["requestId"], found))
    return {"status": "Accepted"}


def update_dynamic(core: StationCore, asked: Payload) -> Payload:
    """UpdateDynamicSchedule (2.1 K28)."""
    profile_id, update = asked["chargingProfileId"], asked["scheduleUpdate"]
    reason = core.profiles.update(profile_id, update, to_ms(core.at))
    if reason is None:
        core.later(0.0, lambda: sessions.refresh_all(core))
    return _verdict(reason)


def use_priority(core: StationCore, asked: Payload) -> Payload:
    """UsePriorityCharging (2.1 K20): the PriorityCharging profile goes before the others."""
    transaction = asked["transactionId"]
    for evse in core.evses.values():
        if evse.transaction is not None and evse.transaction.id == transaction:
            break
    else:
        return {"status": "Rejected", "statusInfo": status_info("TxNotFound")}
    has = any(p.purpose is Purpose.PRIORITY for p in core.profiles.profiles.values())
    if asked["activate"] and not has:
        return {"status": "NoProfile"}
    if asked["activate"]:
        core.profiles.priority.add(transaction)
    else:
        core.profiles.priority.discard(transaction)
    core.later(0.0, lambda: sessions.refresh_all(core))
    return {"status": "Accepted"}


def _report(core: StationCore, request: int, profiles: list[Profile]) -> None:
    evses = sorted({p.evse for p in profiles})
    for place, evse in enumerate(evses):
        payload: Payload = {
            "requestId": request,
            "chargingLimitSource": "CSO",
            "evseId": evse,
            "chargingProfile": [p.wire for p in profiles if p.evse == evse],
        }
        if place + 1 < len(evses):
            payload["tbc"] = True
        core.say(("ReportChargingProfiles", payload))


def _periods(
    core: StationCore, number: int, begin_ms: int, duration_s: int, unit: str
) -> list[Payload]:
    """The composite schedule; where no profile speaks, what the hardware gives."""
    evses = list(core.evses.values()) if number == 0 else [core.evses[number]]
    found = composite(lambda t_ms: _allowed(core, evses, t_ms), begin_ms, duration_s)
    periods = []
    for start_s, limit_kw in found:
        rate = core.profiles.supply.rate(max(limit_kw or 0.0, 0.0), unit)
        # Rounded down, so that what we say never exceeds what we may.
        period: Payload = {"startPeriod": start_s, "limit": int(rate * 10.0 + 1e-6) / 10.0}
        if not core.make.is_dc:
            period["numberPhases"] = core.profiles.supply.phases
        periods.append(period)
    return periods


def _allowed(core: StationCore, evses: list[Evse], t_ms: int) -> Span:
    whole = core.profiles.station_span(t_ms)
    total_kw, until_ms = 0.0, whole.until_ms
    for evse in evses:
        span = core.profiles.transaction_span(evse.id, t_ms, _running(core, evse))
        total_kw += evse.max_kw if span.limit_kw is None else min(span.limit_kw, evse.max_kw)
        until_ms = min(until_ms, span.until_ms)
    if whole.limit_kw is not None:
        total_kw = min(total_kw, whole.limit_kw)
    return Span(total_kw, until_ms)


def _running(core: StationCore, evse: Evse) -> Running:
    """The running transaction, or one that would start now."""
    if evse.transaction is None:
        return Running("", to_ms(core.at))
    return evse.transaction.running(core.is_16)


def _cleared(core: StationCore, wanted: Callable[[Profile], bool]) -> Payload:
    gone = core.profiles.clear(wanted)
    if gone:
        core.later(0.0, lambda: sessions.refresh_all(core))
    return {"status": "Accepted" if gone else "Unknown"}


def _fits(profile: Profile, purpose: Purpose | None, level: int | None, evse: int | None) -> bool:
    return (
        purpose in (None, profile.purpose)
        and level in (None, profile.stack_level)
        and evse in (None, profile.evse)
    )


def _purpose(name: str) -> Purpose:
    return Purpose.STATION_MAX if name == "ChargePointMaxProfile" else Purpose(name)


def _verdict(reason: str | None) -> Payload:
    if reason is None:
        return {"status": "Accepted"}
    return {"status": "Rejected", "statusInfo": status_info(reason)}


V16: dict[str, Handler] = {
    "SetChargingProfile": set_profile_v16,
    "ClearChargingProfile": clear_v16,
    "GetCompositeSchedule": composite_v16,
}
V2: dict[str, Handler] = {
    "SetChargingProfile": set_profile_v2,
    "ClearChargingProfile": clear_v2,
    "GetCompositeSchedule": composite_v2,
    "GetChargingProfiles": get_profiles,
}
V21: dict[str, Handler] = {
    "UpdateDynamicSchedule": update_dynamic,
    "UsePriorityCharging": use_priority,
}
