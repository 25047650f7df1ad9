"""OCPP 2.0.1 and 2.1 transactions: TransactionEvent (part 2, E01-E15; I06 for the cost).

The station names its transactions; the city's name puts the station's before it. A transaction is
known from whichever of its messages comes first, and each fact is taken from the message to which
it belongs, so that repeats and late messages lead to the same session.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zerocity.charging.session import Event, State
from zerocity.live.sessions import NEVER, LiveSession, Sample
from zerocity.live.tokens import Verdict
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.authorisation import id_token_info, verdict_v2
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload, Unlawful
from zerocity.protocols.ocpp.office.meter_values import samples_v2
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.office.transactions import (
    authorise,
    begin,
    conclude,
    happened_at,
    not_twice,
    opening_rows,
    read,
)

EVENT = "TransactionEvent"
MOST_INTEGER = 2**31 - 1
STEPS = {
    "EVConnected": Event.PLUG,
    "Charging": Event.CHARGE,
    "SuspendedEV": Event.PAUSE_BY_VEHICLE,
    "SuspendedEVSE": Event.PAUSE_BY_STATION,
    "Idle": Event.UNPLUG,
}


def session_id(station: str, transaction: str) -> str:
    """The city's name for a transaction of a 2.x station."""
    return f"{station}~{transaction}"


def transaction_event(context: Context, payload: Any) -> Outcome:
    """TransactionEvent: Started, Updated or Ended, in whatever order they come."""
    if type(payload) is not dict:
        payload = msgspec.to_builtins(payload)
    _check(payload)
    registry = context.registry
    name = session_id(context.station.id, payload["transactionInfo"]["transactionId"])
    row = message_row(context, EVENT, payload, name)
    old = registry.forgotten.get(name)
    if old is not None:
        return Outcome(_answer(context, payload, None, old.cost), [row])
    session = registry.find(context.station.id, name)
    made = session is None
    if session is None:
        session = _new(context, payload, name)
        registry.seat(session)
    before, readings = _facts(session), len(session.curve)
    verdict = fold_event(context, session, payload)
    if made:
        begin(context, session)
    rows, after = [row], None
    changed = made or before != _facts(session)
    if session.ended_at is not None and (changed or readings != len(session.curve)):
        more, after = conclude(context, session)
        rows += more
    elif changed:
        registry.seat(session)
        registry.hold(session)
        registry.changed(context.station.site)
        rows += opening_rows(session)
    return Outcome(_answer(context, payload, verdict, session.cost_cny), rows, after)


def _check(payload: Payload) -> None:
    """Refuse numbers and names beyond what the standard's types hold, before anything changes."""
    place = payload.get("evse", {})
    for field, number, low in (
        ("seqNo", payload["seqNo"], 0),
        ("evse.id", place.get("id", 1), 1),
        ("evse.connectorId", place.get("connectorId", 1), 1),
    ):
        if not low <= number <= MOST_INTEGER:
            wrong = f"{field} must be {low} to {MOST_INTEGER}"
            raise Unlawful("PropertyConstraintViolation", wrong)
    name = payload["transactionInfo"]["transactionId"]
    if not name or not name.isprintable():
        raise Unlawful("PropertyConstraintViolation", "transactionId is no identifier")


def _new(context: Context, payload: Payload, name: str) -> LiveSession:
    evse, connector = _place(payload) or (0, 0)
    at = happened_at(context, payload["timestamp"])
    transaction = payload["transactionInfo"]["transactionId"]
    return LiveSession(
        name, context.station.id, evse, connector, None, at, None,
        transaction=transaction, start_key=transaction,
    )  # fmt: skip


def _place(payload: Payload) -> tuple[int, int] | None:
    evse = payload.get("evse")
    return None if evse is None else (int(evse["id"]), int(evse.get("connectorId", 1)))


