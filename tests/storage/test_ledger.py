"""The ledger is a chain: each row seals all before it, whoever writes."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from zerocity.storage.database import migrate, open_engine
from zerocity.storage.ledger import FIRST_HASH, seal, verify
from zerocity.storage.live_tables import audit_log, ledger_events
from zerocity.storage.recorder import Recorder, Row, write_now

AT = datetime(2026, 5, 1, tzinfo=UTC)


def event(number: int, **more: Any) -> Row:
    values = {"battery": f"b{number % 3}", "at": AT + timedelta(seconds=number), "event": "charged"}
    return Row("ledger_events", {**values, "data": {"kwh": number / 7, "städte": "兰州"}, **more})


def test_rows_are_numbered_and_chained(engine: sa.Engine) -> None:
    write_now(engine, [event(n) for n in range(7)])
    write_now(engine, [event(n) for n in range(7, 10)])
    with engine.connect() as connection:
        rows = connection.execute(sa.select(ledger_events).order_by(ledger_events.c.seq)).all()
        state = verify(connection)
    assert [row.seq for row in rows] == list(range(1, 11))
    assert [row.previous_hash for row in rows] == [FIRST_HASH, *(row.hash for row in rows[:-1])]
    assert (state.rows, state.whole, state.last_hash) == (10, True, rows[-1].hash)


def test_json_given_as_text_is_sealed_as_it_is_kept(engine: sa.Engine) -> None:
    write_now(engine, [event(1, data='{"b": 1.50, "a": 2}')])
    with engine.connect() as connection:
        assert verify(connection).whole


def test_an_empty_chain_is_whole(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert verify(connection).whole


def test_the_same_key_is_recorded_once(engine: sa.Engine) -> None:
    write_now(engine, [event(1, key="swap 7 out"), event(2), event(3, key="swap 7 out")])
    write_now(engine, [event(1, key="swap 7 out"), event(4)])
    with engine.connect() as connection:
        state = verify(connection)
    assert (state.rows, state.whole) == (3, True)


def test_writers_at_once_make_one_chain(engine: sa.Engine, database_url: str) -> None:
    recorders = [Recorder(database_url, flush_s=0.001) for _ in range(3)]

    def write(recorder: Recorder) -> None:
        for number in range(100):
            recorder.submit([event(number)])
        assert recorder.close(20.0)

    threads = [threading.Thread(target=write, args=[recorder]) for recorder in recorders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        state = verify(connection)
    assert (state.rows, state.whole) == (300, True)


def unguarded(engine: sa.Engine, deed: str) -> None:
    """Do to the ledger what only the owner of the database can do."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER ledger_events_no_update")
            connection.exec_driver_sql("DROP TRIGGER ledger_events_no_delete")
        else:
            connection.exec_driver_sql("ALTER TABLE ledger_events DISABLE TRIGGER USER")
        connection.exec_driver_sql(deed)


@pytest.mark.parametrize(
    ("deed", "row", "reason"),
    [
        ("UPDATE ledger_events SET battery = 'other' WHERE seq = 4", 4, "content was changed"),
        ("UPDATE ledger_events SET data = '{}' WHERE seq = 1", 1, "content was changed"),
        ("UPDATE ledger_events SET hash = previous_hash WHERE seq = 4", 4, "content was changed"),
        ("UPDATE ledger_events SET previous_hash = hash WHERE seq = 4", 4, "does not follow"),
        ("DELETE FROM ledger_events WHERE seq = 4", 4, "missing"),
        ("DELETE FROM ledger_events WHERE seq = 1", 1, "missing"),
    ],
)
def test_a_changed_chain_is_found(engine: sa.Engine, deed: str, row: int, reason: str) -> None:
    write_now(engine, [event(n) for n in range(6)])
    unguarded(engine, deed)
    with engine.connect() as connection:
        state = verify(connection)
    assert state.broken_at == row
    assert reason in state.reason


def test_the_audit_log_is_chained_too(engine: sa.Engine) -> None:
    write_now(engine, [Row("audit_log", {"at": AT, "who": "a", "details": {"x": 1}})] * 3)
    with engine.connect() as connection:
        assert verify(connection, "audit_log").rows == 3
        assert connection.scalar(sa.select(audit_log.c.hash).where(audit_log.c.seq == 3))


def test_both_databases_seal_alike(tmp_path: Path, postgres_url: str) -> None:
    rows = [event(n, key=str(n)) for n in range(5)]
    states = []
    for url in (str(tmp_path / "live.db"), postgres_url):
        engine = open_engine(url)
        migrate(engine)
        write_now(engine, rows)
        with engine.connect() as connection:
            states.append(verify(connection))
        engine.dispose()
    assert states[0] == states[1]
    assert states[0].whole


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(TEXTS, TEXTS, st.integers(1, 10**9))
def test_the_seal_tells_any_two_contents_apart(left: str, right: str, seq: int) -> None:
    hashes = {seal(FIRST_HASH, seq, {"battery": text, "event": "x"}) for text in (left, right)}
    assert len(hashes) == (1 if left == right else 2)
    assert seal(FIRST_HASH, seq, {"a": left}) != seal(FIRST_HASH, seq + 1, {"a": left})


def test_the_seal_does_not_depend_on_spelling() -> None:
    east = datetime.fromisoformat("2026-05-01T08:00:00+08:00")
    one = seal(FIRST_HASH, 1, {"at": AT, "data": {"a": 1, "b": 2}})
    assert one == seal(FIRST_HASH, 1, {"data": json.dumps({"a": 1, "b": 2}, separators=(",", ":")),
                                       "at": east})  # fmt: skip
