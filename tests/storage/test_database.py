"""The live store's database is opened safely and brought to the newest schema."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from zerocity.errors import InputError
from zerocity.storage import database
from zerocity.storage.backup import back_up
from zerocity.storage.database import migrate, open_engine, require_schema, schema_state
from zerocity.storage.live_tables import APPEND_ONLY, json_text, ledger_events, metadata, stations
from zerocity.storage.recorder import Row, write_now
from zerocity.storage.restore import restore


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = open_engine(database_url)
    yield made
    made.dispose()


def test_an_empty_database_gets_every_table(engine: sa.Engine) -> None:
    before = migrate(engine)
    assert before.revision is None
    assert before.pending
    assert schema_state(engine).ready
    assert set(metadata.tables) <= set(sa.inspect(engine).get_table_names())


def test_the_migrations_make_the_tables_that_the_code_uses(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        found = sa.inspect(connection)
        for name, table in metadata.tables.items():
            key = [column.name for column in table.primary_key]
            assert sorted(found.get_pk_constraint(name)["constrained_columns"]) == sorted(key)


def test_migrating_twice_keeps_the_rows(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(sa.insert(stations).values(id="a", max_kw=60.0))
    assert migrate(engine).ready
    with engine.connect() as connection:
        assert connection.scalar(sa.select(stations.c.max_kw)) == 60.0


def test_programs_that_start_together_migrate_once(engine: sa.Engine, database_url: str) -> None:
    seen: list[bool] = []

    def start() -> None:
        own = open_engine(database_url)
        seen.append(migrate(own).ready)
        own.dispose()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
    assert sorted(seen) == [False, True, True, True]
    assert schema_state(engine).ready


def test_the_schema_of_a_newer_program_is_left_alone(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert not schema_state(engine).known
    for attempt in (migrate, require_schema):
        with pytest.raises(InputError, match=r"schema 9999, wanted .*newer zerocity"):
            attempt(engine)


NEXT_STEP = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "next", "{head}", None, None
def upgrade():
    op.add_column("stations", sa.Column("colour", sa.Text()))
    op.execute("UPDATE stations SET colour = 'green'")
    {more}
"""


def with_next_step(monkeypatch: pytest.MonkeyPatch, folder: Path, more: str = "") -> None:
    """Let the program know one schema more."""
    own = Path(database.__file__).parent / "migrations"
    head = database.revisions()[0]
    (folder / "next.py").write_text(NEXT_STEP.format(head=head, more=more))
    places = [str(own / "versions"), str(folder)]
    scripts = ScriptDirectory(str(own), version_locations=places)
    monkeypatch.setattr(database, "_scripts", lambda: scripts)


def test_an_upgrade_takes_the_rows_along(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(engine)
    write_now(engine, [Row("stations", {"id": "a", "max_kw": 60.0})])
    with_next_step(monkeypatch, tmp_path)
    assert schema_state(engine).pending == ("next",)
    assert migrate(engine).pending == ("next",)
    assert schema_state(engine).ready
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT id, max_kw, colour FROM stations").all()
    assert [tuple(row) for row in found] == [("a", 60.0, "green")]


def test_an_upgrade_that_fails_leaves_everything_as_it_was(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(engine)
    write_now(engine, [Row("stations", {"id": "a", "max_kw": 60.0})])
    with_next_step(monkeypatch, tmp_path, "raise RuntimeError('half-way')")
    with pytest.raises(RuntimeError, match="half-way"):
        migrate(engine)
    assert schema_state(engine).pending == ("next",)
    assert "colour" not in {c["name"] for c in sa.inspect(engine).get_columns("stations")}


def test_an_older_backup_is_restored_and_brought_up_to_date(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_engine(tmp_path / "source.db")
    migrate(source)
    write_now(source, [Row("stations", {"id": "a", "max_kw": 60.0})])
    back_up(source, None, tmp_path / "old.zip", datetime(2026, 5, 1, tzinfo=UTC))
    with_next_step(monkeypatch, tmp_path)
    assert restore(tmp_path / "old.zip", engine, None).rows == 1
    assert schema_state(engine).ready
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT colour FROM stations").scalar() == "green"


def test_an_empty_database_is_not_ready(engine: sa.Engine) -> None:
    with pytest.raises(InputError, match="zerocity database upgrade"):
        require_schema(engine)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("deed", ["UPDATE {} SET at = at", "DELETE FROM {}"])
def test_a_history_refuses_changes(engine: sa.Engine, table: str, deed: str) -> None:
    migrate(engine)
    with engine.connect().execution_options(writes=True) as connection:
        with connection.begin():
            connection.execute(sa.insert(metadata.tables[table]).values(seq=1, key="k", hash="h"))
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), connection.begin():
            connection.exec_driver_sql(deed.format(table))


def test_a_history_cannot_be_replaced_or_emptied_past_its_guard(engine: sa.Engine) -> None:
    migrate(engine)
    deed = {
        "sqlite": "INSERT OR REPLACE INTO ledger_events (seq, key) VALUES (1, 'other')",
        "postgresql": "TRUNCATE ledger_events",
    }[engine.dialect.name]
    with engine.connect().execution_options(writes=True) as connection:
        with connection.begin():
            connection.execute(sa.insert(ledger_events).values(seq=1, key="k"))
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), connection.begin():
            connection.exec_driver_sql(deed)


def test_moments_and_json_come_back_as_they_went_in(engine: sa.Engine) -> None:
    migrate(engine)
    here = datetime(2026, 5, 1, 20, 0, 0, 1, tzinfo=timezone(timedelta(hours=8)))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        values = {"id": "a", "created_at": here, "connectors": [{"kw": 60.5, "name": "é"}]}
        connection.execute(sa.insert(stations).values(**values))
        row = connection.execute(sa.select(stations)).one()
    assert (row.created_at, row.created_at.tzinfo) == (here, UTC)
    assert row.connectors == values["connectors"]


def test_a_moment_without_a_zone_is_refused(engine: sa.Engine) -> None:
    migrate(engine)
    statement = sa.insert(stations).values(id="a", created_at=datetime(2026, 5, 1))
    with engine.connect() as connection, pytest.raises(sa.exc.StatementError, match="time zone"):
        connection.execute(statement)


def test_canonical_json_is_sorted_and_has_no_spaces() -> None:
    assert json_text({"b": 1, "a": [1.5, "é"]}) == '{"a":[1.5,"é"],"b":1}'
    assert json_text("[1, 2]") == "[1, 2]"
    with pytest.raises(ValueError, match="JSON compliant"):
        json_text(float("nan"))


@pytest.mark.parametrize("url", ["mysql://host/name", "oracle://x", "://", "http://["])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="sqlite:///FILE or postgresql://"):
        open_engine(url)


def test_a_bare_path_is_a_sqlite_file(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "new" / "live.db")
    migrate(engine)
    assert (tmp_path / "new" / "live.db").is_file()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()
