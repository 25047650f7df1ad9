"""Many rows into the database at once, in the caller's transaction.

Rows of one table are first joined by key, so that the last word on each column wins; what is left
has no order of its own and goes in by few statements. PostgreSQL gets one array a column, which
costs the two sides together as little as a binary COPY into a table beside, and needs none. Rows
that are kept once can go straight into their table by a binary COPY, which costs the least, but
fails when one of them is there already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from zerocity.storage.ledger import append_chained
from zerocity.storage.live_tables import (
    RULES,
    Json,
    Moment,
    Rule,
    json_text,
    metadata,
    moment_text,
    to_utc,
)

Values = Mapping[str, Any]
# Rows of one statement. More would outgrow PostgreSQL's working memory (4 MB) at a kilobyte a row.
MOST_A_STATEMENT = 1000
UNIQUE_VIOLATION = "23505"  # PostgreSQL, appendix A


@dataclass(frozen=True, slots=True)
class Shape:
    """Rows of one table that name the same columns, and how they enter one kind of database."""

    table: str
    columns: tuple[str, ...]
    statement: str
    changers: tuple[tuple[int, Callable[[Any], Any]], ...]
    """Places of columns, and what makes their values fit."""
    copied: tuple[str, ...]
    """PostgreSQL's types of the columns; empty where rows do not come by COPY."""

    def lines(self, rows: Iterable[Values]) -> list[tuple[Any, ...]]:
        """Return the rows as the driver wants them."""
        columns, changers = self.columns, self.changers
        made = []
        for row in rows:
            line = [row[name] for name in columns]
            for place, change in changers:
                if (value := line[place]) is not None:
                    line[place] = change(value)
            made.append(tuple(line))
        return made


def store(
    connection: sa.Connection, rows: Mapping[str, Sequence[Values]], *, first_told: bool = False
) -> None:
    """Write rows, by table, in their order of arrival. Errors of the database pass through.

    ``first_told``: rows that are kept once are taken for new; PostgreSQL fails with
    UNIQUE_VIOLATION, as the driver's own error, when one is there already.
    """
    for table in sorted(rows):
        if RULES[table] is Rule.CHAIN:
            append_chained(connection, metadata.tables[table], rows[table])
            continue
        for columns, group in _groups(table, rows[table]).items():
            shape = shape_of(table, columns, connection.dialect.name)
            enter = _copy if first_told and shape.copied else _insert
            enter(connection, shape, shape.lines(group))


def _insert(connection: sa.Connection, shape: Shape, lines: list[tuple[Any, ...]]) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(shape.statement, lines)
        return
    for start in range(0, len(lines), MOST_A_STATEMENT):
        part = lines[start : start + MOST_A_STATEMENT]
        connection.exec_driver_sql(shape.statement, tuple(map(list, zip(*part, strict=True))))


def _copy(connection: sa.Connection, shape: Shape, lines: list[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{name}"' for name in shape.columns)
    command = f'COPY "{shape.table}" ({names}) FROM STDIN (FORMAT BINARY)'
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(command) as copy:
        copy.set_types(shape.copied)
        for line in lines:
            copy.write_row(line)


def _groups(table: str, rows: Sequence[Values]) -> dict[tuple[str, ...], list[Values]]:
    if RULES[table] is Rule.LATEST:
        rows = _joined(table, rows)
    groups: dict[tuple[str, ...], list[Values]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return groups


def _joined(table: str, rows: Sequence[Values]) -> list[Values]:
    names = key_of(table)
    joined: dict[Any, Values] = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        known = joined.get(key)
        joined[key] = row if known is None else {**known, **row}
    return list(joined.values())


@cache
def key_of(table: str) -> tuple[str, ...]:
    """Return the names of a table's key columns."""
    return tuple(column.name for column in metadata.tables[table].primary_key)


@cache
def shape_of(table: str, columns: tuple[str, ...], dialect: str) -> Shape:
    """Return how rows with these columns enter the table."""
    names = ", ".join(f'"{name}"' for name in columns)
    if dialect == "sqlite":
        source = f"VALUES ({', '.join('?' for _ in columns)})"
    else:
        arrays = ", ".join(f"%b::{_type_of(table, name)}[]" for name in columns)
        source = f"SELECT * FROM unnest({arrays})"
    statement = f'INSERT INTO "{table}" ({names}) {source} {_conflict(table, columns)}'
    by_copy = dialect != "sqlite" and RULES[table] is Rule.ONCE
    copied = tuple(_type_of(table, name) for name in columns) if by_copy else ()
    return Shape(table, columns, statement, _changers(table, columns, dialect), copied)


def _type_of(table: str, column: str) -> str:
    kind = metadata.tables[table].c[column].type
    if isinstance(kind, Moment):
        return "timestamptz"
    names = {sa.BigInteger: "bigint", sa.Double: "float8", sa.Boolean: "boolean"}
    return next((name for made, name in names.items() if isinstance(kind, made)), "text")


def _conflict(table: str, columns: Sequence[str]) -> str:
    key = key_of(table)
    changed = [name for name in columns if name not in key]
    if RULES[table] is Rule.ONCE or not changed:
        return "ON CONFLICT DO NOTHING"
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in changed)
    keys = ", ".join(f'"{name}"' for name in key)
    return f"ON CONFLICT ({keys}) DO UPDATE SET {sets}"


def _changers(
    table: str, columns: Sequence[str], dialect: str
) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, name in enumerate(columns):
        kind = metadata.tables[table].c[name].type
        if isinstance(kind, Moment):
            change: Callable[[datetime], Any] = moment_text if dialect == "sqlite" else to_utc
            found.append((place, change))
        elif isinstance(kind, Json):
            found.append((place, json_text))
        elif isinstance(kind, sa.Double):
            found.append((place, _number))
        elif isinstance(kind, sa.BigInteger):
            found.append((place, int))
    return tuple(found)


def _number(value: Any) -> float | None:
    # Neither is a reading, JSON has no word for them, and SQLite would keep the first as null.
    value = float(value)
    return value if math.isfinite(value) else None
