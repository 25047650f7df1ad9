"""Plugs kept for a token (OCPP 1.6 5.13 and 5.2; OCPP 2.x H01-H04).

A reservation holds only once the station took it. It ends by its use, its time, or the station's
word; `sweep` finds the first two.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from zerocity.errors import InputError
from zerocity.live.registry import Connector, LiveStation, Registry, Reservation
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import (
    Context,
    Handler,
    Outcome,
    Payload,
    Refused,
    Reply,
)
from zerocity.protocols.ocpp.office.orders import V2, asked
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.wire_words import stamp
from zerocity.storage.recorder import Row

OVER = frozenset({"expired", "removed", "cancelled", "used", "refused"})
_UPDATES = {"Expired": "expired", "Removed": "removed", "NoTransaction": "expired"}
# More than a city's plugs; keeps a run of requests from filling the memory.
MOST_RESERVATIONS = 100_000


def reserve(
    registry: Registry,
    station: LiveStation,
    version: Version,
    token: str,
    evse: int,
    until: datetime,
    at: datetime,
) -> tuple[str, Payload]:
    """ReserveNow for ``token`` at ``evse`` (0: any plug) until ``until``, UTC.

    The reservation is known at once as "asked". Raises InputError for a token that may not charge,
    a time that is over, or a plug that is kept for somebody else.
    """
    verdict = registry.verdict(token, at)
    if verdict != "accepted":
        raise InputError("the token", verdict.value, "a token that is accepted")
    if until <= at:
        raise InputError("a reservation's end", stamp(until), f"a time after {stamp(at)}")
    if any(seat.reservation is not None for seat in _seats(station, evse) if evse):
        raise InputError(f"EVSE {evse}", "a plug that is reserved already", "a free one")
    if len(registry.reservations) >= MOST_RESERVATIONS:
        raise InputError("reservations", str(len(registry.reservations)), "fewer")
    known = registry.token(token)
    number = registry.city.next_request(at)
    parent = known.parent if known is not None else None
    registry.reservations[number] = Reservation(
        number, station.id, evse, 1, token, until, "asked", parent
    )
    if version is Version.V16:
        payload: Payload = {
            "connectorId": evse,
            "expiryDate": stamp(until),
            "idTag": token,
            "reservationId": number,
        }
        return "ReserveNow", payload | ({"parentIdTag": parent} if parent else {})
    kind = known.kind if known is not None and known.kind else "ISO14443"
    payload = {
        "id": number,
        "expiryDateTime": stamp(until),
        "idToken": {"idToken": token, "type": kind},
    }
    return "ReserveNow", payload | ({"evseId": evse} if evse else {})


def reserve_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of ReserveNow: only an accepted one holds."""
    request = asked(token)
    number = request.get("id", request.get("reservationId"))
    accepted = payload["status"] == "Accepted"
    return _settle(context, number, "active" if accepted else "refused")


def reserve_refused(context: Context, token: object, code: str, description: str) -> list[Row]:
    """ReserveNow got an error or no answer; nobody can count on it."""
    request = asked(token)
    return _settle(context, request.get("id", request.get("reservationId")), "refused")


def cancel_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of CancelReservation; Rejected says that the station knows of none."""
    return _settle(context, asked(token).get("reservationId"), "cancelled")


def status_update(context: Context, payload: Payload) -> Outcome:
    """ReservationStatusUpdate: it expired, or the station let it go (H04)."""
    word = _UPDATES[payload["reservationUpdateStatus"]]
    rows = _settle(context, payload["reservationId"], word)
    return Outcome({}, rows or [message_row(context, "ReservationStatusUpdate", payload)])


def sweep(registry: Registry, at: datetime) -> list[Row]:
    """End the reservations that were used or whose time is over; the rows to store."""
    used = {
        (session.station, session.reservation)
        for session in registry.sessions.values()
        if session.reservation is not None
    }
    rows = []
    for kept in list(registry.reservations.values()):
        if (kept.station, kept.id) in used:
            rows.append(_end(registry, kept, "used"))
        elif kept.expires_at <= at:
            rows.append(_end(registry, kept, "expired"))
    return rows


def _settle(context: Context, number: Any, status: str) -> list[Row]:
    kept = context.registry.reservations.get(number)
    if kept is None or kept.station != context.station.id:
        return []
    if status in OVER:
        return [_end(context.registry, kept, status)]
    kept.status = status
    for seat in _seats(context.station, kept.evse):
        seat.reservation = kept.id
    context.registry.changed(context.station.site)
    return [reservation_row(kept)]


def _end(registry: Registry, kept: Reservation, status: str) -> Row:
    kept.status = status
    registry.reservations.pop(kept.id, None)
    station = registry.stations.get(kept.station)
    for seat in station.connectors.values() if station is not None else ():
        if seat.reservation == kept.id:
            seat.reservation = None
    if station is not None:
        registry.changed(station.site)
    return reservation_row(kept)


def _seats(station: LiveStation, evse: int) -> list[Connector]:
    """The plugs of an EVSE; none for 0, as any of them may be taken."""
    return [seat for seat in station.connectors.values() if evse and seat.evse == evse]


def reservation_row(kept: Reservation) -> Row:
    """A reservation as it stands."""
    return Row(
        "reservations",
        {
            "id": kept.id,
            "station": kept.station,
            "evse": kept.evse,
            "connector": kept.connector,
            "token": kept.token,
            "expires_at": kept.expires_at,
            "status": kept.status,
        },
    )


HANDLERS: dict[tuple[Version, str], Handler] = {
    (version, "ReservationStatusUpdate"): status_update for version in V2
}
REPLIES: dict[str, Reply] = {
    "ReserveNow": reserve_answered,
    "CancelReservation": cancel_answered,
}
REFUSALS: dict[str, Refused] = {"ReserveNow": reserve_refused}
