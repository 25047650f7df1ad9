"""One end of an OCPP connection, without the connection: bytes in, events and bytes out.

Both ends are alike; only the actions that each may start differ. There are two directions, each
with its own table, and nothing else decides:

* ours: at most one call of ours waits for its answer, the others queue behind it, and each ends in
  exactly one `Answered` or `Refused`;
* theirs: a call that keeps its schema becomes one `Asked`; a repeated one gets the answer that it
  got before, and no event.

Source: OCPP-J 1.6 clause 4.1, OCPP 2.0.1 and 2.1 Part 4 clauses 4.1 to 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_never
from uuid import uuid4

from zerocity.protocols.ocpp.codes import CODE, Wrong, code_in
from zerocity.protocols.ocpp.frames import (
    CALL,
    CALLERROR,
    CALLRESULT,
    LONGEST_ID,
    UNREADABLE_ID,
    Call,
    CallError,
    CallResult,
    CallResultError,
    FrameError,
    Send,
    read_frame,
    write_frame,
    write_result,
)
from zerocity.protocols.ocpp.lanes import Lanes, read_lane
from zerocity.protocols.ocpp.messages import (
    CALLED_BY,
    SENT_BY,
    Role,
    Version,
    Violation,
    check,
    may_be_empty,
)
from zerocity.protocols.ocpp.steps import (
    DISCONNECTED,
    OUR_STEPS,
    THEIR_STEPS,
    TIMEOUT,
    Answered,
    Asked,
    Broke,
    Came,
    Do,
    Event,
    OurCall,
    Ours,
    Refused,
    Step,
    Theirs,
    Told,
)

__all__ = [
    "DISCONNECTED",
    "TIMEOUT",
    "Answered",
    "Asked",
    "Broke",
    "Event",
    "Peer",
    "PeerClosedError",
    "PeerFullError",
    "Refused",
    "Role",
    "Told",
    "Version",
]

URGENT = frozenset({"SetChargingProfile", "ClearChargingProfile", "UpdateDynamicSchedule"})
PATIENCE_S = 5.0  # so long a question of ours may keep an urgent call waiting; an assumption
# Answered anew each time: it harms nothing, and an old time or an old refusal would.
NOT_REMEMBERED = frozenset({"Heartbeat", "BootNotification"})
MOST_REMEMBERED = 8  # answers; an assumption: a station repeats only its last few calls


class PeerFullError(Exception):
    """Too many calls of ours wait already; the other side is too slow."""


class PeerClosedError(Exception):
    """The connection is gone."""


class Peer:
    """One end of a connection.

    Times are monotonic seconds. Memory is bounded by `max_waiting` queued calls of ours, as many
    unanswered ones of theirs, and the last few answers.
    """

    __slots__ = (
        "_answers",
        "_closed",
        "_due_s",
        "_given_up",
        "_lanes",
        "_mine",
        "_next_id",
        "_open",
        "_out",
        "_queue",
        "_state",
        "_theirs",
        "call_timeout_s",
        "max_waiting",
        "role",
        "version",
    )

    def __init__(
        self,
        version: Version,
        role: Role,
        *,
        call_timeout_s: float = 30.0,
        max_waiting: int = 100,
        next_id: Callable[[], str] | None = None,
        lanes: Lanes | None = None,
    ) -> None:
        """A fresh end for a fresh connection; `next_id` makes ids of ours, by default UUIDs.

        Calls that one of `lanes` takes are told with a struct instead of a dictionary.
        """
        self._lanes = lanes
        self.version, self.role = version, role
        self.call_timeout_s, self.max_waiting = call_timeout_s, max_waiting
        self._next_id = next_id or (lambda: str(uuid4()))
        self._theirs = CALLED_BY[version, role.other]  # looked up once, asked for every call
        self._closed = False
        self._state = Ours.IDLE
        self._mine: OurCall | None = None
        self._due_s = 0.0
        self._given_up = ""  # the id of our last call that timed out
        self._queue: list[OurCall] = []
        self._open: dict[str, tuple[str, int]] = {}  # id: action, fingerprint
        self._answers: dict[str, tuple[int, bytes]] = {}  # id: fingerprint, the answer
        self._out: list[bytes] = []

    # What came

    def receive(self, data: bytes | str, now_s: float) -> list[Event]:
        """Take in one WebSocket message; answers to broken ones are already in `take`."""
        try:
            raw = data.encode() if isinstance(data, str) else bytes(data)
            quick = read_lane(raw, self._lanes) if self._lanes else None
            frame = quick or read_frame(raw, self.version)
        except FrameError as error:
            return self._unreadable(error, now_s)
        except UnicodeEncodeError:
            wrong = FrameError(CODE[self.version][Wrong.FRAME], None, "lone surrogates in the text")
            return self._unreadable(wrong, now_s)
        if type(frame) is Call:
            is_new = frame.id not in self._open and frame.id not in self._answers
            # THEIR_STEPS of a new id, without the table.
            return self._ask(frame, hash(raw)) if is_new else self._called(frame, hash(raw))
        if isinstance(frame, CallResult | CallError):
            return self._replied(frame, now_s)
        if isinstance(frame, Send):
            return self._told(frame)
        assert isinstance(frame, CallResultError)
        return [Broke(frame.code, f"our answer {frame.id}: {frame.description}"[:255])]

    def _called(self, call: Call, fingerprint: int) -> list[Event]:
        match THEIR_STEPS[self._known(call.id, fingerprint)]:
            case Do.ASK:
                return self._ask(call, fingerprint)
            case Do.REPEAT:
                self._out.append(self._answers[call.id][1])
                return []
            case Do.KEEP_SILENT:
                return []
            case Do.COMPLAIN:
                code = CODE[self.version][Wrong.FRAME]
                return [Broke(code, f"the id {call.id} is used by a call that is still open")]
            case never:
                assert_never(never)

    def _known(self, message_id: str, fingerprint: int) -> tuple[Theirs, Came]:
        if message_id in self._open:
            same = self._open[message_id][1] == fingerprint
            return Theirs.OPEN, Came.SAME if same else Came.OTHER
        same = self._answers[message_id][0] == fingerprint
        return Theirs.DONE, Came.SAME if same else Came.OTHER

    def _ask(self, call: Call, fingerprint: int) -> list[Event]:
        violation = self._violation(call)
        if violation is not None:
            self._out.append(write_frame(CallError(call.id, *violation, {})))
            return [Broke(*violation)]
        self._open[call.id] = (call.action, fingerprint)
        return [Asked(call.id, call.action, call.payload)]

    def _violation(self, call: Call) -> Violation | None:
        """Why a call of theirs cannot become a question."""
        if type(call.payload) is dict:  # a lane's struct is lawful
            violation = check(self.version, call.action, "request", call.payload)
            if violation is not None:
                return violation
        if call.action not in self._theirs:
            problem = f"{call.action} is not for a {self.role.other.value} to call"
            return Violation(CODE[self.version][Wrong.UNSUPPORTED], problem)
        if len(self._open) >= self.max_waiting:
            problem = "too many calls wait for their answers"
            return Violation(CODE[self.version][Wrong.INTERNAL], problem)
        return None

    def _told(self, send: Send) -> list[Event]:
        violation = check(self.version, send.action, "send", send.payload)
        if violation is None and send.action not in SENT_BY[self.version, self.role.other]:
            problem = f"{send.action} is not for a {self.role.other.value} to send"
            violation = Violation(CODE[self.version][Wrong.UNSUPPORTED], problem)
        return [Broke(*violation) if violation else Told(send.action, send.payload)]

    def _replied(self, frame: CallResult | CallError, now_s: float) -> list[Event]:
        mine = self._mine
        if frame.id == self._given_up:
            return []
        if mine is None or frame.id != mine.id:
            return [Broke(CODE[self.version][Wrong.FRAME], f"an answer to no call: {frame.id}")]
        if isinstance(frame, CallError):
            refused = Refused(mine.token, mine.action, frame.code, frame.description)
            self._step(Step.REFUSED, now_s)
            return [refused]
        violation = check(self.version, mine.action, "response", frame.payload)
        if violation is not None:
            return self._spoilt(mine, violation, now_s)
        self._step(Step.ANSWERED, now_s)
        return [Answered(mine.token, mine.action, frame.payload)]

    def _spoilt(
        self, mine: OurCall, violation: Violation, now_s: float, kind: int = CALLRESULT
    ) -> list[Event]:
        """Our call ends by an answer that breaks the rules."""
        if self.version is Version.V21 and kind == CALLRESULT:
            self._out.append(write_frame(CallResultError(mine.id, *violation, {})))
        self._step(Step.REFUSED, now_s)
        return [Refused(mine.token, mine.action, *violation)]

    def _unreadable(self, error: FrameError, now_s: float) -> list[Event]:
        violation = Violation(error.code, error.description)
        if error.kind in (CALLRESULT, CALLERROR):
            mine = self._mine
            if mine is not None and error.message_id == mine.id:
                return self._spoilt(mine, violation, now_s, error.kind)
        elif self._may_be_told(error):
            answer = CallError(error.message_id or UNREADABLE_ID, *violation, {})
            self._out.append(write_frame(answer))
        return [Broke(*violation)]

    def _may_be_told(self, error: FrameError) -> bool:
        """Whether a CALLERROR is due: never for an error, nor for a SEND.

        1.6 ignores unknown message types (OCPP-J 1.6 clause 4.1.3) and has no word for an id that
        cannot be read.
        """
        if self.version is Version.V16:
            return error.kind == CALL and error.message_id is not None
        if error.kind is None or error.kind == CALL:
            return True
        return error.code == CODE[self.version][Wrong.MESSAGE_TYPE]

    # What we answer

    def answer(self, id: str, payload: Mapping[str, Any]) -> None:  # noqa: A002
        """Answer an `Asked`; after `close` nobody is there to be answered, and nothing happens.

        Raises LookupError for an id that is not open, ValueError for a payload that breaks the
        schema: both are mistakes of ours.
        """
        if self._closed:
            return
        action, _ = self._open[id]
        if payload or not may_be_empty(self.version, action, "response"):
            violation = check(self.version, action, "response", payload)
            if violation is not None:
                raise ValueError(f"our answer to {action}: {violation.description}")
        self._reply(id, write_result(id, payload))

    def refuse(self, id: str, code: str, description: str = "") -> None:  # noqa: A002
        """Refuse an `Asked` with an error code; the two that editions spell differently are mended.

        Raises LookupError as `answer`, ValueError for a code that the edition does not define.
        """
        error = CallError(id, code_in(self.version, code), description, {})
        if not self._closed:
            self._reply(id, write_frame(error))

    def _reply(self, message_id: str, frame: bytes) -> None:
        action, fingerprint = self._open.pop(message_id)
        self._out.append(frame)
        answers = self._answers
        answers.pop(message_id, None)
        if action in NOT_REMEMBERED:
            return
        answers[message_id] = (fingerprint, frame)
        if len(answers) > MOST_REMEMBERED:
            del answers[next(iter(answers))]

    # What we ask

    def call(self, action: str, payload: Mapping[str, Any], now_s: float, token: Any = None) -> str:
        """Queue a call; it leaves as soon as no other of ours waits. Its id is returned.

        The `URGENT` leave first, and a question under way is given up for them after `PATIENCE_S`.
        `token` comes back with the result; without one the id does. Raises ValueError for what
        this side may not call or a payload that breaks the schema, PeerFullError beyond
        `max_waiting`, PeerClosedError after `close`.
        """
        if action not in CALLED_BY[self.version, self.role]:
            raise ValueError(f"{action} is not for a {self.role.value} to call in {self.version}")
        if self._closed:
            raise PeerClosedError("the connection of this station ended")
        if len(self._queue) >= self.max_waiting:
            raise PeerFullError(f"{self.max_waiting} calls wait already")
        message_id = self._lawful(action, "request", payload)
        frame = write_frame(Call(message_id, action, dict(payload)))
        told = message_id if token is None else token
        self._enqueue(OurCall(message_id, action, told, frame, action in URGENT), now_s)
        self._send_next(now_s)
        return message_id

    def _enqueue(self, mine: OurCall, now_s: float) -> None:
        if not mine.urgent:
            self._queue.append(mine)
            return
        self._queue.insert(sum(one.urgent for one in self._queue), mine)
        if self._mine is not None and not self._mine.urgent:
            self._due_s = min(self._due_s, now_s + PATIENCE_S)

    def tell(self, action: str, payload: Mapping[str, Any]) -> None:
        """Send a message that nobody answers (2.1); raises ValueError as `call`."""
        if action not in SENT_BY[self.version, self.role]:
            raise ValueError(f"{action} is not for a {self.role.value} to send in {self.version}")
        message_id = self._lawful(action, "send", payload)
        self._out.append(write_frame(Send(message_id, action, dict(payload))))

    def _lawful(self, action: str, kind: Any, payload: Mapping[str, Any]) -> str:
        """A fresh id for a message that keeps its schema."""
        violation = check(self.version, action, kind, payload)
        if violation is not None:
            raise ValueError(f"our {action}: {violation.description}")
        return self._next_id()[:LONGEST_ID]

    def _send_next(self, now_s: float) -> None:
        if self._queue and (self._state, Step.SENT) in OUR_STEPS:
            self._mine = self._queue.pop(0)
            self._out.append(self._mine.frame)
            self._due_s = now_s + self.call_timeout_s
            self._state = OUR_STEPS[self._state, Step.SENT]

    def _step(self, step: Step, now_s: float) -> None:
        """End the waiting call and send the next one."""
        self._state = OUR_STEPS[self._state, step]
        self._mine = None
        self._send_next(now_s)

    # Time and transport

    def take(self) -> list[bytes]:
        """The frames that wait to leave, in order; each is given once."""
        out, self._out = self._out, []
        return out

    def next_due(self) -> float | None:
        """When `tick` has something to do next [monotonic s]; None if nothing waits."""
        return self._due_s if self._state is Ours.WAITING else None

    def tick(self, now_s: float) -> list[Event]:
        """Give up the call of ours that waited too long, and send the next."""
        mine = self._mine
        if mine is None or now_s < self._due_s:
            return []
        self._given_up = mine.id
        self._step(Step.TIMED_OUT, now_s)
        problem = "no answer in time"
        return [Refused(mine.token, mine.action, TIMEOUT, problem)]

    def close(self) -> list[Event]:
        """The connection is gone: every call of ours that is open or queued ends now."""
        self._closed = True
        lost = ([self._mine] if self._mine is not None else []) + self._queue
        self._queue = []
        if self._mine is not None:
            self._step(Step.LOST, self._due_s)
        self._open.clear()
        problem = "the connection ended before the answer"
        return [Refused(one.token, one.action, DISCONNECTED, problem) for one in lost]
