"""Which limits hold at a station: ours, as it took them, and those that others set there.

OCPP 1.6 section 7 (SetChargingProfile, ClearChargingProfile, GetCompositeSchedule); OCPP 2.0.1 and
2.1 part 2, K01-K14. A profile that a station did not take is not in force: its connector is then
counted at the full default (`StationFile.counts_in_full`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from zerocity.live.registry import LiveStation
from zerocity.live.sessions import LiveSession
from zerocity.live.station_file import MOST_LIMITS, MOST_PROFILES, keep
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import (
    Context,
    Handler,
    Outcome,
    Payload,
    Refused,
    Reply,
)
from zerocity.protocols.ocpp.office.orders import V2, Order, asked
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.office.smart_charging import (
    LIMIT_LEVEL,
    Purpose,
    limit_messages,
    profile_id,
    rate_kw,
)
from zerocity.storage.recorder import Row

OWN_SOURCES = ("CSO", "")


def limit_orders(
    station: LiveStation,
    evse: int,
    kw: float | None,
    *,
    at: datetime,
    valid_s: float,
    session: LiveSession | None = None,
    phases: int = 3,
    voltage_v: float = 230.0,
    default_kw: float | None = None,
    then: Callable[[Payload | None], None] | None = None,
) -> list[Order]:
    """`limit_messages` in the unit and level that ``station`` reports, for the session there.

    The orders are what to send and the token to send it under; ``then`` learns the result.
    """
    version = Version(station.version or Version.V16)
    transaction: str | int | None = None
    if session is not None:
        transaction = session.number if version is Version.V16 else session.transaction
    level = station.file.most_level
    messages = limit_messages(
        version,
        evse,
        kw,
        at=at,
        valid_s=valid_s,
        transaction=transaction,
        phases=phases,
        voltage_v=voltage_v,
        rate_unit=station.file.rate_unit,
        most_level=LIMIT_LEVEL if level is None else level,
        default_kw=default_kw,
    )
    return [Order(action, payload, "", then) for action, payload in messages]


def profile_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of SetChargingProfile."""
    return _note(context, asked(token), payload["status"].lower())


def profile_refused(context: Context, token: object, code: str, description: str) -> list[Row]:
    """SetChargingProfile got an error or no answer: nothing of it can be counted on."""
    return _note(context, asked(token), "unanswered")


def clear_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of ClearChargingProfile: what was asked to go is gone, or was not there."""
    request, rows = asked(token), []
    profiles = context.station.file.profiles
    if payload["status"] not in ("Accepted", "Unknown"):
        return []
    for place in [place for place in profiles if _is_cleared(request, place)]:
        del profiles[place]
        rows.append(_row(context, place, "cleared"))
    return rows


def composite_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of GetCompositeSchedule, kept as the station gave it."""
    schedule = payload.get("schedule") or payload.get("chargingSchedule")
    if payload["status"] != "Accepted" or schedule is None:
        return []
    evse = payload.get("connectorId", schedule.get("evseId", asked(token).get("evseId", 0)))
    return [_row(context, (evse, "Composite", 0), "in_force", schedule)]


def report_profiles(context: Context, payload: Payload) -> Outcome:
    """ReportChargingProfiles: what is installed at the station, ours and others' (K09)."""
    rows = []
    source = payload["chargingLimitSource"]
    evse = payload["evseId"]
    for profile in payload["chargingProfile"]:
        ours = source in OWN_SOURCES
        purpose = profile["chargingProfilePurpose"]
        place = (evse, purpose if ours else f"{purpose}/{source}", profile["stackLevel"])
        if ours:
            keep(context.station.file.profiles, place, "accepted", MOST_PROFILES)
        rows.append(_row(context, place, "reported", profile))
    return Outcome({}, rows)


def charging_limit(context: Context, payload: Payload) -> Outcome:
    """NotifyChargingLimit: somebody else, as a grid operator's box, limits the station (K12)."""
    limit = payload["chargingLimit"]
    source, evse = limit["chargingLimitSource"], payload.get("evseId", 0)
    figures = [_least_kw(schedule) for schedule in payload.get("chargingSchedule", [])]
    known = [kw for kw in figures if kw is not None]
    keep(
        context.station.file.external_limits,
        (evse, source),
        min(known) if known else None,
        MOST_LIMITS,
    )
    context.registry.changed(context.station.site)
    place = (evse, f"External/{source}", 0)
    return Outcome({}, [_row(context, place, "in_force", payload)])


def cleared_limit(context: Context, payload: Payload) -> Outcome:
    """ClearedChargingLimit: that limit holds no longer (K13)."""
    evse, source = payload.get("evseId", 0), payload["chargingLimitSource"]
    context.station.file.external_limits.pop((evse, source), None)
    context.registry.changed(context.station.site)
    rows = [_row(context, (evse, f"External/{source}", 0), "cleared")]
    return Outcome({}, [*rows, message_row(context, "ClearedChargingLimit", payload)])


def _note(context: Context, request: Payload, status: str) -> list[Row]:
    profile = request.get("csChargingProfiles") or request.get("chargingProfile")
    if profile is None:
        return []
    evse = int(request.get("connectorId") or request.get("evseId") or 0)
    place = (evse, profile["chargingProfilePurpose"], profile["stackLevel"])
    profiles = context.station.file.profiles
    if profiles.get(place) != status:
        keep(profiles, place, status, MOST_PROFILES)
        context.registry.changed(context.station.site)
    return [_row(context, place, status, profile)]


def _is_cleared(request: Payload, place: tuple[int, str, int]) -> bool:
    """Whether a ClearChargingProfile that we sent meets a profile of ours."""
    evse, purpose, level = place
    criteria = request.get("chargingProfileCriteria", request)
    which = request.get("chargingProfileId", request.get("id"))
    if which is not None:
        return bool(which == _own_id(evse, purpose, level))
    wanted = (
        (criteria.get("evseId", criteria.get("connectorId")), evse),
        (criteria.get("chargingProfilePurpose"), purpose),
        (criteria.get("stackLevel"), level),
    )
    return all(asked_for is None or asked_for == is_ for asked_for, is_ in wanted)


def _own_id(evse: int, purpose: str, level: int) -> int | None:
    name = "ChargingStationMaxProfile" if purpose == "ChargePointMaxProfile" else purpose
    return profile_id(evse, Purpose(name), level) if name in set(Purpose) else None


def _least_kw(schedule: Payload) -> float | None:
    limits = [p["limit"] for p in schedule["chargingSchedulePeriod"] if "limit" in p]
    return rate_kw(min(limits), schedule["chargingRateUnit"]) if limits else None


def _row(context: Context, place: tuple[int, str, int], status: str, profile: Any = None) -> Row:
    evse, purpose, level = place
    values = {
        "station": context.station.id,
        "evse": evse,
        "purpose": purpose,
        "stack_level": level,
        "sent_at": context.at,
        "status": status,
    }
    return Row("charging_profiles", values if profile is None else {**values, "profile": profile})


HANDLERS: dict[tuple[Version, str], Handler] = {
    (version, action): handler
    for version in V2
    for action, handler in (
        ("ReportChargingProfiles", report_profiles),
        ("NotifyChargingLimit", charging_limit),
        ("ClearedChargingLimit", cleared_limit),
    )
}
REPLIES: dict[str, Reply] = {
    "SetChargingProfile": profile_answered,
    "ClearChargingProfile": clear_answered,
    "GetCompositeSchedule": composite_answered,
}
REFUSALS: dict[str, Refused] = {"SetChargingProfile": profile_refused}
