"""Rows enter the live store by group commit, in both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from stored import rows_of

from zerocity.storage.live_tables import RULES, Json, Moment, Rule, metadata
from zerocity.storage.recorder import Recorder, RecorderFullError, Row

AT = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def recorder(engine: sa.Engine, database_url: str) -> Iterator[Recorder]:
    made = Recorder(database_url, flush_s=0.001)
    yield made
    made.close(10.0)


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


def test_an_upsert_changes_only_the_columns_given(recorder: Recorder, engine: sa.Engine) -> None:
    stored(recorder, Row("sessions", {"id": "a", "station": "s1", "started_at": AT}))
    stored(recorder, Row("sessions", {"id": "a", "energy_kwh": 3.5}))
    [row] = rows_of(engine, "sessions")
    assert (row["station"], row["started_at"], row["energy_kwh"]) == ("s1", AT, 3.5)


def test_the_last_word_on_each_column_wins_within_a_batch(
    recorder: Recorder, engine: sa.Engine
) -> None:
    changes: list[dict[str, Any]] = [
        {"state": "charging", "energy_kwh": 1.0}, {"energy_kwh": 2.0}, {"token": "t"},
        {"energy_kwh": 3.0, "offline": True}, {"state": "ended"},
    ]  # fmt: skip
    stored(recorder, *(Row("sessions", {"id": "a", **change}) for change in changes))
    [row] = rows_of(engine, "sessions")
    assert [row[n] for n in ("state", "energy_kwh", "token", "offline")] == [
        "ended",
        3.0,
        "t",
        True,
    ]


def sample(table: sa.Table) -> Row:
    """A row with a value in every column that is ours to give."""
    own = {"seq", "hash", "previous_hash"} if RULES[table.name] is Rule.CHAIN else set()
    kinds: dict[type, Any] = {
        sa.Text: "x", sa.BigInteger: 7, sa.Double: 1.5, sa.Boolean: True, Moment: AT,
        Json: {"a": [1]},
    }  # fmt: skip
    named = [column for column in table.columns if column.name not in own]
    return Row(table.name, {column.name: kinds[type(column.type)] for column in named})


def test_every_table_takes_a_row_twice(recorder: Recorder, engine: sa.Engine) -> None:
    for table in metadata.tables.values():
        row = sample(table)
        stored(recorder, row)
        stored(recorder, row, row)
        [found] = rows_of(engine, table.name)
        assert {name: found[name] for name in row.values} == row.values, table.name


def test_time_that_jumps_back_changes_nothing(
    recorder: Recorder, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [AT, AT - timedelta(days=400), AT + timedelta(days=900)]
    for number, at in enumerate(moments):
        monkeypatch.setattr("time.time", at.timestamp)
        stored(recorder, Row("messages", {**message(number).values, "received_at": at}))
    assert [row["received_at"] for row in rows_of(engine, "messages")] == moments


def test_many_rows_come_in_the_order_of_their_callbacks(
    recorder: Recorder, engine: sa.Engine
) -> None:
    seen: list[int] = []
    for number in range(5000):
        recorder.submit([message(number)], lambda number=number: seen.append(number))
    assert recorder.close(20.0)
    assert seen == list(range(5000))
    assert len(rows_of(engine, "messages")) == recorder.committed == 5000


POISON: list[dict[str, Any]] = [
    {"id": "a\ud800"}, {"id": "a", "energy_kwh": object()}, {"id": "a", "last_seq_no": 1 << 80},
    {"id": "a", "started_at": datetime(2026, 5, 1)}, {"id": "b", "station": "s", "start_key": "k"},
]  # fmt: skip


@pytest.mark.parametrize("poison", POISON, ids=["utf8", "type", "range", "zone", "unique"])
def test_a_row_that_is_refused_holds_up_no_other(
    recorder: Recorder, engine: sa.Engine, poison: dict[str, Any]
) -> None:
    stored(recorder, Row("sessions", {"id": "first", "station": "s", "start_key": "k"}))
    done: list[int] = []
    reasons: list[str] = []
    for number in range(60):
        rows = [message(number)]
        if number in {17, 40}:
            rows.append(Row("sessions", poison))
        recorder.submit(rows, lambda n=number: done.append(n), reasons.append)
    assert recorder.close(10.0)
    assert done == [n for n in range(60) if n not in {17, 40}]
    assert len(reasons) == recorder.refused == 2
    # All rows of a submission or none.
    assert len(rows_of(engine, "messages")) == 58
    refused = rows_of(engine, "refused_rows")
    assert sorted(row["table_name"] for row in refused) == [
        "messages",
        "messages",
        "sessions",
        "sessions",
    ]
    assert {row["error"] for row in refused} == set(reasons)
    assert recorder.healthy


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (Row("nothing", {}), "no table nothing"),
        (Row("sessions", {"id": "a", "colour": 1}), "no column colour"),
        (Row("messages", {"station": "s"}), "needs its key key"),
    ],
)
def test_a_row_the_store_does_not_know_is_an_error_at_once(
    recorder: Recorder, row: Row, wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong):
        recorder.submit([row])
    assert recorder.waiting == 0


def test_a_callback_that_fails_stops_nothing(recorder: Recorder, engine: sa.Engine) -> None:
    recorder.submit([message(1)], lambda: 1 / 0)
    stored(recorder, message(2))
    assert len(rows_of(engine, "messages")) == 2


def test_a_submission_without_rows_is_done_in_its_turn(recorder: Recorder) -> None:
    stored(recorder)


def test_one_call_after_each_batch(engine: sa.Engine, database_url: str) -> None:
    told: list[str] = []
    recorder = Recorder(database_url, flush_s=0.05, settled=lambda: told.append("settled"))
    for number in range(20):
        recorder.submit([message(number)], lambda: told.append("done"))
    recorder.close()
    assert told[-1] == "settled"
    assert told.count("done") == 20
    assert told.count("settled") < 5


def test_after_the_close_nothing_is_taken(recorder: Recorder) -> None:
    assert recorder.close()
    with pytest.raises(RecorderFullError, match="closed"):
        recorder.submit([message(1)])
