"""The live store's database: opened, brought to the newest schema, and asked for its state."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from zerocity.errors import InputError

# How long a statement waits for another writer of the same file, seconds: an assumption.
BUSY_S = 10.0
# Any number that only migrations take: two programs starting at once wait for each other.
_MIGRATION_LOCK = 7_270_001
# A server that is gone without a word is noticed within about 15 s: assumptions.
_PATIENCE = {
    "connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 3, "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}  # fmt: skip
_SHAPES = "sqlite:///FILE or postgresql://USER@HOST/NAME"


def open_engine(url: str | Path, *, ping: bool = True) -> sa.Engine:
    """Return the engine of a database: ``sqlite:///FILE``, ``postgresql://...`` or a file's path.

    SQLite runs in WAL mode and syncs each commit to the disk. Nothing is connected yet. ``ping``:
    a server is asked before each use of a connection; who tries again anyway need not ask.
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
        return sa.create_engine(parsed, pool_pre_ping=ping, connect_args=dict(_PATIENCE))
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
    # Else a replacing insert would delete a row of an append-only table past its trigger.
    connection.execute("PRAGMA recursive_triggers=ON")
    connection.execute(f"PRAGMA busy_timeout={int(BUSY_S * 1000)}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which schema a database has, and which this program knows."""

    kind: str  # "sqlite" or "postgresql"
    revision: str | None  # None in an empty database
    newest: str
    pending: tuple[str, ...]  # steps still to take, oldest first
    known: bool  # False where a newer program made the schema

    @property
    def ready(self) -> bool:
        """True when nothing has to be done."""
        return self.known and not self.pending


def schema_state(engine: sa.Engine) -> SchemaState:
    """Look at a database's schema without changing it."""
    with engine.connect() as connection:
        return _state(connection, _scripts())


def migrate(engine: sa.Engine) -> SchemaState:
    """Bring the database to the newest schema, in one transaction, and say where it was before.

    InputError for a schema of a newer program, which this one must not touch.
    """
    scripts = _scripts()
    connection = engine.connect().execution_options(writes=True)
    with connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        before = _state(connection, scripts)
        if not before.known:
            raise InputError(
                "database", f"schema {before.revision}", f"schema {before.newest} or older",
                "A newer zerocity made it: install that version, or restore an older backup",
            )  # fmt: skip
        if before.pending:
            upgrade(connection)
    return before


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Take the steps up to a schema, inside the caller's transaction."""
    scripts = _scripts()

    def steps(revision: Any, _: Any) -> Any:
        return scripts._upgrade_revs(to, revision)

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()


def revisions() -> list[str]:
    """Return the schemas that this program knows, newest first."""
    return [step.revision for step in _scripts().walk_revisions()]


def require_schema(engine: sa.Engine) -> None:
    """Raise InputError unless the database has the schema that this program works on."""
    state = schema_state(engine)
    if not state.ready:
        came = f"schema {state.revision}" if state.revision else "a database without our tables"
        way_out = "Run `zerocity database upgrade`" if state.known else "Install a newer zerocity"
        raise InputError("database", came, f"schema {state.newest}", way_out)


def _scripts() -> ScriptDirectory:
    folder = Path(__file__).parent / "migrations"
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def _state(connection: sa.Connection, scripts: ScriptDirectory) -> SchemaState:
    revision = MigrationContext.configure(connection).get_current_revision()
    newest = scripts.get_current_head() or ""
    steps = [step.revision for step in scripts.walk_revisions()]
    known = revision is None or revision in steps
    later = steps[: steps.index(revision)] if revision in steps else steps
    pending = tuple(reversed(later)) if known else ()
    return SchemaState(connection.dialect.name, revision, newest, pending, known)
