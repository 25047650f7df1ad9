"""The first schema: every table of the live store, and the triggers that guard its histories."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Name, key and other columns; text where no type is given.
TABLES = (
    (
        "stations", "id",
        "site kind version vendor model serial firmware security_profile:int password_hash "
        "one_time_hash one_time_until:moment certificate_sha256 max_kw:real connectors "
        "created_at:moment last_seen_at:moment status",
    ),
    (
        "connectors", "station evse:int connector:int",
        "status changed_at:moment",
    ),
    (
        "sessions", "id",
        "station evse:int connector:int token started_at:moment start_key meter_start_wh:real "
        "meter_end_wh:real ended_at:moment stop_reason energy_kwh:real soc_start:real "
        "soc_end:real offline:flag last_seq_no:int cost_cny:real tariff state",
    ),
    (
        "messages", "station key",
        "message_id action received_at:moment payload",
    ),
    (
        "session_curves", "session",
        "data",
    ),
    (
        "cdrs", "id",
        "session issued_at:moment energy_kwh:real cost_cny:real lines",
    ),
    (
        "tokens", "id_token",
        "kind status expires_at:moment parent priority:int vehicle",
    ),
    (
        "reservations", "id:int",
        "station evse:int connector:int token expires_at:moment status",
    ),
    (
        "swaps", "id",
        "station request_id:int token status authorised:flag started_at:moment "
        "ended_at:moment packs_in packs_out fault",
    ),
    (
        "slots", "station evse:int",
        "serial soc:real soh:real changed_at:moment",
    ),
    (
        "ledger_events", "seq:int",
        "key battery at:moment event data previous_hash hash",
    ),
    (
        "work_orders", "id",
        "subject_kind subject kind severity reason status created_at:moment evidence",
    ),
    (
        "users", "name",
        "password_hash role created_at:moment disabled:flag",
    ),
    (
        "api_keys", "hash",
        "user created_at:moment expires_at:moment",
    ),
    (
        "audit_log", "seq:int",
        "key at:moment who action target outcome details previous_hash hash",
    ),
    (
        "certificates", "serial",
        "station kind pem issued_at:moment expires_at:moment revoked_at:moment",
    ),
    (
        "firmware_campaigns", "id",
        "created_at:moment location signature certificate retrieve_at:moment status",
    ),
    (
        "firmware_updates", "campaign station",
        "status changed_at:moment",
    ),
    (
        "station_variables", "station component variable evse:int attribute",
        "value changed_at:moment",
    ),
    (
        "security_events", "station at:moment kind",
        "info",
    ),
    (
        "charging_profiles", "station evse:int purpose stack_level:int",
        "profile sent_at:moment status",
    ),
    (
        "der_controls", "station id",
        "kind control status changed_at:moment",
    ),
    (
        "vehicles", "id",
        "vin fleet first_seen_at:moment last_seen_at:moment",
    ),
    (
        "alarms", "vehicle at:moment kind",
        "level:int data",
    ),
    (
        "tariffs", "id",
        "currency body valid_from:moment",
    ),
    (
        "frame_faults", "key",
        "at:moment link:int vehicle rule place:int came raw",
    ),
    (
        "refused_rows", "key",
        "table_name content error",
    ),

)  # fmt: skip
UNIQUE = (
    ("uq_sessions_start", "sessions", ["station", "start_key"]),
    ("uq_cdrs_session", "cdrs", ["session"]),
    ("uq_ledger_events_key", "ledger_events", ["key"]),
    ("uq_audit_log_key", "audit_log", ["key"]),
)
INDEXES = (
    ("ix_sessions_started", "sessions", ["started_at"]),
    ("ix_ledger_events_battery", "ledger_events", ["battery", "seq"]),
)
APPEND_ONLY = ("ledger_events", "audit_log")


def upgrade() -> None:
    """Make the tables."""
    for name, key, columns in TABLES:
        made = [_column(word, is_key=True) for word in key.split()]
        made += [_column(word, is_key=False) for word in columns.split()]
        unique = [
            sa.UniqueConstraint(*names, name=n) for n, table, names in UNIQUE if table == name
        ]
        op.create_table(name, *made, *unique)
    for index, table, names in INDEXES:
        op.create_index(index, table, names)
    refuse_changes = {"sqlite": _guard_sqlite, "postgresql": _guard_postgresql}
    refuse_changes[op.get_bind().dialect.name]()


def _column(word: str, *, is_key: bool) -> sa.Column[Any]:
    name, _, kind = word.partition(":")
    moment = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
    kinds: dict[str, Any] = {
        "": sa.Text(), "int": sa.BigInteger(), "real": sa.Double(), "flag": sa.Boolean(),
        "moment": moment,
    }  # fmt: skip
    return sa.Column(
        name, kinds[kind], primary_key=is_key, nullable=not is_key, autoincrement=False
    )


def _guard_sqlite() -> None:
    for table in APPEND_ONLY:
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION zerocity_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION zerocity_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION zerocity_refuse()"
        )
