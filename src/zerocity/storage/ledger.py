"""Append-only tables chained by hashes: each row seals all before it.

A row's hash is SHA-256 over the hash before it and the row's own columns as canonical JSON. Whoever
changes an old row must change every later hash; the last hash, noted elsewhere, shows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zerocity.storage.live_tables import Json, json_text, metadata, moment_text

FIRST_HASH = "0" * 64
_OWN = ("seq", "previous_hash", "hash")


def seal(previous_hash: str, seq: int, values: Mapping[str, Any]) -> str:
    """Return the hash of a row: 64 hexadecimal digits.

    ``values`` are the columns of the row without its number and hashes; a moment counts as its
    text in UTC, JSON as its canonical text, and an absent column as null.
    """
    plain = {name: _plain(value) for name, value in values.items() if name not in _OWN}
    text = json.dumps(
        {**plain, "seq": seq}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(f"{previous_hash}\n{text}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment_text(value)
    return json_text(value)


def append_chained(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Add rows to the end of the chain, inside the caller's transaction.

    A row whose ``key`` is there already is dropped. Other writers wait until the transaction ends.
    """
    _hold_others(connection, table)
    keys = [row["key"] for row in rows]
    known: set[str] = set()
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        known.update(connection.scalars(sa.select(table.c.key).where(table.c.key.in_(part))))
    last = connection.execute(
        sa.select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)
    ).first()
    seq, previous = (last.seq, last.hash) if last else (0, FIRST_HASH)
    made = []
    names = [column.name for column in table.columns if column.name not in _OWN]
    for row in rows:
        if row["key"] in known:
            continue
        known.add(row["key"])
        seq += 1
        values = {name: row.get(name) for name in names}
        values |= {"seq": seq, "previous_hash": previous, "hash": seal(previous, seq, values)}
        previous = values["hash"]
        made.append(values)
    if made:
        connection.execute(sa.insert(table), made)


def _hold_others(connection: sa.Connection, table: sa.Table) -> None:
    # SQLite has one writer anyhow. Readers go on in PostgreSQL.
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f'LOCK TABLE "{table.name}" IN EXCLUSIVE MODE')


@dataclass(frozen=True, slots=True)
class ChainState:
    """What a check of a chain found."""

    rows: int
    last_hash: str
    broken_at: int | None  # number of the first row that does not fit, None where all do
    reason: str = ""

    @property
    def whole(self) -> bool:
        """True when every row fits."""
        return self.broken_at is None


def verify(connection: sa.Connection, table: str = "ledger_events") -> ChainState:
    """Read a whole chain and say whether each row seals what is before it."""
    previous, count = FIRST_HASH, 0
    for row in _in_order(connection, metadata.tables[table]):
        values = dict(row)
        if values["seq"] != count + 1:
            return ChainState(count, previous, count + 1, "a row is missing")
        if values["previous_hash"] != previous:
            return ChainState(count, previous, count + 1, "it does not follow the row before")
        values_hash = values["hash"]
        if seal(previous, count + 1, values) != values_hash:
            return ChainState(count, previous, count + 1, "its content was changed")
        previous, count = values_hash, count + 1
    return ChainState(count, previous, None)


def _in_order(connection: sa.Connection, table: sa.Table) -> Iterator[Mapping[str, Any]]:
    # JSON as it was sealed: its text.
    columns = [
        sa.type_coerce(column, sa.Text()).label(column.name)
        if isinstance(column.type, Json)
        else column
        for column in table.columns
    ]
    asked = sa.select(*columns).order_by(table.c.seq).execution_options(yield_per=5000)
    result = connection.execute(asked)
    for row in result.mappings():
        yield dict(row)
