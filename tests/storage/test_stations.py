"""Stations are let in by a secret that is shown once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from zerocity.errors import InputError
from zerocity.storage import stations
from zerocity.storage.recorder import write_now
from zerocity.storage.stations import (
    Access,
    access,
    listed,
    new_station,
    with_one_time,
    with_password,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def engine(engine: sa.Engine) -> sa.Engine:
    write_now(engine, [new_station("CP1", "north", AT, max_kw=120.0, connectors=2)])
    return engine


def try_in(engine: sa.Engine, password: str, at: datetime = AT) -> Access | None:
    table = stations.stations
    kept = (table.c.password_hash, table.c.one_time_hash, table.c.one_time_until)
    with engine.connect() as connection:
        row = connection.execute(sa.select(*kept).where(table.c.id == "CP1")).one()
    return access(password, at=at, **row._mapping)


def test_without_a_secret_no_one_comes_in(engine: sa.Engine) -> None:
    assert try_in(engine, "") is None


def test_a_drawn_password_lets_in(engine: sa.Engine) -> None:
    secret, row = with_password("CP1")
    write_now(engine, [row])
    assert try_in(engine, secret.value) is Access.PASSWORD
    assert try_in(engine, secret.value[:-1]) is None
    assert secret.value not in str(row)


def test_a_password_of_ones_own_lets_in(engine: sa.Engine) -> None:
    _, row = with_password("CP1", "sixteen signs ok")
    write_now(engine, [row])
    assert try_in(engine, "sixteen signs ok") is Access.PASSWORD


def test_a_one_time_password_lets_in_until_its_end_or_its_use(engine: sa.Engine) -> None:
    secret, row = with_one_time("CP1", AT, timedelta(hours=1))
    write_now(engine, [row])
    assert secret.until == AT + timedelta(hours=1)
    assert try_in(engine, secret.value) is Access.ONE_TIME
    assert try_in(engine, secret.value, AT + timedelta(hours=1)) is None
    own, row = with_password("CP1")
    write_now(engine, [row])
    assert try_in(engine, secret.value) is None
    assert try_in(engine, own.value) is Access.PASSWORD


def test_a_station_removed_stays_out(engine: sa.Engine) -> None:
    secret, row = with_password("CP1")
    write_now(engine, [row])
    write_now(engine, [stations.without_station("CP1")])
    assert try_in(engine, secret.value) is None
    with engine.connect() as connection:
        assert listed(connection) == []
        assert [row["id"] for row in listed(connection, removed=True)] == ["CP1"]


def test_the_list_shows_no_secret(engine: sa.Engine) -> None:
    write_now(engine, [with_password("CP1")[1]])
    with engine.connect() as connection:
        [row] = listed(connection)
    assert row["connectors"][1] == {"evse": 2, "connector": 1, "max_kw": 120.0}
    assert not {name for name in row if "hash" in name or "sha" in name}


@pytest.mark.parametrize(
    "words",
    [{"station": ""}, {"station": "a/b"}, {"station": "a" * 49}, {"station": "é"},
     {"kind": "pump"}, {"profile": 0}, {"max_kw": 0.0}, {"max_kw": float("nan")},
     {"connectors": 0}, {"connectors": 201}],
)  # fmt: skip
def test_a_station_that_cannot_be(words: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        new_station(**{"station": "CP1", "site": "north", "at": AT, **words})


@pytest.mark.parametrize("password", ["short", "x" * 41, "sixteen signs o\n"])
def test_a_password_a_station_cannot_keep(password: str) -> None:
    with pytest.raises(InputError, match="station password"):
        with_password("CP1", password)
