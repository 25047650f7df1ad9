"""What a peer reports, and the two tables by which it goes.

Source: OCPP-J 1.6 clause 4.1, OCPP 2.0.1 and 2.1 Part 4 clauses 4.1 to 4.3.
"""

from __future__ import annotations

from enum import StrEnum, auto
from typing import Any

import msgspec

TIMEOUT = "Timeout"
"""The code of a `Refused` for a call that nobody answered in time; never on the wire."""
DISCONNECTED = "Disconnected"
"""The code of a `Refused` for a call that was open when the connection ended; never on the wire."""


class Asked(msgspec.Struct, frozen=True, gc=False):
    """The other side calls: give `answer` or `refuse` with this id, once, at any time.

    The payload is a dictionary, or the struct of a lane (`lanes`).
    """

    id: str
    action: str
    payload: Any


class OurCall(msgspec.Struct, frozen=True):
    """A call of ours that waits for its turn or its answer."""

    id: str
    action: str
    token: Any
    frame: bytes
    urgent: bool


class Answered(msgspec.Struct, frozen=True, gc=False):
    """A call of ours got an answer that keeps its schema."""

    token: Any
    action: str
    payload: dict[str, Any]


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A call of ours got an error, an answer that breaks its schema, or none in time."""

    token: Any
    action: str
    code: str
    description: str


class Told(msgspec.Struct, frozen=True, gc=False):
    """The other side sent a message that wants no answer (2.1)."""

    action: str
    payload: dict[str, Any]


class Broke(msgspec.Struct, frozen=True, gc=False):
    """The other side broke the rules; where it can be told so, it has been."""

    code: str
    description: str


Event = Asked | Answered | Refused | Told | Broke


class Ours(StrEnum):
    """Where the direction of our calls stands."""

    IDLE = auto()
    WAITING = auto()


class Step(StrEnum):
    """What can happen to our calls."""

    SENT = auto()
    ANSWERED = auto()
    REFUSED = auto()
    TIMED_OUT = auto()
    LOST = auto()


OUR_STEPS: dict[tuple[Ours, Step], Ours] = {
    (Ours.IDLE, Step.SENT): Ours.WAITING,
    (Ours.WAITING, Step.ANSWERED): Ours.IDLE,
    (Ours.WAITING, Step.REFUSED): Ours.IDLE,
    (Ours.WAITING, Step.TIMED_OUT): Ours.IDLE,
    (Ours.WAITING, Step.LOST): Ours.IDLE,
}
"""Every lawful step of our direction; what is not here is a stray and changes nothing."""


class Theirs(StrEnum):
    """What we know of a message id of the other side."""

    NEW = auto()
    OPEN = auto()
    DONE = auto()


class Came(StrEnum):
    """A call with such an id came: with the bytes that came before, or with others."""

    SAME = auto()
    OTHER = auto()


class Do(StrEnum):
    """What we do about a call of theirs."""

    ASK = auto()
    REPEAT = auto()
    KEEP_SILENT = auto()
    COMPLAIN = auto()


THEIR_STEPS: dict[tuple[Theirs, Came], Do] = {
    (Theirs.NEW, Came.OTHER): Do.ASK,
    (Theirs.OPEN, Came.SAME): Do.KEEP_SILENT,
    (Theirs.OPEN, Came.OTHER): Do.COMPLAIN,
    (Theirs.DONE, Came.SAME): Do.REPEAT,
    # An id used again for something else: the rule is broken, but the call can be served.
    (Theirs.DONE, Came.OTHER): Do.ASK,
}
"""Every step of their direction; ASK leads to OPEN, and an answer from OPEN to DONE."""
