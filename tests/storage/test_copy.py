"""Rows of any number, new, told again or unlawful, enter both databases the same way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from stored import rows_of

from zerocity.storage.copy import UNIQUE_VIOLATION, store
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.refusal import is_refusal

AT = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


def message(number: int, payload: str = '{"a":"é\\n\\t\\\\x"}') -> dict[str, Any]:
    return {
        "station": "s1", "key": f"{number:032x}", "message_id": None if number % 3 else "m",
        "action": "MeterValues", "received_at": AT + timedelta(seconds=number), "payload": payload,
    }  # fmt: skip


def put(engine: sa.Engine, table: str, rows: list[dict[str, Any]], first_told: bool) -> None:
    connection = engine.connect().execution_options(writes=True)
    with connection, connection.begin():
        store(connection, {table: rows}, first_told=first_told)


@pytest.mark.parametrize("first_told", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2500])
def test_every_row_comes_back_as_it_went_in(
    engine: sa.Engine, count: int, first_told: bool
) -> None:
    rows = [message(number) for number in range(count)]
    put(engine, "messages", rows, first_told)
    assert rows_of(engine, "messages") == rows


@pytest.mark.parametrize("first_told", [False, True])
def test_whole_numbers_moments_and_gaps_come_back(engine: sa.Engine, first_told: bool) -> None:
    rows = [
        {"key": f"k{n:02}", "at": AT, "link": n - 5, "vehicle": None, "rule": "r", "place": 2**40,
         "came": "", "raw": "00"}
        for n in range(20)
    ]  # fmt: skip
    put(engine, "frame_faults", rows, first_told)
    assert rows_of(engine, "frame_faults") == rows


def test_of_rows_told_again_the_first_is_kept(engine: sa.Engine) -> None:
    first = [message(number) for number in range(40)]
    put(engine, "messages", first[:20], first_told=True)
    again = [message(number, "{}") for number in range(10, 20)]
    put(engine, "messages", [*again, *first[20:]], first_told=False)
    assert rows_of(engine, "messages") == first


def test_one_batch_may_say_a_thing_twice(engine: sa.Engine) -> None:
    rows = [message(number) for number in range(30)]
    again = [message(number, "{}") for number in range(30)]
    put(engine, "messages", [*rows, *again], first_told=False)
    assert rows_of(engine, "messages") == rows


def postgres(url: str) -> sa.Engine:
    engine = open_engine(url)
    migrate(engine)
    return engine


def test_what_is_wrongly_taken_for_new_fails_and_leaves_all_as_it_was(postgres_url: str) -> None:
    engine = postgres(postgres_url)
    rows = [message(number) for number in range(20)]
    put(engine, "messages", rows[:5], first_told=True)
    with pytest.raises(Exception) as refused:  # noqa: PT011 - the driver's own
        put(engine, "messages", rows[::-1], first_told=True)
    assert getattr(refused.value, "sqlstate", "") == UNIQUE_VIOLATION
    assert rows_of(engine, "messages") == rows[:5]
    engine.dispose()


@pytest.mark.parametrize("first_told", [False, True])
@pytest.mark.parametrize("wrong", [{"payload": "a\x00b"}, {"key": None}, {"received_at": "soon"}])
def test_an_unlawful_row_is_refused_and_nothing_of_its_batch_kept(
    postgres_url: str, wrong: dict[str, Any], first_told: bool
) -> None:
    engine = postgres(postgres_url)
    rows = [message(number) for number in range(20)]
    with pytest.raises(Exception) as refused:  # noqa: PT011 - of whichever library
        put(engine, "messages", [*rows, message(20) | wrong], first_told)
    assert is_refusal(refused.value)
    assert rows_of(engine, "messages") == []
    put(engine, "messages", rows, first_told)
    assert rows_of(engine, "messages") == rows
    engine.dispose()
