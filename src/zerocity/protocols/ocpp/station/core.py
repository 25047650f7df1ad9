"""The heart of a simulated station: its clock, its link, what it has to say and in which order.

No socket and no clock: each entry from outside brings ``now_s`` (monotonic) and ``at`` (UTC), which
hold until the next one. Transactions' messages wait in a queue while the link is down and leave in
order, one at a time; what is refused is tried again as often as the settings say (OCPP 1.6 4.10 and
section 9.1; 2.0.1 part 2, E and OCPPCommCtrlr; part 4, 4.1).
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from zerocity.protocols.ocpp.messages import Role, Version
from zerocity.protocols.ocpp.peer import (
    DISCONNECTED,
    TIMEOUT,
    Answered,
    Asked,
    Broke,
    Event,
    Peer,
    PeerFullError,
    Refused,
)
from zerocity.protocols.ocpp.station.parts import (
    Counts,
    Entry,
    Evse,
    Keys,
    Make,
    Message,
    OnAnswer,
    Payload,
    Reservation,
    Transaction,
    Voice,
)
from zerocity.protocols.ocpp.station.profile_store import ProfileStore
from zerocity.protocols.ocpp.station.profiles import to_ms
from zerocity.protocols.ocpp.station.settings import Settings

# Transaction messages kept for a CSMS that is away; beyond it meter values go first (2.0.1
# E04.FR.07 lets a station drop those); an assumption.
MOST_QUEUED = 2000
# When a station whose calls nobody answers tries again to add one [s]; an assumption.
FULL_AGAIN_S = 1.0
# No server may make a station beat more often than this [s]; an assumption.
LEAST_HEARTBEAT_S = 1.0

Handler = Callable[["StationCore", Payload], Payload]
OnRefusal = Callable[[str], None]


class RefusalError(Exception):
    """A call of the CSMS that ends in CALLERROR: one of the version's codes, and why."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(code, description)
        self.code, self.description = code, description


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What to do with the result of a call of ours."""

    on_answer: OnAnswer | None = None
    on_refusal: OnRefusal | None = None
    entry: Entry | None = None


class StationCore:
    """State and speech of one station, whatever its version."""

    voice: Voice

    def __init__(
        self,
        station_id: str,
        version: Version,
        make: Make,
        *,
        seed: int = 0,
        password: str = "",
        settings: Settings | None = None,
    ) -> None:
        self.id, self.version, self.make = station_id, version, make
        self.random = random.Random(f"{seed} {station_id}")
        self.settings = settings or Settings(
            password=password,
            identity=station_id,
            model=make.model,
            vendor=make.vendor,
            connectors=str(make.evses),
        )
        self.now_s: float = 0.0
        self.at: datetime = datetime.min
        self.evses = {n: Evse(n, make.max_kw) for n in range(1, make.evses + 1)}
        self.profiles = ProfileStore(version, make.supply)
        self.counts = Counts()
        self.firmware = make.firmware
        self.operative = True
        self.reservations: dict[int, Reservation] = {}
        self.local_list: dict[str, str] = {}
        self.local_list_version = 0
        self.cache: dict[str, str] = {}
        self.errands: dict[str, Any] = {}
        """Firmware, log and diagnostics under way, by their kind."""
        self.keys = Keys()
        self.notes: dict[Any, Any] = {}
        """What the CSMS left here that only has to be given back: messages, tariffs, controls."""
        self.peer: Peer | None = None
        self.registered = "Unknown"
        """What the CSMS said to our BootNotification: Accepted, Pending, Rejected or Unknown."""
        self.boot_reason = "PowerUp"
        self.link_from_s = 0.0
        """Not before this moment does the station want a link [monotonic s]."""
        self.hang_up = False
        """Whether it wants its present link closed."""
        self.lost_at_s: float | None = None
        self._queue: deque[Entry] = deque()
        self._busy = False
        self._retry_at_s = 0.0
        self._when_idle: list[Callable[[], bool]] = []
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()
        self._next_message_id: str | None = None
        self._last_sent_s = 0.0

    # Time

    def set_moment(self, now_s: float, at: datetime) -> None:
        """The present moment: monotonic seconds, and UTC for what is written on messages."""
        self.now_s, self.at = now_s, at

    def later(self, delay_s: float, act: Callable[[], object]) -> None:
        """Do something after ``delay_s`` seconds; 0 is at the end of the present entry."""
        self.when(self.now_s + delay_s, act)

    def when(self, due_s: float, act: Callable[[], object]) -> None:
        """Do something at a moment [monotonic s]."""
        heapq.heappush(self._timers, (due_s, next(self._numbers), act))

    def when_idle(self, act: Callable[[], bool]) -> None:
        """Try something now and after each transaction's end, until it says that it is done."""
        if not act():
            self._when_idle.append(act)

    def try_pending(self) -> None:
        """A transaction has ended: do what waited for that."""
        waiting, self._when_idle = self._when_idle, []
        self._when_idle += [act for act in waiting if not act()]

    def run_timers(self) -> None:
        """Do what is due."""
        while self._timers and self._timers[0][0] <= self.now_s:
            heapq.heappop(self._timers)[2]()

    def next_due(self) -> float:
        """When `tick` has something to do next [monotonic s]; infinite if nothing waits."""
        due_s = self._timers[0][0] if self._timers else float("inf")
        answer_s = self.peer.next_due() if self.peer is not None else None
        return due_s if answer_s is None else min(due_s, answer_s)

    def stamp(self) -> str:
        """The present moment as messages write it, to the millisecond."""
        return self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # The link

    @property
    def is_16(self) -> bool:
        """Whether the station speaks 1.6."""
        return self.version is Version.V16

    @property
    def online(self) -> bool:
        """Whether there is a link and the CSMS has accepted the station."""
        return self.peer is not None and self.registered == "Accepted"

    def open_link(self) -> None:
        """A new connection is up."""
        self.peer = Peer(
            self.version,
            Role.STATION,
            call_timeout_s=self.settings.number("timeout_s"),
            next_id=self._message_id,
        )
        self.hang_up = False
        self._busy = False
        self._retry_at_s = 0.0
        self.counts.connects += 1

    def close_link(self) -> None:
        """The connection is gone; what waited for an answer stays queued."""
        peer, self.peer = self.peer, None
        if peer is None:
            return
        self._busy = False
        for event in peer.close():
            self._concluded(event)
        self.lost_at_s = self.now_s
        self.profiles.offline_since_ms = to_ms(self.at)

    def _message_id(self) -> str:
        wanted, self._next_message_id = self._next_message_id, None
        return wanted or str(UUID(int=self.random.getrandbits(128), version=4))

    # Saying things

    def say(
        self,
        message: Message | None,
        on_answer: OnAnswer | None = None,
        on_refusal: OnRefusal | None = None,
        *,
        unregistered: bool = False,
    ) -> bool:
        """Call the CSMS now; what cannot leave now is lost (it is news of the moment).

        ``unregistered``: also before the CSMS has accepted the station (2.0.1 B02, B03).
        """
        if message is None:
            return False
        if self.peer is None or not (unregistered or self.registered == "Accepted"):
            if on_refusal is not None:
                on_refusal(DISCONNECTED)
            return False
        try:
            self.peer.call(*message, self.now_s, _Waiting(on_answer, on_refusal))
        except PeerFullError:
            self.counts.dropped += 1
            if on_refusal is not None:
                on_refusal(TIMEOUT)
            return False
        return True

    def post(
        self,
        message: Message | None,
        transaction: Transaction | None,
        *,
        may_drop: bool = False,
        on_answer: OnAnswer | None = None,
    ) -> Entry | None:
        """Queue a message that must arrive, in order, whatever becomes of the link."""
        if message is None:
            return None
        if len(self._queue) >= MOST_QUEUED:
            self._drop_one()
        entry = Entry(*message, transaction, may_drop, on_answer)
        self._queue.append(entry)
        self.pump()
        return entry

    def repeat(self, entry: Entry) -> bool:
        """Send a delivered message once more under its own id, as if its answer had been lost."""
        if self.peer is None or entry.message_id is None:
            return False
        self._next_message_id = entry.message_id
        self.peer.call(entry.action, entry.payload, self.now_s, _Waiting())
        return True

    @property
    def queued(self) -> int:
        """Messages of transactions that wait."""
        return len(self._queue)

    def queued_for(self, transaction: str) -> bool:
        """Whether messages of a transaction wait."""
        return any(
            e.transaction is not None and e.transaction.id == transaction for e in self._queue
        )

    def pump(self) -> None:
        """Send the first queued message if the link is free for it."""
        if self._busy or not self._queue or not self.online or self.now_s < self._retry_at_s:
            return
        entry = self._queue[0]
        self._fill(entry)
        self._next_message_id = entry.message_id
        assert self.peer is not None
        try:
            entry.message_id = self.peer.call(
                entry.action, entry.payload, self.now_s, _Waiting(entry=entry)
            )
        except PeerFullError:  # too much waits that nobody answers: the entry keeps its place
            self._next_message_id = None
            self._retry_at_s = self.now_s + FULL_AGAIN_S
            self.when(self._retry_at_s, self.pump)
            return
        self._busy = True

    def _fill(self, entry: Entry) -> None:
        """1.6 gives a transaction its number late; -1 stands for one that never came."""
        number = entry.payload.get("transactionId", 0) if self.is_16 else 0
        if number is None and entry.transaction is not None:
            known = entry.transaction.number
            entry.payload["transactionId"] = -1 if known is None else known

    def _drop_one(self) -> None:
        self.counts.dropped += 1
        start = 1 if self._busy else 0
        for place in range(start, len(self._queue)):
            if self._queue[place].may_drop:
                del self._queue[place]
                return
        del self._queue[start]

    # Hearing things

    def take_in(self, events: list[Event]) -> None:
        """What the peer made of the bytes or of the time that passed."""
        for event in events:
            if isinstance(event, Asked):
                self.counts.received += 1
                self.asked(event)
            elif isinstance(event, Broke):
                self.counts.broken += 1
            else:
                self._concluded(event)
        self.pump()

    def asked(self, event: Asked) -> None:
        """The CSMS calls; what a version answers is decided above this class."""
        raise NotImplementedError

    def more_rows(self) -> Iterator[Payload]:
        """Rows of the device model beyond those of a plain charger."""
        return iter(())

    def wake(self, evse: Evse) -> None:
        """An EVSE may serve again; what to go on with is known above this class."""

    def boot(self) -> None:
        """Send BootNotification."""
        raise NotImplementedError

    def _concluded(self, event: Event) -> None:
        if isinstance(event, Answered):
            self.counts.answered += 1
            waiting: _Waiting = event.token
            if waiting.entry is not None:
                self._delivered(waiting.entry, event.payload)
            elif waiting.on_answer is not None:
                waiting.on_answer(event.payload)
        elif isinstance(event, Refused):
            self._refused(event)

    def _delivered(self, entry: Entry, payload: Payload) -> None:
        self._busy = False
        self._queue.popleft()
        if entry.on_answer is not None:
            entry.on_answer(payload)

    def _refused(self, event: Refused) -> None:
        waiting: _Waiting = event.token
        lost = event.code == DISCONNECTED
        if not lost:
            self.counts.refused += 1
            reasons = self.counts.refusals
            reasons[event.code] = reasons.get(event.code, 0) + 1
            self.not_accepted(event.code)
        if waiting.entry is not None:
            self._busy = False
            if not lost and self.registered == "Accepted":
                self._try_again(waiting.entry, event.code)
            elif not lost:
                # Not the message's fault: it waits, uncounted, until the station is known again.
                waiting.entry.message_id = None
        elif waiting.on_refusal is not None:
            waiting.on_refusal(event.code)

    def not_accepted(self, code: str) -> None:
        """A call was refused; a station that the CSMS no longer knows has to boot again."""

    def _try_again(self, entry: Entry, code: str) -> None:
        entry.attempts += 1
        if entry.attempts >= self.settings.number("attempts"):
            self.counts.dropped += 1
            self._queue.popleft()
            return
        if code != TIMEOUT:
            # A refusal is remembered by its id; only what nobody answered goes out under the same.
            entry.message_id = None
        self._retry_at_s = self.now_s + self.settings.number("retry_s") * entry.attempts
        self.when(self._retry_at_s, self.pump)