def _facts(session: LiveSession) -> tuple[object, ...]:
    """What the session's record holds; readings alone do not change it."""
    return (
        session.state,
        session.token,
        session.evse,
        session.started_at,
        session.meter_start_wh,
        session.ended_at,
        session.meter_end_wh,
        session.offline,
        session.end_seq,
        # What is missing is told on the bill of an ended session.
        tuple(session.seen) if session.ended_at is not None else None,
    )


def fold_event(context: Context, session: LiveSession, payload: Payload) -> Verdict | None:
    """Add what an event says to its session; the verdict on the token it shows, if any."""
    seq_no = int(payload["seqNo"])
    session.see(seq_no)
    newest = seq_no > session.seq_no
    session.seq_no = max(session.seq_no, seq_no)
    offline = payload.get("offline", False)
    session.offline = session.offline or offline
    place = _place(payload)
    if place is not None and (newest or session.evse == 0):
        session.evse, session.connector = place
    notes: list[str] = []
    samples = samples_v2(payload.get("meterValue", []), notes)
    _fold_kind(context, session, payload, samples)
    read(context, session, samples, live=newest and not offline)
    for note in notes:
        session.note(note)
    verdict = _fold_token(context, session, payload)
    if newest and session.state is not State.ENDED:
        step = STEPS.get(payload["transactionInfo"].get("chargingState", ""))
        if step is not None:
            session.happen(step)
    return verdict


def _fold_kind(
    context: Context, session: LiveSession, payload: Payload, samples: list[Sample]
) -> None:
    """Take what only the first or the last message of a transaction can say."""
    kind, info = payload["eventType"], payload["transactionInfo"]
    at = happened_at(context, payload["timestamp"])
    registers = [sample for sample in samples if sample.energy_wh is not None]
    if kind == "Started":
        session.started, session.started_at = True, at
        if registers:
            session.meter_start_wh = min(registers, key=lambda sample: sample.at).energy_wh
    elif not session.started:
        session.started_at = min(session.started_at, at)
    if kind == "Ended" and payload["seqNo"] >= session.end_seq:
        session.end_seq, session.ended_at = payload["seqNo"], at
        session.stop_reason = info.get("stoppedReason", "Local")
        if registers:
            session.meter_end_wh = max(registers, key=lambda sample: sample.at).energy_wh
    session.remote_start_id = info.get("remoteStartId", session.remote_start_id)
    session.reservation = payload.get("reservationId", session.reservation)


def _fold_token(context: Context, session: LiveSession, payload: Payload) -> Verdict | None:
    """Judge the token shown; the one shown first is the one who pays."""
    shown = payload.get("idToken")
    if shown is None:
        return None
    registry, name = context.registry, shown["idToken"]
    verdict = verdict_v2(context, shown)
    starts = payload["eventType"] == "Started" and not payload.get("offline", False)
    if verdict is Verdict.ACCEPTED and starts:
        place = (session.evse, session.connector)
        told_before = session.token is not None
        verdict = not_twice(context, session.id, name, place, told_before=told_before)
    if payload["seqNo"] < session.token_seq:
        first = session.token_seq == NEVER
        registry.release(session)
        session.token, session.token_seq = name, payload["seqNo"]
        if first and payload["eventType"] != "Ended" and session.state is not State.ENDED:
            authorise(context, session, verdict)
    return verdict


def _answer(
    context: Context, payload: Payload, verdict: Verdict | None, cost: float | None
) -> Payload:
    """What the station is told: of its token, and at the end what was to pay."""
    answer: Payload = {}
    shown = payload.get("idToken")
    if shown is not None:
        if verdict is None:
            verdict = verdict_v2(context, shown)
        token = context.registry.token(shown["idToken"])
        answer["idTokenInfo"] = id_token_info(verdict, token)
        if token is not None and token.priority:
            answer["chargingPriority"] = max(-9, min(9, token.priority))
    if payload["eventType"] == "Ended" and cost is not None:
        answer["totalCost"] = cost
    return answer


HANDLERS: dict[tuple[Version, str], Handler] = {
    (Version.V201, EVENT): transaction_event,
    (Version.V21, EVENT): transaction_event,
}
