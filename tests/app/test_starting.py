"""What must be right before a city is served, each told in one message."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import sqlalchemy as sa

from zerocity.app.starting import OPTIONS, address_told, open_store, refuse_taken, store_told
from zerocity.errors import InputError
from zerocity.storage.database import schema_state


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'live.db'}"


def test_a_folder_and_a_store_are_made(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    engine = open_store(folder, url(folder))
    assert schema_state(engine).ready
    engine.dispose()
    open_store(folder, url(folder)).dispose()
    assert [path.name for path in folder.iterdir() if not path.name.startswith("live.db")] == []


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "data", Path("/proc/data")):
        with pytest.raises(InputError, match=r"data folder.*--data"):
            open_store(folder, url(folder))


def test_a_broken_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "live.db").write_bytes(b"no database " * 1000)
    with pytest.raises(InputError, match=r"not a database.*restore"):
        open_store(tmp_path, url(tmp_path))


def test_a_server_that_is_not_there_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_store(tmp_path, "postgresql://me:hunter2@127.0.0.1:1/city")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_failures_of_the_database_are_told_so() -> None:
    with pytest.raises(ValueError, match="mine"), store_told():
        raise ValueError("mine")
    with pytest.raises(InputError, match=r"an error \(OperationalError\)|an error"), store_told():
        raise sa.exc.OperationalError("SELECT 1", {}, Exception(""))


@pytest.mark.parametrize("what", OPTIONS)
def test_a_taken_port_is_told_with_its_option(what: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"{what}.*{port}.*{OPTIONS[what]}"):
            refuse_taken("127.0.0.1", {what: port})
    refuse_taken("127.0.0.1", {what: port})
    refuse_taken("127.0.0.1", {what: 0})


def test_an_address_that_cannot_be_is_told() -> None:
    with pytest.raises(InputError, match="--web-port"):
        refuse_taken("203.0.113.7", {"pages": 9300})
    with pytest.raises(InputError, match="--web-port"), address_told("pages", "x", 1, "--web-port"):
        raise OverflowError("port must be 0-65535.")
