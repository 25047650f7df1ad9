"""What is said with one station: its messages to the office, our answers in order, our calls.

It knows no socket; the connection gives it messages and takes the frames to send.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from zerocity.live.registry import LiveStation
from zerocity.protocols.ocpp.lanes import lanes
from zerocity.protocols.ocpp.messages import Role, Version
from zerocity.protocols.ocpp.office.handling import Context, Outcome, Payload, Refusal
from zerocity.protocols.ocpp.peer import (
    Answered,
    Asked,
    Broke,
    Event,
    Peer,
    PeerFullError,
    Refused,
    Told,
)
from zerocity.storage.recorder import Row

if TYPE_CHECKING:
    from zerocity.protocols.ocpp.server.hub import Hub

log = structlog.get_logger(__name__)


class Wire(Protocol):
    """The connection, as the conversation sees it."""

    @property
    def is_open(self) -> bool:
        """Whether something sent now can still arrive."""
        ...

    def send(self, frames: list[bytes]) -> None:
        """Send frames in order."""
        ...

    def broke(self, code: str, now_s: float) -> None:
        """Count a broken rule."""
        ...

    def wake_at(self, due_s: float) -> None:
        """Call `Conversation.tick` at `due_s` or soon after."""
        ...


class Reply(msgspec.Struct, eq=False):
    """The answer to one message, on its way through the store."""

    conversation: Conversation
    message_id: str
    action: str
    outcome: Outcome | Refusal
    came_s: float
    ready: bool = False

    def stored(self) -> None:
        """Called in the writer's thread."""
        self.conversation.hub.commits.landed(self)

    def failed(self, reason: str) -> None:
        """Called in the writer's thread: the rows were refused for what they say."""
        self.outcome = Refusal("InternalError", "the message could not be stored")
        self.conversation.hub.commits.landed(self)

    def settle(self) -> None:
        """Called in the event loop once the rows are committed."""
        self.ready = True
        self.conversation.settle()


class Conversation:
    """The messages of one connection. Lives in the event loop's thread."""

    __slots__ = ("ended", "hub", "peer", "queue", "said", "station", "version", "wire")

    def __init__(self, hub: Hub, station: LiveStation, version: Version, wire: Wire) -> None:
        self.hub, self.station, self.version, self.wire = hub, station, version, wire
        self.peer = Peer(
            version, Role.CSMS, call_timeout_s=hub.settings.call_timeout_s,
            lanes=lanes(version, hub.office.lanes),
        )  # fmt: skip
        self.queue: list[Reply] = []
        self.ended = False
        self.said = version.value

    def take_in(self, data: bytes, now_s: float) -> None:
        """Handle one message of the station."""
        for event in self.peer.receive(data, now_s):
            if type(event) is Asked:
                self._asked(event, data, now_s)
            else:
                self._event(event, now_s)
        self._flush()

    def _context(self, now_s: float) -> Context:
        hub = self.hub
        return Context(self.station, hub.registry, hub.at(), now_s, self.version, "", self.say)

    def _asked(self, asked: Asked, data: bytes, now_s: float) -> None:
        hub = self.hub
        context = Context(
            self.station, hub.registry, hub.at(), now_s, self.version, asked.id, self.say, data
        )
        outcome = hub.answer(context, asked.action, asked.payload)
        keeps = type(outcome) is Outcome and outcome.rows
        if not keeps and not self.queue:
            self._give(asked.id, asked.action, outcome, now_s)
            return
        # Answers leave in the order of the questions, also those that need no commit.
        reply = Reply(self, asked.id, asked.action, outcome, now_s)
        self.queue.append(reply)
        if keeps:
            hub.keep(keeps, reply)
        else:
            reply.ready = True

    def settle(self) -> None:
        """Let all answers leave whose turn has come."""
        queue = self.queue
        while queue and queue[0].ready:
            reply = queue.pop(0)
            self._give(reply.message_id, reply.action, reply.outcome, reply.came_s)
        self._flush()

    def _give(
        self, message_id: str, action: str, outcome: Outcome | Refusal, came_s: float
    ) -> None:
        result = "unheard" if self.ended else self._answer(message_id, action, outcome)
        hub = self.hub
        hub.metrics.answered(self.said, action, result, hub.now_s() - came_s)
        if type(outcome) is Outcome and outcome.after is not None:
            try:
                outcome.after()
            except Exception:
                log.exception("ocpp.after_failed", station=self.station.id, action=action)

    def _answer(self, message_id: str, action: str, outcome: Outcome | Refusal) -> str:
        if isinstance(outcome, Refusal):
            self.peer.refuse(message_id, outcome.code, outcome.description)
            return outcome.code
        try:
            self.peer.answer(message_id, outcome.payload)
        except ValueError as error:
            log.error("ocpp.bad_answer", action=action, problem=str(error))
            self.peer.refuse(message_id, "InternalError", "no valid answer")
            return "InternalError"
        return "accepted"

    def _event(self, event: Event, now_s: float) -> None:
        """Handle what is not a question."""
        if isinstance(event, Broke):
            self.wire.broke(event.code, now_s)
            return
        context = self._context(now_s)
        rows: Sequence[Row] = ()
        try:
            if isinstance(event, Told):
                rows = self.hub.office.told(context, event.action, event.payload)
            elif isinstance(event, Answered | Refused):
                rows = self._concluded(context, event)
        except Exception:
            log.exception("ocpp.event_failed", station=self.station.id, action=event.action)
        if rows:
            self.hub.keep(rows)

    def _concluded(self, context: Context, event: Answered | Refused) -> Sequence[Row]:
        """A call of ours has ended: tell the one who made it."""
        hub = self.hub
        outcome = "accepted" if isinstance(event, Answered) else event.code
        hub.metrics.calls[self.said, event.action, outcome] += 1
        self._plan()
        payload = event.payload if isinstance(event, Answered) else None
        if hub.heard(self.station.id, event.token, payload):
            return ()
        if isinstance(event, Answered):
            return hub.office.replied(context, event.token, event.action, event.payload)
        return hub.office.refused(context, event.token, event.action, event.code, event.description)

    def say(self, action: str, payload: Payload, token: object) -> None:
        """Queue a call of ours; one that cannot be sent ends as refused at once."""
        now_s = self.hub.now_s()
        try:
            if self.ended or not self.wire.is_open:
                raise ValueError("the connection is closing")
            self.peer.call(action, payload, now_s, token)
        except (ValueError, PeerFullError) as error:
            self._event(Refused(token, action, "InternalError", str(error)), now_s)
            return
        self._plan()

    def call(self, action: str, payload: Payload, token: object) -> None:
        """Call the station now; the result goes to the office with the token."""
        self.say(action, payload, token)
        self._flush()

    def _plan(self) -> None:
        due_s = self.peer.next_due()
        if due_s is not None:
            self.wire.wake_at(due_s)

    def tick(self, now_s: float) -> None:
        """Give up calls of ours that nobody answered in time."""
        for event in self.peer.tick(now_s):
            self._event(event, now_s)
        self._flush()
        self._plan()

    def _flush(self) -> None:
        frames = self.peer.take()
        if frames:
            self.wire.send(frames)

    def end(self, now_s: float) -> None:
        """The connection is gone: our open calls end; what is being stored stays stored."""
        self.ended = True
        for event in self.peer.close():
            self._event(event, now_s)
