"""The database goes away, fills up or stands still: nothing is lost, doubled or told too early."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres_server import NoServerError, PostgresServer

from zerocity.storage.database import migrate, open_engine
from zerocity.storage.ledger import verify
from zerocity.storage.live_tables import messages
from zerocity.storage.recorder import Recorder, RecorderFullError, Row

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def message(number: int, payload: str = "{}") -> Row:
    values = {"station": "s", "key": str(number), "received_at": AT, "payload": payload}
    return Row("messages", values)


def wait_for(true: Callable[[], bool], most_s: float = 15.0) -> bool:
    deadline = time.monotonic() + most_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def count(url: str) -> int:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(sa.select(sa.func.count()).select_from(messages))
    engine.dispose()
    return int(found or 0)


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that the test may stop."""
    try:
        server = PostgresServer()
    except NoServerError as error:
        pytest.skip(str(error))
    yield server
    server.remove()


def test_postgresql_gone_and_back(own_server: PostgresServer) -> None:
    url = own_server.new_database()
    migrate(open_engine(url))
    recorder = Recorder(url, flush_s=0.001)
    done: list[int] = []
    event = {"battery": "b", "at": AT, "event": "made"}
    for number in range(100):
        recorder.submit([message(number)], lambda n=number: done.append(n))
    assert wait_for(lambda: len(done) == 100)
    own_server.crash()
    for number in range(100, 200):
        rows = [message(number), Row("ledger_events", event)]
        recorder.submit(rows, lambda n=number: done.append(n))
    assert wait_for(lambda: not recorder.healthy)
    assert recorder.error
    assert (len(done), recorder.waiting) == (100, 200)
    own_server.start()
    assert wait_for(lambda: len(done) == 200)
    assert done == list(range(200))
    assert (recorder.healthy, recorder.error, recorder.waiting) == (True, None, 0)
    assert recorder.close()
    assert count(url) == 200
    with open_engine(url).connect() as connection:
        state = verify(connection)
    assert (state.rows, state.whole) == (100, True)


def test_an_idle_recorder_notices_that_the_database_is_gone(
    own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerocity.storage.recorder.IDLE_CHECK_S", 0.05)
    recorder = Recorder(own_server.new_database())
    own_server.crash()
    assert wait_for(lambda: not recorder.healthy)
    own_server.start()
    assert wait_for(lambda: recorder.healthy)
    recorder.close()


def test_a_commit_whose_answer_was_lost_is_not_doubled(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(database_url)
    migrate(engine)
    recorder = Recorder(database_url, flush_s=0.001)
    whole = Recorder._commit
    cut = iter([True, True])

    def commit(self: Recorder, batch: list) -> None:  # type: ignore[type-arg]
        whole(self, batch)
        if next(cut, False):
            raise sa.exc.OperationalError("COMMIT", None, Exception("connection lost"))

    monkeypatch.setattr(Recorder, "_commit", commit)
    done = threading.Event()
    event = {"battery": "b", "at": AT, "event": "made"}
    recorder.submit(
        [message(1), Row("ledger_events", event), Row("audit_log", {"at": AT})], done.set
    )
    assert done.wait(10.0)
    recorder.close()
    with engine.connect() as connection:
        for table in ("messages", "ledger_events", "audit_log"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 1


def test_a_database_that_another_program_holds_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerocity.storage.database.BUSY_S", 0.1)
    url = f"sqlite:///{tmp_path / 'live.db'}"
    migrate(open_engine(url))
    other = sqlite3.connect(tmp_path / "live.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    recorder = Recorder(url, flush_s=0.001)
    done = threading.Event()
    recorder.submit([message(1)], done.set)
    assert wait_for(lambda: not recorder.healthy)
    assert recorder.error is not None
    assert "locked" in recorder.error
    assert not done.is_set()
    other.execute("COMMIT")
    assert done.wait(10.0)
    recorder.close()
    other.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB, where we may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(words, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def test_a_full_disk(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk / 'live.db'}"
    migrate(open_engine(url))
    filler = small_disk / "filler"
    recorder = Recorder(url, flush_s=0.001)
    done: list[int] = []
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    for number in range(50):
        recorder.submit([message(number, "x" * 4000)], lambda n=number: done.append(n))
    assert wait_for(lambda: not recorder.healthy)
    assert done == []
    assert recorder.error is not None
    assert "full" in recorder.error or "disk" in recorder.error
    filler.unlink()
    assert wait_for(lambda: len(done) == 50)
    assert recorder.close()
    assert count(url) == 50


def test_a_full_database_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'live.db'}"
    engine = open_engine(url)
    migrate(engine)
    pages = [100]

    def bound(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages[0]}")

    sa.event.listen(engine, "connect", bound)
    engine.dispose()
    recorder = Recorder(engine, flush_s=0.001)
    done: list[int] = []
    for number in range(300):
        recorder.submit([message(number, "x" * 4000)], lambda n=number: done.append(n))
    assert wait_for(lambda: not recorder.healthy)
    assert "full" in str(recorder.error)
    before = len(done)
    pages[0] = 100_000
    assert wait_for(lambda: len(done) == 300)
    assert before < 300
    assert recorder.close()
    assert count(url) == 300


def test_a_missing_table_is_waited_for_and_not_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'live.db'}"
    recorder = Recorder(url, flush_s=0.001)
    done = threading.Event()
    recorder.submit([message(1)], done.set)
    assert wait_for(lambda: "no such table" in str(recorder.error))
    migrate(open_engine(url))
    assert done.wait(10.0)
    recorder.close()


def test_no_more_waits_than_the_bound(tmp_path: Path) -> None:
    recorder = Recorder(f"sqlite:///{tmp_path / 'live.db'}", most_waiting=10, flush_s=0.0)
    for number in range(20):
        assert recorder.full == (number >= 10)
        recorder.submit([message(number)])
    with pytest.raises(RecorderFullError, match="20 rows wait"):
        recorder.submit([message(20)])
    assert recorder.waiting == 20
    assert not recorder.close(0.2)


def test_large_rows_are_bounded_by_their_bytes(tmp_path: Path) -> None:
    recorder = Recorder(f"sqlite:///{tmp_path / 'live.db'}", most_bytes=10_000, flush_s=0.0)
    recorder.submit([message(1, "x" * 20_000)])
    assert recorder.full
    with pytest.raises(RecorderFullError):
        recorder.submit([message(2)])
    recorder.close(0.1)


def test_a_close_while_the_database_is_away_ends_in_time(tmp_path: Path) -> None:
    recorder = Recorder(f"sqlite:///{tmp_path / 'live.db'}", flush_s=0.0)
    done = threading.Event()
    recorder.submit([message(1)], done.set)
    assert wait_for(lambda: not recorder.healthy)
    start = time.monotonic()
    assert not recorder.close(0.3)
    assert time.monotonic() - start < 10.0
    assert not done.is_set()
