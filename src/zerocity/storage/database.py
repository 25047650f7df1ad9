"""The live store's database: opened, brought to the newest schema, and asked for its state."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from zerocity.errors import InputError
from zerocity.storage.live_tables import metadata

# How long a statement waits for another writer of the same file, seconds: an assumption.
BUSY_S = 10.0
_SHAPES = "sqlite:///FILE or postgresql://USER@HOST/NAME"


def open_engine(url: str | Path) -> sa.Engine:
    """Return the engine of a database: ``sqlite:///FILE``, ``postgresql://...`` or a file's path.

    SQLite runs in WAL mode and syncs each commit to the disk. Nothing is connected yet.
    InputError where the address cannot be used.
    """
    text = str(url)
    if "://" not in text:
        text = f"sqlite:///{text}"
    try:
        parsed = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise InputError("database", "an address that cannot be read", _SHAPES) from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return _open_sqlite(parsed)
    if kind in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
        return sa.create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    raise InputError("database", kind, _SHAPES)


def _open_sqlite(url: sa.URL) -> sa.Engine:
    if url.database not in {None, "", ":memory:"}:
        Path(str(url.database)).expanduser().absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_S})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    # The driver's own habit of opening transactions late would let a reader become a writer
    # half-way, which fails at once where another writes.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA busy_timeout={int(BUSY_S * 1000)}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def migrate(engine: sa.Engine) -> None:
    """Bring the database to the newest schema; tables that are there keep their rows."""
    metadata.create_all(engine)
