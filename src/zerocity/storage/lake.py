"""The telemetry lake's way in: raw frames are on the disk before they are acknowledged.

A thread of its own writes all that waits to the newest segment, syncs once, and calls back. What
could not be written is kept and tried again in a new segment; the old one is cut back to its last
good record. Segments become Parquet in `compaction`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import structlog

from zerocity.errors import RunStateError
from zerocity.storage import lake_files, segments
from zerocity.storage.recorder import FIRST_WAIT_S, LONGEST_WAIT_S, RecorderFullError

SEGMENTS = "segments"
# Raw bytes of one segment: what is decoded at a time.
SEGMENT_BYTES = 32 << 20
_LOCK = ".lock"

log = structlog.get_logger(__name__)

_Waiting = tuple[bytes, int, Callable[[], None] | None]


class Lake:
    """Takes frames in for one folder, which one process at a time may write.

    ``most_waiting`` frames may wait before ``full`` is true; twice that is refused. ``flush_s``:
    how long the first frame of a batch waits for others, seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        most_waiting: int = 200_000,
        segment_bytes: int = SEGMENT_BYTES,
        flush_s: float = 0.004,
    ) -> None:
        self.folder = folder
        self._segments = folder / SEGMENTS
        self._most_waiting, self._segment_bytes = most_waiting, segment_bytes
        self._flush_s = flush_s
        self._lock_file = _locked(folder)
        self._next = _recovered(folder)
        self._file: BinaryIO | None = None
        self._good = 0
        self._queue: deque[_Waiting] = deque()
        self._waiting = 0
        self._lock = threading.Condition()
        self._file_lock = threading.Lock()
        self._closing = threading.Event()
        self._deadline = float("inf")
        self.healthy = True
        self.error: str | None = None
        self.written = 0  # frames, since the start
        self._thread = threading.Thread(target=self._run, name="lake", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Frames that are not on the disk yet."""
        return self._waiting

    @property
    def full(self) -> bool:
        """True when nothing more should be taken in."""
        return self._waiting >= self._most_waiting

    def append(
        self,
        frames: Sequence[tuple[str, datetime, bytes]],
        done: Callable[[], None] | None = None,
    ) -> None:
        """Queue frames (vehicle, received at, bytes); ``done`` is called once they are synced.

        It is called in the lake's thread. ValueError for a frame that cannot be kept,
        RecorderFullError beyond twice the bound; then none of them is taken.
        """
        raw = b"".join([segments.record(*frame) for frame in frames])
        with self._lock:
            if self._closing.is_set():
                raise RecorderFullError("the lake is closed")
            if self._waiting >= 2 * self._most_waiting:
                raise RecorderFullError(f"{self._waiting} frames wait to be written")
            self._waiting += len(frames)
            self._queue.append((raw, len(frames), done))
            if len(self._queue) == 1:
                self._lock.notify()

    def roll(self) -> list[Path]:
        """Close the segment that is written and return all closed ones, oldest first."""
        with self._file_lock:
            self._leave()
            known = [number for number in segments.numbers(self._segments) if number < self._next]
        return [self._segments / segments.name_of(number) for number in known]

    def close(self, timeout_s: float = 10.0) -> bool:
        """Write what waits and stop; True when all was written within ``timeout_s`` seconds."""
        with self._lock:
            self._deadline = time.monotonic() + timeout_s
            self._closing.set()
            self._lock.notify()
        self._thread.join(timeout_s + 1.0)
        with self._file_lock:
            self._leave()
        self._lock_file.close()
        return self._waiting == 0

    def _run(self) -> None:
        while batch := self._take():
            wait_s = FIRST_WAIT_S
            while not self._write(batch):
                left_s = self._deadline - time.monotonic()
                if left_s <= 0:
                    return
                if not self._closing.wait(wait_s):
                    wait_s = min(2.0 * wait_s, LONGEST_WAIT_S)
                else:
                    time.sleep(min(wait_s, left_s))

    def _take(self) -> list[_Waiting]:
        with self._lock:
            while not self._queue and not self._closing.is_set():
                self._lock.wait()
        if self._queue and self._flush_s:
            self._closing.wait(self._flush_s)
        batch: list[_Waiting] = []
        size = 0
        while self._queue and size < self._segment_bytes // 4:
            batch.append(self._queue.popleft())
            size += len(batch[-1][0])
        return batch

    def _write(self, batch: list[_Waiting]) -> bool:
        raw = b"".join([part for part, _, _ in batch])
        try:
            with self._file_lock:
                file = self._current()
                _write_all(file, raw)
                os.fdatasync(file.fileno())
                self._good += len(raw)
        except OSError as error:
            self._failed(error)
            return False
        self._written(batch)
        return True

    def _written(self, batch: list[_Waiting]) -> None:
        if not self.healthy:
            log.info("the lake can be written again")
        self.healthy, self.error = True, None
        count = sum(number for _, number, _ in batch)
        self.written += count
        with self._lock:
            self._waiting -= count
        for _, _, done in batch:
            try:
                if done is not None:
                    done()
            except Exception:
                log.exception("a callback of the lake failed")

    def _failed(self, error: OSError) -> None:
        if self.healthy:
            log.error("the lake cannot be written", error=error.strerror)
        self.healthy, self.error = False, error.strerror or str(error)
        with self._file_lock:
            # What the kernel holds of a failed sync is not to be trusted: go on in a new file.
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self._file.truncate(self._good)
                self._leave()

    def _current(self) -> BinaryIO:
        if self._file is not None and self._good >= self._segment_bytes:
            self._leave()
        if self._file is None:
            path = self._segments / segments.name_of(self._next)
            self._next += 1
            self._file, self._good = path.open("wb", buffering=0), 0
            _write_all(self._file, segments.MAGIC)
            self._good = len(segments.MAGIC)
            lake_files.sync_folder(self._segments)
        return self._file

    def _leave(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


def _locked(folder: Path) -> BinaryIO:
    try:
        (folder / SEGMENTS).mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("wb")
    except OSError as error:
        raise RunStateError(f"cannot write to {folder}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise RunStateError(f"another process is writing the telemetry in {folder}") from None
    return file


def _recovered(lake: Path) -> int:
    """Mend what a killed process left; return the number of the next segment."""
    folder = lake / SEGMENTS
    known = segments.numbers(folder)
    for number in known:
        segments.mend(folder / segments.name_of(number))
    # A number is never given twice: the manifest would take the new segment for the converted one.
    return max([lake_files.load(lake).last_segment, *known]) + 1


def _write_all(file: BinaryIO, raw: bytes) -> None:
    # A file without a buffer may take a part of it, at the end of a disk's space.
    view = memoryview(raw)
    while view:
        view = view[file.write(view) :]
