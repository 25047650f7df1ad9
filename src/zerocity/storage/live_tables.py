"""The tables of the live store, the same in SQLite and PostgreSQL, and how rows enter each.

No column outside a key is required, because an upsert may name a few columns of a row that is not
there yet; and no foreign key holds, because the devices decide in which order things arrive.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment in UTC: timestamptz in PostgreSQL, ISO 8601 text with microseconds in SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """Return the type of the database at hand."""
        kind: Any = sa.Text() if dialect.name == "sqlite" else sa.DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Return what the database is given."""
        if value is None:
            return None
        return moment_text(value) if dialect.name == "sqlite" else to_utc(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Return the moment in UTC."""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


class Json(sa.types.TypeDecorator[Any]):
    """JSON kept as text, so that both databases give back the same bytes."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """Return the text; a string is taken as JSON already."""
        return json_text(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        """Return the parsed value."""
        return None if value is None else json.loads(value)


def to_utc(value: datetime) -> datetime:
    """Return the moment in UTC; a moment without a zone is a ValueError."""
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    return value.astimezone(UTC)


def moment_text(value: datetime) -> str:
    """Return the moment as text that sorts by time."""
    return to_utc(value).isoformat(timespec="microseconds")


def json_text(value: Any) -> str | None:
    """Return canonical JSON: sorted names, no spaces. A string is taken as JSON already."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


class Rule(StrEnum):
    """How rows enter a table."""

    ONCE = "once"  # the first row of a key stays, later ones are dropped
    LATEST = "latest"  # the columns given replace those of the row with the same key
    CHAIN = "chain"  # once, numbered and chained by hashes


metadata = sa.MetaData()
RULES: dict[str, Rule] = {}


def _table(name: str, rule: Rule, key: str, columns: str, *constraints: Any) -> sa.Table:
    """Make a table from words ``name:type``; text where no type is given."""
    kinds: dict[str, Any] = {
        "": sa.Text(), "int": sa.BigInteger(), "real": sa.Double(), "flag": sa.Boolean(),
        "moment": Moment(), "json": Json(),
    }  # fmt: skip
    made: list[sa.Column[Any]] = []
    for is_key, words in ((True, key.split()), (False, columns.split())):
        for word in words:
            column, _, kind = word.partition(":")
            made.append(
                sa.Column(
                    column, kinds[kind], primary_key=is_key, nullable=not is_key,
                    autoincrement=False,
                )
            )  # fmt: skip
    RULES[name] = rule
    return sa.Table(name, metadata, *made, *constraints)


_ONCE, _LATEST, _CHAIN = Rule.ONCE, Rule.LATEST, Rule.CHAIN

stations = _table(
    "stations", _LATEST, "id",
    "site kind version vendor model serial firmware security_profile:int password_hash "
    "one_time_hash one_time_until:moment certificate_sha256 max_kw:real connectors:json "
    "created_at:moment last_seen_at:moment status",
)  # fmt: skip
connectors = _table(
    "connectors", _LATEST, "station evse:int connector:int", "status changed_at:moment"
)
sessions = _table(
    "sessions", _LATEST, "id",
    "station evse:int connector:int token started_at:moment start_key meter_start_wh:real "
    "meter_end_wh:real ended_at:moment stop_reason energy_kwh:real soc_start:real soc_end:real "
    "offline:flag last_seq_no:int cost_cny:real tariff state",
    sa.UniqueConstraint("station", "start_key", name="uq_sessions_start"),
    sa.Index("ix_sessions_started", "started_at"),
)  # fmt: skip
messages = _table(
    "messages", _ONCE, "station key", "message_id action received_at:moment payload",
)  # fmt: skip
session_curves = _table("session_curves", _LATEST, "session", "data:json")
cdrs = _table(
    "cdrs", _LATEST, "id", "session issued_at:moment energy_kwh:real cost_cny:real lines:json",
    sa.UniqueConstraint("session", name="uq_cdrs_session"),
)  # fmt: skip
tokens = _table(
    "tokens", _LATEST, "id_token", "kind status expires_at:moment parent priority:int vehicle"
)
reservations = _table(
    "reservations", _LATEST, "id:int",
    "station evse:int connector:int token expires_at:moment status",
)  # fmt: skip
swaps = _table(
    "swaps", _LATEST, "id",
    "station request_id:int token status authorised:flag started_at:moment ended_at:moment "
    "packs_in:json packs_out:json fault",
)  # fmt: skip
slots = _table("slots", _LATEST, "station evse:int", "serial soc:real soh:real changed_at:moment")
ledger_events = _table(
    "ledger_events", _CHAIN, "seq:int", "key battery at:moment event data:json previous_hash hash",
    sa.UniqueConstraint("key", name="uq_ledger_events_key"),
    sa.Index("ix_ledger_events_battery", "battery", "seq"),
)  # fmt: skip
work_orders = _table(
    "work_orders", _LATEST, "id",
    "subject_kind subject kind severity reason status created_at:moment evidence:json",
)  # fmt: skip
users = _table("users", _LATEST, "name", "password_hash role created_at:moment disabled:flag")
api_keys = _table("api_keys", _LATEST, "hash", "user created_at:moment expires_at:moment")
audit_log = _table(
    "audit_log", _CHAIN, "seq:int",
    "key at:moment who action target outcome details:json previous_hash hash",
    sa.UniqueConstraint("key", name="uq_audit_log_key"),
)  # fmt: skip
certificates = _table(
    "certificates", _LATEST, "serial",
    "station kind pem issued_at:moment expires_at:moment revoked_at:moment",
)  # fmt: skip
firmware_campaigns = _table(
    "firmware_campaigns", _LATEST, "id",
    "created_at:moment location signature certificate retrieve_at:moment status",
)  # fmt: skip
firmware_updates = _table(
    "firmware_updates", _LATEST, "campaign station", "status changed_at:moment"
)
station_variables = _table(
    "station_variables", _LATEST, "station component variable evse:int attribute",
    "value changed_at:moment",
)  # fmt: skip
security_events = _table("security_events", _ONCE, "station at:moment kind", "info")
charging_profiles = _table(
    "charging_profiles", _LATEST, "station evse:int purpose stack_level:int",
    "profile:json sent_at:moment status",
)  # fmt: skip
der_controls = _table(
    "der_controls", _LATEST, "station id", "kind control:json status changed_at:moment"
)
vehicles = _table(
    "vehicles", _LATEST, "id", "vin fleet first_seen_at:moment last_seen_at:moment"
)  # fmt: skip
alarms = _table("alarms", _ONCE, "vehicle at:moment kind", "level:int data:json")
tariffs = _table("tariffs", _LATEST, "id", "currency body:json valid_from:moment")
frame_faults = _table(
    "frame_faults", _ONCE, "key", "at:moment link:int vehicle rule place:int came raw"
)  # fmt: skip
refused_rows = _table(
    "refused_rows", _ONCE, "key", "table_name content:json error"
)  # fmt: skip
APPEND_ONLY = ("ledger_events", "audit_log")
