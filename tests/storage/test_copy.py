"""Rows of any number, new, told again or unlawful, enter both databases the same way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from zerocity.storage.copy import LEAST_COPIED, store
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.live_tables import frame_faults, messages
from zerocity.storage.refusal import is_refusal

AT = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = open_engine(database_url)
    migrate(made)
    yield made
    made.dispose()


def message(number: int, payload: str = '{"a":"é\\n\\t\\\\x"}') -> dict[str, Any]:
    return {
        "station": "s1", "key": f"{number:032x}", "message_id": None if number % 3 else "m",
        "action": "MeterValues", "received_at": AT + timedelta(seconds=number), "payload": payload,
    }  # fmt: skip


def put(engine: sa.Engine, table: str, rows: list[dict[str, Any]]) -> None:
    connection = engine.connect().execution_options(writes=True)
    with connection, connection.begin():
        store(connection, {table: rows})


def there(engine: sa.Engine, table: sa.Table) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        found = connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in found]


@pytest.mark.parametrize("count", [1, LEAST_COPIED - 1, LEAST_COPIED, 2500])
def test_every_row_comes_back_as_it_went_in(engine: sa.Engine, count: int) -> None:
    rows = [message(number) for number in range(count)]
    put(engine, "messages", rows)
    assert there(engine, messages) == rows


def test_whole_numbers_moments_and_gaps_come_back(engine: sa.Engine) -> None:
    rows = [
        {"key": f"k{n:02}", "at": AT, "link": n - 5, "vehicle": None, "rule": "r", "place": 2**40,
         "came": "", "raw": "00"}
        for n in range(20)
    ]  # fmt: skip
    put(engine, "frame_faults", rows)
    assert there(engine, frame_faults) == rows


def test_of_rows_told_again_the_first_is_kept(engine: sa.Engine) -> None:
    first = [message(number) for number in range(40)]
    put(engine, "messages", first[:20])
    put(engine, "messages", [message(number, "{}") for number in range(10, 20)] + first[20:])
    assert there(engine, messages) == first


def test_one_batch_may_say_a_thing_twice(engine: sa.Engine) -> None:
    rows = [message(number) for number in range(30)]
    put(engine, "messages", [*rows, *(message(number, "{}") for number in range(30))])
    assert there(engine, messages) == rows


@pytest.mark.parametrize("wrong", [{"payload": "a\x00b"}, {"key": None}, {"received_at": "soon"}])
def test_an_unlawful_row_is_refused_and_nothing_of_its_batch_kept(
    postgres_url: str, wrong: dict[str, Any]
) -> None:
    engine = open_engine(postgres_url)
    migrate(engine)
    rows = [message(number) for number in range(20)]
    with pytest.raises(Exception) as refused:  # noqa: PT011 - of whichever library
        put(engine, "messages", [*rows, message(20) | wrong])
    assert is_refusal(refused.value)
    assert there(engine, messages) == []
    put(engine, "messages", rows)
    assert there(engine, messages) == rows
    engine.dispose()
