"""OCPP 1.6 core: status, transactions, meter values, data transfer (edition 2, 4.1-4.10).

A transaction's number comes from a counter of the city. A start told twice, by connector, moment,
register and token, gets the number of the first. The answer to a stop is always a confirmation: a
station keeps a refused one for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import UnsetType

from zerocity.charging.session import Event, State
from zerocity.live.registry import Connector
from zerocity.live.sessions import LiveSession
from zerocity.live.tokens import Verdict
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.authorisation import id_tag_info, verdict_on
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Unlawful
from zerocity.protocols.ocpp.office.meter_values import Told16, samples_v16, told
from zerocity.protocols.ocpp.office.rows import connector_row, digest, message_row
from zerocity.protocols.ocpp.office.transactions import (
    CHARGING_FROM_KW,
    LOST,
    authorise,
    begin,
    conclude,
    happened_at,
    not_twice,
    opening_rows,
    read,
    show,
    was_offline,
)

STATUS = {
    "Available": "available", "Preparing": "occupied", "Charging": "occupied",
    "SuspendedEV": "occupied", "SuspendedEVSE": "occupied", "Finishing": "occupied",
    "Reserved": "reserved", "Unavailable": "unavailable", "Faulted": "faulted",
}  # fmt: skip
STEPS = {
    "Charging": Event.CHARGE,
    "SuspendedEV": Event.PAUSE_BY_VEHICLE,
    "SuspendedEVSE": Event.PAUSE_BY_STATION,
}
# Each connector of a 1.6 station charges by itself: it is EVSE n, connector 1.
ONLY_CONNECTOR = 1


@lru_cache(maxsize=10_000)
def session_id(number: int) -> str:
    """The city's name for a 1.6 transaction; no station's name begins with a tilde."""
    return f"~{int(number):010d}"


def plug(context: Context, number: int) -> Connector:
    """The connector of that number; below 1, or one too many, is refused."""
    found = context.registry.connector(context.station, number, ONLY_CONNECTOR)
    if found is None:
        raise Unlawful("PropertyConstraintViolation", f"connectorId {number}: there is none")
    return found


def status_notification(context: Context, payload: Payload) -> Outcome:
    """StatusNotification: a late one, told after a newer, changes nothing."""
    number, word = payload["connectorId"], payload["status"]
    if number == 0:
        context.station.status = STATUS[word]
        return Outcome({})
    seat = plug(context, number)
    # A station whose clock runs ahead must not bar its own later news.
    at = min(happened_at(context, payload.get("timestamp")), context.at)
    if seat.status_at is not None and at < seat.status_at:
        return Outcome({})
    seat.status, seat.status_at = STATUS[word], at
    step = STEPS.get(word)
    if step is not None and seat.session is not None:
        seat.session.happen(step)
    elif step is None:
        seat.power_kw, seat.power_at_s = 0.0, context.now_s
    context.registry.changed(context.station.site)
    return Outcome({}, [connector_row(seat, at)])


def start_key(payload: Payload, at: datetime) -> str:
    """What makes a start the same start, told again."""
    parts = (
        str(payload["connectorId"]), at.isoformat(), str(payload["meterStart"]),
        payload["idTag"].casefold(),
    )  # fmt: skip
    return digest(*(part.encode() for part in parts))


def start_transaction(context: Context, payload: Payload) -> Outcome:
    """StartTransaction: a refused token gets a number too, for the station may charge on."""
    registry, tag = context.registry, payload["idTag"]
    if payload["connectorId"] < 1:
        raise Unlawful("PropertyConstraintViolation", "connectorId must be above 0")
    at = happened_at(context, payload["timestamp"])
    key = start_key(payload, at)
    known = registry.starts.get((context.station.id, key))
    verdict = verdict_on(context, tag)
    offline = was_offline(context, at)
    if verdict is Verdict.ACCEPTED and not offline:
        place = (payload["connectorId"], ONLY_CONNECTOR)
        verdict = not_twice(context, known or "", tag, place, told_before=known is not None)
    rows = []
    if known is None:
        plug(context, payload["connectorId"])
        session = _opened(context, payload, at, key)
        session.offline = offline
        authorise(context, session, verdict)
        begin(context, session)
        known = session.id
        rows = opening_rows(session)
    rows.append(message_row(context, "StartTransaction", payload, known))
    info = id_tag_info(verdict, registry.token(tag))
    return Outcome({"transactionId": int(known[1:]), "idTagInfo": info}, rows)


def _opened(context: Context, payload: Payload, at: datetime, key: str) -> LiveSession:
    number = context.registry.next_number()
    start_wh = float(payload["meterStart"])
    return LiveSession(
        session_id(number), context.station.id, payload["connectorId"], ONLY_CONNECTOR,
        payload["idTag"], at, start_wh, meter_wh=start_wh, meter_at=at, number=number,
        transaction=str(number), start_key=key, started=True,
        reservation=payload.get("reservationId"),
    )  # fmt: skip


def meter_values(context: Context, payload: Any) -> Outcome:
    """MeterValues: of a transaction they count, of a connector alone they show its power."""
    said = told(payload, Told16)
    number, connector = said.transactionId, said.connectorId
    if connector < 0:
        raise Unlawful("PropertyConstraintViolation", "connectorId must not be below 0")
    if isinstance(number, UnsetType):
        seat = context.station.connectors.get((connector, ONLY_CONNECTOR))
        if seat is not None:
            show(context, seat, samples_v16(said.meterValue, []))
        return Outcome({}, [message_row(context, "MeterValues", payload)])
    session = context.registry.find(context.station.id, session_id(number))
    row = message_row(context, "MeterValues", payload, _told_of(context, number))
    if session is None:
        return Outcome({}, [row])
    if connector not in (0, session.evse):
        session.note(f"readings of connector {connector} told for this transaction: not used")
        return Outcome({}, [row])
    before = len(session.curve)
    fold_meter_values(context, session, said.meterValue)
    if session.state is State.ENDED and len(session.curve) != before:
        rows, after = conclude(context, session)
        return Outcome({}, [row, *rows], after)
    return Outcome({}, [row])


def fold_meter_values(context: Context, session: LiveSession, meter_value: Sequence[Any]) -> None:
    """Add the readings of a MeterValues message to its session."""
    _fold(context, session, meter_value)
    if session.power_kw > CHARGING_FROM_KW and session.state is State.READY:
        session.happen(Event.CHARGE)


def _fold(context: Context, session: LiveSession, meter_value: Sequence[Any]) -> None:
    notes: list[str] = []
    read(context, session, samples_v16(meter_value, notes), live=True)
    for note in notes:
        session.note(note)


def _told_of(context: Context, number: int) -> str | None:
    """The session under whose key a message is kept, also once the session is forgotten.

    So a message that is told again after that has the same key. None for a number that nobody gave.
    """
    return session_id(number) if 0 < number <= context.registry.last_number else None


def stop_transaction(context: Context, payload: Payload) -> Outcome:
    """StopTransaction: ends the session once; told again it is confirmed again."""
    answer: Payload = {}
    if "idTag" in payload:
        tag = payload["idTag"]
        verdict = verdict_on(context, tag)
        answer["idTagInfo"] = id_tag_info(verdict, context.registry.token(tag))
    number = payload["transactionId"]
    session = context.registry.find(context.station.id, session_id(number))
    row = message_row(context, "StopTransaction", payload, _told_of(context, number))
    if session is None:
        return Outcome(answer, [row])
    before = (session.ended_at, session.stop_reason, len(session.curve))
    fold_stop(context, session, payload)
    if before == (session.ended_at, session.stop_reason, len(session.curve)):
        return Outcome(answer, [row])
    rows, after = conclude(context, session)
    return Outcome(answer, [row, *rows], after)


def fold_stop(context: Context, session: LiveSession, payload: Payload) -> None:
    """Add what a StopTransaction message says to its session; the first one counts."""
    _fold(context, session, payload.get("transactionData", []))
    at = happened_at(context, payload["timestamp"])
    stop_wh = float(payload["meterStop"])
    if session.ended_at is not None and session.stop_reason != LOST:
        if (session.ended_at, session.meter_end_wh) != (at, stop_wh):
            session.note("a second, different end was told: the first one counts")
        return
    session.ended_at, session.meter_end_wh = at, stop_wh
    session.stop_reason = payload.get("reason", "Local")
    session.meter_wh = stop_wh


def data_transfer(context: Context, payload: Payload) -> Outcome:
    """DataTransfer: no vendor's own messages are known here."""
    return Outcome({"status": "UnknownVendorId"})


HANDLERS: dict[tuple[Version, str], Handler] = {
    (Version.V16, "StatusNotification"): status_notification,
    (Version.V16, "StartTransaction"): start_transaction,
    (Version.V16, "MeterValues"): meter_values,
    (Version.V16, "StopTransaction"): stop_transaction,
    (Version.V16, "DataTransfer"): data_transfer,
}
