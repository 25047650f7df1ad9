"""The one writer of the live store: a thread that takes all that waits and commits it at once.

What was acknowledged is on the disk: ``done`` of a submission is called after its commit, never
before. All rows of a submission are committed together or not at all. Every table takes the same
row twice without harm, so a batch whose commit was cut off is simply sent again.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from zerocity.errors import ZerocityError
from zerocity.storage.copy import UNIQUE_VIOLATION, key_of, store
from zerocity.storage.database import open_engine
from zerocity.storage.live_tables import RULES, Rule, metadata
from zerocity.storage.refusal import is_refusal

# Rows of one transaction: enough that its cost is shared, few enough that it ends in a moment.
MOST_AT_ONCE = 10_000
# After a batch of so many rows the next one waits for others twice as long as that took to store,
# up to so many times `flush_s`: a busy writer that gathered less would spend its time on commits.
MANY, LONGEST_FLUSH = 64, 6
# While nothing comes in, the database is asked this often whether it is there, seconds.
IDLE_CHECK_S = 5.0
# Waits between tries while the database is away, seconds: doubled from the first to the longest.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0

log = structlog.get_logger(__name__)


class RecorderFullError(ZerocityError):
    """More was submitted than may wait; take no more from the sockets while ``full``."""


class Row(msgspec.Struct, frozen=True):
    """One row of a table of the live store; the columns not named keep what they have.

    Moments are aware datetimes, JSON columns take any value or ready text. A row of a chained table
    (``ledger_events``, ``audit_log``) may carry a ``key``: the same key is recorded once.
    """

    table: str
    values: dict[str, Any]


class _Submission(msgspec.Struct, frozen=True):
    rows: tuple[Row, ...]
    size: int
    done: Callable[[], None] | None
    failed: Callable[[str], None] | None


class Recorder:
    """Writes rows in a thread of its own, by group commit.

    ``most_waiting`` rows, or ``most_bytes`` of text, may wait before ``full`` is true; twice that
    is refused. ``flush_s``: how long the first row of a batch waits for others at least, seconds;
    up to six times as long while many come in and commits take long.
    ``settled`` is called in the writer thread after the callbacks of each batch, so that one wake
    of an event loop serves them all.
    """

    def __init__(
        self,
        url: str | Path | sa.Engine,
        *,
        most_waiting: int = 200_000,
        most_bytes: int = 256 << 20,
        flush_s: float = 0.004,
        settled: Callable[[], None] | None = None,
    ) -> None:
        self._engine = url if isinstance(url, sa.Engine) else open_engine(url, ping=False)
        self._most_waiting, self._most_bytes, self._flush_s = most_waiting, most_bytes, flush_s
        self._settled = settled
        self._queue: deque[_Submission] = deque()
        self._waiting = self._bytes = 0
        self._mutex = threading.Lock()
        self._lock = threading.Condition(self._mutex)
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._gather_s = flush_s
        self.healthy = True
        self.error: str | None = None
        self.committed = 0  # rows, since the start
        self.refused = 0  # submissions, since the start
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def thread_id(self) -> int:
        """The writer's thread, as the system counts it."""
        return self._thread.native_id or 0

    @property
    def waiting(self) -> int:
        """Rows that are not committed yet."""
        return self._waiting

    @property
    def full(self) -> bool:
        """True when nothing more should be taken in."""
        return self._waiting >= self._most_waiting or self._bytes >= self._most_bytes

    def submit(
        self,
        rows: Sequence[Row],
        done: Callable[[], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Queue rows that belong together. ``done`` is called in the writer thread after commit.

        ``failed`` is called instead, with the reason, when the database refuses one of the rows
        for what it says; they are then kept in ``refused_rows``. ValueError for a table, column or
        missing key that the store does not have; RecorderFullError beyond twice the bound.
        """
        checked = tuple(map(_checked, rows))
        one = _Submission(checked, sum(map(_size, checked)), done, failed)
        with self._mutex:  # at once, not through the condition's own steps
            if self._closing.is_set():
                raise RecorderFullError("the recorder is closed")
            if self._waiting >= 2 * self._most_waiting or self._bytes >= 2 * self._most_bytes:
                raise RecorderFullError(f"{self._waiting} rows wait to be stored, no room for more")
            self._waiting += len(checked)
            self._bytes += one.size
            self._queue.append(one)
            if len(self._queue) == 1:
                self._lock.notify()

    def close(self, timeout_s: float = 10.0) -> bool:
        """Store what waits and stop; True when all was stored within ``timeout_s`` seconds."""
        with self._lock:
            self._deadline = time.monotonic() + timeout_s
            self._closing.set()
            self._lock.notify()
        self._thread.join(timeout_s + 1.0)
        self._engine.dispose()
        return self._waiting == 0

    def _run(self) -> None:
        while True:
            batch = self._take()
            if not batch and self._closing.is_set():
                return
            if not batch:
                self._look()
            elif not self._store(batch):
                return
            else:
                self._call(self._settled)

    def _look(self) -> None:
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except Exception as error:
            self._note(error)
        else:
            self._answers()

    def _take(self) -> list[_Submission]:
        """Return all that waits, given a little time to gather; none at the end or when idle."""
        with self._lock:
            while not self._queue and not self._closing.is_set():
                if not self._lock.wait(IDLE_CHECK_S):
                    break
        if self._queue and self._flush_s and self._waiting < MOST_AT_ONCE:
            self._closing.wait(self._gather_s)
        batch: list[_Submission] = []
        count = 0
        while self._queue and count < MOST_AT_ONCE:
            batch.append(self._queue.popleft())
            count += len(batch[-1].rows)
        return batch

    def _store(self, batch: list[_Submission]) -> bool:
        """Commit a batch however long it takes; False when the recorder closes before."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                self._commit(batch)
            except Exception as error:
                if is_refusal(error):
                    return self._divide(batch, error)
                self._note(error)
                if not self._wait(wait_s):
                    return False
                wait_s = min(2.0 * wait_s, LONGEST_WAIT_S)
            else:
                self._finish(batch)
                return True

    def _commit(self, batch: list[_Submission]) -> None:
        began_s = time.monotonic()
        rows = [row for one in batch for row in one.rows]
        _commit(self._engine, rows)
        self._gather_s = self._flush_s
        if len(rows) >= MANY:
            longer_s = min(2.0 * (time.monotonic() - began_s), LONGEST_FLUSH * self._flush_s)
            self._gather_s = max(longer_s, self._flush_s)

    def _divide(self, batch: list[_Submission], error: Exception) -> bool:
        """Find what the database refuses by halves; the others are stored."""
        if len(batch) > 1:
            middle = len(batch) // 2
            return self._store(batch[:middle]) and self._store(batch[middle:])
        return self._refuse(batch[0], error)

    def _refuse(self, one: _Submission, error: Exception) -> bool:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        log.error("rows refused", tables=sorted({row.table for row in one.rows}), error=reason)
        kept = tuple(_as_refused(row, reason) for row in one.rows)
        self.refused += 1
        stored = self._store([_Submission(kept, one.size, None, None)])
        self._call(one.failed, reason)
        return stored

    def _note(self, error: Exception) -> None:
        reason = str(getattr(error, "orig", error)).strip() or type(error).__name__
        if self.healthy:
            log.error("the database does not answer", error=reason)
        self.healthy, self.error = False, reason
        self._engine.dispose()

    def _answers(self) -> None:
        if not self.healthy:
            log.info("the database answers again")
        self.healthy, self.error = True, None

    def _wait(self, wait_s: float) -> bool:
        """Wait before the next try; False when the recorder must give up."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            return False
        if self._closing.is_set():
            time.sleep(min(wait_s, left))
        else:
            self._closing.wait(wait_s)
        return True

    def _finish(self, batch: list[_Submission]) -> None:
        self._answers()
        count = sum(len(one.rows) for one in batch)
        self.committed += count
        with self._lock:
            self._waiting -= count
            self._bytes -= sum(one.size for one in batch)
        for one in batch:
            self._call(one.done)

    @staticmethod
    def _call(callback: Callable[..., None] | None, *arguments: Any) -> None:
        if callback is None:
            return
        try:
            callback(*arguments)
        except Exception:
            log.exception("a callback of the recorder failed")


def write_now(engine: sa.Engine, rows: Sequence[Row]) -> None:
    """Store rows in one transaction and return: for commands that run without a recorder."""
    _commit(engine, [_checked(row) for row in rows])


def _commit(engine: sa.Engine, rows: Iterable[Row]) -> None:
    by_table: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_table.setdefault(row.table, []).append(row.values)
    try:
        _write(engine, by_table, first_told=True)
    except Exception as error:
        if getattr(error, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        _write(engine, by_table, first_told=False)


def _write(
    engine: sa.Engine, rows: Mapping[str, Sequence[dict[str, Any]]], *, first_told: bool
) -> None:
    connection = engine.connect().execution_options(writes=True)
    with connection, connection.begin():
        store(connection, rows, first_told=first_told)


def _checked(row: Row) -> Row:
    values = row.values
    for name in _needed(row.table, tuple(values)):
        if values.get(name) is None:
            raise ValueError(f"a row of {row.table} needs its key {name}")
    if RULES[row.table] is Rule.CHAIN and "key" not in values:
        return Row(row.table, {"key": uuid.uuid4().hex, **values})
    return row


@cache  # what the code names, never what comes from outside: a wrong name is not remembered
def _needed(table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that a row with these columns must fill; ValueError for one with strangers."""
    rule = RULES.get(table)
    if rule is None:
        raise ValueError(f"the store has no table {table}")
    strangers = sorted(set(columns) - set(metadata.tables[table].columns.keys()))
    if strangers:
        raise ValueError(f"table {table} has no column {', '.join(strangers)}")
    return () if rule is Rule.CHAIN else key_of(table)


def _size(row: Row) -> int:
    size = 200
    for value in row.values.values():
        if type(value) is str or type(value) is bytes:
            size += len(value)
    return size


def _as_refused(row: Row, reason: str) -> Row:
    # Plain ASCII, so that this row cannot be refused too.
    content = json.dumps(row.values, default=repr)
    error = reason.encode("ascii", "backslashreplace").decode()
    values = {"key": uuid.uuid4().hex, "table_name": row.table, "content": content, "error": error}
    return Row("refused_rows", values)
