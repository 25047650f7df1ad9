"""The registry as it was: after a restart the same message gets the same answer.

Sessions that are open, and those that ended last, are built again from their own messages, by the
same steps that took them when they came in.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from zerocity.charging.billing import SellingTariff
from zerocity.charging.session import State
from zerocity.live.registry import MOST_FORGOTTEN, Connector, LiveStation, Registry, Reservation
from zerocity.live.sessions import LiveSession
from zerocity.live.tokens import Token
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.charging_needs import charging_needs
from zerocity.protocols.ocpp.office.core_v16 import fold_meter_values, fold_stop
from zerocity.protocols.ocpp.office.events_v2 import fold_event
from zerocity.protocols.ocpp.office.handling import Context, Payload
from zerocity.protocols.ocpp.office.rows import session_prefix
from zerocity.storage import live_tables as tables
from zerocity.storage.stations import REMOVED

# Ended sessions that are built again whole; their stations may tell more of them.
ENDED_WHOLE = 1_000
BOOT_STATES = frozenset({"pending", "accepted", "rejected"})
# The row of `tariffs` for every site that has none of its own.
DEFAULT_TARIFF = "default"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def load_registry(engine: sa.Engine, registry: Registry | None = None) -> Registry:
    """Fill ``registry``, or a new one, with what the store knows.

    Stations that the registry has already keep their site and connectors. Errors of the database
    pass through (sqlalchemy.exc.SQLAlchemyError).
    """
    registry = registry if registry is not None else Registry()
    with engine.connect() as connection:
        _stations(connection, registry)
        _tokens(connection, registry)
        _tariffs(connection, registry)
        _reservations(connection, registry)
        _sessions(connection, registry)
    return registry


def _all(connection: sa.Connection, query: sa.Select[Any]) -> list[Any]:
    return list(connection.execute(query).all())


def read_stations(engine: sa.Engine, name: str = "") -> dict[str, LiveStation]:
    """Stations as the store knows them now, all or the one of that name; may wait for it.

    Removed ones are left out. Errors of the database pass through.
    """
    query = sa.select(tables.stations)
    if name:
        query = query.where(tables.stations.c.id == name)
    found: dict[str, LiveStation] = {}
    with engine.connect() as connection:
        for row in _all(connection, query):
            if row.status != REMOVED:
                found[row.id] = LiveStation(row.id, row.site or "", row.kind or "charger")
                _described(found[row.id], row)
    return found


def read_tokens(engine: sa.Engine) -> list[Token]:
    """All tokens as the store knows them now; may wait for it."""
    with engine.connect() as connection:
        return [_token(row) for row in _all(connection, sa.select(tables.tokens))]


def _stations(connection: sa.Connection, registry: Registry) -> None:
    for row in _all(connection, sa.select(tables.stations)):
        if row.status == REMOVED:
            continue
        station = registry.stations.get(row.id)
        if station is None:
            made = LiveStation(row.id, row.site or "", row.kind or "charger")
            station = registry.add_station(made)
        _described(station, row)
    for row in _all(connection, sa.select(tables.connectors)):
        owner = registry.stations.get(row.station)
        seat = owner and registry.connector(owner, row.evse, row.connector)
        if seat:
            seat.status, seat.status_at = row.status or seat.status, row.changed_at


def _described(station: LiveStation, row: Any) -> None:
    """Tell a station what its row says; the plugs that it has already stay as they are."""
    if row.status in BOOT_STATES:
        station.boot = row.status
    station.version = row.version or station.version
    station.vendor, station.model = row.vendor or "", row.model or ""
    station.serial, station.firmware = row.serial or "", row.firmware or ""
    for plug in row.connectors if isinstance(row.connectors, list) else ():
        place = (int(plug["evse"]), int(plug.get("connector", 1)))
        if place not in station.connectors:
            kw = float(plug.get("max_kw") or row.max_kw or 0.0)
            station.connectors[place] = Connector(row.id, *place, station.site, kw)


def _tokens(connection: sa.Connection, registry: Registry) -> None:
    for row in _all(connection, sa.select(tables.tokens)):
        registry.add_token(_token(row))


def _token(row: Any) -> Token:
    return Token(
        row.id_token, row.kind or "", row.status or "accepted", row.expires_at, row.parent,
        row.priority or 0, row.vehicle,
    )  # fmt: skip


def _tariffs(connection: sa.Connection, registry: Registry) -> None:
    for row in _all(connection, sa.select(tables.tariffs)):
        tariff = SellingTariff.from_body(row.id, row.currency or "CNY", row.body)
        if row.id == DEFAULT_TARIFF:
            registry.default_tariff = tariff
        else:
            registry.tariffs[row.id] = tariff


def _reservations(connection: sa.Connection, registry: Registry) -> None:
    query = sa.select(tables.reservations).where(tables.reservations.c.status == "active")
    for row in _all(connection, query):
        registry.reservations[row.id] = Reservation(
            row.id, row.station, row.evse or 0, row.connector or 0, row.token or "",
            row.expires_at or LONG_AGO, row.status,
        )  # fmt: skip
        station = registry.stations.get(row.station)
        for seat in station.connectors.values() if station is not None else ():
            if row.evse and seat.evse == row.evse:
                seat.reservation = row.id


def _sessions(connection: sa.Connection, registry: Registry) -> None:
    columns = tables.sessions.c
    last = connection.execute(sa.select(sa.func.max(columns.id)).where(columns.id.like("~%")))
    registry.last_number = max(registry.last_number, int((last.scalar() or "~0")[1:]))
    ended = (
        sa.select(tables.sessions)
        .where(columns.state == State.ENDED.value)
        .order_by(columns.ended_at.desc())
        .limit(MOST_FORGOTTEN)
    )
    rows = _all(connection, ended)
    for row in reversed(rows[ENDED_WHOLE:]):
        registry.forget(row.id, row.station, row.start_key or "", row.cost_cny)
    for row in reversed(rows[:ENDED_WHOLE]):
        session = _rebuilt(connection, registry, row)
        if session is not None:
            registry.starts[session.station, session.start_key] = session.id
            registry.ended[session.id] = session
    still_open = sa.select(tables.sessions).where(columns.state != State.ENDED.value)
    for row in _all(connection, still_open.order_by(columns.started_at)):
        session = _rebuilt(connection, registry, row)
        if session is not None:
            registry.hold(session)
            registry.seat(session)


def _rebuilt(connection: sa.Connection, registry: Registry, row: Any) -> LiveSession | None:
    """The session of a row, from its messages; None where the row lacks what every session has."""
    if row.started_at is None or row.station is None:
        return None
    station = registry.stations.get(row.station) or LiveStation(row.station, "")
    numbered = row.id.startswith("~")
    session = LiveSession(
        row.id, row.station, row.evse or 0, row.connector or 0, row.token, row.started_at,
        row.meter_start_wh, start_key=row.start_key or "", tariff_id=row.tariff or "",
        transaction=str(int(row.id[1:])) if numbered else row.start_key or "",
        number=int(row.id[1:]) if numbered else None, state=State(row.state),
        offline=bool(row.offline), started=numbered,
    )  # fmt: skip
    if numbered and row.meter_start_wh is not None:
        session.meter_wh, session.meter_at = row.meter_start_wh, row.started_at
    token = registry.token(row.token)
    session.priority = token.priority if token is not None else 0
    if session.state is not State.ENDED:
        # What a vehicle needs is told of its EVSE: the session must be found there.
        registry.open(session)
    version = Version.V16 if numbered else Version.V201
    for message in _messages(connection, row.station, row.id):
        context = Context(
            station, registry, message.received_at, math.nan, version, message.message_id, _mute
        )
        _fold(context, session, message.action, orjson.loads(message.payload))
    session.state = State(row.state) if not numbered else session.state
    if session.state is State.ENDED:
        session.settle_soc()
        if session.ended_at is None:
            session.ended_at, session.stop_reason = row.ended_at, row.stop_reason
        session.power_kw, session.cost_cny = 0.0, row.cost_cny
    return session


def _messages(connection: sa.Connection, station: str, session: str) -> list[Any]:
    columns, prefix = tables.messages.c, session_prefix(session)
    query = (
        sa.select(columns.action, columns.payload, columns.received_at, columns.message_id)
        .where(columns.station == station)
        .where(columns.key.between(prefix, prefix + "g"))
        .order_by(columns.received_at)
    )
    return _all(connection, query)


def _fold(context: Context, session: LiveSession, action: str, payload: Payload) -> None:
    if action == "TransactionEvent":
        fold_event(context, session, payload)
    elif action == "MeterValues":
        fold_meter_values(context, session, payload["meterValue"])
    elif action == "StopTransaction":
        fold_stop(context, session, payload)
    elif action == "NotifyEVChargingNeeds" and session.state is not State.ENDED:
        charging_needs(context, payload)


def _mute(action: str, payload: Payload, token: object) -> None:
    """Say nothing: what was said then is not said again."""
