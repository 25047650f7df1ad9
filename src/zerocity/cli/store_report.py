"""The live store's state as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from rich.markup import escape
from rich.table import Table

from zerocity.cli.tables import console
from zerocity.storage.database import schema_state
from zerocity.storage.ledger import verify
from zerocity.storage.live_tables import APPEND_ONLY, api_keys, metadata, users


def database_facts(engine: sa.Engine) -> dict[str, Any]:
    """Return schema, rows of each table, and the state of the chains."""
    state = schema_state(engine)
    facts: dict[str, Any] = {**asdict(state), "pending": list(state.pending), "ready": state.ready}
    if not state.ready:
        return facts
    with engine.connect() as connection:
        facts["rows"] = {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table))
            for name, table in metadata.tables.items()
        }
        facts["chains"] = {
            name: {**asdict(found := verify(connection, name)), "whole": found.whole}
            for name in APPEND_ONLY
        }
    return facts


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print them."""
    out = console()
    schema = facts["revision"] or "none"
    if not facts["known"]:
        out.print(f"{facts['kind']}, schema {schema}: made by a newer zerocity; install that one")
        return
    if facts["pending"]:
        steps = ", ".join(facts["pending"])
        out.print(f"{facts['kind']}, schema {schema}; run `zerocity database upgrade` for {steps}")
        return
    out.print(f"{facts['kind']}, schema {schema}, up to date")
    table = Table("table", "rows")
    for name, rows in facts["rows"].items():
        if rows:
            table.add_row(name, f"{rows:,}")
    out.print(table)
    for name, chain in facts["chains"].items():
        state = "whole" if chain["whole"] else f"BROKEN at {chain['broken_at']}: {chain['reason']}"
        out.print(f"{name}: {chain['rows']:,} rows, {state}, last hash {chain['last_hash'][:16]}")


def user_rows(engine: sa.Engine) -> list[dict[str, Any]]:
    """Return the users with the number of their keys, without hashes."""
    keys = sa.select(sa.func.count()).where(api_keys.c.user == users.c.name).scalar_subquery()
    asked = sa.select(
        users.c.name, users.c.role, users.c.disabled, keys.label("keys"), users.c.created_at
    ).order_by(users.c.name)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(asked).mappings()]


def print_rows(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print some columns of rows."""
    table = Table(*(name.replace("_", " ") for name in columns), title=title, title_justify="left")
    for row in rows:
        table.add_row(*(escape(_text(row[name])) for name in columns))
    console().print(table)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
