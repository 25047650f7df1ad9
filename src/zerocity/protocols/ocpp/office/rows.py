"""From what happened to rows of the store.

The key of a message begins with that of its session, so that all messages of a session lie side by
side and can be read again after a restart.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
import orjson

from zerocity.charging.billing import Bill
from zerocity.live.registry import Connector, LiveStation
from zerocity.live.sessions import LiveSession
from zerocity.protocols.ocpp.frames import payload_text
from zerocity.protocols.ocpp.office.handling import Context
from zerocity.storage.recorder import Row

PREFIX_BYTES, KEY_BYTES = 8, 16


@lru_cache(maxsize=10_000)
def session_prefix(session_id: str) -> str:
    """The first 16 hex digits of the keys of a session's messages."""
    return blake2b(session_id.encode(), digest_size=PREFIX_BYTES).hexdigest()


def canonical(payload: Any) -> bytes:
    """JSON with sorted names, the same for the same content."""
    if isinstance(payload, msgspec.Struct):
        payload = msgspec.to_builtins(payload)
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)


def digest(*parts: bytes) -> str:
    """blake2b-128 of the parts, in hex."""
    return blake2b(b"\n".join(parts), digest_size=KEY_BYTES).hexdigest()


def clean(text: str | None) -> str | None:
    """The text without what PostgreSQL cannot keep."""
    return text if text is None or "\x00" not in text else text.replace("\x00", "\ufffd")


def message_row(context: Context, action: str, payload: Any, session_id: str | None = None) -> Row:
    """The inbox row of a message of value; told again in the same bytes it has the same key.

    Stations repeat themselves byte by byte. One that spells the same content anew leaves a second
    row, which a session folds in without effect. `payload` is that of the context's message.
    """
    text = payload_text(context.data, context.message_id, action) or canonical(payload)
    prefix = session_prefix(session_id) if session_id is not None else ""
    return Row(
        "messages",
        {
            "station": context.station.id,
            "key": prefix + digest(action.encode(), text),
            "message_id": context.message_id,
            "action": action,
            "received_at": context.at,
            "payload": text.decode(),
        },
    )


def station_row(station: LiveStation, at: datetime) -> Row:
    """What a station said of itself at boot."""
    return Row(
        "stations",
        {
            "id": station.id, "site": station.site, "kind": station.kind,
            "version": station.version, "vendor": clean(station.vendor),
            "model": clean(station.model), "serial": clean(station.serial),
            "firmware": clean(station.firmware), "status": station.boot, "last_seen_at": at,
        },
    )  # fmt: skip


def connector_row(connector: Connector, at: datetime) -> Row:
    """A connector's status."""
    return Row(
        "connectors",
        {
            "station": connector.station, "evse": connector.evse,
            "connector": connector.connector, "status": connector.status, "changed_at": at,
        },
    )  # fmt: skip


def session_row(session: LiveSession) -> Row:
    """A session as it stands."""
    return Row(
        "sessions",
        {
            "id": session.id, "station": session.station, "evse": session.evse,
            "connector": session.connector, "token": clean(session.token),
            "started_at": session.started_at, "start_key": session.start_key,
            "meter_start_wh": session.meter_start_wh, "soc_start": session.soc_start,
            "offline": session.offline, "last_seq_no": session.seq_no, "tariff": session.tariff_id,
            "state": session.state.value,
        },
    )  # fmt: skip


def end_rows(session: LiveSession, bill: Bill, issued_at: datetime) -> list[Row]:
    """What the end of a session leaves: its record, its curve, and its bill where somebody pays."""
    row = session_row(session)
    end: dict[str, Any] = {
        "meter_end_wh": session.meter_end_wh, "ended_at": session.ended_at,
        "stop_reason": session.stop_reason, "energy_kwh": bill.energy_kwh,
        "soc_end": session.soc, "cost_cny": session.cost_cny,
    }  # fmt: skip
    cdr: dict[str, Any] = {
        "id": session.id, "session": session.id, "issued_at": issued_at,
        "energy_kwh": bill.energy_kwh, "cost_cny": bill.cost_cny, "lines": list(bill.lines),
    }  # fmt: skip
    curve = {"session": session.id, "data": curve_data(session)}
    rows = [Row("sessions", row.values | end), Row("session_curves", curve)]
    return rows if session.cost_cny is None else [*rows, Row("cdrs", cdr)]


def curve_data(session: LiveSession) -> dict[str, Any]:
    """The curve as JSON: names of the columns, a list for each reading, and what was found."""
    columns = ["at", "power_kw", "energy_wh", "soc", "voltage_v", "current_a"]
    points = [[point[0].isoformat(), *point[1:]] for point in session.curve]
    return {
        "columns": columns, "points": points, "capacity_kwh": session.capacity_kwh,
        "notes": list(session.notes),
    }  # fmt: skip
