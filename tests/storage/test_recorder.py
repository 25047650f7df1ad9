"""Rows enter the live store by group commit, in both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from zerocity.storage.database import migrate, open_engine
from zerocity.storage.live_tables import metadata
from zerocity.storage.recorder import Recorder, RecorderFullError, Row

AT = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = open_engine(database_url)
    migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def recorder(engine: sa.Engine, database_url: str) -> Iterator[Recorder]:
    made = Recorder(database_url, flush_s=0.001)
    yield made
    made.close(10.0)


def rows_of(engine: sa.Engine, table: str) -> list[dict[str, Any]]:
    made = metadata.tables[table]
    with engine.connect() as connection:
        found = connection.execute(sa.select(made).order_by(*made.primary_key)).mappings()
        return [dict(row) for row in found]


def message(number: int, station: str = "s1") -> Row:
    values = {
        "station": station, "key": f"{number:032x}", "message_id": str(number),
        "action": "MeterValues", "received_at": AT, "payload": '{"a":"é\\n\\t\\\\x"}',
    }  # fmt: skip
    return Row("messages", values)


def stored(recorder: Recorder, *rows: Row) -> None:
    """Submit rows and wait for their commit."""
    done = threading.Event()
    recorder.submit(rows, done.set)
    assert done.wait(10.0)


def test_a_row_is_there_when_done_is_called(recorder: Recorder, engine: sa.Engine) -> None:
    stored(recorder, message(1))
    assert rows_of(engine, "messages") == [message(1).values]


def test_the_same_key_is_stored_once(recorder: Recorder, engine: sa.Engine) -> None:
    later = Row("messages", {**message(1).values, "payload": "later"})
    stored(recorder, message(1), message(1), later)
    stored(recorder, later, message(2))
    assert [row["payload"] for row in rows_of(engine, "messages")] == ['{"a":"é\\n\\t\\\\x"}'] * 2
