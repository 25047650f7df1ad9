"""What a message handler is given and what it gives back.

A handler is a pure step: it reads the registry, changes it, and says what to answer and which rows
to keep. It knows no socket, no clock and no database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from zerocity.live.registry import LiveStation, Registry
from zerocity.protocols.ocpp.messages import Version
from zerocity.storage.recorder import Row

Payload = dict[str, Any]


class Context(msgspec.Struct):
    """Where and when a message came in.

    ``at``: UTC; ``now_s``: monotonic; ``say(action, payload, token)`` queues a CALL of ours;
    ``data``: the whole message as it came, empty where it is not at hand.
    """

    station: LiveStation
    registry: Registry
    at: datetime
    now_s: float
    version: Version
    message_id: str
    say: Callable[[str, Payload, object], None]
    data: bytes = b""


class Outcome(msgspec.Struct):
    """What to answer, what to store first, and what to do once it is stored."""

    payload: Payload
    rows: list[Row] = []
    after: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A CALLERROR to answer; no state was changed."""

    code: str
    description: str


class Unlawful(Exception):  # noqa: N818 - what the station did, not a failure of ours
    """Raised by a handler, before it changed anything, to refuse a schema-valid message."""

    def __init__(self, code: str, description: str) -> None:
        self.code, self.description = code, description
        super().__init__(f"{code}: {description}")


# The payload may be a struct for the actions of `office.LANES`.
Handler = Callable[[Context, Any], Outcome]
# The result of a CALL of ours: what to store, given the token under which it was sent.
Reply = Callable[[Context, object, Payload], list[Row]]
# A CALL of ours that was refused, timed out, or got an unusable result.
Refused = Callable[[Context, object, str, str], list[Row]]
# A SEND (OCPP 2.1), which is not answered.
Told = Callable[[Context, Payload], list[Row]]
