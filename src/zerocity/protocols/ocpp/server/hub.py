"""What all connections of the OCPP server share, and answers that wait for their commit."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from zerocity.live.registry import Registry
from zerocity.protocols.ocpp.office.handling import Context, Outcome, Payload, Refusal
from zerocity.protocols.ocpp.server.conversation import Reply
from zerocity.protocols.ocpp.server.limits import Wheel
from zerocity.protocols.ocpp.server.metrics import GatewayMetrics
from zerocity.protocols.ocpp.server.settings import OcppSettings
from zerocity.storage.recorder import RecorderFullError, Row

if TYPE_CHECKING:
    from zerocity.protocols.ocpp.server.connection import StationConnection

# How often timers are looked at: fine enough to pace a station by several steps a second.
STEP_S = 0.05
# Answers sent before the sockets are looked at again; some 10 ms of work.
_MOST_AT_A_TIME = 1_000


class Store(Protocol):
    """The part of the recorder that the server needs."""

    @property
    def waiting(self) -> int:
        """Rows that are not committed yet."""
        ...

    @property
    def full(self) -> bool:
        """True when nothing more should be taken in."""
        ...

    def submit(
        self,
        rows: Sequence[Row],
        done: Callable[[], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Queue rows; one of the callbacks is called in the writer's thread."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """Where messages are handled: the functions of the module `office`, or a stand-in's.

    `lanes`: actions whose payload `answer` also takes as the struct of a lane.
    """

    answer: Callable[[Context, str, Payload], Outcome | Refusal]
    told: Callable[[Context, str, Payload], list[Row]]
    replied: Callable[[Context, object, str, Payload], list[Row]]
    refused: Callable[[Context, object, str, str, str], list[Row]]
    lanes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds and the time in UTC."""

    now_s: Callable[[], float] = time.monotonic
    at: Callable[[], datetime] = field(default=partial(datetime.now, UTC))


class Commits:
    """Brings answers from the writer's thread back into the event loop, many at one wake-up."""

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._store, self._loop = store, loop
        self._landed: deque[Reply] = deque()
        self._woken = False
        self._overflow: deque[tuple[Sequence[Row], Reply | None]] = deque()

    def submit(self, rows: Sequence[Row], reply: Reply | None = None) -> None:
        """Store rows; `reply` is answered once they are committed."""
        if self._overflow:
            self._overflow.append((rows, reply))
            return
        try:
            if reply is None:
                self._store.submit(rows)
            else:
                self._store.submit(rows, reply.stored, reply.failed)
        except RecorderFullError:
            # The state has changed already, so the rows must not be lost. Reading stops at half
            # this fill, so this holds no more than one read buffer of each connection.
            self._overflow.append((rows, reply))

    def retry(self) -> None:
        """Submit what found no room before."""
        waiting, self._overflow = self._overflow, deque()
        while waiting:
            self.submit(*waiting.popleft())

    def landed(self, reply: Reply) -> None:
        """Take an answer whose rows are committed; called in the writer's thread."""
        self._landed.append(reply)
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop is closed: nobody is left to answer
                self._landed.clear()

    def _drain(self) -> None:
        self._woken = False  # before the first look, so that a later landing wakes again
        for _ in range(_MOST_AT_A_TIME):
            if not self._landed:
                return
            self._landed.popleft().settle()
        self._loop.call_soon(self._drain)


@dataclass(slots=True)
class Hub:
    """What a connection needs of the server around it.

    `left(connection, reason)` is told when one is gone. `heard(station, token, payload)` is shown
    the results of our calls first (None: refused) and returns True for those it made itself.
    """

    settings: OcppSettings
    registry: Registry
    store: Store
    office: Office
    clock: Clock
    metrics: GatewayMetrics
    commits: Commits
    wheel: Wheel[StationConnection]
    left: Callable[[StationConnection, str], None]
    heard: Callable[[str, object, dict[str, Any] | None], bool]
    # What every message needs, without the way through another object.
    now_s: Callable[[], float] = field(init=False)
    at: Callable[[], datetime] = field(init=False)
    answer: Callable[[Context, str, Payload], Outcome | Refusal] = field(init=False)
    congested: bool = False
    held_up: list[StationConnection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now_s, self.at, self.answer = self.clock.now_s, self.clock.at, self.office.answer

    def keep(self, rows: Sequence[Row], reply: Reply | None = None) -> None:
        """Store rows; `reply` leaves once they are committed."""
        self.commits.submit(rows, reply)
        if self.store.full:
            self.congested = True

    def relieve(self) -> None:
        """Read again once the store has room, in the order in which the stations were stopped."""
        self.commits.retry()
        if not self.congested or self.store.full:
            return
        self.congested = False
        held_up, self.held_up = self.held_up, []
        for connection in held_up:
            connection.let_go()
