"""What the versions share of a transaction: its opening, its readings, its end."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from zerocity.charging.billing import Bill, bill
from zerocity.charging.session import Event, State
from zerocity.live.registry import Connector, Registry
from zerocity.live.sessions import LiveSession, Sample
from zerocity.live.tokens import Verdict
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Payload
from zerocity.protocols.ocpp.office.meter_values import trusted
from zerocity.protocols.ocpp.office.rows import end_rows, session_row
from zerocity.protocols.ocpp.wire_words import moment
from zerocity.storage.recorder import Row

# A message that tells of something this long ago was written while the link was down.
OFFLINE_AFTER_S = 120.0
# Below this a meter's own noise; an assumption.
CHARGING_FROM_KW = 0.05
# What is done with a session whose end never comes; assumptions.
LOST_AFTER, SILENT_AFTER, LOST = timedelta(days=1), timedelta(days=30), "Lost"
FREE = frozenset({"available", "reserved"})


def happened_at(context: Context, text: str | None) -> datetime:
    """The moment that a station tells, or now when it tells none that can be true."""
    return trusted(moment(text)) or context.at


def was_offline(context: Context, at: datetime) -> bool:
    """Whether what happened at ``at`` was written down to be told later."""
    return (context.at - at).total_seconds() > OFFLINE_AFTER_S


def not_twice(
    context: Context, session_id: str, token: str, place: tuple[int, int], *, told_before: bool
) -> Verdict:
    """The verdict on an accepted token at a start: BUSY while it charges elsewhere.

    A start that is told again gets the answer of the first time, whatever began meanwhile.
    """
    if told_before:
        session = context.registry.sessions.get(session_id)
        refused = session is not None and session.state is State.REFUSED
    else:
        here = (context.station.id, *place)
        refused = context.registry.open_elsewhere(token, session_id, here)
    return Verdict.BUSY if refused else Verdict.ACCEPTED


def authorise(context: Context, session: LiveSession, verdict: Verdict) -> None:
    """Step by the verdict on the session's token."""
    session.happen(Event.AUTHORISE if verdict is Verdict.ACCEPTED else Event.REFUSE)
    if session.state is State.REFUSED:
        context.registry.release(session)
    token = context.registry.token(session.token)
    if token is not None:
        session.priority = token.priority


def begin(context: Context, session: LiveSession) -> None:
    """Take a new session in and tell the control loop."""
    registry = context.registry
    session.tariff_id = registry.tariff(context.station.site).id
    registry.open(session)
    seat = context.station.connectors.get((session.evse, session.connector))
    if seat is not None and not session.offline and seat.status in FREE:
        seat.status = "occupied"
    registry.changed(context.station.site)


def read(context: Context, session: LiveSession, samples: list[Sample], *, live: bool) -> None:
    """Add readings to a session; ``live``: they say what its connector takes now."""
    for sample in samples:
        session.take(sample)
    if not live or not samples or session.state is State.ENDED:
        return
    seat = context.station.connectors.get((session.evse, session.connector))
    if seat is not None and seat.session is session:
        seat.power_kw, seat.power_at_s = session.power_kw, context.now_s


def show(context: Context, seat: Connector, samples: list[Sample]) -> None:
    """Readings that belong to no transaction say what a plug takes now, and bill nobody."""
    for sample in samples:
        if sample.power_kw is not None:
            seat.power_kw, seat.power_at_s = sample.power_kw, context.now_s
        if sample.soc is not None and seat.session is not None:
            seat.session.soc = sample.soc


def total(context: Context, session: LiveSession) -> Bill:
    """The session's bill by all that is known now."""
    seat = context.station.connectors.get((session.evse, session.connector))
    meter = session.account(seat.max_kw if seat is not None else None)
    return bill(meter, context.registry.tariff(context.station.site))


def conclude(context: Context, session: LiveSession) -> tuple[list[Row], Callable[[], None] | None]:
    """End a session, or settle an ended one anew after a message that came late.

    Returns the rows, and what to do once they are stored.
    """
    registry = context.registry
    fresh = session.id in registry.sessions
    session.happen(Event.END)
    session.power_kw = 0.0
    if fresh:
        registry.close(session)
        registry.changed(context.station.site)
    made = total(context, session)
    session.settle_soc()
    # Nobody pays for the packs of a swap station when they charge: the swap is what is sold.
    sold = context.station.kind != "swap" or session.token is not None
    session.cost_cny = made.cost_cny if sold else None
    rows = [*end_rows(session, made, context.at), *registry.ended_hook(session, made, context.at)]
    return rows, (lambda: registry.finished(session)) if fresh else None


def end_lost(registry: Registry, at: datetime) -> list[Row]:
    """End the sessions whose end was lost, by their last reading; the rows to store.

    A session whose plug has another one is lost after `LOST_AFTER`, any session after
    `SILENT_AFTER` without a reading. An end that comes all the same settles it anew.
    """
    rows: list[Row] = []
    for session in list(registry.sessions.values()):
        station = registry.stations.get(session.station)
        if station is None:
            continue
        seat = station.connectors.get((session.evse, session.connector))
        seated = seat is not None and seat.session is session
        last = max(session.meter_at or session.started_at, session.started_at)
        if at - last < (SILENT_AFTER if seated else LOST_AFTER):
            continue
        session.ended_at, session.stop_reason = last, LOST
        session.note("the end never came: the last reading stands for it")
        context = Context(station, registry, at, math.nan, Version.V16, "", _mute)
        made, after = conclude(context, session)
        rows += made
        if after is not None:
            after()
    return rows


def _mute(action: str, payload: Payload, token: object) -> None:
    """Say nothing: nobody is at the other end."""


def opening_rows(session: LiveSession) -> list[Row]:
    """The row of a session that has begun or changed."""
    return [session_row(session)]
