"""Credentials as the live store keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from zerocity.protocols.ocpp.server.station_book import StationBook, StorePasswords
from zerocity.storage.database import migrate, open_engine
from zerocity.storage.live_tables import certificates, stations
from zerocity.storage.stations import REMOVED, new_station, with_one_time, with_password

AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    made = open_engine(tmp_path / "live.sqlite")
    migrate(made)
    return made


def put(engine: sa.Engine, table: sa.Table, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(table).values(**values))


def test_a_station_is_found_with_its_secrets(engine: sa.Engine) -> None:
    row = new_station("CS1", "site-1", AT, profile=2)
    secret, kept = with_password("CS1")
    put(engine, stations, **row.values | kept.values)
    found = StationBook(engine).find("CS1")
    assert found is not None
    assert found.profile == 2
    assert found.password_hash is not None
    assert StorePasswords().verify(secret.value, found.password_hash)
    assert not StorePasswords().verify("another", found.password_hash)
    assert secret.value not in repr(found)
    assert found.password_hash not in repr(found)


def test_a_one_time_password_has_an_end(engine: sa.Engine) -> None:
    row = new_station("CS1", "site-1", AT)
    _, kept = with_one_time("CS1", AT, timedelta(hours=1))
    put(engine, stations, **row.values | kept.values)
    found = StationBook(engine).find("CS1")
    assert found is not None
    assert found.one_time_until == AT + timedelta(hours=1)


def test_unknown_and_removed_stations_are_not_found(engine: sa.Engine) -> None:
    put(engine, stations, id="OLD", status=REMOVED)
    book = StationBook(engine)
    assert book.find("OLD") is None
    assert book.find("NEW") is None


def test_a_revoked_certificate_is_known_by_its_serial(engine: sa.Engine) -> None:
    put(engine, certificates, serial="AB12", revoked_at=AT)
    put(engine, certificates, serial="CD34")
    book = StationBook(engine)
    assert book.is_revoked("AB12")
    assert not book.is_revoked("CD34")
    assert not book.is_revoked("EF56")


def test_a_drawn_key_is_hashed_so_that_it_can_be_checked() -> None:
    passwords = StorePasswords()
    assert passwords.verify("key", passwords.hash("key"))
