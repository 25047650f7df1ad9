"""Two peers face each other over a link that loses and doubles frames but keeps their order."""

from __future__ import annotations

from collections import deque
from itertools import count

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from zerocity.protocols.ocpp.frames import CALL, SEND
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
from zerocity.protocols.ocpp.versions import Role, Version

sides = st.sampled_from(list(Role))
MOST_WAITING = 4
STREAM = {"id": 1, "pending": 0, "basetime": "2026-11-22T10:15:30Z", "data": [{"t": 0, "v": "1"}]}


class Link(RuleBasedStateMachine):
    """DataTransfer goes both ways in every edition; its `data` says which call it was."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.tokens = count(1)
        self.wire: dict[Role, deque[bytes]] = {role: deque() for role in Role}  # towards role
        self.open: dict[Role, list[tuple[str, str]]] = {role: [] for role in Role}
        self.asked: dict[Role, list[str]] = {role: [] for role in Role}
        self.called: dict[Role, set[int]] = {role: set() for role in Role}
        self.ended: dict[Role, dict[int, Event]] = {role: {} for role in Role}
        self.outstanding: dict[Role, set[int]] = {role: set() for role in Role}
        self.told = self.tells = 0

    @initialize(version=st.sampled_from(list(Version)))
    def connect(self, version: Version) -> None:
        self.version = version
        self.peer = {
            role: Peer(version, role, call_timeout_s=10.0, max_waiting=MOST_WAITING)
            for role in Role
        }

    def settle(self, role: Role, events: list[Event]) -> None:
        """Note what a peer reports, and put what it says on the wire."""
        for event in events:
            match event:
                case Asked(id=message_id, payload=payload):
                    assert message_id not in self.asked[role], "asked twice"
                    self.asked[role].append(message_id)
                    self.open[role].append((message_id, payload["data"]))
                case Answered(token=token) | Refused(token=token):
                    assert token in self.called[role]
                    assert token not in self.ended[role], "ended twice"
                    self.ended[role][token] = event
                    self.outstanding[role].discard(token)
                    if isinstance(event, Answered):
                        assert event.payload == {"status": "Accepted", "data": str(token)}
                case Told():
                    self.told += 1
                case Broke(description=description):
                    # All that this link can do: repeat an answer, bring one too late, and let
                    # calls pile up that were given up at the far end.
                    assert description.startswith(("an answer to no call", "too many calls"))
        for frame in self.peer[role].take():
            parts = orjson.loads(frame)
            if parts[0] == CALL:
                self.outstanding[role].add(int(parts[3]["data"]))
            self.wire[role.other].append(frame)

    @rule(role=sides)
    def call(self, role: Role) -> None:
        token = next(self.tokens)
        payload = {"vendorId": "v", "data": str(token)}
        try:
            self.peer[role].call("DataTransfer", payload, self.now_s, token)
        except PeerFullError:
            assert len(self.called[role]) - len(self.ended[role]) == MOST_WAITING + 1
            return
        self.called[role].add(token)
        self.settle(role, [])

    @precondition(lambda self: self.version is Version.V21)
    @rule()
    def tell(self) -> None:
        self.peer[Role.STATION].tell("NotifyPeriodicEventStream", STREAM)
        self.tells += 1
        self.settle(Role.STATION, [])

    @rule(role=sides, fate=st.sampled_from(["lost", "once", "once", "again"]))
    def deliver(self, role: Role, fate: str) -> None:
        """What happens to the oldest frame towards `role`; `again` leaves it first in line."""
        if self.wire[role]:
            self.arrive(role, fate)

    def arrive(self, role: Role, fate: str = "once") -> None:
        frame = self.wire[role].popleft()
        if orjson.loads(frame)[0] == SEND:
            self.tells += {"lost": -1, "once": 0, "again": 1}[fate]
        if fate != "lost":
            self.settle(role, self.peer[role].receive(frame, self.now_s))
        if fate == "again":
            self.wire[role].appendleft(frame)

    @rule(role=sides, place=st.integers(0, 9), accepts=st.booleans())
    def reply(self, role: Role, place: int, accepts: bool) -> None:
        if not self.open[role]:
            return
        message_id, data = self.open[role].pop(place % len(self.open[role]))
        if accepts:
            self.peer[role].answer(message_id, {"status": "Accepted", "data": data})
        else:
            self.peer[role].refuse(message_id, "GenericError", "no")
        self.settle(role, [])

    @rule(seconds=st.sampled_from([0.1, 3.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        for role in Role:
            self.settle(role, self.peer[role].tick(self.now_s))

    @invariant()
    def one_call_is_outstanding_in_each_direction(self) -> None:
        for role in Role:
            assert len(self.outstanding[role]) <= 1

    @invariant()
    def what_is_due_is_in_time(self) -> None:
        for role in Role:
            due_s = self.peer[role].next_due() if hasattr(self, "peer") else None
            assert due_s is None or self.now_s <= due_s <= self.now_s + 10.0

    def teardown(self) -> None:
        if not hasattr(self, "peer"):
            return
        for _ in range(2 * MOST_WAITING + 4):
            for role in Role:
                while self.wire[role]:
                    self.arrive(role)
            self.now_s += 10.0
            for role in Role:
                self.settle(role, self.peer[role].tick(self.now_s))
        for role in Role:
            assert set(self.ended[role]) == self.called[role], "a call without an end"
            assert self.peer[role].next_due() is None
        assert self.told == self.tells


Link.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestLink = Link.TestCase
