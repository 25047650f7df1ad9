"""The platform's gateway for vehicles: TCP and TLS in, the lake and the store behind it.

Acknowledged means stored: frames of a few milliseconds make a batch; its answers leave when the
lake has synced its frames and the store has committed its rows, batches in their order. While the
store is away nobody is answered, and above a bound nothing more is read.

Frames that break a rule go to the table ``frame_faults`` with the rule and the offset, at most
``most_faults_per_s``; the rest is counted only. Logs never name a VIN or a place.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import structlog

from zerocity.errors import ZerocityError
from zerocity.protocols.gbt32960.desk import Desk
from zerocity.protocols.gbt32960.frames import Skipped
from zerocity.protocols.gbt32960.links import Link
from zerocity.protocols.gbt32960.messages import PlatformLogin
from zerocity.protocols.gbt32960.seats import Batch, Caller, Fault, fault_row
from zerocity.storage.recorder import Row

log = structlog.get_logger(__name__)
CheckPlatform = Callable[[str, str], bool]
TICK_S = 1.0
STORE_RETRY_S = 0.25
# Password checks at once: each costs a tenth of a second of a core on purpose.
MOST_CHECKS = 2
MOST_BEHIND_A_CHECK = 1000  # frames of a platform


class Lake(Protocol):
    """Where frames are kept: ``done`` is called, in any thread, once they are on the disk."""

    @property
    def full(self) -> bool: ...
    def append(
        self, frames: Sequence[tuple[str, datetime, bytes]], done: Callable[[], None]
    ) -> None: ...


class Store(Protocol):
    """Where rows are kept (``storage.recorder.Recorder``)."""

    @property
    def full(self) -> bool: ...
    def submit(
        self,
        rows: Sequence[Row],
        done: Callable[[], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds of the gateway; every one is a choice of ours, the standard gives none.

    tls_port : a port of its own for TLS; None: where the gateway has TLS, ``port`` speaks it.
    most_links : connections at once. most_unit : longest data unit [bytes]; a pack of 400 cells in
    one report is under 1,500. frames_per_s, platform_frames_per_s, burst_s : a link that sends more
    is read more slowly. most_garbage : bytes that are no frame, per link. most_unsent : answers
    that a link does not read [bytes]. login_s, idle_s : how long a link may stay unknown, silent
    (2.2.7 leaves it open; heartbeats come at least every 240 s by table B.8). flush_s : how long
    the first frame of a batch waits for others. most_waiting : frames not yet on the disk before
    reading stops. most_faults_per_s : faults kept.
    """

    host: str = "127.0.0.1"
    port: int = 9320
    tls_port: int | None = None
    most_links: int = 20_000
    most_unit: int = 16_384
    frames_per_s: float = 20.0
    platform_frames_per_s: float = 50_000.0
    burst_s: float = 10.0
    most_garbage: int = 131_072
    most_unsent: int = 262_144
    login_s: float = 30.0
    idle_s: float = 300.0
    flush_s: float = 0.004
    most_waiting: int = 200_000
    most_faults_per_s: int = 50


@dataclass(slots=True)
class _Pending:
    batch: Batch
    parts: int
    since_s: float


class VehicleGateway:
    """Serves terminals and platforms until ``stop``.

    Parameters
    ----------
    check_platform : user and password -> good; called in a worker thread. None: no platform.
    tls : context for TLS, or mutual TLS when it verifies clients. faults : takes what broke a rule,
    instead of the table ``frame_faults``.
    clock, now : monotonic seconds and UTC.
    """

    def __init__(
        self,
        desk: Desk,
        lake: Lake,
        store: Store,
        settings: Settings | None = None,
        *,
        check_platform: CheckPlatform | None = None,
        tls: ssl.SSLContext | None = None,
        faults: Callable[[Sequence[Fault]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.desk, self.settings, self.counts = desk, settings or Settings(), desk.counts
        self.observe_answer_s: Callable[[float], None] | None = None
        self._lake, self._store, self._tls = lake, store, tls
        self._check_platform, self._faults = check_platform, faults
        self._clock, self._now = clock, now
        self._links: dict[Caller, Link] = {}
        self._batch, self._flushing = Batch(), False
        self._pending: deque[_Pending] = deque()
        self._waiting = 0
        self._held = False
        self._faults_left = self.settings.most_faults_per_s
        self._checks = asyncio.Semaphore(MOST_CHECKS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._tls_server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._number = 0

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None, "start it first"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def links(self) -> int:
        """How many links stand."""
        return len(self._links)

    @property
    def waiting(self) -> int:
        """Frames that are not on the disk yet."""
        return self._waiting + len(self._batch.frames)

    @property
    def tls_port(self) -> int:
        """The port of its own for TLS, or 0."""
        return int(self._tls_server.sockets[0].getsockname()[1]) if self._tls_server else 0

    async def start(self) -> None:
        """Listen."""
        self._loop = asyncio.get_running_loop()
        port, apart = self.settings.port, self.settings.tls_port
        self._server = await self._listen(port, self._tls if apart is None else None)
        if apart is not None:
            self._tls_server = await self._listen(apart, self._tls)
        self._task(self._ticks())
        log.info("vehicle gateway listens", port=self.port, tls=self._tls is not None)

    async def _listen(self, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
        more: dict[str, Any] = {"ssl_handshake_timeout": 15.0} if tls else {}
        link = partial(Link, self, self.settings, self._clock)
        return await asyncio.get_running_loop().create_server(
            link, self.settings.host, port, ssl=tls, backlog=4096, **more
        )

    async def stop(self, grace_s: float = 5.0) -> None:
        """Listen no more, store and answer what is under way (within ``grace_s``), then close."""
        for server in (self._server, self._tls_server):
            if server is not None:
                server.close()
        for link in [*self._links.values()]:
            link.pause("stop")
        self._flush()
        ends_s = self._clock() + grace_s
        while self._pending and self._clock() < ends_s:
            await asyncio.sleep(0.01)
        for link in [*self._links.values()]:
            link.close()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.sleep(0)
        log.info("vehicle gateway stopped", unanswered=self._waiting)

    # What links call.

    def opened(self, link: Link) -> bool:
        """A link stands; False where there are too many."""
        self._number += 1
        link.caller.number = self._number
        self.counts.links += 1
        if len(self._links) >= self.settings.most_links:
            return False
        self._links[link.caller] = link
        if self._held:
            link.pause("store")
        return True

    def frame(self, link: Link, frame: bytes) -> None:
        """A whole frame came."""
        if link.checking:
            link.waiting.append(frame)
            if len(link.waiting) > MOST_BEHIND_A_CHECK:
                link.cut("too much before the password check")
            return
        login = self.desk.take(link.caller, frame, self._now(), self._clock(), self._batch)
        if login is not None:
            link.checking = True
            link.pause("password")
            self._task(self._check(link, frame, login))
        if not self._flushing:
            self._flush_soon()

    def skipped(self, link: Link, skipped: Skipped) -> None:
        """Bytes came that are no frame."""
        self.desk.skipped(link.caller, skipped, self._now(), self._batch)
        if not self._flushing:
            self._flush_soon()

    def closed(self, link: Link) -> None:
        """A link is gone."""
        if self._links.pop(link.caller, None) is None:
            return
        self.desk.gone(link.caller)
        if link.why != "the other side closed":
            self.counts.cut[link.why] = self.counts.cut.get(link.why, 0) + 1
            log.info("link cut", link=link.caller.number, why=link.why)

    # Batches.

    def _flush_soon(self) -> None:
        assert self._loop is not None
        self._flushing = True
        self._loop.call_later(self.settings.flush_s, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        batch, self._batch = self._batch, Batch()
        if not batch:
            return
        pending = _Pending(batch, bool(batch.frames) + bool(batch.rows), self._clock())
        self._pending.append(pending)
        self._waiting += len(batch.frames)
        if batch.frames:
            self._to_lake(pending)
        if batch.rows:
            self._to_store(pending)
        if batch.faults:
            self._keep_faults(batch.faults)
        if not pending.parts:
            self._release()
        self._hold_or_go()

    def _to_lake(self, pending: _Pending) -> None:
        try:
            self._lake.append(pending.batch.frames, lambda: self._from_thread(pending))
        except ZerocityError as error:
            self._later(self._to_lake, pending, error)

    def _to_store(self, pending: _Pending) -> None:
        try:
            self._store.submit(
                pending.batch.rows,
                lambda: self._from_thread(pending),
                lambda why: self._refused(pending, why),
            )
        except ZerocityError as error:
            self._later(self._to_store, pending, error)

    def _later(
        self, again: Callable[[_Pending], None], pending: _Pending, error: ZerocityError
    ) -> None:
        """Nothing is lost when the store takes no more: the batch waits, and nobody is answered."""
        assert self._loop is not None
        log.warning("the store takes no more", why=str(error))
        self._loop.call_later(STORE_RETRY_S, again, pending)

    def _from_thread(self, pending: _Pending) -> None:
        """A part of a batch is stored; called in the thread that stored it."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._part_done, pending)
        except RuntimeError:
            log.info("stored after the gateway had stopped")

    def _refused(self, pending: _Pending, why: str) -> None:
        log.error("the store refused rows of the gateway", why=why)
        self._from_thread(pending)

    def _part_done(self, pending: _Pending) -> None:
        pending.parts -= 1
        if not pending.parts:
            self._release()
            self._hold_or_go()

    def _release(self) -> None:
        """Send the answers of all batches whose turn it is."""
        ready: dict[Caller, list[bytes]] = {}
        while self._pending and not self._pending[0].parts:
            done = self._pending.popleft()
            self._waiting -= len(done.batch.frames)
            self.counts.stored += len(done.batch.frames)
            for caller, answer in done.batch.answers:
                ready.setdefault(caller, []).append(answer)
            if self.observe_answer_s is not None:
                self.observe_answer_s(self._clock() - done.since_s)
            if done.batch.cuts:
                self._send(ready)
                ready.clear()
                for caller, why in done.batch.cuts:
                    link = self._links.get(caller)
                    if link is not None:
                        link.cut(why)
        self._send(ready)

    def _send(self, ready: dict[Caller, list[bytes]]) -> None:
        for caller, answers in ready.items():
            link = self._links.get(caller)
            if link is not None:
                link.send(answers[0] if len(answers) == 1 else b"".join(answers))

    def _hold_or_go(self) -> None:
        """Read no more while too much waits for the disk; read again at half of it."""
        full = self._lake.full or self._store.full
        bound = self.settings.most_waiting
        if not self._held and (full or self._waiting > bound):
            self._held = True
            log.warning("the store is behind: reading stops", waiting=self._waiting)
            for link in self._links.values():
                link.pause("store")
        elif self._held and not full and self._waiting <= bound // 2:
            self._held = False
            for link in self._links.values():
                link.resume("store")

    def _keep_faults(self, faults: list[Fault]) -> None:
        kept = faults[: self._faults_left]
        self._faults_left -= len(kept)
        for fault in kept:
            log.info("frame refused", link=fault.link, rule=fault.rule, offset=fault.offset)
        if kept and self._faults is not None:
            self._faults(kept)
        elif kept and not self._store.full:
            # Nobody waits for these rows: a fault that is lost with the process is found again.
            with contextlib.suppress(ZerocityError):
                self._store.submit([fault_row(fault) for fault in kept])

    # Time and passwords.

    def _task(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._faults_left = self.settings.most_faults_per_s
            self._hold_or_go()
            now_s = self._clock()
            for link in [*self._links.values()]:
                stranger = link.caller.seat is None and not link.caller.platform
                if stranger and now_s - link.opened_s > self.settings.login_s:
                    link.cut("no login")
                elif now_s - link.spoke_s > self.settings.idle_s and not self._held:
                    link.cut("silent")

    async def _check(self, link: Link, frame: bytes, login: PlatformLogin) -> None:
        """Look at a platform's password in a worker thread, then go on with what came after."""
        good, check = False, self._check_platform
        if check is not None:
            async with self._checks:
                loop = asyncio.get_running_loop()
                good = await loop.run_in_executor(None, check, login.user, login.password)
        if not link.is_open:
            return
        link.checking, now = False, self._now()
        self.desk.platform_checked(link.caller, frame, login.user, good, now, self._batch)
        if not self._flushing:
            self._flush_soon()
        while link.waiting and not link.checking:
            self.frame(link, link.waiting.popleft())
        link.resume("password")
